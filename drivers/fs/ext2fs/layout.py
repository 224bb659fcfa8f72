# SPDX-License-Identifier: BSD-2-Clause
"""What of a volume is metadata of the volume itself, for those who give blocks out or check who has them."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk
from rump.drivers.fs.ext2fs.groups import Groups
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.medium import Medium

    Place: TypeAlias = tuple[int, int, int]

INODE_UNINIT, BLOCK_UNINIT = 1, 2       # flags of a descriptor
PLACES_MAX = 8192       # groups whose places are kept


class LaidOutGroups(Groups):
    """The groups of a volume, with all that is at a fixed place in them.

    per_block      descriptors in a block
    table_blocks   blocks of an inode table
    sums           there are checksums, and so flags and unused inodes count
    """

    def __init__(self, medium: Medium) -> None:
        super().__init__(medium)
        self.geometry = geometry = medium.geometry
        self.per_block = self._per_block
        self.table_blocks = -(-geometry.inodes_per_group * geometry.inode_size // geometry.block_size)
        self.sums = geometry.checksums or geometry.group_checksums
        self._kind = disk.GroupDescriptor64 if self._size >= 64 else disk.GroupDescriptor
        self._places: dict[int, Place] = {}

    def start(self, group: int) -> int:
        """The first block of a group."""
        return self.geometry.first_data_block + group * self.geometry.blocks_per_group

    def blocks_in(self, group: int) -> int:
        """How many blocks a group has; the last one may be short."""
        return min(self.geometry.blocks_per_group, self.geometry.blocks - self.start(group))

    def place(self, group: int) -> Place:
        """The blocks where a group's block bitmap, inode bitmap and inode table begin.

        Errors: Corrupt - the descriptor's checksum, or they are outside the volume.
        """
        place = self._places.get(group)
        if place is None:
            table = self.inode_table(group)[0] >> self.geometry.shift
            fields = self.fields(group)
            blocks = fields["block_bitmap_lo"] | fields.get("block_bitmap_hi", 0) << 32
            inodes = fields["inode_bitmap_lo"] | fields.get("inode_bitmap_hi", 0) << 32
            for name, block in (("block", blocks), ("inode", inodes)):
                if not self.geometry.has_data(block, 1):
                    raise Corrupt(f"group {group}: {name} bitmap at block {block} is outside the volume")
            if len(self._places) >= PLACES_MAX:
                self._places.clear()
            self._places[group] = place = blocks, inodes, table
        return place

    def fields(self, group: int) -> dict[str, int]:
        """The descriptor of a group as it is in its block."""
        at = group % self.per_block * self._size
        return dict(zip(self._kind.fields, self._kind.struct.unpack_from(self._block(group), at), strict=True))

    def at_start(self, group: int, room: bool) -> int:
        """Blocks at the start of a group that hold the superblock and descriptors, or copies; with `room`, those kept
        for more descriptors, too."""
        geometry = self.geometry
        first = geometry.raw.first_meta_bg
        meta = bool(geometry.incompat & disk.INCOMPAT_META_BG)
        copy = int(geometry.has_super(group))
        if meta and group // self.per_block >= first:
            return copy + (group % self.per_block in (0, 1, self.per_block - 1))
        if not copy:
            return 0
        spare = geometry.raw.reserved_gdt_blocks if room else 0
        return 1 + (first if meta else geometry.descriptor_blocks) + spare

    def bitmap_sum(self, data: bytes, bits: int) -> int:
        """The checksum of a bitmap."""
        return self._medium.services.crc32c(self.geometry.seed, data[: bits // 8])

    def sound(self, group: int, kind: str, data: bytes, bits: int) -> bool:
        """Whether a bitmap has the checksum that its descriptor says."""
        if not self.geometry.checksums:
            return True
        fields = self.fields(group)
        stored = fields[f"{kind}_bitmap_csum_lo"]
        if f"{kind}_bitmap_csum_hi" in fields:
            return self.bitmap_sum(data, bits) == stored | fields[f"{kind}_bitmap_csum_hi"] << 16
        return self.bitmap_sum(data, bits) & 0xFFFF == stored
