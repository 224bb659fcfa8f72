# SPDX-License-Identifier: BSD-2-Clause
"""The hashes of indexed directories: legacy, half MD4 and TEA, over names with signed or unsigned bytes.

The format's documentation names them (Linux: filesystems/ext4, "Hash Tree Directories"); MD4 is RFC 1320, TEA is
Wheeler and Needham's cipher in the Davies-Meyer mode.  All arithmetic is modulo 2**32.
"""

from __future__ import annotations

from struct import Struct, pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LEGACY = 0
HALF_MD4 = 1
TEA = 2
UNSIGNED = 3            # added to the three above: bytes are unsigned

MASK = 0xFFFFFFFF
_INITIAL = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)     # of MD4
_DELTA = 0x9E3779B9                                             # of TEA
_END = 0xFFFFFFFE                                               # no name has it: it means "behind the last"

_ROUND_2 = 0x5A827999                                           # of MD4
_ROUND_3 = 0x6ED9EBA1

_FOUR = Struct("<4I").unpack
_WORDS_4 = Struct(">4I").unpack
_WORDS_8 = Struct(">8I").unpack
_PADS = [bytes((length,)) * 4 for length in range(256)]


def name_hash(name: bytes, version: int, seed: bytes) -> int | None:
    """A name's hash, its lowest bit clear; None for an unknown version.  `seed` is 16 bytes, all zero for none."""
    both = name_hashes(name, version, seed)
    return None if both is None else both[0]


def name_hashes(name: bytes, version: int, seed: bytes) -> tuple[int, int] | None:
    """As `name_hash`, and the minor hash, which tells names of the same hash apart (always 0 with LEGACY)."""
    if not 0 <= version < 2 * UNSIGNED:
        return None
    signed = version < UNSIGNED and not name.isascii()
    kind = version % UNSIGNED
    if kind == LEGACY:
        value, minor = _legacy(name, signed), 0
    elif kind == HALF_MD4:
        state = _state(seed)
        for at in range(0, len(name), 32):
            state = _half_md4(state, _WORDS_8(_padded(name[at:], 32, signed)), MASK, _ROUND_2, _ROUND_3)
        value, minor = state[1], state[2]
    else:
        state = _state(seed)
        for at in range(0, len(name), 16):
            state = _tea(state, _WORDS_4(_padded(name[at:], 16, signed)))
        value, minor = state[0], state[1]
    value &= ~1
    return value if value != _END else _END - 2, minor


def many_hashes(names: list[bytes], version: int, seed: bytes) -> list[tuple[int, int]]:
    """`name_hashes` of many names, of a known version; half MD4 of all names at once."""
    if version % UNSIGNED != HALF_MD4:
        return [name_hashes(name, version, seed) or (0, 0) for name in names]
    by_pieces: dict[int, list[int]] = {}
    for index, name in enumerate(names):
        by_pieces.setdefault(len(name) + 31 >> 5, []).append(index)
    found = [(0, 0)] * len(names)
    for pieces, indexes in by_pieces.items():
        rows = _lanes([names[index] for index in indexes], pieces, version < UNSIGNED, seed)
        for index, value, minor in zip(indexes, *rows, strict=True):
            value &= ~1
            found[index] = value if value != _END else _END - 2, minor
    return found


def _lanes(names: list[bytes], pieces: int, signed: bool, seed: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The half MD4 of names that have as many pieces of 32 bytes: hashes and minor hashes."""
    count = len(names)
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * count, "little")
    form = Struct(f"<{count}Q")
    a, b, c, d = _state(seed)
    state = a * ones, b * ones, c * ones, d * ones
    for at in range(0, pieces * 32, 32):
        text = b"".join([_padded(name[at:], 32, signed and not name.isascii()) for name in names])
        words = unpack(f">{count * 8}I", text)
        columns = [int.from_bytes(form.pack(*words[index::8]), "little") for index in range(8)]
        state = _half_md4(state, columns, MASK * ones, _ROUND_2 * ones, _ROUND_3 * ones)
    return form.unpack(state[1].to_bytes(count * 8, "little")), form.unpack(state[2].to_bytes(count * 8, "little"))


def _state(seed: bytes) -> tuple[int, int, int, int]:
    return _FOUR(seed) if any(seed) else _INITIAL


def _bytes(name: bytes, signed: bool) -> list[int]:
    return [byte - 256 if signed and byte > 127 else byte for byte in name]


def _legacy(name: bytes, signed: bool) -> int:
    last, value = 0x37ABE8F9, 0x12A3FE2D
    for byte in _bytes(name, signed):
        new = (last + (value ^ byte * 7152373)) & MASK
        if new & 0x80000000:
            new -= 0x7FFFFFFF
        last, value = value, new
    return value << 1 & MASK


def _padded(name: bytes, size: int, signed: bool) -> bytes:
    """What is hashed of a name in one go, as words with the highest byte first: as many of its bytes, filled with its
    length - in the last word that has some of them, before them."""
    length = len(name)
    if signed:
        return _padded_signed(name, size)
    if length >= size:
        return name[:size]
    pad = _PADS[length & 0xFF]
    rest = length & 3
    if rest:
        name = name[:-rest] + pad[rest:] + name[-rest:]
    return name + pad * (size - len(name) >> 2)


def _padded_signed(name: bytes, size: int) -> bytes:
    """As `_padded`, where bytes above 127 are negative numbers."""
    filler = (len(name) & 0xFF) * 0x01010101
    words = []
    for at in range(0, size, 4):
        word = filler
        for byte in _bytes(name[at : min(at + 4, size)], True):
            word = byte + (word << 8) & MASK
        words.append(word)
    return pack(f">{size // 4}I", *words)


def _half_md4(
    state: tuple[int, int, int, int], words: Sequence[int], m: int, second: int, third: int
) -> tuple[int, int, int, int]:
    """The three rounds, written out: this is most of what looking up a name costs.  The four parts of the state take
    turns.  Works on many names at once, if all numbers have one in every 64 bits; `m` are the 32 that count."""
    a0, b0, c0, d0 = a, b, c, d = state
    w0, w1, w2, w3, w4, w5, w6, w7 = words
    a = a + (d ^ (b & (c ^ d))) + w0 & m
    a = (a << 3 | a >> 29) & m
    d = d + (c ^ (a & (b ^ c))) + w1 & m
    d = (d << 7 | d >> 25) & m
    c = c + (b ^ (d & (a ^ b))) + w2 & m
    c = (c << 11 | c >> 21) & m
    b = b + (a ^ (c & (d ^ a))) + w3 & m
    b = (b << 19 | b >> 13) & m
    a = a + (d ^ (b & (c ^ d))) + w4 & m
    a = (a << 3 | a >> 29) & m
    d = d + (c ^ (a & (b ^ c))) + w5 & m
    d = (d << 7 | d >> 25) & m
    c = c + (b ^ (d & (a ^ b))) + w6 & m
    c = (c << 11 | c >> 21) & m
    b = b + (a ^ (c & (d ^ a))) + w7 & m
    b = (b << 19 | b >> 13) & m
    a = a + (b & c) + ((b ^ c) & d) + second + w1 & m
    a = (a << 3 | a >> 29) & m
    d = d + (a & b) + ((a ^ b) & c) + second + w3 & m
    d = (d << 5 | d >> 27) & m
    c = c + (d & a) + ((d ^ a) & b) + second + w5 & m
    c = (c << 9 | c >> 23) & m
    b = b + (c & d) + ((c ^ d) & a) + second + w7 & m
    b = (b << 13 | b >> 19) & m
    a = a + (b & c) + ((b ^ c) & d) + second + w0 & m
    a = (a << 3 | a >> 29) & m
    d = d + (a & b) + ((a ^ b) & c) + second + w2 & m
    d = (d << 5 | d >> 27) & m
    c = c + (d & a) + ((d ^ a) & b) + second + w4 & m
    c = (c << 9 | c >> 23) & m
    b = b + (c & d) + ((c ^ d) & a) + second + w6 & m
    b = (b << 13 | b >> 19) & m
    a = a + (b ^ c ^ d) + third + w3 & m
    a = (a << 3 | a >> 29) & m
    d = d + (a ^ b ^ c) + third + w7 & m
    d = (d << 9 | d >> 23) & m
    c = c + (d ^ a ^ b) + third + w2 & m
    c = (c << 11 | c >> 21) & m
    b = b + (c ^ d ^ a) + third + w6 & m
    b = (b << 15 | b >> 17) & m
    a = a + (b ^ c ^ d) + third + w1 & m
    a = (a << 3 | a >> 29) & m
    d = d + (a ^ b ^ c) + third + w5 & m
    d = (d << 9 | d >> 23) & m
    c = c + (d ^ a ^ b) + third + w0 & m
    c = (c << 11 | c >> 21) & m
    b = b + (c ^ d ^ a) + third + w4 & m
    b = (b << 15 | b >> 17) & m
    return a0 + a & m, b0 + b & m, c0 + c & m, d0 + d & m




def _tea(state: tuple[int, int, int, int], words: tuple[int, ...]) -> tuple[int, int, int, int]:
    first, second = state[:2]
    a, b, c, d = words
    total = 0
    for _ in range(16):
        total = total + _DELTA & MASK
        first = first + ((second << 4) + a ^ second + total ^ (second >> 5) + b) & MASK
        second = second + ((first << 4) + c ^ first + total ^ (first >> 5) + d) & MASK
    return state[0] + first & MASK, state[1] + second & MASK, state[2], state[3]
