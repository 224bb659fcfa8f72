# SPDX-License-Identifier: BSD-2-Clause
"""The superblock's checksum, kept as it is whatever changes.

A superblock is two sectors of 512 bytes.  Everything that changes while mounted lies in the first; the checksum lies in
the second.  Were both rewritten, a power cut could leave one new and one old: a volume nobody mounts any more, its
journal included.  So the checksum stays: a field that nobody reads, in the first sector, takes the value for which the
new superblock has the old CRC-32C.  A change of the superblock is one sector then, written whole or not at all.

There always is such a value, and only one.  A CRC is linear, and with a reflected one, changing four bytes changes the
result by their difference, times x to the power of the number of bits from their beginning to the end (modulo the CRC's
polynomial).  What is wanted is the way back: the difference of the results, times x to the minus that.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.superblock import CHECKSUM_AT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

POLYNOMIAL = 0x82F63B78         # CRC-32C, reflected: the highest power of x is the lowest bit
FREE_AT = disk.Superblock.place("algorithm_usage_bitmap")[0]
"""Where the field is that takes up the difference: of a compression that never came to be."""

_columns: list[int] = []


def _made_columns() -> list[int]:
    """What each bit of a difference of checksums becomes in the field, the lowest first."""
    value = 0x80000000          # 1
    for _ in range(8 * (CHECKSUM_AT - FREE_AT)):
        value = (value ^ POLYNOMIAL) << 1 | 1 if value & 0x80000000 else value << 1     # divided by x
    columns = []
    for _ in range(32):
        columns.append(value)
        value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)       # times x
    return columns[::-1]


def keep(superblock: bytearray, at: int, crc32c: Callable[[int, Buffer], int]) -> None:
    """Change the free field of the superblock at `at` so that the checksum in it is right again."""
    if not _columns:
        _columns[:] = _made_columns()
    end = at + CHECKSUM_AT
    difference = crc32c(0xFFFFFFFF, superblock[at:end]) ^ int.from_bytes(superblock[end : end + 4], "little")
    free = slice(at + FREE_AT, at + FREE_AT + 4)
    value = int.from_bytes(superblock[free], "little")
    for column in _columns:
        if difference & 1:
            value ^= column
        difference >>= 1
    superblock[free] = value.to_bytes(4, "little")
