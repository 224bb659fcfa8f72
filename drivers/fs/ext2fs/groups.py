# SPDX-License-Identifier: BSD-2-Clause
"""Block groups: descriptors of 32 or 64 bytes, read a block at a time when first wanted and checked once each."""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from struct import Struct

    from rump.drivers.fs.ext2fs.medium import Medium

REMEMBERED = 4096       # groups whose inode tables are kept in mind
CHECKSUM_AT = 0x1E      # offset of the checksum in a descriptor, bytes

_TABLE = disk.GroupDescriptor.narrow("inode_table_lo", "itable_unused_lo", "checksum")
_TABLE64 = disk.GroupDescriptor64.narrow(
    "inode_table_lo", "itable_unused_lo", "checksum", "inode_table_hi", "itable_unused_hi"
)
_FREE = disk.GroupDescriptor.narrow("free_blocks_count_lo", "free_inodes_count_lo")


def _free_of(size: int) -> Struct:
    """What `count_free` decodes of descriptors of `size` bytes."""
    return disk.GroupDescriptor64.narrow(
        "free_blocks_count_lo", "free_inodes_count_lo", "free_blocks_count_hi", "free_inodes_count_hi", tail=size - 64
    )


class Groups:
    """The descriptors of a volume."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self._tables: dict[int, tuple[int, int]] = {}
        geometry = medium.geometry
        self._size = geometry.descriptor_size
        self._per_block = geometry.block_size // self._size

    def inode_table(self, group: int) -> tuple[int, int]:
        """(where a group's inode table begins, bytes into the device; how many inodes of it were ever used).

        Errors: Corrupt - the descriptor's checksum, or a table outside the volume.
        """
        table = self._tables.get(group)
        if table is None:
            table = self._read_table(group)
            if len(self._tables) >= REMEMBERED:
                self._tables.clear()
            self._tables[group] = table
        return table

    def _read_table(self, group: int) -> tuple[int, int]:
        geometry = self._medium.geometry
        descriptor = self._descriptor(group)
        if self._size >= 64:
            block, unused, checksum, block_high, unused_high = _TABLE64.unpack_from(descriptor)
            block |= block_high << 32
            unused |= unused_high << 16
        else:
            block, unused, checksum = _TABLE.unpack_from(descriptor)
        if geometry.checksums or geometry.group_checksums:
            if checksum != self._checksum(group, descriptor):
                raise Corrupt(f"group {group}: descriptor checksum is wrong")
        else:
            unused = 0
        per_group = geometry.inodes_per_group
        blocks = -(-per_group * geometry.inode_size // geometry.block_size)
        if not geometry.has_data(block, blocks):
            raise Corrupt(f"group {group}: inode table at block {block} is outside the volume")
        if unused > per_group:
            raise Corrupt(f"group {group}: {unused} unused inodes of {per_group}")
        return block << geometry.shift, per_group - unused

    def _descriptor(self, group: int) -> bytes:
        """The bytes of a descriptor."""
        at = group % self._per_block * self._size
        return self._block(group)[at : at + self._size]

    def _block(self, group: int) -> bytes:
        """The block of descriptors that a group's is in."""
        geometry = self._medium.geometry
        offset = self._block_of(group // self._per_block) << geometry.shift
        return self._medium.read(offset, geometry.block_size, lambda: f"descriptors of group {group}")

    def _block_of(self, index: int) -> int:
        """The block that holds the index-th block of descriptors."""
        geometry = self._medium.geometry
        super_block = geometry.offset >> geometry.shift
        if not geometry.incompat & disk.INCOMPAT_META_BG or index < geometry.raw.first_meta_bg:
            return super_block + 1 + index
        group = index * self._per_block     # the first group of the metagroup
        skip = int(geometry.has_super(group))
        # With blocks of 1 KiB the superblock is in block 1 whatever first_data_block says (0 with bigalloc).
        if index == 0 and geometry.block_size == 1024 and geometry.first_data_block == 0:
            skip += 1
        return geometry.first_data_block + group * geometry.blocks_per_group + skip

    def _checksum(self, group: int, descriptor: bytes) -> int:
        """What the descriptor's checksum should be."""
        medium = self._medium
        before, after = descriptor[:CHECKSUM_AT], descriptor[CHECKSUM_AT + 2 :]
        number = pack("<I", group)
        if medium.geometry.checksums:
            return medium.services.crc32c(medium.geometry.seed, number + before + b"\0\0" + after) & 0xFFFF
        from rump.drivers.fs.ext2fs.crc16 import crc16

        return crc16(0xFFFF, medium.geometry.raw.uuid + number + before + after)

    def count_free(self) -> tuple[int, int]:
        """(free clusters, free inodes) as all the descriptors have it; reads every one of them."""
        clusters = inodes = 0
        left, size = self._medium.geometry.groups, self._size
        wide = _free_of(max(size, 64))
        for group in range(0, left, self._per_block):
            data = self._block(group)[: min(left, self._per_block) * size]
            left -= self._per_block
            if size >= 64:
                for blocks, files, blocks_high, files_high in wide.iter_unpack(data):
                    clusters += blocks | blocks_high << 16
                    inodes += files | files_high << 16
            else:
                for blocks, files in _FREE.iter_unpack(data):
                    clusters += blocks
                    inodes += files
        return clusters, inodes
