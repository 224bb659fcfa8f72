# SPDX-License-Identifier: BSD-2-Clause
"""Which inodes are given out and taken back.

Files go into the group of their directory, a directory near the one it is in; but those at the top are spread over the
volume, in the spirit of Orlov's allocator: each is likely to grow a tree of its own.  Groups are judged together with
the others of their flex group, whose metadata is in one place.  In a group the lowest free inode is taken, so that
tables stay dense.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.layout import BLOCK_UNINIT, INODE_UNINIT
from rump.drivers.fs.ext2fs.writing.bitmaps import first_free
from rump.drivers.fs.ext2fs.writing.groups import FREE_BLOCKS, FREE_INODES
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import STRUCTURE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.writing.bitmaps import Bitmap
    from rump.drivers.fs.ext2fs.writing.groups import Row, WritableGroups
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

    Room: TypeAlias = tuple[int, int, int]      # free inodes, free blocks, directories

CANDIDATES = 16         # flex groups looked at for a directory
FLEX_MAX = 64           # groups judged together, at most


class InodeAllocator:
    """The inodes of a volume that is written to.

    freed   number -> True, of those freed since the last commit
    """

    def __init__(self, state: State, groups: WritableGroups) -> None:
        self._store = state.store
        self._groups = groups
        self._bitmaps = groups.inodes
        geometry = state.geometry
        self._per_group = geometry.inodes_per_group
        self._per_block = geometry.block_size // geometry.inode_size
        self._zeros = bytes(geometry.block_size)
        self._flex = min(groups.flex, FLEX_MAX)
        self._flexes = -(-geometry.groups // self._flex)
        self._lowest: dict[int, int] = {}       # group -> byte of the bitmap before which all is busy
        self._rooms: dict[int, Room] = {}       # of flex groups, as they were lately
        self._next = 0                          # the flex group behind the one chosen last
        self.freed: dict[int, bool] = {}

    # ---- taking and freeing ------------------------------------------------------------------------------------------

    def new(self, parent: Draft, is_directory: bool) -> int:
        """The number of a new inode, in use.  What its table holds there is zeros, or a freed inode.  Errors: ENOSPC"""
        group = (parent.number - 1) // self._per_group
        if is_directory:
            group = self._for_directory(parent, group)
        bitmaps = self._bitmaps
        for other in (group,) if bitmaps.available(group) > 0 else ():
            number = self._take(other, is_directory)
            if number:
                return number
        for other in bitmaps.with_room(group):
            number = self._take(other, is_directory)
            if number:
                return number
        raise fault(e.ENOSPC, "no inode is free")

    def _take(self, group: int, is_directory: bool) -> int:
        """The lowest free inode of a group, or 0."""
        bitmap = self._bitmaps.get(group)
        if bitmap is None:
            return 0
        low = self._lowest.get(group, 0)
        index = first_free(bitmap.busy, low)
        if index >= self._per_group:
            return 0
        if index >> 3 != low:
            self._store.set(self._lowest, group, index >> 3)
        groups = self._groups
        row = groups.row(group)
        if row[3] & BLOCK_UNINIT and groups.sums:
            row = self._with_block_bitmap(group)
        unused = row[4]
        if groups.sums:
            unused = self._enter(group, index, row)
        self._bitmaps.use(group, bitmap, index, 1)
        free, inodes, directories, flags, _ = row
        groups.set_row(group, (free, inodes - 1, directories + is_directory, flags & ~INODE_UNINIT, unused))
        groups.add(FREE_INODES, -1)
        return group * self._per_group + index + 1

    def _enter(self, group: int, index: int, row: Row) -> int:
        """How many inodes at the end of the table were never used once this one is.  Blocks of the table that were not
        used before hold anything: they become zeros."""
        ever = 0 if row[3] & INODE_UNINIT else self._per_group - row[4]
        if index < ever:
            return row[4]
        table = self._groups.place(group)[2]
        for block in range(-(-ever // self._per_block), index // self._per_block + 1):
            self._store.put(table + block, self._zeros, STRUCTURE)
        return self._per_group - index - 1

    def _with_block_bitmap(self, group: int) -> Row:
        """A group with inodes has a bitmap of blocks, too, as Linux has it.  The row as it is then."""
        groups = self._groups
        bitmap = groups.blocks.get(group)
        if bitmap is not None:
            free, inodes, directories, flags, unused = groups.row(group)
            groups.set_row(group, (free, inodes, directories, flags & ~BLOCK_UNINIT, unused))
            self._store.set(groups.blocks.changed, group, True)
        return groups.row(group)

    def free(self, number: int, was_directory: bool) -> None:
        """An inode is free, but not given out before the commit.  Errors: Corrupt - it is not in use, or reserved."""
        groups = self._groups
        if not groups.geometry.first_ino <= number <= groups.geometry.inodes:
            raise Corrupt(f"inode {number} is freed: it is reserved, or there is none")
        group, index = divmod(number - 1, self._per_group)
        bitmap: Bitmap | None = self._bitmaps.get(group)
        if bitmap is None:
            return      # its damage is known: the inode stays in use until somebody checks the volume
        self._bitmaps.give_up(group, bitmap, index, 1)
        free, inodes, directories, flags, unused = groups.row(group)
        directories = max(0, directories - was_directory)
        groups.set_row(group, (free, inodes + 1, directories, flags, unused))
        groups.add(FREE_INODES, 1)
        self._store.set(self.freed, number, True)

    def committed(self) -> None:
        """What was freed is available again."""
        for number in self.freed:
            group, index = divmod(number - 1, self._per_group)
            self._bitmaps.released(group, index, 1)
            if index >> 3 < self._lowest.get(group, 0):
                self._lowest[group] = index >> 3
        self.freed.clear()
        self._rooms.clear()

    # ---- where directories go ----------------------------------------------------------------------------------------

    def _for_directory(self, parent: Draft, group: int) -> int:
        """The group where a new directory should be."""
        totals = self._groups.totals
        inodes, blocks = totals[FREE_INODES] // self._flexes, totals[FREE_BLOCKS] // self._flexes
        if parent.number == disk.ROOT_INO or parent.flags & disk_files.INODE_TOPDIR:
            chosen = self._for_top(inodes, blocks)
            self._next = (chosen + 1) % self._flexes
        else:
            chosen = self._near(group // self._flex, inodes, blocks)
        self._rooms.pop(chosen, None)
        first = chosen * self._flex
        if first <= group < first + self._flex and self._bitmaps.available(group) > 0:
            return group
        available = self._bitmaps.available
        for other in range(first, min(first + self._flex, self._groups.geometry.groups)):
            if available(other) > 0:
                return other
        return group

    def _for_top(self, inodes: int, blocks: int) -> int:
        """The flex group with the fewest directories, of those with no less room than the average.  On large volumes a
        sample of them is asked, another each time."""
        count = self._flexes
        if count <= CANDIDATES:
            candidates = range(count)
        else:
            candidates = range(self._next, self._next + count, -(-count // CANDIDATES))
        best, least = candidates[0] % count, (True, 0)
        for place, candidate in enumerate(candidates):
            flex = candidate % count
            room = self._room(flex)
            key = (room[0] < max(1, inodes) or room[1] < blocks, room[2])
            if not place or key < least:
                best, least = flex, key
        return best

    def _near(self, flex: int, inodes: int, blocks: int) -> int:
        """The first flex group, from the parent's on, that is not much fuller than the others."""
        many = self._per_group * self._flex
        least_inodes = max(1, inodes - many // 4)
        least_blocks = blocks - self._groups.geometry.blocks_per_group * self._flex // 4
        most = max(1, many // 16)
        for step in range(min(self._flexes, CANDIDATES)):
            candidate = (flex + step) % self._flexes
            room = self._room(candidate)
            if room[0] >= least_inodes and room[1] >= least_blocks and room[2] < most:
                return candidate
        return flex

    def _room(self, flex: int) -> Room:
        """How much room a flex group has, or had lately."""
        room = self._rooms.get(flex)
        if room is None:
            first = flex * self._flex
            row = self._groups.row
            rows = [row(group) for group in range(first, min(first + self._flex, self._groups.geometry.groups))]
            free_blocks, free_inodes, directories, _, _ = zip(*rows, strict=True)
            room = self._rooms[flex] = sum(free_inodes), sum(free_blocks), sum(directories)
        return room
