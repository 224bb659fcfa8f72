# SPDX-License-Identifier: BSD-2-Clause
"""CRC-32C in plain Python, by columns.

A byte at a time costs Python about 70 ns.  But many checksums can advance together: keep the four state bytes of all
of them as four byte strings ("planes"), and one input byte of each (a "column", which is a slice with a step) goes in
with a handful of whole-string operations - XOR of big integers, and `bytes.translate` for the table look-ups.

Long or few pieces are cut into strips that advance side by side as if they were pieces of their own; CRC is linear, so
the strips' results join by `_shift` (what a run of zero bytes does to a state) and XOR.
"""

from __future__ import annotations

from rump.rumpuser.interface.errno import EINVAL, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Buffer

    Operator = tuple[list[int], list[int], list[int], list[int]]

POLYNOMIAL = 0x82F63B78     # Castagnoli's, bits reversed
FEW_BYTES = 48              # up to here one byte after the other is quicker
LANES = 128                 # strips and pieces side by side: enough to hide what each string operation costs by itself
MANY_LANES = 512            # the same for more than LONG bytes in all
LONG = 16384
SHORTEST_STRIP = 16


def _span(images: list[int]) -> list[int]:
    """All 256 sums (XOR) of the images of eight bits."""
    sums = [0]
    for image in images:
        sums += [image ^ other for other in sums]
    return sums


def _bit_images() -> list[int]:
    """What one byte of input with a single bit set does to a state of zero, for each bit."""
    images = [POLYNOMIAL]
    for _ in range(7):
        images.append(images[-1] >> 1 ^ (POLYNOMIAL if images[-1] & 1 else 0))
    return images[::-1]


_TABLE = _span(_bit_images())
_packed = b"".join([word.to_bytes(4, "little") for word in _TABLE])
_PLANE_TABLES = [_packed[plane::4] for plane in range(4)]
_shifts: dict[int, Operator] = {}


def crc32c(seed: int, data: Buffer) -> int:
    """CRC-32C of `data`, continuing from `seed`, without inversions.  Errors: EINVAL - a seed outside 32 bits."""
    view = memoryview(data).cast("B")
    if seed >> 32:
        raise HostError(EINVAL, "crc32c seed")
    if len(view) <= FEW_BYTES:
        return _byte_by_byte(seed, view)
    return _by_strips((seed,), [bytes(view)], len(view))[0]


def crc32c_many(seeds: Sequence[int], data: Buffer, offset: int, stride: int, length: int, count: int) -> list[int]:
    """CRC-32C of `count` pieces of `length` bytes at offset, offset + stride ...; see the hypercall of that name."""
    view = memoryview(data).cast("B")
    check_pieces(seeds, len(view), offset, stride, length, count)
    if len(seeds) != count:
        seeds = (*seeds,) * count
    starts = range(offset, offset + count * stride, stride) if stride else [offset] * count
    if count < LANES and length >= 2 * SHORTEST_STRIP:
        return _by_strips(seeds, [bytes(view[start : start + length]) for start in starts], length)
    if stride == length:
        joined = bytes(view[offset : offset + count * length])
    else:
        joined = b"".join([view[start : start + length] for start in starts])
    return _by_columns(seeds, joined, length)


def check_pieces(seeds: Sequence[int], size: int, offset: int, stride: int, length: int, count: int) -> None:
    """EINVAL unless there are seeds for `count` pieces and all of them lie inside `size` bytes."""
    if min(offset, stride, length, count) < 0 or len(seeds) not in (1, count):
        raise HostError(EINVAL, "crc32c_many")
    if count and offset + (count - 1) * stride + length > size:
        raise HostError(EINVAL, "crc32c_many: a piece outside the buffer")
    if any(seed >> 32 for seed in seeds):
        raise HostError(EINVAL, "crc32c_many: a seed outside 32 bits")


def _byte_by_byte(state: int, data: Iterable[int]) -> int:
    table = _TABLE
    for byte in data:
        state = state >> 8 ^ table[(state ^ byte) & 255]
    return state


def _by_columns(seeds: Sequence[int], joined: bytes, length: int) -> list[int]:
    """The pieces of `joined`, each `length` bytes long and with its own seed, side by side."""
    count = len(seeds)
    packed = b"".join([seed.to_bytes(4, "little") for seed in seeds])
    number = int.from_bytes
    plane0, plane1, plane2, plane3 = (number(packed[plane::4], "little") for plane in range(4))
    table0, table1, table2, table3 = _PLANE_TABLES
    for column in range(length):
        index = (plane0 ^ number(joined[column::length], "little")).to_bytes(count, "little")
        plane0 = plane1 ^ number(index.translate(table0), "little")
        plane1 = plane2 ^ number(index.translate(table1), "little")
        plane2 = plane3 ^ number(index.translate(table2), "little")
        plane3 = number(index.translate(table3), "little")
    packed_planes = [plane.to_bytes(count, "little") for plane in (plane0, plane1, plane2, plane3)]
    return [a | b << 8 | c << 16 | d << 24 for a, b, c, d in zip(*packed_planes, strict=True)]


def _by_strips(seeds: Sequence[int], pieces: list[bytes], length: int) -> list[int]:
    """The same for few pieces (of at least four bytes): cut into strips, then joined piece by piece."""
    lanes = LANES if length * len(pieces) <= LONG else MANY_LANES
    strip = SHORTEST_STRIP
    while strip * lanes < length * len(pieces):
        strip *= 2
    strips = -(-length // strip)
    # A seed does the same as XOR into the first four bytes; zeros in front do nothing to a state of zero.
    front = bytes(strips * strip - length)
    seeded = [
        front + (int.from_bytes(piece[:4], "little") ^ seed).to_bytes(4, "little") + piece[4:]
        for seed, piece in zip(seeds, pieces, strict=True)
    ]
    states = _by_columns((0,) * (strips * len(pieces)), b"".join(seeded), strip)
    return [_join(states[first : first + strips], strip) for first in range(0, len(states), strips)]


def _join(states: list[int], strip: int) -> int:
    """One state out of those of consecutive strips of `strip` bytes."""
    shift0, shift1, shift2, shift3 = _shift(strip)
    joined = 0
    for state in states:
        joined = (
            shift0[joined & 255] ^ shift1[joined >> 8 & 255] ^ shift2[joined >> 16 & 255] ^ shift3[joined >> 24] ^ state
        )
    return joined


def _shift(length: int) -> Operator:
    """What `length` zero bytes, a power of two, do to a state: a table for each of its bytes."""
    if length not in _shifts:
        if length == 1:
            images = [_byte_by_byte(1 << bit, b"\0") for bit in range(32)]
        else:
            half = length // 2
            images = [_join([_join([1 << bit, 0], half), 0], half) for bit in range(32)]
        _shifts[length] = (_span(images[:8]), _span(images[8:16]), _span(images[16:24]), _span(images[24:]))
    return _shifts[length]

