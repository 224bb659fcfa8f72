# SPDX-License-Identifier: BSD-2-Clause
"""Many new files at once: their space in as few runs as there are, their inodes encoded once."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.writing.attributes import flag_bits
from rump.drivers.fs.ext2fs.writing.links import KINDS
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.runs import deal
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.links import Links
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Handle, Row, Run

    # (first block of the volume, blocks)
    Piece: TypeAlias = tuple[int, int]

BLOCKS_MAX = 1 << 14        # of one file: what maps it fits a transaction, however it is mapped
INLINE_MAX = 60             # bytes of contents that a new file has in its inode, where files may


class Populate:
    """`place` and `populate` of a volume."""

    def __init__(self, state: State, links: Links) -> None:
        self._state = state
        self._links = links
        # Directory -> (pieces of each file, how many of the files were made or given up).
        self._placed: dict[int, tuple[tuple[tuple[Piece, ...], ...], int]] = {}
        self._inline = bool(state.geometry.incompat & disk.INCOMPAT_INLINE_DATA)

    # ---- space -------------------------------------------------------------------------------------------------------

    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        """See `Volume.place`."""
        state = self._state
        parent = self._links.parent(directory)
        if parent.flags & (disk_files.INODE_ENCRYPT | disk_files.INODE_JOURNAL_DATA):
            return None         # its files' contents are the driver's affair
        if parent.number in self._placed:
            raise fault(e.EINVAL, f"directory {parent.number}: something is placed already")
        shift = state.geometry.shift
        needs = [0 if self._inline and size <= INLINE_MAX else -(-size >> shift) for size in sizes]
        if any(need > BLOCKS_MAX for need in needs):
            return None
        total = sum(needs)
        if total > state.alloc.free_blocks():
            raise fault(e.ENOSPC)
        files = deal(self._reserve(parent, total), needs)
        state.store.set(self._placed, parent.number, (files, 0))
        return tuple([_runs(pieces, shift) for pieces in files])

    def _reserve(self, parent: Draft, total: int) -> list[Piece]:
        """So many blocks near a directory.  Errors: ENOSPC."""
        alloc = self._state.alloc
        pieces: list[Piece] = []
        goal = alloc.goal(parent, 0) if total else 0
        while total:
            start, count = alloc.reserve(goal, total)
            pieces.append((start, count))
            goal, total = start + count, total - count
        return pieces

    def abandon(self, number: int) -> bool:
        """Give back what was placed for a directory; whether there was something."""
        placed = self._placed.get(number)
        if placed is None:
            return False
        files, done = placed
        self._give_back(files[done:])
        self._state.store.set(self._placed, number, None)
        return True

    def _give_back(self, files: tuple[tuple[Piece, ...], ...]) -> None:
        for pieces in files:
            for start, count in pieces:
                self._state.alloc.unreserve(start, count)

    # ---- files -------------------------------------------------------------------------------------------------------

    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        """See `Volume.populate`.  Each row that is done stands; the transaction may be committed behind it."""
        state = self._state
        store, inodes = state.store, state.inodes
        number = directory[0]
        results: list[int] = []
        try:
            parent = self._links.parent(directory)
            for row in rows:
                error = self._row(parent, row)
                if error is not None and store.make_room(error, store.restarts):
                    parent = self._links.parent(directory)
                    error = self._row(parent, row)
                results.append(0 if error is None else error.errno or e.EIO)
                if error is not None:
                    store.rollback()
                    self._skip(number, row)
                    parent = self._links.parent(directory)
            if 0 in results:
                self._links.touch(parent)
            self.abandon(number)
        except BaseException:
            store.rollback()
            self.abandon(number)
            store.restart()
            raise
        return tuple(results), inodes.attributes(number)

    def _row(self, parent: Draft, row: Row) -> Fault | None:
        """Make one file, and let that stand; or what is the matter with it."""
        shape = parent.size, parent.links, parent.sectors, parent.flags
        try:
            self._one(parent, row)
        except Corrupt:
            raise
        except Fault as error:
            return error
        if (parent.size, parent.links, parent.sectors, parent.flags) != shape:
            self._state.inodes.save(parent)
        self._state.store.restart()
        return None

    def _skip(self, number: int, row: Row) -> None:
        """A row came to nothing: nor does its space."""
        _, mode, *_ = row
        if mode & abi.S_IFMT == abi.S_IFREG and number in self._placed:
            self._give_back((self._next(number),))
            self._state.store.restart()

    def _next(self, number: int) -> tuple[Piece, ...]:
        """Take the space of the next regular file."""
        files, done = self._placed.get(number, ((), 0))
        if done >= len(files):
            return ()
        self._state.store.set(self._placed, number, (files, done + 1))
        return files[done]

    def _one(self, parent: Draft, row: Row) -> None:
        """Make one file.  Errors: as of a row."""
        name, mode, uid, gid, rdev, target, flags, atime, mtime, birthtime, contents, xattrs = row
        state = self._state
        kind = mode & abi.S_IFMT
        state.names.make_room(parent, name)
        pieces = self._next(parent.number) if kind == abi.S_IFREG else ()
        draft = self._links.make(parent, mode, uid, gid, rdev, target, blocks=bool(pieces))
        state.names.insert(parent, name, draft.number, KINDS[kind])
        if kind == abi.S_IFDIR:
            self._links.count_child(parent, 1)
        if pieces:
            self._fill(draft, pieces, contents if isinstance(contents, int) else len(contents))
        elif kind == abi.S_IFREG and contents:
            assert isinstance(contents, bytes)
            self._keep(draft, contents)
        if xattrs:
            from rump.drivers.fs.ext2fs.writing.xattr import set_many

            set_many(state, draft, xattrs)
        if flags:
            draft.flags |= flag_bits(flags)
        draft.atime, draft.mtime = atime, mtime
        if birthtime and draft.extra >= 24:
            draft.birthtime = birthtime
        state.inodes.save(draft)

    def _fill(self, draft: Draft, pieces: tuple[Piece, ...], size: int) -> None:
        """The blocks of `pieces` are the file's, of so many bytes."""
        state = self._state
        block = 0
        for start, count in pieces:
            state.alloc.claim(start, count)
            state.block_maps.add(draft, block, start, count)
            block += count
        draft.size = size
        state.data.note_size(size)

    def _keep(self, draft: Draft, contents: bytes) -> None:
        """Contents that live in the inode."""
        from rump.drivers.fs.ext2fs.writing import inline

        inline.write(self._state, draft, 0, contents)


def _runs(pieces: tuple[Piece, ...], shift: int) -> tuple[Run, ...]:
    runs: list[Run] = []
    at = 0
    for start, count in pieces:
        runs.append((v.DATA, at, count << shift, start << shift))
        at += count << shift
    return tuple(runs)
