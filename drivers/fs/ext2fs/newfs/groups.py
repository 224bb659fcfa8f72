# SPDX-License-Identifier: BSD-2-Clause
"""The block groups of a new volume: descriptors with their copies, bitmaps, inode tables.

Everything is written in one pass over the groups, some thousands of descriptors at a time, and nothing that may be
left unwritten: with checksums a group of which no block or inode was ever used says so and needs no bitmap.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.crc16 import crc16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.newfs.options import Wanted
    from rump.drivers.fs.ext2fs.newfs.space import Range, Space, Unit
    from rump.drivers.fs.ext2fs.newfs.sums import Sums
    from rump.kernel.vfs.newfs import Writer

INODE_UNINIT, BLOCK_UNINIT, ITABLE_ZEROED = 1, 2, 4     # flags of a descriptor
PASS = 4096             # groups whose descriptors are made at a time
BITMAPS = 64            # bitmaps kept, most of a volume's are alike
CHECKSUM_AT = 0x1E      # offset of the checksum in a descriptor, bytes


class Groups:
    """Writes all groups.

    free_blocks   how many blocks are free, once written
    """

    def __init__(self, wanted: Wanted, space: Space, sums: Sums, writer: Writer, inodes: int) -> None:
        """`inodes` are in use already, the first of all."""
        self._wanted = wanted
        self._space = space
        self._layout = layout = space.layout
        self._sums = sums
        self._writer = writer
        self._inodes = inodes
        self._bitmaps: dict[object, tuple[bytes, int]] = {}
        self._wide = layout.descriptor_size >= 64
        self._whole_tables = not wanted.zeroed and not (wanted.lazy and layout.sums)
        self._zeroed = ITABLE_ZEROED if wanted.zeroed or self._whole_tables else 0
        self.free_blocks = 0

    def write(self) -> None:
        """Write bitmaps and inode tables as they come, and descriptors wherever there is a copy of them."""
        layout, writer = self._layout, self._writer
        starts = [layout.descriptors(group) * layout.block_size for group in layout.supers()]
        step = max(PASS, layout.unit)
        for first in range(0, layout.groups, step):
            last = min(first + step, layout.groups)
            data = self._pass(first, last)
            if last == layout.groups:
                data += bytes(-len(data) % layout.block_size)
            if layout.meta_groups:
                self._meta_groups(first, data)
                continue
            for start in starts:
                writer.write(start + first * layout.descriptor_size, data)

    def _meta_groups(self, first: int, data: bytes) -> None:
        """Write descriptors into the metagroups they describe, thrice each."""
        layout = self._layout
        size, count = layout.block_size, layout.meta_groups
        for index in range(len(data) // size):
            block = data[index * size : (index + 1) * size]
            for group in (first, first + 1, first + count - 1):
                if group < layout.groups:
                    self._writer.write(layout.descriptors(group) * size, block)
            first += count

    def _pass(self, first: int, last: int) -> bytes:
        """Do what is in the units from one group to another; their descriptors."""
        rows: list[bytes] = []
        for group in range(first, last, self._layout.unit):
            _, unit = self._space.unit(group)
            self._unit(group, unit, rows)
        if self._sums.on:
            return self._summed(first, rows)
        if self._layout.sums:
            uuid = self._wanted.uuid
            for index, row in enumerate(rows):
                value = crc16(0xFFFF, uuid + pack("<I", first + index) + row[:CHECKSUM_AT] + row[CHECKSUM_AT + 2 :])
                rows[index] = row[:CHECKSUM_AT] + pack("<H", value) + row[CHECKSUM_AT + 2 :]
        return b"".join(rows)

    def _summed(self, first: int, rows: list[bytes]) -> bytes:
        """Descriptors with their checksums of metadata_csum."""
        size = self._layout.descriptor_size
        numbered = b"".join([pack("<I", first + index) + row for index, row in enumerate(rows)])
        values = self._sums.many([self._sums.seed], numbered, 0, size + 4, size + 4, len(rows))
        data = bytearray(b"".join(rows))
        for index, value in enumerate(values):
            at = index * size + CHECKSUM_AT
            data[at] = value & 0xFF
            data[at + 1] = value >> 8 & 0xFF
        return bytes(data)

    def _unit(self, first: int, unit: Unit, rows: list[bytes]) -> None:
        """Write a unit's bitmaps and tables, and add its descriptors to `rows`."""
        layout, base = self._layout, self._layout.start(first)
        blocks: list[tuple[int, bytes]] = []
        inodes: list[tuple[int, bytes]] = []
        for index, (block_bitmap, inode_bitmap, table) in enumerate(unit.rows):
            group = first + index
            place = base + block_bitmap, base + inode_bitmap, base + table
            flags = self._flags(group, index in unit.touched)
            sums = [0, 0]
            if not flags & BLOCK_UNINIT:
                data, sums[0] = self._block_bitmap(group)
                blocks.append((place[0], data))
            if not flags & INODE_UNINIT:
                data, sums[1] = self._inode_bitmap(group)
                inodes.append((place[1], data))
            rows.append(self._descriptor(group, place, flags, sums))
            self._table(group, place[2])
        for block, data in (*blocks, *inodes):
            self._writer.write(block * layout.block_size, data)

    def _flags(self, group: int, touched: bool) -> int:
        """What is said to be unused: never in group 0, and the last group's blocks never are."""
        if group == 0 or not self._layout.sums:
            return self._zeroed
        used = touched or group == self._layout.groups - 1 or group in self._space.extra
        return self._zeroed | INODE_UNINIT | (0 if used else BLOCK_UNINIT)

    def _block_bitmap(self, group: int) -> tuple[bytes, int]:
        """(bitmap, checksum).  Bits behind the group's end are set."""
        layout = self._layout
        ranges, size, cluster = self._space.used(group), layout.size(group), layout.cluster
        if cluster > 1:
            ranges = [(low // cluster, high // cluster) for low, high in ranges]
        return self._bitmap((*ranges, (size // cluster, layout.block_size * 8)), layout.group_blocks // cluster // 8)

    def _inode_bitmap(self, group: int) -> tuple[bytes, int]:
        layout = self._layout
        used = ((0, self._inodes),) if group == 0 else ()
        return self._bitmap((*used, (layout.group_inodes, layout.block_size * 8)), layout.group_inodes // 8)

    def _bitmap(self, ranges: tuple[Range, ...], summed: int) -> tuple[bytes, int]:
        """A block with the bits of these ranges set, and the checksum of its first bytes."""
        key = ranges, summed
        found = self._bitmaps.get(key)
        if found is None:
            if len(self._bitmaps) >= BITMAPS:
                self._bitmaps.clear()
            data = bitmap(ranges, self._layout.block_size)
            found = self._bitmaps[key] = data, self._sums.of(data[:summed])
        return found

    def _table(self, group: int, block: int) -> None:
        """Zero an inode table, where it must be: what is marked unused need not."""
        layout = self._layout
        if self._whole_tables:
            self._writer.zero(block * layout.block_size, layout.table_blocks * layout.block_size)

    def _descriptor(self, group: int, place: tuple[int, int, int], flags: int, sums: list[int]) -> bytes:
        layout = self._layout
        free = self._space.free(group)
        self.free_blocks += free
        free //= layout.cluster
        inodes = layout.group_inodes - (self._inodes if group == 0 else 0)
        unused = inodes if layout.sums else 0
        low = (
            *[block & 0xFFFFFFFF for block in place], free & 0xFFFF, inodes & 0xFFFF, 0 if group else 2, flags, 0,
            sums[0] & 0xFFFF, sums[1] & 0xFFFF, unused & 0xFFFF, 0,
        )  # fmt: skip
        if not self._wide:
            return disk.GroupDescriptor.struct.pack(*low)
        high = (*[block >> 32 for block in place], free >> 16, inodes >> 16, 0, unused >> 16, 0,
                sums[0] >> 16, sums[1] >> 16, 0)  # fmt: skip
        return disk.GroupDescriptor64.struct.pack(*low, *high)


def bitmap(ranges: tuple[Range, ...], size: int) -> bytes:
    """`size` bytes with the bits of these ranges set, the lowest first."""
    data = bytearray(size)
    for start, end in ranges:
        if start >= end:
            continue
        first, last = start >> 3, end - 1 >> 3
        head, tail = 0xFF << (start & 7) & 0xFF, 0xFF >> (7 - (end - 1 & 7))
        if first == last:
            data[first] |= head & tail
        else:
            data[first] |= head
            data[first + 1 : last] = b"\xff" * (last - first - 1)
            data[last] |= tail
    return bytes(data)
