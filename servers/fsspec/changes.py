# SPDX-License-Identifier: BSD-2-Clause
"""What changes files in an image: the part of the file system that writes."""

from __future__ import annotations

import os
from glob import has_magic

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fsspec.mount import Hold

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.kernel.lwps import Lwp
    from rump.servers.fsspec.mount import Mount

_PIECE = 1 << 24        # bytes copied by one system call


class Changes:
    """The calls of fsspec that write.  Each leaves the image complete; those that are made of others mount it once."""

    mount: Mount
    auto_mkdir: bool

    # ---- directories ---------------------------------------------------------------------------------------------

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a directory.  Errors: FileExistsError, OSError."""
        path = self._path(path)
        with self.mount.use(writing=True) as lwp:
            if create_parents:
                _make_above(lwp, os.fsencode(path))
            lwp.mkdir(os.fsencode(path), 0o777)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a directory and those above it.  Errors: FileExistsError, OSError."""
        raw = os.fsencode(self._path(path))
        with self.mount.use() as lwp:
            if exist_ok and _is_directory(lwp, raw):
                return
        with self.mount.use(writing=True) as lwp:
            _make_above(lwp, raw)
            if not (exist_ok and _is_directory(lwp, raw)):
                lwp.mkdir(raw, 0o777)

    def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        with self.mount.use(writing=True) as lwp:
            lwp.rmdir(os.fsencode(self._path(path)))

    # ---- removing and moving -------------------------------------------------------------------------------------

    def rm_file(self, path: str) -> None:
        """Remove a file, a link or an empty directory."""
        raw = os.fsencode(self._path(path))
        with self.mount.use(writing=True) as lwp:
            (lwp.rmdir if _is_directory(lwp, raw, follow=False) else lwp.unlink)(raw)

    _rm = rm_file

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Remove files, and directories with all that is in them if `recursive`; links are never followed.

        Errors: FileNotFoundError; IsADirectoryError - not `recursive`; OSError - the first thing that stayed.
        """
        with Hold(self.mount):
            if maxdepth is not None:
                super().rm(path, recursive, maxdepth)  # type: ignore[misc]
                return
            for each in self._named(path):
                self._remove(os.fsencode(each), recursive)

    def _named(self, path: str | list[str]) -> list[str]:
        """Paths and patterns as paths.  A plain path is not looked up: it may be a link that leads nowhere."""
        named: list[str] = []
        for each in path if isinstance(path, list) else [path]:
            named += self.expand_path(each) if has_magic(each) else [self._path(each)]  # type: ignore[attr-defined]
        return named

    def _remove(self, raw: bytes, recursive: bool) -> None:
        from rump.fsutils.image import mount

        with self.mount.use(writing=True) as lwp:
            if not _is_directory(lwp, raw, follow=False):
                lwp.unlink(raw)
            elif recursive:
                mount(lwp).path(raw).rmtree()
            else:
                raise fault(e.EISDIR, os.fsdecode(raw))

    def mv(
        self, path1: Any, path2: Any, recursive: bool = True, maxdepth: int | None = None, **kwargs: Any
    ) -> None:
        """Move a file or a directory, into `path2` if that is a directory.  Patterns and lists are copied and removed.

        Errors: FileNotFoundError, OSError.
        """
        if isinstance(path1, list) or isinstance(path2, list) or has_magic(path1) or maxdepth is not None:
            with Hold(self.mount):
                super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)  # type: ignore[misc]
            return
        source, target = os.fsencode(self._path(path1)), os.fsencode(self._path(path2))
        with self.mount.use(writing=True) as lwp:
            lwp.lstat(source)
            if source == target:
                return
            if _is_directory(lwp, target):
                target = target.rstrip(b"/") + b"/" + source.rpartition(b"/")[2]
            elif self.auto_mkdir:
                _make_above(lwp, target)
            lwp.rename(source, target)

    # ---- contents ------------------------------------------------------------------------------------------------

    def touch(self, path: str, truncate: bool = True, **kwargs: Any) -> None:
        """Make an empty file, or empty one unless `truncate` is False, and set its times to now."""
        raw = os.fsencode(self._path(path))
        flags = abi.O_WRONLY | abi.O_CREAT | (abi.O_TRUNC if truncate else 0)
        with self.mount.use(writing=True) as lwp:
            if self.auto_mkdir:
                _make_above(lwp, raw)
            fd = lwp.open(raw, flags, 0o666)
            try:
                now = lwp.kernel.now()
                lwp.futimens(fd, now, now)
            finally:
                lwp.close(fd)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy the contents of a file inside the image, holes as holes; of a directory make one."""
        source, target = os.fsencode(self._path(path1)), os.fsencode(self._path(path2))
        with self.mount.use(writing=True) as lwp:
            if self.auto_mkdir:
                _make_above(lwp, target)
            if _is_directory(lwp, source):
                if not _is_directory(lwp, target):
                    _make_above(lwp, target)
                    lwp.mkdir(target, 0o777)
            else:
                _copy(lwp, source, target)

    def copy(self, *arguments: Any, **kwargs: Any) -> None:
        """Copy files and trees inside the image, as fsspec has it."""
        with Hold(self.mount):
            super().copy(*arguments, **kwargs)  # type: ignore[misc]

    def put(self, *arguments: Any, **kwargs: Any) -> None:
        """Copy files and trees of the host into the image, as fsspec has it."""
        with Hold(self.mount):
            super().put(*arguments, **kwargs)  # type: ignore[misc]

    def pipe(self, *arguments: Any, **kwargs: Any) -> None:
        """Write bytes into files, as fsspec has it."""
        with Hold(self.mount):
            super().pipe(*arguments, **kwargs)  # type: ignore[misc]

    # ---- links and attributes ------------------------------------------------------------------------------------

    def link(self, src: str, dst: str, **kwargs: Any) -> None:
        """Make `dst` another name of `src`."""
        with self.mount.use(writing=True) as lwp:
            lwp.link(os.fsencode(self._path(src)), os.fsencode(self._path(dst)))

    def symlink(self, src: str, dst: str, **kwargs: Any) -> None:
        """Make `dst` a symbolic link that leads to `src`, which is taken as it is."""
        with self.mount.use(writing=True) as lwp:
            lwp.symlink(os.fsencode(src), os.fsencode(self._path(dst)))

    def chmod(self, path: str, mode: int) -> None:
        """Set its permissions."""
        with self.mount.use(writing=True) as lwp:
            lwp.chmod(os.fsencode(self._path(path)), mode)

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Set its owner; -1 leaves one as it is."""
        with self.mount.use(writing=True) as lwp:
            lwp.chown(os.fsencode(self._path(path)), uid, gid)

    def utime(self, path: str, atime_ns: int | None, mtime_ns: int | None) -> None:
        """Set its times, in nanoseconds since 1970; None leaves one as it is."""
        with self.mount.use(writing=True) as lwp:
            lwp.utimens(os.fsencode(self._path(path)), atime_ns, mtime_ns)

    def _path(self, path: str) -> str:
        return str(self._strip_protocol(path))  # type: ignore[attr-defined]


def _is_directory(lwp: Lwp, path: bytes, follow: bool = True) -> bool:
    """Errors: Fault - but for a path that leads nowhere, if links are followed."""
    try:
        mode = (lwp.stat if follow else lwp.lstat)(path).st_mode
    except FileNotFoundError:
        if not follow:
            raise
        return False
    return mode & abi.S_IFMT == abi.S_IFDIR


def _make_above(lwp: Lwp, path: bytes) -> None:
    """Make the directories above a path.  Errors: Fault."""
    parent = path.rpartition(b"/")[0]
    if parent and not _is_directory(lwp, parent):
        _make_above(lwp, parent)
        lwp.mkdir(parent, 0o777)


def _copy(lwp: Lwp, source: bytes, target: bytes) -> None:
    """Errors: Fault; EINVAL - they are the same file."""
    origin = lwp.open(source, abi.O_RDONLY)
    try:
        fd = lwp.open(target, abi.O_WRONLY | abi.O_CREAT, 0o666)
        try:
            found, there = lwp.fstat(origin), lwp.fstat(fd)
            if found.st_ino == there.st_ino:
                raise fault(e.EINVAL, "a file cannot be copied onto itself")
            lwp.ftruncate(fd, 0)
            done = 0
            while count := lwp.rump_copy_range(origin, done, fd, done, _PIECE):
                done += count
        finally:
            lwp.close(fd)
    finally:
        lwp.close(origin)
