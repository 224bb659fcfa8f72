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
    from rump.drivers.fs.ext2fs.newfs.options import Wanted

FIRST_INO = 11              # the first inode that is not reserved; it becomes lost+found
GROUP_BLOCKS_MAX = 65528    # a descriptor counts free blocks in 16 bits
GROUP_BLOCKS_MIN = 256
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
    cluster                                   what bitmaps count: 1, or more with bigalloc
    boot                                      1 if group 0 begins with a block that is nobody's
    meta_groups                               meta_bg: groups whose descriptors fill a block, which lies in them; else 0
    backups                                   sparse_super2: the groups with copies of the superblock
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
        self.groups = self.table_blocks = 0
        self.cluster = wanted.cluster_size // self.block_size if "bigalloc" in features else 1
        self.boot = int(self.cluster > 1 and self.block_size == 1024)
        self.first_data_block = 1 if self.block_size == 1024 and not self.boot else 0
        self.group_blocks = (wanted.group_blocks or min(self.block_size * 8, GROUP_BLOCKS_MAX)) * self.cluster
        self.unit = wanted.flex_groups if "flex_bg" in features else 1
        self.stride = wanted.stride
        self.backups: tuple[int, ...] = ()
        self.meta_groups = self.block_size // self.descriptor_size if "meta_bg" in features else 0
        self.sums = bool(features & {"metadata_csum", "uninit_bg"})
        share, parts = wanted.reserved_percent
        self.reserved = self.blocks * share // parts
        self._fit(wanted)
        if wanted.packed and self.unit > 1:
            self.unit = self.groups

    def _fit(self, wanted: Wanted) -> None:
        """Count groups and inodes; a last group too small for its own structures is left off."""
        asked = wanted.inodes or min(wanted.size // self.block_size * self.block_size // wanted.inode_ratio, 0xFFFFFFFF)
        whole, reserved = self.blocks, self.reserved
        self.blocks -= whole % self.cluster
        while True:
            if self.blocks <= self.first_data_block + 8:
                raise fault(e.ENOSPC, f"{wanted.size} bytes are too few for a file system")
            self.groups = -(-(self.blocks - self.first_data_block) // self.group_blocks)
            self.backups = tuple(sorted({min(1, self.groups - 1), self.groups - 1} - {0}))[: wanted.backups]
            self.descriptor_blocks = -(-self.groups * self.descriptor_size // self.block_size)
            share = max(-(-asked // self.groups), FIRST_INO + 5)      # group 0 holds those reserved, and lost+found
            if share > self.block_size * 8:
                self._smaller_groups(share, whole)
                continue
            self._inodes(share)
            self.reserved_gdt = self._reserved_gdt(wanted.resize) if "resize_inode" in self.features else 0
            last = (self.blocks - self.first_data_block) % self.group_blocks
            overhead = 2 + self.table_blocks + self.super_blocks(self.groups - 1)
            if overhead > self.group_blocks or self.super_blocks(0) + self.table_blocks + 2 > self.group_blocks:
                raise fault(e.EINVAL, "too many inodes: their table does not fit into a group")
            if self.groups == 1 and 0 < last < overhead:
                raise fault(e.ENOSPC, f"{wanted.size} bytes are too few for a file system")
            if self.groups == 1 or not 0 < last < overhead + SPARE:
                return
            self.blocks -= last
            self.reserved = reserved * self.blocks // whole     # not reckoned anew for smaller groups

    def _smaller_groups(self, share: int, blocks: int) -> None:
        """Begin anew with groups so small that each needs fewer inodes."""
        if self.group_blocks < GROUP_BLOCKS_MIN or self.cluster > 1:
            raise fault(e.EINVAL, f"too many inodes: {share} a group, more than the {self.block_size * 8} a bitmap has")
        self.group_blocks -= 8
        self.blocks = blocks

    def _inodes(self, share: int) -> None:
        """Inodes of a group: what fills the blocks of its table, a multiple of 8."""
        size, block = self.inode_size, self.block_size
        while True:
            filled = -(-share * size // block) * block // size
            most = min(block * 8, 65536 - block // size)
            self.group_inodes = min(max(filled, 8), most) & ~7
            if self.group_inodes * self.groups <= 0xFFFFFFFF:
                break
            share -= 1
        self.table_blocks = -(-self.group_inodes * size // block)
        self.inodes = self.group_inodes * self.groups

    def _reserved_gdt(self, resize: int) -> int:
        """Blocks kept behind the descriptors, for those of a volume grown to `resize` blocks, or to a thousand times
        this one's."""
        if resize:
            groups = -(-resize // (self.block_size * 8))
            blocks = -(-groups // (self.block_size // self.descriptor_size)) - self.descriptor_blocks
            if blocks > 0:
                return min(blocks, self.block_size // 4)
        most = min(self.blocks * RESIZE_FACTOR, 0xFFFFFFFF)
        groups = -(-(most - self.first_data_block) // self.group_blocks)
        blocks = -(-groups * self.descriptor_size // self.block_size)
        return min(max(blocks - self.descriptor_blocks, 0), self.block_size // 4)

    def has_super(self, group: int) -> bool:
        """Whether a group begins with the superblock or a copy of it, and the descriptors."""
        if "sparse_super2" in self.features:
            return not group or group in self.backups
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
        if "sparse_super2" in self.features:
            return [0, *self.backups]
        if "sparse_super" not in self.features:
            return list(range(self.groups))
        found = {0, 1}
        for base in (3, 5, 7):
            power = base
            while power < self.groups:
                found.add(power)
                power *= base
        return sorted(group for group in found if group < self.groups)

    def heads(self) -> list[int]:
        """The groups that begin with any of the volume's own blocks, in order."""
        count = self.meta_groups
        if not count:
            return self.supers()
        return sorted({*self.supers(), *[group for first in range(0, self.groups, count)
                                         for group in (first, first + 1, first + count - 1)
                                         if group < self.groups]})  # fmt: skip

    def super_blocks(self, group: int) -> int:
        """Blocks at a group's start for superblock, descriptors and their room."""
        if self.meta_groups:
            return self.has_super(group) + self.has_descriptors(group) + (0 if group else self.boot)
        if not group:
            return self.boot + 1 + self.descriptor_blocks + self.reserved_gdt
        return 1 + self.descriptor_blocks + self.reserved_gdt if self.has_super(group) else 0

    def has_descriptors(self, group: int) -> bool:
        """meta_bg: whether a group has the block with its metagroup's descriptors, or a copy of it."""
        return group % self.meta_groups in (0, 1, self.meta_groups - 1)

    def descriptors(self, group: int) -> int:
        """The block where a group's copy of the descriptors begins."""
        return self.start(group) + self.has_super(group) + (0 if group else self.boot)

    def start(self, group: int) -> int:
        """A group's first block."""
        return self.first_data_block + group * self.group_blocks

    def size(self, group: int) -> int:
        """How many blocks a group has."""
        return min(self.group_blocks, self.blocks - self.start(group))

    def group_of(self, block: int) -> int:
        """The group a block is in."""
        return (block - self.first_data_block) // self.group_blocks
