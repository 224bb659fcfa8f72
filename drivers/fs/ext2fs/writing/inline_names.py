# SPDX-License-Identifier: BSD-2-Clause
"""The names of directories that live in their inode: the parent's number, then entries in two parts, each laid out as a
block is: what is left of the 60 bytes, and the value of "system.data"."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import inline
from rump.drivers.fs.ext2fs.inline import PARENT
from rump.drivers.fs.ext2fs.writing.entries import NOWHERE, space
from rump.drivers.fs.ext2fs.writing.inline import OWN, content, limit
from rump.drivers.fs.ext2fs.writing.inline import replace as set_content
from rump.drivers.fs.ext2fs.writing.inode import Draft
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.directory import Names
    from rump.drivers.fs.ext2fs.writing.entries import Row


def _parts(directory: Inode, data: bytes) -> list[tuple[int, int]]:
    """(start, stop) of the parts."""
    if len(data) < OWN:
        raise Corrupt(f"directory {directory.number}: {len(data)} bytes in the inode")
    return [(PARENT, OWN), (OWN, len(data))] if len(data) > OWN else [(PARENT, OWN)]


def _content(names: Names, directory: Inode) -> bytes:
    """All the bytes of a directory, which need not be a draft."""
    return content(directory) if isinstance(directory, Draft) else inline.content(names.state.medium, directory)


def _search(names: Names, directory: Inode, data: bytes, name: bytes) -> tuple[int, int]:
    """As `Format.search`, in both parts."""
    for start, stop in _parts(directory, data):
        found = names.inline_form.search((directory.number, 0), data, name, start, stop)
        if found != NOWHERE:
            return found
    return NOWHERE


def find(names: Names, directory: Inode, name: bytes) -> int:
    """The inode number behind a name, or 0."""
    data = _content(names, directory)
    at, _ = _search(names, directory, data, name)
    return int.from_bytes(data[at : at + 4], "little") if at >= 0 else 0


def rows(names: Names, directory: Inode) -> list[tuple[int, Row]]:
    """All entries: (where it is, row)."""
    data = _content(names, directory)
    found = []
    for start, stop in _parts(directory, data):
        found += names.inline_form.rows((directory.number, 0), data, start, stop)
    return found


def insert(names: Names, directory: Draft, row: Row) -> bool:
    """Enter a name; False if there is no room.  Errors: EEXIST."""
    data, form = content(directory), names.inline_form
    need = space(row[1])
    if _search(names, directory, data, row[1]) != NOWHERE:
        raise fault(e.EEXIST)
    for start, stop in _parts(directory, data):
        at = form.room((directory.number, 0), data, need, start, stop)
        if at >= 0:
            set_content(names.state, directory, form.enter(data, at, row)[0])
            return True
    if len(data) + need > limit(names.state, directory):
        return False
    void = need.to_bytes(2, "little")
    longer = data + bytes(4) + void + bytes(need - 6)
    set_content(names.state, directory, form.enter(longer, len(data), row)[0])
    return True


def remove(names: Names, directory: Draft, name: bytes) -> int:
    """Take a name away.  Errors: ENOENT."""
    data = content(directory)
    at, before = _search(names, directory, data, name)
    if at < 0:
        raise fault(e.ENOENT)
    set_content(names.state, directory, names.inline_form.leave(data, at, before))
    return int.from_bytes(data[at : at + 4], "little")


def replace(names: Names, directory: Draft, name: bytes, number: int, kind: int) -> int:
    """Let a name be of another inode.  Errors: ENOENT."""
    data = content(directory)
    at, _ = _search(names, directory, data, name)
    if at < 0:
        raise fault(e.ENOENT)
    set_content(names.state, directory, names.inline_form.change(data, at, number, kind))
    return int.from_bytes(data[at : at + 4], "little")


def initialise(names: Names, draft: Draft, parent: int) -> None:
    """An empty directory."""
    void = bytes(4) + (OWN - PARENT).to_bytes(2, "little")
    set_content(names.state, draft, (parent.to_bytes(4, "little") + void).ljust(OWN, b"\0"))
