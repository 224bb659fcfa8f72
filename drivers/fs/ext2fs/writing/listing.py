# SPDX-License-Identifier: BSD-2-Clause
"""Listing directories that change meanwhile.

Where the volume has hash trees, directories that have one, or will get one when they grow, are listed in the order of
their names' hashes: that stays when leaves are split.  A cookie is a position in that order: 31 bits of the hash, 24 of
the minor hash, and the eight lowest count names that have both alike, in the order of their bytes.  Such names come in
one page.  Other directories never move an entry; a cookie there is where the entry before it begins, plus one.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs.dirent import DOTS
from rump.drivers.fs.ext2fs.dx_hash import many_hashes
from rump.drivers.fs.ext2fs.inline import PARENT
from rump.drivers.fs.ext2fs.writing.directory import NOT_CHANGEABLE
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import END

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.directory import Names
    from rump.drivers.fs.ext2fs.writing.entries import Row
    from rump.kernel.vfs.volume import Entry

    Placed: TypeAlias = tuple[int, bytes, int, int]     # key, name, inode, DT_*

SAME = 0xFF                 # the bits of a position that count names with the same hashes
HASH_MAX = 0xFFFFFFFC
DOTS_LENGTH = 24            # bytes that "." and ".." take up in a block


def entries(names: Names, directory: Inode, cookie: int, count: int) -> tuple[list[Entry], int]:
    """About `count` entries behind a cookie as (name, cookie behind it, inode, DT_*), and the cookie to go on with.

    Errors: Corrupt - a damaged block, when everything before it has been given.
    """
    if cookie < 0 or count <= 0:
        return [], max(cookie, END)
    if directory.flags & NOT_CHANGEABLE or not names.indexing:
        return _by_place(names, directory, cookie, count)
    if names.has_tree(directory):
        try:
            return _by_tree(names, directory, cookie, count)
        except Corrupt:
            return _by_hash(names, directory, cookie, count)
    if names.is_inline(directory) or directory.size <= names.blocks.block_size:
        return _by_hash(names, directory, cookie, count)
    return _by_place(names, directory, cookie, count)


# ---- in the order of the blocks --------------------------------------------------------------------------------------


def _by_place(names: Names, directory: Inode, cookie: int, count: int) -> tuple[list[Entry], int]:
    """Entries that begin at `cookie` or behind it, in bytes."""
    out: list[Entry] = []
    types, size = names.types, names.blocks.block_size
    rows: list[tuple[int, Row]] = []
    try:
        if names.is_inline(directory):
            rows = [(at + DOTS_LENGTH - PARENT, row) for at, row in names.inline_rows(directory)]
            if _take(rows, 0, cookie, count, types, out):
                return out, out[-1][1]
            return out, END
        for number, _, data in names.blocks.each(directory, cookie // size):
            rows = []
            try:
                names.form.rows((directory.number, number), data, 0, size, rows)
            finally:
                full = _take(rows, number * size, cookie, count, types, out)
            if full:
                return out, out[-1][1]
    except Corrupt:
        if not out:
            raise
        return out[:count], out[min(count, len(out)) - 1][1]
    return out, END


def _take(rows: list[tuple[int, Row]], base: int, cookie: int, count: int, types: bytes, out: list[Entry]) -> bool:
    """Add entries to a page; whether there are more than it has room for."""
    for at, (inode, name, code) in rows:
        if base + at >= cookie and name not in DOTS and name:
            if len(out) >= count:
                return True
            out.append((name, base + at + 1, inode, types[code & 15]))
    return False


# ---- in the order of the hashes --------------------------------------------------------------------------------------


class _Page:
    """What may come in one page of a listing by hash."""

    def __init__(self, names: Names, version: int, cookie: int, count: int) -> None:
        self._names = names
        self._version = version
        self._cookie = cookie
        self._count = count
        self._found: list[Placed] = []
        self._cut = False       # something behind the page has been left out

    def add(self, rows: list[tuple[int, Row]], low: int = 0, high: int = HASH_MAX) -> None:
        """Names that are between two hashes, or should be: what has strayed comes first or last."""
        seed, version, cookie, types = self._names.hash_seed, self._version, self._cookie, self._names.types
        append = self._found.append
        hashes = many_hashes([row[1] for _, row in rows], version, seed)
        for (value, minor), (_, (inode, name, code)) in zip(hashes, rows, strict=True):
            if name in DOTS or not name:
                continue
            key = min(max(value, low), high) >> 1 << 32 | minor & ~SAME
            if key + SAME > cookie:
                append((key, name, inode, types[code & 15]))
        if len(self._found) > 2 * self._count + 1024:
            self._trim()

    def _trim(self) -> None:
        """Forget what does not come in this page, without parting names of the same hashes."""
        found = self._found
        found.sort()
        keep = self._count + len([1 for item in found if item[0] < self._cookie])
        while keep < len(found) and found[keep][0] == found[keep - 1][0]:
            keep += 1
        self._cut = self._cut or keep < len(found)
        del found[keep:]

    def is_full(self) -> bool:
        """Whether the page has all it should."""
        if len(self._found) <= self._count:
            return False
        return len([1 for item in self._found if item[0] >= self._cookie]) > self._count

    def finish(self, more: bool) -> tuple[list[Entry], int]:
        """The entries, and the cookie to go on with; `more`: there are names that were not added."""
        self._found.sort()
        out: list[Entry] = []
        before, same = -1, 0
        for key, name, inode, kind in self._found:
            same = same + 1 if key == before else 0
            if len(out) >= self._count and key != before:
                self._cut = True
                break
            before = key
            position = key + 1 + min(same, SAME - 1)
            if position > self._cookie:
                out.append((name, position, inode, kind))
        return out, out[-1][1] if more or self._cut else END


def _by_hash(names: Names, directory: Inode, cookie: int, count: int) -> tuple[list[Entry], int]:
    """All names of a small directory; or of one whose tree is damaged, at the cost of reading all of it each time."""
    page = _Page(names, names.trees.version, cookie, count)
    failed: Corrupt | None = None
    if names.is_inline(directory):
        page.add(names.inline_rows(directory))
    else:
        for number in range(names.blocks.count(directory)):
            rows: list[tuple[int, Row]] = []
            try:
                _, data = names.blocks.fetch(directory, number)
                names.form.rows((directory.number, number), data, 0, names.blocks.block_size, rows)
            except Corrupt as error:
                failed = error
            page.add(rows)
    out, following = page.finish(False)
    if failed and following == END:
        if not out:
            raise failed
        return out, out[-1][1]
    return out, following


def _by_tree(names: Names, directory: Inode, cookie: int, count: int) -> tuple[list[Entry], int]:
    """Leaf by leaf, from the one that the cookie is in."""
    path = names.trees.seek(directory, cookie >> 32 << 1)
    page = _Page(names, path.version, cookie, count)
    for _ in range(names.blocks.count(directory)):
        low, following = path.least() & ~1, path.following()
        _, data = names.blocks.fetch(directory, path.leaf)
        rows = names.form.rows((directory.number, path.leaf), data)
        if following < 0:
            page.add(rows, low)
            return page.finish(False)
        if following & 1:       # names of that hash are in both leaves
            page.add(rows, low, following & ~1)
        else:
            page.add(rows, low, following - 2)
            if page.is_full():
                return page.finish(True)
        names.trees.advance(directory, path)
    raise Corrupt(f"directory {directory.number}: hash tree has more leaves than blocks")
