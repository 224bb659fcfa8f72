# SPDX-License-Identifier: BSD-2-Clause
"""What is in a directory, for pages and for WebDAV."""

from __future__ import annotations

from typing import NamedTuple

from rump.kernel import abi
from rump.kernel.vfs.volume import END, MODE, MTIME, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.lwps import Lwp

LISTED_MAX = 200_000
"""Names of a directory that are looked at."""
_PAGE = 4096            # entries asked of the kernel at once
NAME, SIZES, TIME = "name", "size", "time"
ORDERS = (NAME, SIZES, TIME)


class Row(NamedTuple):
    """A name.

    mode    0: its attributes cannot be read
    target  where a symbolic link leads; b"" of all else
    """

    name: bytes
    mode: int
    size: int
    time: int           # of modification, nanoseconds
    target: bytes = b""

    @property
    def is_directory(self) -> bool:
        return self.mode & abi.S_IFMT == abi.S_IFDIR

    @property
    def is_link(self) -> bool:
        return bool(self.target)


def names(lwp: Lwp, path: bytes) -> Iterator[Row]:
    """The directory's entries as it has them.  Errors: as open and rump_listdir."""
    fd = lwp.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        cookie = 0
        while cookie != END:
            rows, cookie = lwp.rump_listdir(fd, cookie, _PAGE)
            for name, _, found in rows:
                yield Row(name, found[MODE], found[SIZE], found[MTIME]) if found is not None else Row(name, 0, 0, 0)
    finally:
        lwp.close(fd)


def rows(lwp: Lwp, path: bytes, order: str, descending: bool) -> tuple[list[Row], bool]:
    """The entries in order, directories first, and whether these are all.  Errors: as `names`."""
    found: list[Row] = []
    complete = True
    for row in names(lwp, path):
        if len(found) >= LISTED_MAX:
            complete = False
            break
        found.append(row)
    found.sort(key=lambda row: (row.name.lower(), row.name), reverse=descending and order == NAME)
    if order == SIZES:
        found.sort(key=lambda row: row.size, reverse=descending)
    elif order == TIME:
        found.sort(key=lambda row: row.time, reverse=descending)
    found.sort(key=lambda row: not row.is_directory)
    return found, complete


def resolved(lwp: Lwp, directory: bytes, row: Row) -> Row:
    """A symbolic link with what it leads to; its own attributes where that is nothing."""
    if row.mode & abi.S_IFMT != abi.S_IFLNK:
        return row
    path = directory.rstrip(b"/") + b"/" + row.name
    try:
        row = row._replace(target=lwp.readlink(path))
        stat = lwp.stat(path)
    except OSError:
        return row
    return row._replace(mode=stat.st_mode, size=stat.st_size, time=stat.st_mtime_ns)
