# SPDX-License-Identifier: BSD-2-Clause
"""The source of a copy: a tree inside a kernel, read by whole directories."""

from __future__ import annotations

from rump.fsutils.attributes import of
from rump.fsutils.copy.report import BadSource
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import END, MODE, SIZE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.volume import Attributes, EntryPlus

    # What is in a small file: its bytes, and its extended attributes.
    Contents: TypeAlias = tuple[bytes, tuple[tuple[bytes, bytes], ...]]

ROWS = 4096             # entries asked for at a time
BATCH = 128             # of those, whose contents are asked for at a time
SMALL = 1 << 15         # bytes of a file that is read along with others
_NOTHING = (e.EOPNOTSUPP, e.ENOSYS, e.ENOATTR)


def check_name(name: bytes) -> None:
    """See to it that a name is one component and nothing else.  Errors: BadSource."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise BadSource("a name that no file can have; refused")


class Source:
    """A process of a kernel, and how we look at its files.

    follow   symbolic links are followed wherever they are met (-L)
    """

    __slots__ = ("file_flags", "follow", "lwp")

    def __init__(self, lwp: Lwp, follow: bool = False) -> None:
        self.lwp = lwp
        self.follow = follow
        self.file_flags = abi.O_RDONLY | (0 if follow else abi.O_NOFOLLOW)

    def open_directory(self, fd: int, name: bytes, follow: bool) -> tuple[int, Stat]:
        """A directory's descriptor and attributes; those of what is mounted on it."""
        flags = abi.O_RDONLY | abi.O_DIRECTORY | (0 if follow else abi.O_NOFOLLOW)
        opened = self.lwp.openat(fd, name, flags)
        try:
            return opened, self.lwp.fstat(opened)
        except BaseException:
            self.lwp.close(opened)
            raise

    def rows(self, fd: int) -> Iterator[tuple[EntryPlus, ...]]:
        """A directory's entries, many at a time."""
        cookie = 0
        while cookie != END:
            entries, cookie = self.lwp.rump_listdir(fd, cookie, ROWS)
            yield entries

    def contents(self, fd: int, rows: tuple[EntryPlus, ...]) -> Iterator[tuple[EntryPlus, Contents | None]]:
        """A page of `rows`, each with what is in the file if it could be read along with others."""
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            names = tuple([
                name for name, _, known in batch
                if known is not None and known[MODE] & abi.S_IFMT == abi.S_IFREG and known[SIZE] <= SMALL
            ])  # fmt: skip
            found = dict(zip(names, self.lwp.rump_read_small(fd, names, SMALL), strict=True)) if names else {}
            for row in batch:
                yield row, found.get(row[0])

    def attributes(self, fd: int, name: bytes, known: Attributes | None) -> Attributes:
        """The attributes of a directory's entry, of what it points to when links are followed."""
        if known is None:
            return of(self.lwp.fstatat(fd, name, 0 if self.follow else abi.AT_SYMLINK_NOFOLLOW))
        if self.follow and known[MODE] & abi.S_IFMT == abi.S_IFLNK:
            return of(self.lwp.fstatat(fd, name, 0))
        return known

    def xattrs(self, fd: int) -> tuple[tuple[bytes, bytes], ...]:
        """The extended attributes of an open file, () where there are none."""
        try:
            names = self.lwp.flistxattr(fd)
        except Fault as error:
            if error.errno in _NOTHING:
                return ()
            raise
        return tuple((name, self.lwp.fgetxattr(fd, name)) for name in names) if names else ()

    def xattrs_of(self, fd: int, name: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Those of an entry that cannot be opened (a link, a device); relative to a directory's descriptor."""
        lwp = self.lwp
        with Inside(lwp, fd):
            try:
                names = lwp.llistxattr(name)
                return tuple((key, lwp.lgetxattr(name, key)) for key in names)
            except Fault as error:
                if error.errno in _NOTHING:
                    return ()
                raise


class Inside:
    """While it lasts a process's working directory is another one: for calls that take no descriptor."""

    __slots__ = ("_before", "_fd", "_lwp")

    def __init__(self, lwp: Lwp, fd: int) -> None:
        self._lwp = lwp
        self._fd = fd
        self._before = -1

    def __enter__(self) -> None:
        if self._fd == abi.AT_FDCWD:
            return
        self._before = self._lwp.open(b".", abi.O_RDONLY | abi.O_DIRECTORY)
        try:
            self._lwp.fchdir(self._fd)
        except BaseException:
            self._lwp.close(self._before)
            raise

    def __exit__(self, *exc: object) -> None:
        if self._before >= 0:
            self._lwp.fchdir(self._before)
            self._lwp.close(self._before)
