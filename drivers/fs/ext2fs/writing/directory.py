# SPDX-License-Identifier: BSD-2-Clause
"""The names of directories come and go: in their inode, in one block or several, in hash trees.

A directory that needs a second block gets a hash tree if the volume has them (dir_index); one that grew long without
stays as it is.  Directories whose hash tree is damaged are not changed; e2fsck makes them a new one.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files, lookup
from rump.drivers.fs.ext2fs.dirent import DOTS, TYPES, UNTYPED
from rump.drivers.fs.ext2fs.htree import DOTDOT_AT
from rump.drivers.fs.ext2fs.writing.dirent import LEAF, ROOT, DirectoryBlocks
from rump.drivers.fs.ext2fs.writing.entries import NAME_MAX, NOWHERE, Format, space
from rump.drivers.fs.ext2fs.writing.htree import HashTrees
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import NAMES, NEW, RELEASE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.entries import Row
    from rump.drivers.fs.ext2fs.writing.htree import Path
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.volume import Entry

    # block of the directory, its place on the volume, contents, where the entry is, where the one before it is
    Found: TypeAlias = tuple[int, int, bytes, int, int]

HINT_BYTES = 4 << 20        # of blocks that hints may keep alive
HINTED_MAX = 256            # directories without hash trees that hints are kept for
NOT_CHANGEABLE = disk_files.INODE_ENCRYPT | disk_files.INODE_CASEFOLD


class Names:
    """The names in the directories of a volume.

    Drafts that are given may change (size, map, flags); the caller saves them.  Links and times are the caller's too.
    Without a journal a change may have to wait for the last one of the same block, and commits what the operation has
    done so far.  An operation that has done something before it calls `insert` begins with `make_room`.

    blocks      the directories' blocks
    form        what entries look like in them
    trees       hash trees
    indexing    directories with more than one block get them
    types       file_type -> DT_*
    hash_seed   of all hashes
    """

    def __init__(self, state: State) -> None:
        self.state = state
        geometry = state.geometry
        typed = bool(geometry.incompat & disk.INCOMPAT_FILETYPE)
        size = geometry.block_size
        self.blocks = state.directories = DirectoryBlocks(state)
        self.form = Format(size, tail=geometry.checksums, typed=typed, sectors=state.ordered)
        self.inline_form = Format(size, tail=False, typed=typed, sectors=False)
        self.trees = HashTrees(state, self.blocks, self.form)
        self.indexing = bool(geometry.compat & disk.COMPAT_DIR_INDEX) and self.trees.version >= 0
        self.types = TYPES if typed else UNTYPED
        self.hash_seed = geometry.raw.hash_seed
        self._size = size
        # Hints, which may be out of date and then do no harm.  Block of the volume -> (contents, where there was room):
        self._rooms: dict[int, tuple[bytes, int]] = {}
        self._rooms_max = max(16, HINT_BYTES // size)
        # Number, generation -> bytes needed -> the first block of the directory that may have them:
        self._starts: dict[tuple[int, int], dict[int, int]] = {}

    # ---- looking -------------------------------------------------------------------------------------------------

    def find(self, directory: Inode, name: bytes) -> int:
        """The inode number behind a name, 0 if there is none.  Errors: Corrupt."""
        if directory.flags & (NOT_CHANGEABLE | disk_files.INODE_INLINE_DATA):
            if directory.flags & NOT_CHANGEABLE:
                return lookup.find(self.state.medium, self.blocks, directory, name)
            from rump.drivers.fs.ext2fs.writing import inline_names

            return inline_names.find(self, directory, name)
        try:
            found = (self._in_tree if self.has_tree(directory) else self._in_blocks)(directory, name)
        except Corrupt:
            return lookup.linear(self.blocks, directory, name)      # finds what is left, or says what is damaged
        return int.from_bytes(found[2][found[3] : found[3] + 4], "little") if found else 0

    def is_empty(self, directory: Inode) -> bool:
        """Whether there are no names but "." and "..".  Errors: Corrupt."""
        if directory.flags & disk_files.INODE_INLINE_DATA:
            return not self.inline_rows(directory)
        out: list[Entry] = []
        for _, _, data in self.blocks.each(directory):
            self.blocks.parse(directory.number, data, 0, self._size, 0, -1, out)
            if out:
                return False
        return True

    def entries(self, directory: Inode, cookie: int, count: int) -> tuple[list[Entry], int]:
        """About `count` entries behind a cookie, and the cookie to go on with; see `listing`."""
        from rump.drivers.fs.ext2fs.writing.listing import entries

        return entries(self, directory, cookie, count)

    def has_tree(self, directory: Inode) -> bool:
        """Whether names are to be found by hash."""
        return bool(directory.flags & disk_files.INODE_INDEX) and directory.size > self._size and self.indexing

    def is_inline(self, directory: Inode) -> bool:
        """Whether a directory has no blocks."""
        return bool(directory.flags & disk_files.INODE_INLINE_DATA)

    def inline_rows(self, directory: Inode) -> list[tuple[int, Row]]:
        """All entries of such a directory: (where it is, row).  Errors: Corrupt."""
        from rump.drivers.fs.ext2fs.writing import inline_names

        return inline_names.rows(self, directory)

    def _in_tree(self, directory: Inode, name: bytes) -> Found | None:
        path = self.trees.descend(directory, name)
        return self._in_leaf(directory, path, name) or self._in_others(directory, path, name)

    def _in_leaf(self, directory: Inode, path: Path, name: bytes) -> Found | None:
        place, data = self.blocks.fetch(directory, path.leaf)
        at, before = self.form.search((directory.number, path.leaf), data, name)
        return (path.leaf, place, data, at, before) if at >= 0 else None

    def _in_others(self, directory: Inode, path: Path, name: bytes) -> Found | None:
        """In the leaves behind the first, if they go on with the hash."""
        for _ in range(directory.size // self._size):
            if path.following() != path.value | 1:
                return None
            self.trees.advance(directory, path)
            found = self._in_leaf(directory, path, name)
            if found:
                return found
        raise Corrupt(f"directory {directory.number}: hash tree has more leaves than blocks")

    def _in_blocks(self, directory: Inode, name: bytes) -> Found | None:
        for number, place, data in self.blocks.each(directory):
            if name in data:
                at, before = self.form.search((directory.number, number), data, name)
                if at >= 0:
                    return number, place, data, at, before
        return None

    # ---- changing ------------------------------------------------------------------------------------------------

    def insert(self, directory: Draft, name: bytes, number: int, kind: int) -> None:
        """A new name for inode `number`, whose type is DT_*.

        Errors: EEXIST; ENOSPC; ENOTSUP - an encrypted or case-folding directory; EINVAL - not a name; Corrupt.
        """
        self._check(directory, name)
        row = number, name, self.form.code(kind)
        if directory.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.writing import inline_names

            if inline_names.insert(self, directory, row):
                return
            self._outgrow(directory)
        if self.has_tree(directory):
            self._insert_hashed(directory, row)
        else:
            self._drop_index(directory)
            self._insert_unhashed(directory, row)

    def make_room(self, directory: Draft, name: bytes) -> None:
        """Have it that `insert` of that name will commit nothing.  Errors: Corrupt."""
        if self.state.ordered and not self.is_inline(directory) and self.has_tree(directory):
            path = self.trees.descend(directory, name)
            place, data = self.blocks.fetch(directory, path.leaf)
            self._settle(place, self._room((directory.number, path.leaf), place, data, space(name)) < 0)

    def _settle(self, place: int, splits: bool = False) -> None:
        """Without a journal: a leaf that gave names to another is written last, when files are freed, too; what changes
        in it now must come before that.  And a leaf that names entered is written before it can give any away."""
        phase = self.state.store.running.get(place)
        if self.state.ordered and (phase == RELEASE or (splits and phase == NAMES)):
            self.state.flush()

    def remove(self, directory: Draft, name: bytes) -> int:
        """Take a name away; the inode it was of.  Errors: ENOENT, ENOTSUP, Corrupt."""
        self._check(directory, name)
        if directory.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.writing import inline_names

            return inline_names.remove(self, directory, name)
        number, place, data, at, before = self._must_find(directory, name)
        self._settle(place)
        self.blocks.put(directory, place, self.form.leave(data, at, before))
        starts = self._starts.get((directory.number, directory.generation))
        if starts:
            for need, start in starts.items():
                if start > number:
                    starts[need] = number
        return int.from_bytes(data[at : at + 4], "little")

    def replace(self, directory: Draft, name: bytes, number: int, kind: int) -> int:
        """Let a name be of another inode; the one it was of.  Errors: ENOENT, ENOTSUP, Corrupt."""
        self._check(directory, name)
        if directory.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.writing import inline_names

            return inline_names.replace(self, directory, name, number, kind)
        _, place, data, at, _ = self._must_find(directory, name)
        self._settle(place)
        self.blocks.put(directory, place, self.form.change(data, at, number, kind))
        return int.from_bytes(data[at : at + 4], "little")

    def initialise(self, draft: Draft, parent: int) -> None:
        """Give a new directory "." and "..": in its inode if it is flagged so, else in its first block.
        Errors: ENOSPC."""
        if draft.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.writing import inline_names

            inline_names.initialise(self, draft, parent)
            return
        _, place = self.blocks.append(draft)
        self.blocks.put(draft, place, self.form.first(draft.number, parent, []) or b"", phase=NEW)

    def set_parent(self, directory: Draft, parent: int) -> None:
        """Change "..".  Errors: Corrupt - it is not where it should be."""
        if directory.flags & disk_files.INODE_INLINE_DATA:
            directory.block = parent.to_bytes(4, "little") + directory.block[4:]
            return
        place, data = self.blocks.fetch(directory, 0)
        dot, dotdot = data[4] == DOTDOT_AT and data[6:9:2] == b"\1.", data[DOTDOT_AT + 6 : DOTDOT_AT + 10]
        if not dot or dotdot[0] != 2 or dotdot[2:] != b"..":
            raise Corrupt(f"directory {directory.number}: block 0 does not begin with '.' and '..'")
        new = data[:DOTDOT_AT] + parent.to_bytes(4, "little") + data[DOTDOT_AT + 4 :]
        self.blocks.put(directory, place, new, ROOT if self.has_tree(directory) else LEAF)

    def _check(self, directory: Inode, name: bytes) -> None:
        if directory.flags & NOT_CHANGEABLE:
            what = "encrypted" if directory.flags & disk_files.INODE_ENCRYPT else "case-folding"
            raise fault(e.ENOTSUP, f"directory {directory.number}: {what} directories cannot be changed")
        if not 0 < len(name) <= NAME_MAX or name in DOTS or b"/" in name or b"\0" in name:
            raise fault(e.EINVAL, f"directory {directory.number}: name {name!r}")

    def _must_find(self, directory: Inode, name: bytes) -> Found:
        found = (self._in_tree if self.has_tree(directory) else self._in_blocks)(directory, name)
        if not found:
            raise fault(e.ENOENT)
        return found

    def _drop_index(self, directory: Draft) -> None:
        """A directory that says it has a hash tree, on a volume without them, or with no block for leaves."""
        if directory.flags & disk_files.INODE_INDEX:
            if self.state.geometry.checksums and directory.size > self._size:
                raise fault(e.ENOTSUP, f"directory {directory.number}: a hash tree on a volume without dir_index")
            directory.flags &= ~disk_files.INODE_INDEX

    # ---- with hash tree ------------------------------------------------------------------------------------------

    def _insert_hashed(self, directory: Draft, row: Row) -> None:
        path = self.trees.descend(directory, row[1])
        leaf = path.leaf
        place, data = self.blocks.fetch(directory, leaf)
        where = directory.number, leaf
        if self.form.search(where, data, row[1]) != NOWHERE:
            raise fault(e.EEXIST)
        if path.following() == path.value | 1:
            if self._in_others(directory, path, row[1]):
                raise fault(e.EEXIST)
            path = self.trees.descend(directory, row[1])
        at = self._room(where, place, data, space(row[1]))
        self._settle(place, at < 0)
        if at >= 0:
            self._enter(directory, place, data, at, row)
        else:
            self.trees.split(directory, path, place, data, row)

    def _room(self, where: tuple[int, int], place: int, data: bytes, need: int) -> int:
        """As `Format.room`; in the block itself only if nothing is known of it."""
        contents, at = self._rooms.get(place, (b"", 0))
        if contents is data and self.form.holds(data, at, need):
            return at
        return self.form.room(where, data, need)

    def _enter(self, directory: Draft, place: int, data: bytes, at: int, row: Row) -> None:
        new, at = self.form.enter(data, at, row)
        self.blocks.put(directory, place, new)
        if len(self._rooms) >= self._rooms_max and place not in self._rooms:
            self._rooms.clear()
        self._rooms[place] = new, at

    # ---- without -------------------------------------------------------------------------------------------------

    def _insert_unhashed(self, directory: Draft, row: Row) -> None:
        """Into the first block with room, once it is clear that the name is in none."""
        need = space(row[1])
        starts = self._starts_of(directory)
        start = starts.get(need, 0)
        spot = first = None
        number = 0
        for number, place, data in self.blocks.each(directory):
            where = directory.number, number
            if row[1] in data and self.form.search(where, data, row[1]) != NOWHERE:
                raise fault(e.EEXIST)
            first = first or (place, data)
            if spot is None and number >= start:
                at = self._room(where, place, data, need)
                if at >= 0:
                    spot = place, data, at
                    starts[need] = number
        if spot:
            self._enter(directory, *spot, row)
        elif number == 0 and first and self.indexing:
            self.trees.begin(directory, *first, row)
        else:
            starts[need], place = self.blocks.append(directory)
            self.blocks.put(directory, place, self.form.pack([row]) or b"", phase=NEW)

    def _starts_of(self, directory: Draft) -> dict[int, int]:
        key = directory.number, directory.generation
        starts = self._starts.get(key)
        if starts is None:
            if len(self._starts) >= HINTED_MAX:
                self._starts.clear()
            starts = self._starts[key] = {}
        return starts

    def _outgrow(self, directory: Draft) -> None:
        """From the inode to a block, where all entries keep their order."""
        from rump.drivers.fs.ext2fs.writing.inline import outgrow

        outgrow(self.state, directory)
        if self.state.ordered:
            place, data = self.blocks.fetch(directory, 0)
            rows = [row for _, row in self.form.rows((directory.number, 0), data)]
            laid = self.form.first(rows[0][0], rows[1][0], rows[2:])
            if laid is None:
                raise fault(e.ENOSPC, f"directory {directory.number}: names have no room in a block")
            self.blocks.put(directory, place, laid, phase=NEW)
