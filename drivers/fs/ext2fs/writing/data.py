# SPDX-License-Identifier: BSD-2-Clause
"""Contents of regular files: where the kernel is to write them, and what becomes of that (`Volume.reserve`).

What is reserved is kept in memory only, by the allocator and here; a crash loses nothing by it.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.writing import resize
from rump.drivers.fs.ext2fs.writing.attributes import check_changeable
from rump.drivers.fs.ext2fs.writing.releases import is_journalled
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import DATA, ENCODED, HOLE, INLINE, UNWRITTEN
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Buffer

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Handle, Run

    Held: TypeAlias = tuple[int, int, int, int]     # first block of the file, count, of the volume, HOLE or UNWRITTEN

NODES_MAX = 16              # blocks of its own that a map may need for one reservation
BYTES_MAX = 64 << 20        # reserved by one call
RUNS_MAX = 1024             # likewise
HELD_MAX = 12               # of them new or unwritten: each may change a bitmap and a part of the map


class FileData:
    """The contents of a volume's regular files.

    reserved    inode -> (where what was reserved ends in bytes, the blocks that are not the file's yet or unwritten)
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._shift = state.geometry.shift
        self.reserved: dict[int, tuple[int, list[Held]]] = {}
        self._last: Draft | None = None     # the inode last read, or saved: `_open`

    # ---- reading -----------------------------------------------------------------------------------------------------

    def map(self, inode: Inode, offset: int, length: int) -> tuple[Run, ...]:
        """See `Volume.map`; the range lies within the file and is not empty."""
        if inode.flags & disk_files.INODE_INLINE_DATA:
            return ((INLINE, offset, length, 0),)
        if is_journalled(self._state, inode):
            return ((ENCODED, offset, length, 0),)
        return self._state.maps.runs(inode, offset, offset + length)

    def read(self, inode: Inode, offset: int, length: int) -> bytes:
        """See `Volume.read`.  Errors: EINVAL - `map` does not say so."""
        offset, length = max(0, offset), max(0, length)
        if inode.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.inline import content

            return content(self._state.medium, inode)[offset : offset + length]
        if not is_journalled(self._state, inode):
            raise fault(e.EINVAL, f"inode {inode.number} is not inline")
        return self._blocks(inode, offset, min(inode.size, offset + length))

    def content(self, inode: Inode) -> bytes:
        """All the bytes of a small file that is the format's own affair.  The caller has bounded its size."""
        if inode.flags & disk_files.INODE_INLINE_DATA:
            return self.read(inode, 0, inode.size)
        return self._blocks(inode, 0, inode.size)

    def _blocks(self, inode: Inode, offset: int, end: int) -> bytes:
        """Bytes of a file, block by block as the transaction has them."""
        if offset >= end:
            return b""
        shift, read = self._shift, self._state.store.read
        parts: list[bytes] = []
        for kind, _, count, target in self._state.block_maps.runs(inode, offset >> shift, -(-end >> shift)):
            if kind == DATA:
                parts.extend([read(block) for block in range(target, target + count)])
            else:
                parts.append(bytes(count << shift))
        start = offset & (1 << shift) - 1
        return b"".join(parts)[start : start + end - offset]

    # ---- writing -----------------------------------------------------------------------------------------------------

    def _open(self, file: Handle) -> Draft:
        """A regular file's inode, to be changed.  Writing asks for the same one again and again: it is still right if
        the bytes are the same object that it was made of.  Errors: as `attributes.check_changeable`."""
        inodes, draft = self._state.inodes, self._last
        self._last = None
        if draft is not None and draft.number == file[0] and draft.generation == file[1]:
            data, at = inodes.special(draft.number)
            if data is draft.data and at == draft.at:
                return draft
        draft = inodes.open(file)
        check_changeable(draft)
        return draft

    def _save(self, draft: Draft) -> None:
        """Make a draft the inode, and remember it."""
        inodes = self._state.inodes
        inodes.save(draft)
        draft.data, draft.at = inodes.changed[draft.number], 0
        self._last = draft

    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        """See `Volume.reserve`."""
        inode = self._open(file)
        number = inode.number
        if number in self.reserved:
            self._give_back(number)
        size_max = self._state.block_maps.size_max(inode)
        if offset >= size_max:
            raise fault(e.EFBIG, f"inode {number}: offset {offset}")
        length = min(length, size_max - offset, BYTES_MAX, self._state.block_maps.step_max(inode) << self._shift)
        if inode.flags & disk_files.INODE_INLINE_DATA:
            if resize.stays_inline(self._state, inode, max(inode.size, offset + length)):
                return ((INLINE, offset, length, 0),)
            self._state.inodes.save(inode)
        if is_journalled(self._state, inode):
            return ((ENCODED, offset, length, 0),)
        if offset > inode.size:
            resize.clear_tail(self._state, inode, inode.size)
        runs = self._reserve(inode, offset, offset + length)
        self._last = inode
        return runs

    def _reserve(self, inode: Draft, offset: int, end: int) -> tuple[Run, ...]:
        """Find or hold blocks for a range; those that the file has in full use are left as they are."""
        shift = self._shift
        runs: list[Run] = []
        held: list[Held] = []
        first, last = offset >> shift, -(-end >> shift)
        # Nearly every file is written once: of one without blocks the map need not be read.
        found = self._state.maps.blocks(inode, first, last) if inode.sectors else [(HOLE, first, last - first, 0)]
        for kind, block, count, target in found:
            if kind == DATA:
                start, stop = max(block << shift, offset), min(block + count << shift, end)
                _join(runs, start, stop - start, (target << shift) + start - (block << shift))
            elif kind == UNWRITTEN:
                held.append((block, count, target, UNWRITTEN))
                _join(runs, block << shift, count << shift, target << shift)
            elif not self._hold(inode, block, count, runs, held):
                break
            if len(runs) >= RUNS_MAX or len(held) >= HELD_MAX:
                break
        if held:
            covered = min(end, runs[-1][1] + runs[-1][2])
            self._state.store.set(self.reserved, inode.number, (covered, held))
        return tuple(runs)

    def _hold(self, inode: Draft, block: int, count: int, runs: list[Run], held: list[Held]) -> bool:
        """Hold blocks for a hole.  False: there is no room for all of it, or that is enough."""
        alloc, shift = self._state.alloc, self._shift
        maps = self._state.block_maps
        maps.check_room(inode, count)
        most = maps.target_max(inode)
        end = block + count
        goal = alloc.goal(inode, block) if not runs else runs[-1][3] + runs[-1][2] >> shift
        while count and len(held) < HELD_MAX:
            room = alloc.free_blocks()
            if room < count + NODES_MAX:        # the map must not find nothing left when all is written
                room -= maps.spare(inode, block + count, len(held) + 1)
                if room <= 0:
                    if runs:
                        return False
                    raise fault(e.ENOSPC, f"inode {inode.number}: no block is left for its map")
                count = min(count, room)
            try:
                target, got = alloc.reserve(goal, count)
            except Fault as error:
                if error.errno != e.ENOSPC or not runs:
                    raise
                return False
            if target + got > most:
                alloc.unreserve(target, got)
                if not runs:
                    raise fault(e.ENOSPC, f"inode {inode.number}: no block below {most} is free")
                return False
            held.append((block, got, target, HOLE))
            _join(runs, block << shift, got << shift, target << shift)
            block, count, goal = block + got, count - got, target + got
        return block == end

    def commit_write(self, file: Handle, offset: int, length: int) -> Attributes:
        """See `Volume.commit_write`."""
        state = self._state
        draft = self._open(file)
        record = self.reserved.get(draft.number)
        if record is not None:
            state.store.set(self.reserved, draft.number, None)
            self._settle(draft, record, offset, offset + length)
        if length > 0:
            resize.grow(state, draft, offset + length)
            resize.touch(state, draft)
            self._save(draft)
        return state.inodes.attributes_of(draft)

    def _settle(self, draft: Draft, record: tuple[int, list[Held]], offset: int, end: int) -> None:
        """Of the blocks held, those that were written join the file; the others are given back."""
        alloc, maps, shift = self._state.alloc, self._state.block_maps, self._shift
        covered, held = record
        first, last = offset >> shift, -(-end >> shift)
        if end <= offset:
            first = last
        for block, count, target, kind in held:
            low, high = max(block, first), min(block + count, last)
            if kind == UNWRITTEN:
                if low < high:
                    maps.mark_written(draft, low, high - low)
            elif low >= high:
                alloc.unreserve(target, count)
                continue
            else:
                if block < low:
                    alloc.unreserve(target, low - block)
                if high < block + count:
                    alloc.unreserve(target + high - block, block + count - high)
                alloc.claim(target + low - block, high - low)
                maps.add(draft, low, target + low - block, high - low)
            if block < last <= block + count and offset < end < covered:
                self._finish_block(end, target + last - 1 - block)

    def _finish_block(self, end: int, target: int) -> None:
        """Less was written than was to be: the rest of the last block is still what it was in another life."""
        within = end & (1 << self._shift) - 1
        if within:
            self._state.store.device.write((target << self._shift) + within, bytes((1 << self._shift) - within))

    def abandon(self, file: Handle) -> None:
        """See `Volume.abandon`."""
        if file[0] in self.reserved:
            self._give_back(file[0])

    def _give_back(self, number: int) -> None:
        _, held = self.reserved[number]
        self._state.store.set(self.reserved, number, None)
        for _, count, target, kind in held:
            if kind == HOLE:
                self._state.alloc.unreserve(target, count)

    def write(self, file: Handle, offset: int, data: Buffer) -> Attributes:
        """See `Volume.write`.  Errors: EINVAL - `reserve` does not say so."""
        state = self._state
        draft = self._open(file)
        content = bytes(data)
        if offset + len(content) > state.block_maps.size_max(draft):
            raise fault(e.EFBIG, f"inode {draft.number}: offset {offset}")
        if draft.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.writing import inline

            inline.write(state, draft, offset, content)
        elif is_journalled(state, draft):
            from rump.drivers.fs.ext2fs.writing import journalled

            journalled.write(state, draft, offset, content)
        else:
            raise fault(e.EINVAL, f"inode {draft.number} is not inline")
        if content:
            resize.grow(state, draft, offset + len(content))
        return self._touched(draft)

    # ---- space -------------------------------------------------------------------------------------------------------

    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        """See `Volume.allocate`."""
        draft = self._open(file)
        resize.allocate(self._state, draft, offset, length)
        return self._touched(draft)

    def punch(self, file: Handle, offset: int, length: int) -> Attributes:
        """See `Volume.punch`."""
        draft = self._open(file)
        resize.punch(self._state, draft, offset, length)
        return self._touched(draft)

    def _touched(self, draft: Draft) -> Attributes:
        """Its contents have changed."""
        resize.touch(self._state, draft)
        self._state.inodes.save(draft)
        return self._state.inodes.attributes_of(draft)

    def set_size(self, draft: Draft, size: int) -> None:
        """Cut a file, or let it grow by a hole; the caller saves the draft.  Long cuts go in several steps.

        Errors: EFBIG.
        """
        resize.set_size(self._state, draft, size)

    def note_size(self, size: int) -> None:
        """A file has been given a size: if that is large, the superblock says that there are such."""
        resize.note_size(self._state, size)

    def cut(self, draft: Draft) -> None:
        """Give up all that a file has behind its size; the caller saves the draft.  Goes in steps."""
        resize.cut(self._state, draft)

    def delete_contents(self, draft: Draft) -> None:
        """Give up all the blocks of an inode that is about to be freed, map and all; the caller saves or frees it.
        Goes in steps, in which it is an orphan."""
        resize.delete_contents(self._state, draft)


def _join(runs: list[Run], offset: int, length: int, place: int) -> None:
    """Append a run of data, or let the last one go on."""
    if runs:
        _, start, before, where = runs[-1]
        if where + before == place:
            runs[-1] = (DATA, start, before + length, where)
            return
    runs.append((DATA, offset, length, place))
