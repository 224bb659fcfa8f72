# SPDX-License-Identifier: BSD-2-Clause
"""Open files in images, as fsspec has them: buffered, binary, with random access for reading and writing."""

from __future__ import annotations

import os
from io import SEEK_SET, IOBase
from secrets import token_hex

from rump.fsutils.image_file import open_file
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import BufferedRandom

    from typing_extensions import Buffer

    from rump.kernel.lwps import Lwp
    from rump.servers.fsspec.file_system import ImageFileSystem


class ImageFile(IOBase):
    """A file.  With `autocommit` False a new file has a name of its own until `commit` or `discard`.

    fs, path, mode  as opened
    """

    def __init__(self, fs: ImageFileSystem, path: str, mode: str, autocommit: bool = True) -> None:
        """Errors: OSError, ValueError - no mode."""
        super().__init__()
        self._buffered: BufferedRandom | None = None    # or a reader or writer, which have less
        self.fs = fs
        self.path = path
        self.mode = mode
        self.autocommit = autocommit
        self._temporary: bytes | None = None
        self._mount = fs.mount
        writing = mode.strip("bt") != "r"
        self._checked = not writing
        with self._mount.use(writing) as lwp:
            self._buffered = self._open(lwp)
            self._mount.opened(self)

    def _open(self, lwp: Lwp) -> BufferedRandom:
        raw, mode = os.fsencode(self.path), self.mode
        if not self.autocommit and mode[:1] in "wax":
            raw = self._temporary = _aside(lwp, raw, mode)
            mode = mode.replace("x", "w")
        return open_file(lwp, raw, mode, None, None)  # type: ignore[return-value]

    # ---- transactions --------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Close it and give it its name.  Errors: OSError; EEXIST - opened with ``x``, and the name is taken now."""
        self.close()
        temporary, self._temporary = self._pending(), None
        target = os.fsencode(self.path)
        with self._mount.use(writing=True) as lwp:
            if "x" in self.mode:
                try:
                    lwp.lstat(target)
                except FileNotFoundError:
                    pass
                else:
                    lwp.unlink(temporary)
                    raise fault(e.EEXIST, self.path)
            lwp.rename(temporary, target)

    def discard(self) -> None:
        """Close it and remove it."""
        self.close()
        temporary, self._temporary = self._pending(), None
        with self._mount.use(writing=True) as lwp:
            lwp.unlink(temporary)

    def _pending(self) -> bytes:
        if self._temporary is None:
            raise RuntimeError("can only commit or discard once, and what was opened with autocommit=False")
        return self._temporary

    # ---- the file ------------------------------------------------------------------------------------------------

    def _file(self) -> BufferedRandom:
        if self._buffered is None:
            raise ValueError("I/O operation on closed file, or on one that was opened before a fork")
        if self._checked:
            self._mount.check()
        return self._buffered

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, all that are left if it is negative."""
        with self._mount.lock:
            found = self._file().read(-1 if size is None else size)
            self._file()
            return found

    def read1(self, size: int = -1) -> bytes:
        """Up to `size` bytes by one call of the kernel."""
        with self._mount.lock:
            return self._file().read1(size)

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer; how many bytes."""
        with self._mount.lock:
            return self._file().readinto(buffer)

    def readinto1(self, buffer: Buffer) -> int:
        """Fill a buffer by one call of the kernel; how many bytes."""
        with self._mount.lock:
            return self._file().readinto1(buffer)

    def peek(self, size: int = 0) -> bytes:
        """What comes next, without moving."""
        with self._mount.lock:
            return self._file().peek(size)

    def readline(self, size: int | None = -1) -> bytes:
        """A line."""
        with self._mount.lock:
            return self._file().readline(-1 if size is None else size)

    def readuntil(self, char: bytes = b"\n", blocks: int | None = None) -> bytes:
        """What comes up to and with `char`, or to the end; `blocks` is how much is looked at at once."""
        found = bytearray()
        start = self.tell()
        while piece := self.read(blocks or 1 << 16):
            at = (found + piece).find(char, max(0, len(found) - len(char) + 1))
            found += piece
            if at >= 0:
                del found[at + len(char) :]
                self.seek(start + len(found))
                break
        return bytes(found)

    def write(self, data: Buffer) -> int:
        """Write all of `data`; how many bytes."""
        with self._mount.lock:
            return self._file().write(data)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move; where to."""
        with self._mount.lock:
            return self._file().seek(offset, whence)

    def tell(self) -> int:
        """Where it is."""
        with self._mount.lock:
            return self._file().tell()

    def truncate(self, size: int | None = None) -> int:
        """Set the size, to where it is unless told."""
        with self._mount.lock:
            return self._file().truncate(size)

    def flush(self, force: bool = False) -> None:
        """Hand what was written to the kernel."""
        with self._mount.lock:
            if self._buffered is not None and not self._buffered.closed:
                self._buffered.flush()

    def readable(self) -> bool:
        return "r" in self.mode or "+" in self.mode

    def writable(self) -> bool:
        return self.mode.strip("bt") != "r"

    def seekable(self) -> bool:
        return True

    @property
    def size(self) -> int:
        """How big it is now, in bytes."""
        with self._mount.lock:
            file = self._file()
            if self.writable():
                file.flush()
            here = file.tell()
            end = file.seek(0, 2)
            file.seek(here)
            return end

    def info(self) -> dict[str, object]:
        """What `fs.info` says of it."""
        return self.fs.info(self.path)

    def close(self) -> None:
        """Close it; what was written is in the image when nobody else writes.  Errors: OSError - it is not."""
        buffered, self._buffered = getattr(self, "_buffered", None), None
        try:
            super().close()
        finally:
            if buffered is not None:
                with self._mount.lock:
                    try:
                        buffered.close()
                    finally:
                        self._mount.closed(self)

    def forget(self) -> None:
        """In the child of a fork: it is the parent's."""
        buffered, self._buffered = self._buffered, None
        if buffered is not None:
            self._left = buffered
            buffered.raw.forget()  # type: ignore[attr-defined]

    def __reduce__(self) -> tuple[object, ...]:
        if self.mode != "rb":
            raise TypeError(f"{self.path}: only files opened for reading can be sent elsewhere")
        return reopen, (self.fs, self.path, self.mode, self.tell())

    def __repr__(self) -> str:
        return f"<ImageFile {self.path!r} of {self._mount.name!r}, mode {self.mode!r}>"


def reopen(fs: ImageFileSystem, path: str, mode: str, where: int) -> ImageFile:
    """The same file in another process, at the same place."""
    file = ImageFile(fs, path, mode)
    file.seek(where)
    return file


def _aside(lwp: Lwp, path: bytes, mode: str) -> bytes:
    """A new file beside `path`, with what is in it for a mode that appends; its path.  Errors: OSError."""
    if "x" in mode:
        try:
            lwp.lstat(path)
        except FileNotFoundError:
            pass
        else:
            raise fault(e.EEXIST)
    made = path.rpartition(b"/")[0] + b"/.rump-" + token_hex(8).encode()
    fd = lwp.open(made, abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL, 0o666)
    try:
        if "a" in mode:
            _fill(lwp, fd, path)
    finally:
        lwp.close(fd)
    return made


def _fill(lwp: Lwp, target: int, path: bytes) -> None:
    """Copy what is in a file, if it is there."""
    try:
        source = lwp.open(path, abi.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        lwp.rump_copy_range(source, 0, target, 0, lwp.fstat(source).st_size)
    finally:
        lwp.close(source)
