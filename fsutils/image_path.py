# SPDX-License-Identifier: BSD-2-Clause
"""A path inside an image, with the methods that people know from pathlib."""

from __future__ import annotations

import os
from typing import IO, Literal, TypeAlias, overload

from rump.fsutils import attributes, glob
from rump.fsutils.image_pure_path import PureImagePath
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from rump.kernel.stat import Stat

TextMode: TypeAlias = Literal["r", "w", "x", "a", "r+", "w+", "x+", "a+", "rt", "wt", "xt", "at"]
BinaryMode: TypeAlias = Literal["rb", "wb", "xb", "ab", "r+b", "w+b", "x+b", "a+b", "rb+", "wb+", "xb+", "ab+"]

_MISSING = (e.ENOENT, e.ENOTDIR, e.ELOOP)


class ImagePath(PureImagePath):
    """An absolute path in an image, and what is there."""

    __slots__ = ()

    # ---- what is there -------------------------------------------------------------------------------------------

    def stat(self, *, follow_symlinks: bool = True) -> Stat:
        """Its attributes."""
        return self.lwp.stat(self.raw) if follow_symlinks else self.lwp.lstat(self.raw)

    def lstat(self) -> Stat:
        """Its attributes; of a symbolic link, the link's."""
        return self.lwp.lstat(self.raw)

    def _mode(self, follow: bool = True) -> int:
        """Its mode, 0 if it is not there."""
        try:
            return self.stat(follow_symlinks=follow).st_mode
        except OSError as error:
            if error.errno in _MISSING:
                return 0
            raise

    def exists(self) -> bool:
        """Whether it leads to a file."""
        return self._mode() != 0

    def is_file(self) -> bool:
        """Whether it leads to a regular file."""
        return self._mode() & abi.S_IFMT == abi.S_IFREG

    def is_dir(self) -> bool:
        """Whether it leads to a directory."""
        return attributes.is_directory(self._mode())

    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return attributes.is_link(self._mode(follow=False))

    def is_fifo(self) -> bool:
        """Whether it leads to a fifo."""
        return self._mode() & abi.S_IFMT == abi.S_IFIFO

    def is_socket(self) -> bool:
        """Whether it leads to a socket."""
        return self._mode() & abi.S_IFMT == abi.S_IFSOCK

    def is_block_device(self) -> bool:
        """Whether it leads to a block device."""
        return self._mode() & abi.S_IFMT == abi.S_IFBLK

    def is_char_device(self) -> bool:
        """Whether it leads to a character device."""
        return self._mode() & abi.S_IFMT == abi.S_IFCHR

    def readlink(self) -> str:
        """Where a symbolic link leads."""
        return os.fsdecode(self.lwp.readlink(self.raw))

    def resolve(self, strict: bool = False) -> ImagePath:
        """The path without symbolic links and ``..``.  `strict`: its end must exist, too."""
        from rump.fsutils.readlink import canonical

        return ImagePath(self.image, canonical(self.lwp, self.raw, strict))

    def xattrs(self) -> dict[str, bytes]:
        """Its extended attributes."""
        return {os.fsdecode(name): self.lwp.getxattr(self.raw, name) for name in self.lwp.listxattr(self.raw)}

    # ---- contents ------------------------------------------------------------------------------------------------

    @overload
    def open(self, mode: TextMode = "r", encoding: str | None = None, errors: str | None = None) -> IO[str]: ...
    @overload
    def open(self, mode: BinaryMode, encoding: None = None, errors: None = None) -> IO[bytes]: ...
    def open(
        self, mode: TextMode | BinaryMode = "r", encoding: str | None = None, errors: str | None = None
    ) -> IO[str] | IO[bytes]:
        """Open the file as the built-in `open` does; text is UTF-8 unless told otherwise."""
        from rump.fsutils.image_file import open_file

        return open_file(self.lwp, self.raw, mode, encoding, errors)

    def read_bytes(self) -> bytes:
        """All of the file."""
        fd = self.lwp.open(self.raw, abi.O_RDONLY)
        try:
            pieces = []
            while piece := self.lwp.read(fd, 1 << 20):
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            self.lwp.close(fd)

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """All of the file as text, newlines as they are."""
        return self.read_bytes().decode(encoding, errors)

    def write_bytes(self, data: Buffer) -> int:
        """Make `data` the contents of the file, new or not; how many bytes."""
        fd = self.lwp.open(self.raw, abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC, 0o666)
        try:
            view = memoryview(data).cast("B")
            done = 0
            while done < len(view):
                done += self.lwp.write(fd, view[done:])
            return done
        finally:
            self.lwp.close(fd)

    def write_text(self, text: str, encoding: str = "utf-8") -> int:
        """Make text the contents of the file; how many characters."""
        self.write_bytes(text.encode(encoding))
        return len(text)

    # ---- directories ---------------------------------------------------------------------------------------------

    def iterdir(self) -> Iterator[ImagePath]:
        """What is in the directory, sorted."""
        for name, _ in glob.entries(self.lwp, self.raw):
            yield self / name

    def walk(self) -> Iterator[tuple[ImagePath, list[str], list[str]]]:
        """The directory and all below it: (path, names of directories, names of everything else), sorted.

        The list of directories may be changed to leave some out.
        """
        pending = [self]
        while pending:
            path = pending.pop()
            directories: list[str] = []
            others: list[str] = []
            for name, kind in glob.entries(self.lwp, path.raw):
                (directories if kind == abi.DT_DIR else others).append(os.fsdecode(name))
            yield path, directories, others
            pending += [path / name for name in reversed(directories)]

    def glob(self, pattern: str) -> Iterator[ImagePath]:
        """What matches a pattern below this directory, sorted: ``*``, ``?``, ``[...]``, and ``**`` for any depth."""
        for raw in glob.matching(self.lwp, self.raw, os.fsencode(pattern)):
            yield ImagePath(self.image, raw)

    def rglob(self, pattern: str) -> Iterator[ImagePath]:
        """The same at any depth."""
        return self.glob("**/" + pattern)

    # ---- changes, where the file system can be written to ----------------------------------------------------------

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Make a directory; with `parents` those above it, too."""
        if parents and self.raw != b"/" and not self.parent.exists():
            self.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.lwp.mkdir(self.raw, mode)
        except FileExistsError:
            if not exist_ok or not self.is_dir():
                raise

    def touch(self, mode: int = 0o666, exist_ok: bool = True) -> None:
        """Make an empty file, or set its times to now."""
        fd = self.lwp.open(self.raw, abi.O_WRONLY | abi.O_CREAT | (0 if exist_ok else abi.O_EXCL), mode)
        try:
            now = self.lwp.kernel.now()
            self.lwp.futimens(fd, now, now)
        finally:
            self.lwp.close(fd)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove a file."""
        try:
            self.lwp.unlink(self.raw)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rmdir(self) -> None:
        """Remove an empty directory."""
        self.lwp.rmdir(self.raw)

    def rename(self, target: ImagePath) -> ImagePath:
        """Give it another name, replacing what has it.  Errors: EXDEV - in another image."""
        if target.image is not self.image:
            raise fault(e.EXDEV)
        self.lwp.rename(self.raw, target.raw)
        return target

    replace = rename

    def symlink_to(self, target: str | bytes) -> None:
        """Make it a symbolic link that leads to `target`."""
        from rump.fsutils.ln import symlink

        symlink(self.lwp, os.fsencode(target), self.raw)

    def hardlink_to(self, target: ImagePath) -> None:
        """Make it another name of `target`."""
        self.lwp.link(target.raw, self.raw)

    def mkfifo(self, mode: int = 0o666) -> None:
        """Make it a fifo."""
        self.lwp.mkfifo(self.raw, mode)

    def mknod(self, mode: int, device: int = 0) -> None:
        """Make it a node of the type in `mode`; `device` is made by `rump.kernel.abi.makedev`."""
        self.lwp.mknod(self.raw, mode, device)

    def truncate(self, size: int) -> None:
        """Set the size of the file."""
        self.lwp.truncate(self.raw, size)

    def rmtree(self) -> None:
        """Remove the directory with all that is in it.  Errors: OSError - the first thing that could not be removed."""
        from rump.fsutils.copy.target import Unwatched
        from rump.fsutils.removal import remove_tree

        problems: list[OSError | str] = []
        remove_tree(self.lwp, self.raw, self.raw, Unwatched(), lambda path, error: problems.append(error))
        for problem in problems:
            raise problem if isinstance(problem, OSError) else fault(e.EIO, problem)

    def chmod(self, mode: int, *, follow_symlinks: bool = True) -> None:
        """Set its permissions."""
        (self.lwp.chmod if follow_symlinks else self.lwp.lchmod)(self.raw, mode)

    def chown(self, uid: int, gid: int, *, follow_symlinks: bool = True) -> None:
        """Set its owner; -1 leaves one as it is."""
        (self.lwp.chown if follow_symlinks else self.lwp.lchown)(self.raw, uid, gid)

    def set_times(self, atime_ns: int | None, mtime_ns: int | None, *, follow_symlinks: bool = True) -> None:
        """Set the times of access and modification; None leaves one as it is."""
        (self.lwp.utimens if follow_symlinks else self.lwp.lutimens)(self.raw, atime_ns, mtime_ns)

    def set_xattr(self, name: str | bytes, value: bytes) -> None:
        """Set an extended attribute; its name is in full, as ``user.origin``."""
        self.lwp.setxattr(self.raw, os.fsencode(name), value)

    def remove_xattr(self, name: str | bytes) -> None:
        """Remove an extended attribute."""
        self.lwp.removexattr(self.raw, os.fsencode(name))
