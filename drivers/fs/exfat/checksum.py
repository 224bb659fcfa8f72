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
    return name_hash(entries[:2] + entries[4:])


def name_hash(upcased: bytes) -> int:
    """Of a name, up-cased, in UTF-16."""
    total = 0
    for byte in upcased:
        total = ((total >> 1 | total << 15) & 0xFFFF) + byte & 0xFFFF
    return total


def set_checksums(sets: bytes, size: int) -> list[int]:
    """`set_checksum` of every set of `size` bytes; they lie one behind the other."""
    count = len(sets) // size
    if count < _MANY:
        return [set_checksum(sets[at : at + size]) for at in range(0, count * size, size)]
    ones = int.from_bytes(b"\1\0\0\0" * count, "little")
    low = ones * 0x7FFF
    mask = ones * 0xFFFF
    lanes = bytearray(count * _LANE)
    total = 0
    for column in range(size):
        if column in (2, 3):
            continue
        lanes[::_LANE] = sets[column::size]
        total = ((total >> 1 & low | (total & ones) << 15) + int.from_bytes(lanes, "little")) & mask
    packed = memoryview(total.to_bytes(count * _LANE, "little"))
    return [packed[at] | packed[at + 1] << 8 for at in range(0, count * _LANE, _LANE)]
