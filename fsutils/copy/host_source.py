# SPDX-License-Identifier: BSD-2-Clause
"""A tree of the host as the source of a copy.

Everything goes through directory descriptors.  Entries come in the order of their names, so that the same tree makes
the same image whatever order its file system keeps.
"""

from __future__ import annotations

import errno
import os

from rump.fsutils.copy.report import BadSource
from rump.fsutils.copy.source import ROWS, SMALL, Source
from rump.kernel.abi import AT_FDCWD, S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, makedev
from rump.kernel.vfs.volume import ALLOCATED, MODE, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.fsutils.copy.source import Contents, Key, Pairs
    from rump.kernel.vfs.volume import Attributes, EntryPlus

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | getattr(os, "O_CLOEXEC", 0)
_FILE = os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_NO_XATTRS = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, getattr(errno, "ENODATA", errno.ENOTSUP)}
_NO_SEEK = {errno.EINVAL, *_NO_XATTRS}      # of a file system that knows no holes
_listxattr: Callable[..., list[str]] | None = getattr(os, "listxattr", None)
_getxattr: Callable[..., bytes] | None = getattr(os, "getxattr", None)
_copy_range: Callable[..., int] | None = getattr(os, "copy_file_range", None)
_SEEK_DATA: int | None = getattr(os, "SEEK_DATA", None)
_SEEK_HOLE: int = getattr(os, "SEEK_HOLE", 0)
_BLOCK = 4096           # a file of no more than this may have its bytes where no blocks are counted
_PIECE = 1 << 20
_BEHIND = 1 << 63


class Changed(Exception):
    """A file is not what it was when it was listed; it must be looked at again."""


def bad(error: OSError) -> BadSource:
    """The host's error as one of the source."""
    return BadSource(error.errno, error.strerror)


def of(st: os.stat_result) -> Attributes:
    """What the host says of a file.  File and device number are one: a directory may hold files of several devices."""
    mode = st.st_mode
    device = makedev(os.major(st.st_rdev), os.minor(st.st_rdev)) if mode & S_IFMT in (S_IFCHR, S_IFBLK) else 0
    return (
        st.st_ino | st.st_dev << 64, 0, mode, st.st_nlink, st.st_uid, st.st_gid, device, st.st_size,
        st.st_blocks * 512, st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns, 0, 0,
    )  # fmt: skip


class HostSource(Source):
    """Directories of the host."""

    def __init__(self, follow: bool = False) -> None:
        super().__init__(follow)
        self._listings: dict[Key, list[tuple[EntryPlus, ...]]] = {}
        self._open: dict[int, Key] = {}     # descriptors of directories
        self._room = 0                      # entries that may be kept yet

    def look(self, path: bytes, follow: bool) -> tuple[int, Attributes]:
        try:
            st = os.stat(path) if follow else os.lstat(path)
        except (OSError, ValueError) as error:
            raise bad(error) if isinstance(error, OSError) else BadSource(str(error)) from None
        return st.st_dev, self._changed(of(st))

    def is_directory(self, path: bytes) -> bool:
        return os.path.isdir(path) or not os.path.lexists(path)

    def _changed(self, attributes: Attributes) -> Attributes:
        return attributes if self.change is None else self.change(attributes)

    # ---- directories -----------------------------------------------------------------------------------------------

    def open_directory(self, fd: int, name: bytes, follow: bool) -> tuple[int, Key, Attributes]:
        try:
            flags = _DIRECTORY if follow else _DIRECTORY | os.O_NOFOLLOW
            opened = os.open(name, flags, dir_fd=None if fd == AT_FDCWD else fd)
        except OSError as error:
            raise bad(error) from None
        st = os.fstat(opened)
        key = self._open[opened] = st.st_dev, st.st_ino
        return opened, key, self._changed(of(st))

    def above(self, fd: int) -> int:
        try:
            return os.open(b"..", _DIRECTORY, dir_fd=fd)
        except OSError as error:
            raise bad(error) from None

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)
        os.close(fd)

    def remember(self, entries: int) -> None:
        self._room = entries

    def rows(self, fd: int) -> Iterator[tuple[EntryPlus, ...]]:
        key = self._open.get(fd)
        kept = self._listings.pop(key, None) if key is not None else None
        if kept is not None:
            yield from kept
            return
        try:
            names = sorted(map(os.fsencode, os.listdir(fd)))
        except OSError as error:
            raise bad(error) from None
        keeps = key is not None and 0 < len(names) <= self._room
        if keeps:
            self._room -= len(names)
        pages: list[tuple[EntryPlus, ...]] = []
        for start in range(0, len(names), ROWS):
            page = tuple([(name, 0, self._row(fd, name)) for name in names[start : start + ROWS]])
            if keeps:
                pages.append(page)
            yield page
        if keeps and key is not None:
            self._listings[key] = pages

    def _row(self, fd: int, name: bytes) -> Attributes | None:
        try:
            attributes = of(os.stat(name, dir_fd=fd, follow_symlinks=False))
        except OSError:
            return None
        return attributes if self.change is None else self.change(attributes)

    def contents(
        self, fd: int, rows: tuple[EntryPlus, ...], everything: bool
    ) -> Iterator[tuple[EntryPlus, Contents | None]]:
        for row in rows:
            name, _, known = row
            found = None
            if known is not None:
                kind = known[MODE] & S_IFMT
                try:
                    if kind == S_IFREG:
                        found = self._small(fd, name, known) if known[SIZE] <= SMALL else None
                    elif everything and kind != S_IFDIR:
                        pairs = self.xattrs_of(fd, name) if self.xattrs_too else ()
                        found = (os.readlink(name, dir_fd=fd) if kind == S_IFLNK else b""), pairs
                except OSError:
                    pass            # asked alone it will say why
                except Changed:
                    row = name, 0, None
            yield row, found

    def _small(self, fd: int, name: bytes, known: Attributes) -> Contents | None:
        """What is in a small file; None if it may have holes.  Errors: Changed."""
        size, allocated = known[SIZE], known[ALLOCATED]
        if not size and not self.xattrs_too:
            return b"", ()
        if allocated < size and (allocated or size > _BLOCK):
            return None
        opened = os.open(name, _FILE | os.O_NOFOLLOW, dir_fd=fd)
        try:
            data = os.read(opened, size + 1) if size else b""
            pairs = self._pairs(opened, True) if self.xattrs_too else ()
        finally:
            os.close(opened)
        if len(data) != size:
            raise Changed
        if allocated < size and not data.strip(b"\0"):
            return None
        return data, pairs

    def attributes(self, fd: int, name: bytes, known: Attributes | None) -> Attributes:
        if known is None or (self.follow and known[MODE] & S_IFMT == S_IFLNK):
            try:
                return self._changed(of(os.stat(name, dir_fd=fd, follow_symlinks=self.follow)))
            except OSError as error:
                raise bad(error) from None
        return known

    def readlink(self, fd: int, name: bytes) -> bytes:
        try:
            return os.readlink(name, dir_fd=None if fd == AT_FDCWD else fd)
        except OSError as error:
            raise bad(error) from None

    def xattrs_of(self, fd: int, name: bytes) -> Pairs:
        """Linux has no call for this that takes a directory's descriptor; /proc stands in."""
        try:
            return self._pairs(name if fd == AT_FDCWD else b"/proc/self/fd/%d/%s" % (fd, name), False)
        except OSError as error:
            raise bad(error) from None

    # ---- open files ------------------------------------------------------------------------------------------------

    def open(self, fd: int, name: bytes, follow: bool) -> int:
        try:
            flags = _FILE if follow else _FILE | os.O_NOFOLLOW
            return os.open(name, flags, dir_fd=None if fd == AT_FDCWD else fd)
        except OSError as error:
            raise bad(error) from None

    def opened(self, fd: int, known: Attributes) -> Attributes:
        attributes = self._changed(of(os.fstat(fd)))
        if attributes[MODE] & S_IFMT != known[MODE] & S_IFMT:
            raise BadSource("something else has its name now")
        return attributes

    def xattrs(self, fd: int) -> Pairs:
        try:
            return self._pairs(fd, True)
        except OSError as error:
            raise bad(error) from None

    def _pairs(self, where: int | bytes, follow: bool) -> Pairs:
        if _listxattr is None or _getxattr is None:
            return ()
        try:
            names = _listxattr(where) if follow else _listxattr(where, follow_symlinks=False)
        except OSError as error:
            if error.errno in _NO_XATTRS:
                return ()
            raise
        if not names:
            return ()
        return tuple([(os.fsencode(name), _getxattr(where, name, follow_symlinks=follow) if not follow else
                       _getxattr(where, name)) for name in sorted(names)])  # fmt: skip

    def read(self, fd: int, length: int, offset: int) -> bytes:
        try:
            return os.pread(fd, length, offset)
        except OSError as error:
            raise bad(error) from None

    def parts(self, fd: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
        while begin < end and (at := self.next_data(fd, begin)) < end:
            begin = min(end, self._next_hole(fd, at))
            if begin <= at:
                raise BadSource("the file ends before its size")
            yield at, begin - at

    def _next_hole(self, fd: int, at: int) -> int:
        """Where data ends; far behind the end if the file system cannot say."""
        if _SEEK_DATA is None:
            return _BEHIND
        try:
            return os.lseek(fd, at, _SEEK_HOLE)
        except OSError as error:
            if error.errno in _NO_SEEK:
                return _BEHIND
            raise bad(error) from None

    def next_data(self, fd: int, at: int) -> int:
        if _SEEK_DATA is None:
            return at
        try:
            return os.lseek(fd, at, _SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return _BEHIND
            if error.errno in _NO_SEEK:
                return at
            raise bad(error) from None

    def copy_out(self, fd: int, at: int, length: int, handle: int, sparse: bool) -> int:
        done = 0
        for begin, count in self.parts(fd, at, at + length) if sparse else ((at, length),):
            while count:
                copied = self._copy(fd, begin, count, handle)
                if not copied:
                    return done
                begin, count, done = begin + copied, count - copied, begin + copied - at
        return length

    def _copy(self, fd: int, at: int, count: int, out: int) -> int:
        """Copy some bytes, inside the host's kernel where it can."""
        if _copy_range is not None:
            try:
                return _copy_range(fd, out, count, at, at)
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EINVAL, errno.EBADF, *_NO_XATTRS):
                    raise
        data = memoryview(self.read(fd, min(count, _PIECE), at))
        written = 0
        while written < len(data):
            written += os.pwrite(out, data[written:], at + written)
        return written
