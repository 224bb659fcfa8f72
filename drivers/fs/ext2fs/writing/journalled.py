# SPDX-License-Identifier: BSD-2-Clause
"""Regular files whose contents go through the journal (chattr +j): written block by block, as metadata are."""

from __future__ import annotations

from rump.drivers.fs.ext2fs.writing import resize
from rump.kernel.errors import fault
from rump.kernel.vfs.transaction import NEW, STRUCTURE
from rump.kernel.vfs.volume import DATA, HOLE, UNWRITTEN
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State

STEP = 12               # blocks written between two restarts


def write(state: State, draft: Draft, offset: int, data: bytes) -> None:
    """Write all of `data`; the file grows with it, step by step.  Errors: EFBIG, ENOSPC - nothing was written."""
    if not data:
        return
    shift, end = state.geometry.shift, offset + len(data)
    first, stop = offset >> shift, -(-end >> shift)
    needed = sum([count for kind, _, count, _ in state.block_maps.runs(draft, first, stop) if kind == HOLE])
    state.block_maps.check_room(draft, needed)
    if needed > state.alloc.free_blocks():
        raise fault(e.ENOSPC, f"inode {draft.number}: {needed} blocks")
    if offset > draft.size:
        resize.clear_tail(state, draft, draft.size)
    for block in range(first, stop, STEP):
        last = min(block + STEP, stop)
        start, until = max(offset, block << shift), min(end, last << shift)
        _write(state, draft, start, until, data[start - offset : until - offset])
        if last < stop:
            resize.grow(state, draft, until)
            state.inodes.save(draft)
            state.store.restart()


def _write(state: State, draft: Draft, start: int, end: int, data: bytes) -> None:
    """Write a few blocks, or parts of the first and the last."""
    shift = state.geometry.shift
    size = 1 << shift
    first, stop = start >> shift, -(-end >> shift)
    before, after = start - (first << shift), (stop << shift) - end
    for kind, block, count, target in _present(state, draft, first, stop):
        for index in range(block, block + count):
            place = target + index - block
            at = (index << shift) - start
            part = data[max(0, at) : at + size]
            if len(part) < size:
                old = state.store.read(place) if kind == DATA else bytes(size)
                part = (old[:before] if index == first else b"") + part
                part += old[size - after :] if index == stop - 1 and after else b""
            state.store.put(place, part, NEW if kind == HOLE else STRUCTURE)


def _present(state: State, draft: Draft, first: int, stop: int) -> list[tuple[int, int, int, int]]:
    """The runs of some blocks, all of which the file has now; the kinds are what they were."""
    found: list[tuple[int, int, int, int]] = []
    for kind, block, count, target in list(state.block_maps.runs(draft, first, stop)):
        if kind == UNWRITTEN:
            state.block_maps.mark_written(draft, block, count)
        while kind == HOLE and count:
            target, got = state.alloc.take(state.alloc.goal(draft, block), count)
            if target + got > state.block_maps.target_max(draft):
                raise fault(e.ENOSPC, f"inode {draft.number}: block {target} is too far")
            state.block_maps.add(draft, block, target, got)
            found.append((HOLE, block, got, target))
            block, count = block + got, count - got
        if count:
            found.append((kind, block, count, target))
    return found
