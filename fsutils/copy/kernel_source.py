# SPDX-License-Identifier: BSD-2-Clause
"""A tree inside a kernel as the source of a copy, read by whole directories."""

from __future__ import annotations

from rump.fsutils.attributes import of
from rump.fsutils.copy.source import BATCH, ROWS, SMALL, Source
from rump.kernel import abi
from rump.kernel.abi import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import DATA, ENCODED, END, INLINE, MODE, SIZE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.fsutils.copy.source import Contents, Key, Pairs
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Attributes, EntryPlus

_NOTHING = (e.EOPNOTSUPP, e.ENOSYS, e.ENOATTR)
_WRITTEN = (DATA, INLINE, ENCODED)


class KernelSource(Source):
    """What a process of a kernel sees."""

    def __init__(self, lwp: Lwp, follow: bool = False) -> None:
        super().__init__(follow)
        self.lwp = lwp
        self.world = lwp.kernel

    def look(self, path: bytes, follow: bool) -> tuple[int, Attributes]:
        stat = self.lwp.fstatat(abi.AT_FDCWD, path, 0 if follow else abi.AT_SYMLINK_NOFOLLOW)
        return stat.st_dev, self._changed(of(stat))

    def is_directory(self, path: bytes) -> bool:
        try:
            return self.lwp.stat(path).st_mode & S_IFMT == S_IFDIR
        except OSError:
            return True             # the copy itself will say what is wrong

    def _changed(self, attributes: Attributes) -> Attributes:
        return attributes if self.change is None else self.change(attributes)

    # ---- directories -----------------------------------------------------------------------------------------------

    def open_directory(self, fd: int, name: bytes, follow: bool) -> tuple[int, Key, Attributes]:
        flags = abi.O_RDONLY | abi.O_DIRECTORY | (0 if follow else abi.O_NOFOLLOW)
        opened = self.lwp.openat(fd, name, flags)
        try:
            stat = self.lwp.fstat(opened)
        except BaseException:
            self.lwp.close(opened)
            raise
        return opened, (stat.st_dev, stat.st_ino), self._changed(of(stat))

    def above(self, fd: int) -> int:
        return self.lwp.openat(fd, b"..", abi.O_RDONLY | abi.O_DIRECTORY)

    def close(self, fd: int) -> None:
        self.lwp.close(fd)

    def rows(self, fd: int) -> Iterator[tuple[EntryPlus, ...]]:
        cookie, change = 0, self.change
        while cookie != END:
            entries, cookie = self.lwp.rump_listdir(fd, cookie, ROWS)
            if change is not None:
                entries = tuple([(name, after, known and change(known)) for name, after, known in entries])
            yield entries

    def contents(
        self, fd: int, rows: tuple[EntryPlus, ...], everything: bool
    ) -> Iterator[tuple[EntryPlus, Contents | None]]:
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            names = tuple([
                name for name, _, known in batch
                if known is not None and known[MODE] & S_IFMT == S_IFREG and known[SIZE] <= SMALL
            ])  # fmt: skip
            found = dict(zip(names, self.lwp.rump_read_small(fd, names, SMALL), strict=True)) if names else {}
            for row in batch:
                yield row, found.get(row[0]) if not everything else self._any(fd, row, found)

    def _any(self, fd: int, row: EntryPlus, found: dict[bytes, Contents | None]) -> Contents | None:
        name, _, known = row
        if name in found or known is None:
            return found.get(name)
        kind = known[MODE] & S_IFMT
        if kind in (S_IFREG, S_IFDIR):
            return None
        try:
            pairs = self.xattrs_of(fd, name) if self.xattrs_too else ()
            return (self.lwp.readlinkat(fd, name) if kind == S_IFLNK else b""), pairs
        except OSError:
            return None

    def attributes(self, fd: int, name: bytes, known: Attributes | None) -> Attributes:
        if known is None:
            return self._changed(of(self.lwp.fstatat(fd, name, 0 if self.follow else abi.AT_SYMLINK_NOFOLLOW)))
        if self.follow and known[MODE] & S_IFMT == S_IFLNK:
            return self._changed(of(self.lwp.fstatat(fd, name, 0)))
        return known

    def readlink(self, fd: int, name: bytes) -> bytes:
        return self.lwp.readlinkat(fd, name)

    def xattrs_of(self, fd: int, name: bytes) -> Pairs:
        lwp = self.lwp
        with Inside(lwp, fd):
            try:
                names = lwp.llistxattr(name)
                return tuple([(key, lwp.lgetxattr(name, key)) for key in names])
            except Fault as error:
                if error.errno in _NOTHING:
                    return ()
                raise

    # ---- open files ------------------------------------------------------------------------------------------------

    def open(self, fd: int, name: bytes, follow: bool) -> int:
        return self.lwp.openat(fd, name, abi.O_RDONLY if follow else abi.O_RDONLY | abi.O_NOFOLLOW)

    def xattrs(self, fd: int) -> Pairs:
        try:
            names = self.lwp.flistxattr(fd)
        except Fault as error:
            if error.errno in _NOTHING:
                return ()
            raise
        return tuple([(name, self.lwp.fgetxattr(fd, name)) for name in names]) if names else ()

    def read(self, fd: int, length: int, offset: int) -> bytes:
        return self.lwp.pread(fd, length, offset)

    def parts(self, fd: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
        at = begin
        while at < end:
            runs = self.lwp.rump_extents(fd, at, end - at)
            if not runs:
                raise fault(e.EIO, "the file ends before its size")
            for kind, at, length in runs:
                if kind in _WRITTEN:
                    yield at, length
            at += length

    def next_data(self, fd: int, at: int) -> int:
        try:
            return self.lwp.lseek(fd, at, abi.SEEK_DATA)
        except Fault as error:
            if error.errno == e.ENXIO:
                return 1 << 63
            if error.errno in (e.EINVAL, e.EOPNOTSUPP):
                return at
            raise

    def lend(self, out: int) -> int:
        return self.lwp.rump_adopt(out)

    def give_back(self, handle: int) -> None:
        self.lwp.rump_disown(handle)

    def copy_out(self, fd: int, at: int, length: int, handle: int, sparse: bool) -> int:
        return self.lwp.rump_copy_out(fd, at, length, handle, at, sparse)


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
