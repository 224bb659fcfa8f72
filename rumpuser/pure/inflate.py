# SPDX-License-Identifier: BSD-2-Clause
"""zlib streams (RFC 1950) of deflated data (RFC 1951), decoded in plain Python: a few MB of data a second.

Bits wait in an integer that is refilled 48 at a time, which is as many as a length and a distance can take.  A code is
a table indexed by as many of the next bits as its longest word has; an entry is ``symbol << 4 | bits``, 0 for none.
"""

from __future__ import annotations

from itertools import accumulate

from rump.rumpuser.interface.errno import EINVAL, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from typing_extensions import Buffer

    Code: TypeAlias = tuple[list[int], int]         # table, bits that index it

REFILL = 6                  # bytes
REFILL_BITS = 48
ADLER = 65521
END_OF_BLOCK = 256
NO_CODE: Code = ([0, 0], 1)
# Code lengths come in this order (RFC 1951, 3.2.7).
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
# (base, extra bits) of lengths, from symbol 257 on, and of distances.
LENGTHS = (
    *((length, 0) for length in range(3, 11)),
    *((11 + 8 * ((1 << bits - 1) - 1) + (step << bits), bits) for bits in range(1, 6) for step in range(4)),
    (258, 0),
)  # fmt: skip
DISTANCES = (
    *((distance, 0) for distance in range(1, 5)),
    *((1 + (2 + step << bits), bits) for bits in range(1, 14) for step in range(2)),
)  # fmt: skip


def inflate(data: Buffer, limit: int) -> bytes:
    """What a stream holds; see the hypercall of that name."""
    if limit < 0:
        raise HostError(EINVAL, "inflate: limit")
    source = bytes(memoryview(data).cast("B"))
    if len(source) < 2 or source[0] & 15 != 8 or source[0] >> 4 > 7 or (source[0] << 8 | source[1]) % 31:
        raise HostError(EINVAL, "inflate: no zlib stream")
    if source[1] & 0x20:
        raise HostError(EINVAL, "inflate: a preset dictionary")
    stream = _Stream(source, 2, limit)
    while not stream.block():
        pass
    out = bytes(stream.out)
    if stream.trailer() != _adler32(out):
        raise HostError(EINVAL, "inflate: wrong checksum")
    return out


def _adler32(data: bytes) -> int:
    low = 1 + sum(data)
    high = len(data) + sum(accumulate(data))
    return high % ADLER << 16 | low % ADLER


class _Stream:
    """A stream being decoded.

    out   what came out so far
    """

    def __init__(self, source: bytes, at: int, limit: int) -> None:
        self.out = bytearray()
        self._source = source
        self._at = at               # the next byte to be taken in
        self._bits = self._count = 0    # bits taken in and not used, and how many
        self._limit = limit

    def _take(self, count: int) -> int:
        """The next bits, at most 32."""
        if self._count < count:
            self._refill()
        value = self._bits & (1 << count) - 1
        self._bits >>= count
        self._count -= count
        return value

    def _refill(self) -> None:
        """Take more bits in; behind the end there are zeros."""
        self._check()
        self._bits |= int.from_bytes(self._source[self._at : self._at + REFILL], "little") << self._count
        self._at += REFILL
        self._count += REFILL_BITS

    def _check(self) -> None:
        """Errors: EINVAL - more bits were used than there are."""
        if self._at * 8 - self._count > len(self._source) * 8:
            raise HostError(EINVAL, "inflate: truncated")

    def block(self) -> bool:
        """Decode a block; whether it was the last."""
        last = bool(self._take(1))
        kind = self._take(2)
        if kind == 0:
            self._stored()
        elif kind == 1:
            self._compressed(*_fixed())
        elif kind == 2:
            self._compressed(*self._codes())
        else:
            self._check()
            raise HostError(EINVAL, "inflate: block type 3")
        self._check()
        return last

    def _to_byte(self) -> None:
        """Go to the next whole byte, and give back those not used."""
        self._check()
        self._at -= self._count // 8
        self._bits = self._count = 0

    def _stored(self) -> None:
        self._to_byte()
        head = self._source[self._at : self._at + 4]
        size = int.from_bytes(head[:2], "little")
        if len(head) < 4 or size ^ 0xFFFF != int.from_bytes(head[2:], "little"):
            raise HostError(EINVAL, "inflate: stored block")
        data = self._source[self._at + 4 : self._at + 4 + size]
        self._at += 4 + size
        self.out += data
        if len(self.out) > self._limit:
            raise _too_much(self._limit)
        if len(data) < size:
            raise HostError(EINVAL, "inflate: truncated")

    def trailer(self) -> int:
        """The checksum behind the last block."""
        self._to_byte()
        data = self._source[self._at : self._at + 4]
        if len(data) < 4:
            raise HostError(EINVAL, "inflate: truncated")
        return int.from_bytes(data, "big")

    def _codes(self) -> tuple[Code, Code]:
        """The codes that a block brings along."""
        literals, distances, count = self._take(5) + 257, self._take(5) + 1, self._take(4) + 4
        if literals > 286 or distances > 30:
            raise HostError(EINVAL, "inflate: too many symbols")
        lengths = [0] * 19
        for symbol in ORDER[:count]:
            lengths[symbol] = self._take(3)
        table, width = _code(lengths, False)
        found: list[int] = []
        while len(found) < literals + distances:
            if self._count < 32:
                self._refill()
            entry = table[self._bits & (1 << width) - 1]
            if not entry:
                raise HostError(EINVAL, "inflate: code lengths")
            self._take(entry & 15)
            symbol = entry >> 4
            if symbol < 16:
                found.append(symbol)
            elif symbol == 16:
                if not found:
                    raise HostError(EINVAL, "inflate: a repetition of nothing")
                found += found[-1:] * (3 + self._take(2))
            else:
                found += [0] * (3 + self._take(3) if symbol == 17 else 11 + self._take(7))
        if len(found) > literals + distances or not found[END_OF_BLOCK]:
            raise HostError(EINVAL, "inflate: code lengths")
        return _code(found[:literals], True), _code(found[literals:], True)

    def _compressed(self, literal_code: Code, distance_code: Code) -> None:
        """The symbols of a block, to its end."""
        literals, literal_width = literal_code
        distances, distance_width = distance_code
        literal_mask, distance_mask = (1 << literal_width) - 1, (1 << distance_width) - 1
        out, limit = self.out, self._limit
        append = out.append
        bits, count = self._bits, self._count
        while True:
            if count < REFILL_BITS:
                self._bits, self._count = bits, count
                self._refill()
                bits, count = self._bits, self._count
            entry = literals[bits & literal_mask]
            bits >>= entry & 15
            count -= entry & 15
            symbol = entry >> 4
            if symbol < END_OF_BLOCK and entry:
                append(symbol)
                if len(out) > limit:
                    raise _too_much(limit)
                continue
            if symbol == END_OF_BLOCK:
                break
            if not entry or symbol > 285:
                raise HostError(EINVAL, "inflate: length")
            length, extra = LENGTHS[symbol - 257]
            length += bits & (1 << extra) - 1
            bits >>= extra
            entry = distances[bits & distance_mask]
            if not entry or entry >> 4 > 29:
                raise HostError(EINVAL, "inflate: distance")
            bits >>= entry & 15
            count -= extra + (entry & 15)
            distance, extra = DISTANCES[entry >> 4]
            distance += bits & (1 << extra) - 1
            bits >>= extra
            count -= extra
            size = len(out)
            if distance > size:
                raise HostError(EINVAL, "inflate: a distance too far back")
            if distance >= length:
                out += out[size - distance : size - distance + length]
            else:
                out += (out[size - distance :] * (length // distance + 1))[:length]
            if size + length > limit:
                raise _too_much(limit)
        self._bits, self._count = bits, count


def _too_much(limit: int) -> HostError:
    return HostError(EINVAL, f"inflate: more than {limit} bytes")


def _code(lengths: Sequence[int], single: bool) -> Code:
    """The table of a canonical code; a code that has but one word, of one bit, may be used if `single`.

    Errors: EINVAL - too many words for their lengths, or too few.
    """
    width = max(lengths)
    if not width:
        return NO_CODE
    room = (1 << width) - sum([1 << width - length for length in lengths if length])
    if room < 0 or (room and not (single and width == 1)):
        raise HostError(EINVAL, "inflate: code")
    table = [0] * (1 << width)
    word = 0
    for length in range(1, width + 1):
        word <<= 1
        for symbol, own in enumerate(lengths):
            if own == length:
                # The bits come the highest first.
                start = int(f"{word:0{length}b}"[::-1], 2)
                table[start :: 1 << length] = [symbol << 4 | length] * (1 << width - length)
                word += 1
    return table, width


_fixed_codes: list[Code] = []


def _fixed() -> tuple[Code, Code]:
    """The codes of blocks that bring none along."""
    if not _fixed_codes:
        _fixed_codes.append(_code([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8, False))
        _fixed_codes.append(_code([5] * 32, False))
    return _fixed_codes[0], _fixed_codes[1]
