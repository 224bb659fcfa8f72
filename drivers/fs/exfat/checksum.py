# SPDX-License-Identifier: BSD-2-Clause
"""The checksums of the format: rotate right by one, add a byte, and so on.

With 16 bits (`set_checksum`, `name_hash`) as many zeros change nothing; with 32 likewise: long stretches of zeros are
passed over.  Many entry sets of the same length are done at once, column by column, each in a lane of one long number.
"""

from __future__ import annotations

_ZEROS = bytes(32)
_LANE = 4                   # bytes of a lane: 16 bits of the sum, one for the carry
_MANY = 8                   # sets from which on columns pay


def checksum32(data: bytes, total: int = 0) -> int:
    """Of a boot region or an up-case table; `total` is what came before."""
    for at in range(0, len(data), 32):
        part = data[at : at + 32]
        if part == _ZEROS:
            continue
        for byte in part:
            total = ((total >> 1 | total << 31) & 0xFFFFFFFF) + byte & 0xFFFFFFFF
    return total


def boot_checksum(region: bytes) -> int:
    """Of the first 11 sectors of a boot region.  Its flags and its percentage in use may change without it."""
    return checksum32(region[:106] + region[108:112] + region[113:])


def set_checksum(entries: bytes) -> int:
    """Of an entry set; the two bytes that hold it do not count."""
    return _sum(entries[:2] + entries[4:])


def name_hash(upcased: bytes) -> int:
    """Of a name, up-cased, in UTF-16."""
    total = 0
    if not upcased[1::2].strip(b"\0"):      # every other byte only rotates
        for byte in upcased[::2]:
            total = ((total >> 2 | total << 14) & 0xFFFF) + byte & 0xFFFF
        return total >> 1 | (total & 1) << 15
    return _sum(upcased)


def _sum(data: bytes) -> int:
    total = 0
    for byte in data:
        total = ((total >> 1 | total << 15) & 0xFFFF) + byte & 0xFFFF
    return total


def set_checksums(sets: bytes, size: int) -> list[int]:
    """`set_checksum` of every set of `size` bytes; they lie one behind the other."""
    count = len(sets) // size
    if count < _MANY:
        return [set_checksum(sets[at : at + size]) for at in range(0, count * size, size)]
    ones = int.from_bytes(b"\1\0\0\0" * count, "little")
    mask, zeros = ones * 0xFFFF, bytes(count)
    lanes = bytearray(count * _LANE)
    total = turns = 0
    for column in (0, 1, *range(4, size)):
        turns += 1
        part = sets[column::size]
        if part != zeros:
            lanes[::_LANE] = part
            total = (_turned(total, turns & 15, ones) + int.from_bytes(lanes, "little")) & mask
            turns = 0
    total = _turned(total, turns & 15, ones)
    packed = memoryview(total.to_bytes(count * _LANE, "little"))
    return [packed[at] | packed[at + 1] << 8 for at in range(0, count * _LANE, _LANE)]


def _turned(lanes: int, turns: int, ones: int) -> int:
    """16 bits in each lane rotated to the right, at most 15 times."""
    return lanes >> turns & ones * (0xFFFF >> turns) | (lanes & ones * ((1 << turns) - 1)) << 16 - turns
