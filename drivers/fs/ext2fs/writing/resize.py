# SPDX-License-Identifier: BSD-2-Clause
"""Files get longer, shorter, space of their own or holes: what changes block maps but writes no contents.

What may take long goes in steps.  Before the first of them is committed the inode becomes an orphan with its new size,
so that whoever finds it half done cuts off the rest.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.writing.extents import BLOCKS_MAX
from rump.drivers.fs.ext2fs.writing.releases import STEP, is_journalled
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import DATA, HOLE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

LARGE = 1 << 31             # bytes: files of this size or more need large_file
PIECE = 1 << 20             # bytes of zeros written at a time
_NODES = 4                  # blocks of metadata that change with each extent, about


# ---- parts ---------------------------------------------------------------------------------------------------------


def touch(state: State, draft: Draft) -> None:
    """A file's contents have changed."""
    draft.mtime = draft.ctime = state.now()
    draft.version += 1


def grow(state: State, draft: Draft, size: int) -> None:
    """A file is at least so long."""
    if size > draft.size:
        draft.size = size
        note_size(state, size)


def note_size(state: State, size: int) -> None:
    """A file has a size: if that is large, the superblock says that there are such."""
    if size >= LARGE:
        features = state.super["feature_ro_compat"]
        if not features & disk.RO_COMPAT_LARGE_FILE:
            state.super["feature_ro_compat"] = features | disk.RO_COMPAT_LARGE_FILE


def stays_inline(state: State, draft: Draft, size: int) -> bool:
    """Whether a file without blocks can have a size; if not, it has blocks now.  Errors: ENOSPC."""
    from rump.drivers.fs.ext2fs.writing import inline

    if inline.can_hold(state, draft, size):
        return True
    inline.outgrow(state, draft)
    return False


def clear(state: State, inode: Inode, start: int, end: int) -> None:
    """Zero bytes within one block of a file, if it has that block."""
    shift = state.geometry.shift
    block = start >> shift
    if start >= end:
        return
    for kind, _, _, target in state.maps.blocks(inode, block, block + 1):
        if kind != DATA:
            return
        within = start - (block << shift)
        if is_journalled(state, inode):
            data = state.store.read(target)
            state.store.put(target, data[:within] + bytes(end - start) + data[within + end - start :])
        else:
            state.store.device.write((target << shift) + within, bytes(end - start))


def clear_tail(state: State, inode: Inode, size: int) -> None:
    """Zero the last block of a file behind its size: what is written further on must not bring it to light."""
    shift = state.geometry.shift
    if size & (1 << shift) - 1:
        clear(state, inode, size, (size >> shift) + 1 << shift)


def steps(state: State, draft: Draft) -> Callable[[], None]:
    """What to do between two steps of changing a file: until it is done, it is an orphan."""

    def between() -> None:
        state.orphans.add(draft)
        state.inodes.save(draft)
        state.store.restart()

    return between


# ---- operations ----------------------------------------------------------------------------------------------------


def set_size(state: State, draft: Draft, size: int) -> None:
    """See `FileData.set_size`."""
    if size > state.block_maps.size_max(draft):
        raise fault(e.EFBIG, f"inode {draft.number}: size {size}")
    if draft.flags & disk_files.INODE_INLINE_DATA and stays_inline(state, draft, size):
        from rump.drivers.fs.ext2fs.writing import inline

        inline.truncate(state, draft, size)
        return
    if size > draft.size:
        clear_tail(state, draft, draft.size)
        grow(state, draft, size)
    elif size < draft.size:
        draft.size = size
        cut(state, draft)


def cut(state: State, draft: Draft) -> None:
    """See `FileData.cut`."""
    if draft.flags & disk_files.INODE_INLINE_DATA:
        return
    was_orphan = draft.number in state.orphans
    first = -(-draft.size >> state.geometry.shift)
    state.block_maps.remove(draft, first, BLOCKS_MAX + 1, steps(state, draft))
    clear_tail(state, draft, draft.size)
    if not was_orphan:
        state.orphans.remove(draft)


def delete_contents(state: State, draft: Draft) -> None:
    """See `FileData.delete_contents`."""
    if draft.flags & disk_files.INODE_INLINE_DATA:
        return
    state.block_maps.remove(draft, 0, BLOCKS_MAX + 1, steps(state, draft))
    draft.size = 0


def punch(state: State, draft: Draft, offset: int, length: int) -> None:
    """See `FileData.punch`."""
    end = min(offset + length, draft.size)
    if offset >= end:
        return
    if draft.flags & disk_files.INODE_INLINE_DATA:
        from rump.drivers.fs.ext2fs.writing import inline

        inline.write(state, draft, offset, bytes(end - offset))
        return
    shift = state.geometry.shift
    whole = -(-end >> shift) if end == draft.size else end >> shift     # nothing is lost behind the end
    first = -(-offset >> shift)

    def between() -> None:
        state.inodes.save(draft)
        state.store.restart()

    if first < whole:
        state.block_maps.remove(draft, first, whole, between)
    if first << shift > offset:
        clear(state, draft, offset, min(first << shift, end))
    if end > max(whole, first) << shift:
        clear(state, draft, max(whole, first) << shift, end)


def allocate(state: State, draft: Draft, offset: int, length: int) -> None:
    """See `FileData.allocate`."""
    end = offset + length
    if end > state.block_maps.size_max(draft):
        raise fault(e.EFBIG, f"inode {draft.number}: size {end}")
    if draft.flags & disk_files.INODE_INLINE_DATA and stays_inline(state, draft, max(end, draft.size)):
        from rump.drivers.fs.ext2fs.writing import inline

        inline.truncate(state, draft, max(end, draft.size))
        return
    Allocation(state, draft, offset >> state.geometry.shift, -(-end >> state.geometry.shift)).run()
    if end > draft.size:
        clear_tail(state, draft, draft.size)
        grow(state, draft, end)


class Allocation:
    """Space set aside for a range of a file's blocks, all or nothing.

    What lies behind the size while it goes on is cut off again, should it not come to an end: by `_undo` or, after a
    crash, because the file is an orphan.
    """

    def __init__(self, state: State, draft: Draft, first: int, end: int) -> None:
        self._state = state
        self._draft = draft
        self._first = first
        self._end = end
        self._plain = bool(draft.flags & disk_files.INODE_EXTENTS) and not is_journalled(state, draft)
        self._done: list[tuple[int, int]] = []      # blocks given to the file before this step
        self._recent: list[tuple[int, int]] = []    # and in it
        self._was_orphan = draft.number in state.orphans
        self._stepped = False
        self._weight = 0

    def run(self) -> None:
        """Errors: ENOSPC, EFBIG."""
        state, draft = self._state, self._draft
        holes = [run for run in state.block_maps.runs(draft, self._first, self._end) if run[0] == HOLE]
        needed = sum([count for _, _, count, _ in holes])
        state.block_maps.check_room(draft, needed)
        if needed > state.alloc.free_blocks():
            raise fault(e.ENOSPC, f"inode {draft.number}: {needed} blocks")
        try:
            for _, block, count, _ in holes:
                self._fill(block, count)
        except Fault:
            if self._stepped:
                self._undo()
            raise
        if not self._was_orphan:
            state.orphans.remove(draft)

    def _fill(self, block: int, count: int) -> None:
        """Set space aside for a hole."""
        state, draft = self._state, self._draft
        goal = state.alloc.goal(draft, block)
        while count:
            target, got = state.alloc.take(goal, min(count, state.block_maps.step_max(draft)))
            if target + got > state.block_maps.target_max(draft):
                raise fault(e.ENOSPC, f"inode {draft.number}: block {target} is too far")
            if not self._plain:
                self._zero(target, got)
            state.block_maps.add(draft, block, target, got, unwritten=self._plain)
            self._recent.append((block, got))
            block, count, goal = block + got, count - got, target + got
            self._weight += _NODES if self._plain else _NODES + 4 * got // state.geometry.block_size
            if self._weight >= STEP:
                self._pause()

    def _zero(self, target: int, count: int) -> None:
        """Blocks that nobody has yet become zeros on the device."""
        device, shift = self._state.store.device, self._state.geometry.shift
        start, end = target << shift, target + count << shift
        zeros = bytes(min(PIECE, end - start))
        while start < end:
            device.write(start, zeros[: end - start])
            start += len(zeros)

    def _pause(self) -> None:
        """A step is done."""
        steps(self._state, self._draft)()
        self._stepped = True
        self._weight = 0
        self._done.extend(self._recent)
        self._recent.clear()

    def _undo(self) -> None:
        """There is no room after all: give back what earlier steps set aside."""
        state = self._state
        state.store.rollback()
        number = self._draft.number
        draft = state.inodes.edit(number, *state.inodes.special(number))
        for block, count in reversed(self._done):
            state.block_maps.remove(draft, block, block + count, steps(state, draft))
        if not self._was_orphan:
            state.orphans.remove(draft)
        state.inodes.save(draft)
        state.store.restart()
