# SPDX-License-Identifier: BSD-2-Clause
"""Where files' blocks are, as it changes: by extents or by block numbers, whichever a file has."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.indirect import DIRECT
from rump.drivers.fs.ext2fs.writing import extents
from rump.drivers.fs.ext2fs.writing.extents import ExtentTrees
from rump.drivers.fs.ext2fs.writing.indirect import TARGETS_MAX, IndirectMaps
from rump.drivers.fs.ext2fs.writing.releases import Releases
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.volume import Run

SECTORS_MAX = 1 << 32           # a file's counter of sectors, but with huge_file
HUGE_SECTORS_MAX = 1 << 48
INDIRECT_DEPTH = 3
OLD_SIZE_MAX = (1 << 31) - 1    # bytes, without large_file


class BlockMaps:
    """The block maps of a volume that is written to.  Drafts that are given are changed; the caller saves them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._extents = ExtentTrees(state)
        self._indirect = IndirectMaps(state)
        geometry = state.geometry
        self._shift = geometry.shift
        self._old = geometry.raw.rev_level == 0         # has no feature flags, so no large files
        self._new_extents = bool(geometry.incompat & disk.INCOMPAT_EXTENTS)
        self._sectors_max = HUGE_SECTORS_MAX if geometry.ro_compat & disk.RO_COMPAT_HUGE_FILE else SECTORS_MAX

    # ---- bounds ----------------------------------------------------------------------------------------------------

    def size_max(self, inode: Inode) -> int:
        """The largest size a file may have, in bytes."""
        return self._size_max(bool(inode.flags & disk_files.INODE_EXTENTS))

    def new_size_max(self) -> int:
        """The largest size a new file may get, in bytes."""
        return self._size_max(bool(self._state.geometry.incompat & disk.INCOMPAT_EXTENTS))

    def _size_max(self, by_extents: bool) -> int:
        if self._old:
            return OLD_SIZE_MAX
        return (extents.BLOCKS_MAX if by_extents else self._indirect.blocks_max) << self._shift

    def check_room(self, inode: Inode, count: int) -> None:
        """Errors: EFBIG - so many more blocks do not fit the file's counter."""
        if inode.sectors + (count << self._shift - 9) >= self._sectors_max:
            raise fault(e.EFBIG, f"inode {inode.number}: {inode.sectors} sectors and {count} blocks")

    def target_max(self, inode: Inode) -> int:
        """The block behind the last that a file can have."""
        return self._state.geometry.blocks if inode.flags & disk_files.INODE_EXTENTS else TARGETS_MAX

    def spare(self, inode: Inode, end: int, more: int) -> int:
        """Blocks that the map itself may take when so many runs are added to it, before block `end` of the file."""
        if not inode.flags & disk_files.INODE_EXTENTS:
            return 0 if end <= DIRECT else 2 * INDIRECT_DEPTH
        _, entries, _, depth, _ = disk_files.ExtentHeader.struct.unpack_from(inode.block)
        return depth + 2 if depth or entries + more > extents.ROOT_ENTRIES else 0

    def step_max(self, inode: Inode) -> int:
        """Blocks that may be mapped in one go without changing more of the map than a transaction has room for."""
        return extents.BLOCKS_MAX if inode.flags & disk_files.INODE_EXTENTS else self._indirect.step_max

    # ---- reading -----------------------------------------------------------------------------------------------------

    def runs(self, inode: Inode, first: int, end: int) -> Iterator[Run]:
        """As `Maps.blocks`, but all of them.  The map must not change meanwhile."""
        while first < end:
            found = self._state.maps.blocks(inode, first, end)
            yield from found
            first = found[-1][1] + found[-1][2]

    # ---- changes -----------------------------------------------------------------------------------------------------

    def initialise(self, draft: Draft) -> None:
        """An empty map, of the kind that new files have."""
        if self._new_extents:
            draft.flags |= disk_files.INODE_EXTENTS
            draft.block = extents.EMPTY
        else:
            draft.flags &= ~disk_files.INODE_EXTENTS
            draft.block = bytes(60)

    def add(self, draft: Draft, block: int, target: int, count: int, unwritten: bool = False) -> None:
        """The hole at blocks `block` to `block + count` of a file is at `target` and on; only extents can be
        unwritten.  Errors: ENOSPC, EFBIG - no room in the map; Corrupt - it is no hole."""
        self.check_room(draft, count)
        draft.sectors += count << self._shift - 9
        if draft.flags & disk_files.INODE_EXTENTS:
            self._extents.add(draft, block, target, count, unwritten)
        else:
            self._indirect.add(draft, block, target, count)

    def mark_written(self, draft: Draft, block: int, count: int) -> None:
        """Unwritten blocks are written from now on.  Errors: as `add`."""
        if draft.flags & disk_files.INODE_EXTENTS:
            self._extents.mark_written(draft, block, count)

    def remove(self, draft: Draft, first: int, end: int, between: Callable[[], None] | None = None) -> None:
        """Unmap blocks `first` to `end` and release them, from the end backwards.

        `between` is called whenever much has changed, and what has is consistent.
        Errors: Corrupt; ENOSPC - an extent is to become two, and there is no room for that.
        """
        releases = Releases(self._state, draft, between)
        if draft.flags & disk_files.INODE_EXTENTS:
            self._extents.remove(draft, first, min(end, extents.BLOCKS_MAX + 1), releases)
        else:
            self._indirect.remove(draft, first, end, releases)

    def append(self, draft: Draft) -> tuple[int, int]:
        """One block more at the end of a directory or the like, whose size is in whole blocks: (block of the file, of
        the volume).  Its contents are still to be put.  Errors: ENOSPC, EFBIG; Corrupt - there is a block already."""
        block = -(-draft.size >> self._shift)
        if draft.mode & abi.S_IFMT == abi.S_IFDIR and not self._state.geometry.large_directories:
            if block + 1 << self._shift >= 1 << 32:
                raise fault(e.ENOSPC, f"directory {draft.number} is full")
        elif block + 1 << self._shift > self.size_max(draft):
            raise fault(e.EFBIG, f"inode {draft.number}: {block} blocks")
        state = self._state
        target, _ = state.alloc.take(state.alloc.goal(draft, block), 1)
        if target >= self.target_max(draft):
            raise fault(e.ENOSPC, f"inode {draft.number}: no block below {TARGETS_MAX} is free")
        self.add(draft, block, target, 1)
        draft.size = block + 1 << self._shift
        return block, target
