# SPDX-License-Identifier: BSD-2-Clause
"""The hashes of indexed directories: legacy, half MD4 and TEA, over names with signed or unsigned bytes.

The format's documentation names them (Linux: filesystems/ext4, "Hash Tree Directories"); MD4 is RFC 1320, TEA is
Wheeler and Needham's cipher in the Davies-Meyer mode.  All arithmetic is modulo 2**32.
"""

from __future__ import annotations

from struct import unpack

LEGACY = 0
HALF_MD4 = 1
TEA = 2
UNSIGNED = 3            # added to the three above: bytes are unsigned

MASK = 0xFFFFFFFF
_INITIAL = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)     # of MD4
_DELTA = 0x9E3779B9                                             # of TEA
_END = 0xFFFFFFFE                                               # no name has it: it means "behind the last"

# The three rounds of half MD4: what is added, in which order the eight words go in, the four shifts.
_ROUNDS = (
    (0x00000000, (0, 1, 2, 3, 4, 5, 6, 7), (3, 7, 11, 19)),
    (0x5A827999, (1, 3, 5, 7, 0, 2, 4, 6), (3, 5, 9, 13)),
    (0x6ED9EBA1, (3, 7, 2, 6, 1, 5, 0, 4), (3, 9, 11, 15)),
)


def name_hash(name: bytes, version: int, seed: bytes) -> int | None:
    """A name's hash, its lowest bit clear; None for an unknown version.  `seed` is 16 bytes, all zero for none."""
    signed = version < UNSIGNED
    kind = version % UNSIGNED
    if not 0 <= version < 2 * UNSIGNED:
        return None
    words = unpack("<4I", seed)
    state = words if any(words) else _INITIAL
    if kind == LEGACY:
        value = _legacy(name, signed)
    elif kind == HALF_MD4:
        for at in range(0, len(name), 32):
            state = _half_md4(state, _words(name[at:], 8, signed))
        value = state[1]
    else:
        for at in range(0, len(name), 16):
            state = _tea(state, _words(name[at:], 4, signed))
        value = state[0]
    value &= ~1
    return value if value != _END else _END - 2


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


def _words(name: bytes, count: int, signed: bool) -> list[int]:
    """`count` words of the name, four bytes each, first byte highest; the rest is filled with the name's length."""
    length = len(name)
    pad = (length | length << 8) & 0xFFFF
    pad |= pad << 16
    part = _bytes(name[: count * 4], signed)
    words = []
    for at in range(0, len(part), 4):
        word = pad
        for byte in part[at : at + 4]:
            word = byte + (word << 8) & MASK
        words.append(word)
    return words + [pad & MASK] * (count - len(words))


def _half_md4(state: tuple[int, ...], words: list[int]) -> tuple[int, ...]:
    a, b, c, d = state
    for number, (constant, order, shifts) in enumerate(_ROUNDS):
        for step, word in enumerate(order):
            if number == 0:
                mixed = d ^ (b & (c ^ d))
            elif number == 1:
                mixed = (b & c) + ((b ^ c) & d)
            else:
                mixed = b ^ c ^ d
            turned = a + mixed + words[word] + constant & MASK
            shift = shifts[step & 3]
            a, b, c, d = d, (turned << shift | turned >> 32 - shift) & MASK, b, c
    return tuple(old + new & MASK for old, new in zip(state, (a, b, c, d), strict=True))


def _tea(state: tuple[int, ...], words: list[int]) -> tuple[int, ...]:
    first, second = state[:2]
    a, b, c, d = words
    total = 0
    for _ in range(16):
        total = total + _DELTA & MASK
        first = first + ((second << 4) + a ^ second + total ^ (second >> 5) + b) & MASK
        second = second + ((first << 4) + c ^ first + total ^ (first >> 5) + d) & MASK
    return (state[0] + first & MASK, state[1] + second & MASK, *state[2:])
