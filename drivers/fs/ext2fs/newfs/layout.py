# SPDX-License-Identifier: BSD-2-Clause
"""How large everything on a new volume is: groups, inodes, descriptors, the room kept for growing.

The format is that of the Linux kernel's documentation "ext4 Data Structures and Algorithms"; where it leaves a choice,
the choice is what mke2fs 1.47 is seen to make.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.newfs_options import Wanted

FLEX_GROUPS = 16            # groups whose bitmaps and inode tables lie together with flex_bg
FIRST_INO = 11              # the first inode that is not reserved; it becomes lost+found
GROUP_BLOCKS_MAX = 65528    # a descriptor counts free blocks in 16 bits
RESIZE_FACTOR = 1024        # a volume can grow to so many times its size
SPARE = 50                  # blocks a short last group must have beyond its own structures


class Layout:
    """A new volume's measures, in blocks unless it says otherwise.

    block_size, inode_size, descriptor_size   bytes
    blocks, groups, inodes                    how many the volume has
    first_data_block                          block group 0 begins at
    group_blocks, group_inodes                blocks and inodes of a group (the last may have fewer blocks)
    table_blocks                              the inode table of a group
    descriptor_blocks, reserved_gdt           descriptors; room kept behind them
    unit                                      groups that keep their bitmaps and tables together
    sums                                      descriptors have checksums, and unused groups are marked so
    """

    def __init__(self, wanted: Wanted) -> None:
        self.block_size = wanted.block_size
        self.inode_size = wanted.inode_size
        self.features = features = set(wanted.features)
        self.blocks = wanted.size // self.block_size
        if self.blocks > 0xFFFFFFFF:
            if "64bit" not in features:
                raise fault(e.EFBIG, f"{self.blocks} blocks need the feature 64bit, or larger blocks")
            features.discard("resize_inode")
        self.descriptor_size = 64 if "64bit" in features else 32
        self.first_data_block = 1 if self.block_size == 1024 else 0
        self.group_blocks = min(self.block_size * 8, GROUP_BLOCKS_MAX)
        self.unit = FLEX_GROUPS if "flex_bg" in features else 1
        self.stride = wanted.stride
        self.sums = bool(features & {"metadata_csum", "uninit_bg"})
        self._by_ratio = not wanted.inodes and wanted.inode_ratio >= self.block_size
        whole, (share, parts) = self.blocks, wanted.reserved_percent
        self._fit(wanted)
        self.reserved = whole * share // parts * self.blocks // whole

    def _fit(self, wanted: Wanted) -> None:
        """Count groups and inodes; a last group too small for its own structures is left off."""
        asked = wanted.inodes or min(wanted.size // self.block_size * self.block_size // wanted.inode_ratio, 0xFFFFFFFF)
        while True:
            if self.blocks <= self.first_data_block + 8:
                raise fault(e.ENOSPC, f"{wanted.size} bytes are too few for a file system")
            self.groups = -(-(self.blocks - self.first_data_block) // self.group_blocks)
            self.descriptor_blocks = -(-self.groups * self.descriptor_size // self.block_size)
            self._inodes(asked)
            self.reserved_gdt = self._reserved_gdt() if "resize_inode" in self.features else 0
            last = (self.blocks - self.first_data_block) % self.group_blocks
            overhead = 2 + self.table_blocks + self.super_blocks(self.groups - 1)
            if overhead > self.group_blocks or 1 + self.descriptor_blocks + self.table_blocks + 2 > self.group_blocks:
                raise fault(e.EINVAL, "too many inodes: their table does not fit into a group")
            if self.groups == 1 and 0 < last < overhead:
                raise fault(e.ENOSPC, f"{wanted.size} bytes are too few for a file system")
            if self.groups == 1 or not 0 < last < overhead + SPARE:
                return
            self.blocks -= last

    def _inodes(self, asked: int) -> None:
        """Inodes of a group: what fills the blocks of its table, a multiple of 8."""
        size, block = self.inode_size, self.block_size
        share = max(-(-asked // self.groups), FIRST_INO + 5)      # group 0 holds those reserved, and lost+found
        if share > block * 8 and self._by_ratio:
            share = block * 8       # where the last group was left off
        if share > block * 8:
            raise fault(e.EINVAL, f"too many inodes: {share} a group, more than the {block * 8} a bitmap has")
        while True:
            filled = -(-share * size // block) * block // size
            most = min(block * 8, 65536 - block // size)
            self.group_inodes = min(max(filled, 8), most) & ~7
            if self.group_inodes * self.groups <= 0xFFFFFFFF:
                break
            share -= 1
        self.table_blocks = -(-self.group_inodes * size // block)
        self.inodes = self.group_inodes * self.groups

    def _reserved_gdt(self) -> int:
        """Blocks kept behind the descriptors, for those of a volume grown to a thousand times this one."""
        most = min(self.blocks * RESIZE_FACTOR, 0xFFFFFFFF)
        groups = -(-(most - self.first_data_block) // self.group_blocks)
        blocks = -(-groups * self.descriptor_size // self.block_size)
        return min(max(blocks - self.descriptor_blocks, 0), self.block_size // 4)

    def has_super(self, group: int) -> bool:
        """Whether a group begins with the superblock or a copy of it, and the descriptors."""
        if group <= 1 or "sparse_super" not in self.features:
            return True
        for base in (3, 5, 7):
            power = base
            while power < group:
                power *= base
            if power == group:
                return True
        return False

    def supers(self) -> list[int]:
        """The groups that do, in order."""
        if "sparse_super" not in self.features:
            return list(range(self.groups))
        found = {0, 1}
        for base in (3, 5, 7):
            power = base
            while power < self.groups:
                found.add(power)
                power *= base
        return sorted(group for group in found if group < self.groups)

    def super_blocks(self, group: int) -> int:
        """Blocks at a group's start for superblock, descriptors and their room."""
        return 1 + self.descriptor_blocks + self.reserved_gdt if self.has_super(group) else 0

    def start(self, group: int) -> int:
        """A group's first block."""
        return self.first_data_block + group * self.group_blocks

    def size(self, group: int) -> int:
        """How many blocks a group has."""
        return min(self.group_blocks, self.blocks - self.start(group))

    def group_of(self, block: int) -> int:
        """The group a block is in."""
        return (block - self.first_data_block) // self.group_blocks
