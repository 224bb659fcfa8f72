# SPDX-License-Identifier: BSD-2-Clause
"""Which blocks are given out and taken back.

Blocks are found near a goal: right there, then behind it in its group, then in the groups that follow.  A long run is
preferred to the scraps on the way to it.  Where the last run of a group ended is where files that have no blocks yet
begin: the small files of a directory, whose inodes share its group, come to lie one behind another.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.layout import BLOCK_UNINIT
from rump.drivers.fs.ext2fs.writing.alloc_inodes import InodeAllocator
from rump.drivers.fs.ext2fs.writing.bitmaps import clear, fill, find_run, free_run, ones
from rump.drivers.fs.ext2fs.writing.groups import FREE_BLOCKS, FREE_INODES, RESERVED, WritableGroups
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.volume import HOLE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.writing.bitmaps import Bitmap
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

    Found: TypeAlias = tuple[int, Bitmap, int, int]     # group, its bitmap, first bit, length

SCRAP = 8               # blocks: shorter runs are passed by when more is wanted
ENOUGH = 512            # blocks: for a longer run nobody goes to another group
WINDOW = 4096           # bits behind the goal that are looked at before the whole group
LOOK = 32               # other groups looked at for a longer run
HINTS_MAX = 4096        # groups of which something is remembered

_SILENT = (e.EOPNOTSUPP, e.ENOTSUP, e.ENOSYS)


class Allocator:
    """The blocks and inodes of a volume that is written to."""

    def __init__(self, state: State, recount: bool = False) -> None:
        """`recount`: the superblock's counters cannot be right.  Errors: Corrupt."""
        self._state = state
        self._store = state.store
        geometry = state.geometry
        self._first = geometry.first_data_block
        self._per_group = geometry.blocks_per_group
        self._per_inodes = geometry.inodes_per_group
        self._count = geometry.groups
        self._groups = groups = WritableGroups(state, recount)
        self._blocks = groups.blocks
        self._inodes = InodeAllocator(state, groups)
        self._freed: dict[int, int] = {}        # first block -> count, in one group; since the last commit
        self._rotor: dict[int, int] = {}        # group -> block behind the last run taken there; a hint
        self._elsewhere: dict[int, int] = {}    # group -> where was room when it had none; a hint
        self.new_inode = self._inodes.new
        self.free_inode = self._inodes.free

    # ---- counts ------------------------------------------------------------------------------------------------------

    def free_blocks(self) -> int:
        """Blocks not in use and not reserved.  What was freed counts, though it waits for the commit."""
        totals = self._groups.totals
        return max(0, totals[FREE_BLOCKS] - totals[RESERVED])

    def free_inodes(self) -> int:
        """Inodes not in use."""
        return max(0, self._groups.totals[FREE_INODES])

    def waiting(self) -> bool:
        """Whether a commit would make something that was freed available: worth trying on ENOSPC."""
        return bool(self._freed or self._inodes.freed)

    # ---- taking ------------------------------------------------------------------------------------------------------

    def goal(self, draft: Draft, block: int) -> int:
        """Where that block of a file should be: behind the block before it, else behind what its group got last."""
        if block > 0 and not draft.flags & disk_files.INODE_INLINE_DATA:
            runs = self._state.maps.blocks(draft, block - 1, block)
            if runs and runs[0][0] != HOLE:
                return runs[0][3] + 1
        group = (draft.number - 1) // self._per_inodes
        return self._rotor.get(group) or self._groups.start(group)

    def take(self, goal: int, count: int) -> tuple[int, int]:
        """(first block, how many) of a run of 1 to `count` blocks near block `goal`; they are used.  Errors: ENOSPC"""
        group, bitmap, bit, length = self._find(goal, count)
        self._blocks.use(group, bitmap, bit, length)
        self._add_free(group, -length)
        return self._taken(group, bit, length)

    def reserve(self, goal: int, count: int) -> tuple[int, int]:
        """As `take`, but nobody else gets them is all: on the device they stay free.  Errors: ENOSPC"""
        group, bitmap, bit, length = self._find(goal, count)
        fill(self._store, bitmap.busy, bit, length)
        self._blocks.hold(group, length)
        self._groups.add(RESERVED, length)
        return self._taken(group, bit, length)

    def claim(self, start: int, count: int) -> None:
        """Blocks that were reserved are in use from now on."""
        for group, bit, length in self._parts(start, count):
            bitmap = self._reserved(group, bit, length)
            self._blocks.use(group, bitmap, bit, length)
            self._blocks.hold(group, -length)
            self._groups.add(RESERVED, -length)
            self._add_free(group, -length)

    def unreserve(self, start: int, count: int) -> None:
        """Blocks that were reserved are free."""
        for group, bit, length in self._parts(start, count):
            bitmap = self._reserved(group, bit, length)
            clear(self._store, bitmap.busy, bit, length)
            self._blocks.hold(group, -length)
            self._groups.add(RESERVED, -length)
            self._blocks.reopen(group)

    def release(self, start: int, count: int) -> None:
        """Blocks are free, but not given out before the commit.

        Errors: Corrupt - they are not in use, or metadata of the volume, or outside it.
        """
        if count <= 0 or not self._state.geometry.has_data(start, count):
            raise Corrupt(f"{count} blocks from {start} are freed, outside the volume")
        for group, bit, length in self._parts(start, count):
            self._release(group, bit, length)

    def _release(self, group: int, bit: int, count: int) -> None:
        """Free blocks of one group."""
        bitmap = self._blocks.get(group)
        if bitmap is None:
            return      # its damage is known: they stay in use until somebody checks the volume
        start = self._groups.start(group) + bit
        for first, stop in self._groups.metadata(group):
            if first < start + count and start < stop:
                raise Corrupt(f"{count} blocks from {start} are freed, but block {max(first, start)} is metadata")
        self._blocks.give_up(group, bitmap, bit, count)
        self._add_free(group, count)
        self._store.set(self._freed, start, count)

    def _parts(self, start: int, count: int) -> Iterator[tuple[int, int, int]]:
        """(group, first bit, length) of what of a run is in each group."""
        while count > 0:
            group, bit = divmod(start - self._first, self._per_group)
            length = min(count, self._per_group - bit)
            yield group, bit, length
            start += length
            count -= length

    def _reserved(self, group: int, bit: int, count: int) -> Bitmap:
        """The bitmap of reserved blocks.  Errors: Corrupt - they are not: an error of the driver."""
        bitmap = self._blocks.get(group)
        if bitmap is None or ones(bitmap.busy, bit, count) != count or ones(bitmap.used, bit, count):
            raise Corrupt(f"{count} blocks from {self._groups.start(group) + bit} are not reserved")
        return bitmap

    def _add_free(self, group: int, count: int) -> None:
        """So many more blocks of a group are free."""
        groups = self._groups
        free, inodes, directories, flags, unused = groups.row(group)
        groups.set_row(group, (free + count, inodes, directories, flags & ~BLOCK_UNINIT, unused))
        groups.add(FREE_BLOCKS, count)

    def _taken(self, group: int, bit: int, length: int) -> tuple[int, int]:
        """The run as blocks; where it ends is remembered."""
        start = self._first + group * self._per_group + bit
        rotor = self._rotor
        if len(rotor) >= HINTS_MAX and group not in rotor:
            rotor.clear()
        rotor[group] = start + length
        return start, length

    # ---- finding -----------------------------------------------------------------------------------------------------

    def _find(self, goal: int, count: int) -> Found:
        """A run near a goal.  Errors: ENOSPC"""
        group, bit = divmod(goal - self._first, self._per_group)
        if not 0 <= group < self._count:
            group = bit = 0
        count = min(count, self._per_group)
        blocks = self._blocks
        best: Found | None = None
        if blocks.available(group) > 0:
            bitmap = blocks.get(group)
            if bitmap is not None:
                length = free_run(bitmap.busy, bit, count)
                if length >= count or length >= SCRAP:
                    return group, bitmap, bit, length
                bit, length = self._in_group(group, bitmap, bit, count)
                if length >= count or length >= ENOUGH:
                    return group, bitmap, bit, length
                if length:
                    best = group, bitmap, bit, length
        return self._in_others(group, count, best)

    def _in_group(self, group: int, bitmap: Bitmap, bit: int, count: int) -> tuple[int, int]:
        """(first bit, length) of a run of a group: soon behind a bit, or behind the run taken last, or the first there
        is.  The length is 0 if the group is full."""
        busy = bitmap.busy
        count = max(1, min(count, bitmap.most))
        stop = min(self._per_group, bit + max(WINDOW, 4 * count) & ~7)
        found = find_run(busy, bit, stop, count)
        if found[1] >= count:
            return found
        last = self._rotor.get(group, 0) - self._first - group * self._per_group
        if 0 <= last < self._per_group and free_run(busy, last, count) >= count:
            return last, count
        if bit or stop < self._per_group:
            found = find_run(busy, 0, self._per_group, count)
        if found[1] < count:
            bitmap.most = min(count, 2 * found[1]) - 1      # see `find_run`
        return found

    def _in_others(self, group: int, count: int, best: Found | None) -> Found:
        """A run of another group, unless none is longer than the best of the goal's own."""
        blocks = self._blocks
        wanted = min(count, ENOUGH)
        looked = 0
        for other in blocks.with_room(self._elsewhere.get(group, group)):
            longest = best[3] if best is not None else 0
            looked += 1
            if longest >= wanted or (longest and looked > LOOK):
                break
            if other == group or blocks.available(other) <= longest:
                continue
            bitmap = blocks.get(other)
            if bitmap is None or (longest and bitmap.most <= longest):
                continue
            bit, length = self._in_group(other, bitmap, 0, count)
            if length > longest:
                best = other, bitmap, bit, length
        if best is None:
            raise fault(e.ENOSPC, "no block is free")
        if best[0] != group:
            self._remember(group, best[0])
        return best

    def _remember(self, group: int, other: int) -> None:
        """The group has no room, the other one has."""
        if len(self._elsewhere) >= HINTS_MAX:
            self._elsewhere.clear()
        self._elsewhere[group] = other

    # ---- commit ------------------------------------------------------------------------------------------------------

    def weight(self) -> int:
        """Blocks that `prepare` will change, at most."""
        weight = self._groups.weight()
        return weight + 1 if weight else 0

    def prepare(self) -> None:
        """Put bitmaps, descriptors and the superblock's counters: before `SuperblockFields.prepare`."""
        self._groups.prepare()

    def committed(self) -> None:
        """What was freed is available again, and of no interest to the device."""
        freed = sorted(self._freed.items())
        for start, count in freed:
            for group, bit, length in self._parts(start, count):
                self._blocks.released(group, bit, length)
        self._freed.clear()
        self._inodes.committed()
        self._groups.committed()
        if self._state.discard and freed:
            self._discard(freed)

    def _discard(self, runs: list[tuple[int, int]]) -> None:
        """Tell the device of free runs, which are in order; if it does not want to know, never again."""
        shift = self._state.geometry.shift
        joined: list[list[int]] = []
        for start, count in runs:
            if joined and joined[-1][0] + joined[-1][1] == start:
                joined[-1][1] += count
            else:
                joined.append([start, count])
        try:
            for start, count in joined:
                self._store.device.discard(start << shift, count << shift)
        except OSError as error:
            self._state.discard = False
            if error.errno not in _SILENT:
                self._state.medium.log(f"discard: {error}; no more are tried")
