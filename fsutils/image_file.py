# SPDX-License-Identifier: BSD-2-Clause
"""Open files of images, as the standard library's file objects."""

from __future__ import annotations

from io import BufferedRandom, BufferedReader, BufferedWriter, RawIOBase, TextIOWrapper, UnsupportedOperation

from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from typing_extensions import Buffer

    from rump.kernel.lwps import Lwp

BUFFER = 1 << 16
_FLAGS = {
    "r": abi.O_RDONLY,
    "w": abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC,
    "x": abi.O_WRONLY | abi.O_CREAT | abi.O_EXCL,
    "a": abi.O_WRONLY | abi.O_CREAT | abi.O_APPEND,
}


class RawFile(RawIOBase):
    """A descriptor of a process of the kernel."""

    def __init__(self, lwp: Lwp, path: bytes, flags: int) -> None:
        super().__init__()
        self._fd = -1
        self._lwp = lwp
        self._flags = flags
        self._fd = lwp.open(path, flags, 0o666)

    def close(self) -> None:
        """Give the descriptor up."""
        if not self.closed:
            try:
                super().close()
            finally:
                if self._fd >= 0:
                    self._lwp.close(self._fd)

    def forget(self) -> None:
        """In the child of a fork, where the kernel is not ours: never touch the descriptor again."""
        self._fd, self._flags = -1, abi.O_ACCMODE

    def readable(self) -> bool:
        return self._flags & abi.O_ACCMODE in (abi.O_RDONLY, abi.O_RDWR)

    def writable(self) -> bool:
        return self._flags & abi.O_ACCMODE in (abi.O_WRONLY, abi.O_RDWR)

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill a buffer; how many bytes, 0 at the end."""
        if not self.readable():
            raise UnsupportedOperation("not open for reading")
        return self._lwp.readinto(self._fd, buffer)

    def write(self, data: Buffer) -> int:
        """Write; how many bytes."""
        if not self.writable():
            raise UnsupportedOperation("not open for writing")
        return self._lwp.write(self._fd, data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; where to."""
        return self._lwp.lseek(self._fd, offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Set the size, to where we are unless told."""
        size = self.tell() if size is None else size
        self._lwp.ftruncate(self._fd, size)
        return size


def open_file(
    lwp: Lwp, path: bytes, mode: str, encoding: str | None, errors: str | None
) -> IO[str] | IO[bytes]:
    """As the built-in `open`.  Errors: ValueError - no mode; Fault."""
    kinds = [letter for letter in mode if letter in _FLAGS]
    if len(kinds) != 1 or set(mode) - {*kinds, "b", "t", "+"} or len(set(mode)) != len(mode) or {"b", "t"} <= set(mode):
        raise ValueError(f"invalid mode: {mode!r}")
    flags = _FLAGS[kinds[0]]
    if "+" in mode:
        flags = flags & ~abi.O_ACCMODE | abi.O_RDWR
    raw = RawFile(lwp, path, flags)
    if lwp.fstat(raw._fd).st_mode & abi.S_IFMT == abi.S_IFDIR:
        raw.close()
        from rump.kernel.errors import fault
        from rump.rumpuser.interface.errno import EISDIR

        raise fault(EISDIR)
    buffered: BufferedRandom | BufferedReader | BufferedWriter
    if "+" in mode:
        buffered = BufferedRandom(raw, BUFFER)
    elif kinds[0] == "r":
        buffered = BufferedReader(raw, BUFFER)
    else:
        buffered = BufferedWriter(raw, BUFFER)
    if "b" in mode:
        return buffered
    return TextIOWrapper(buffered, encoding or "utf-8", errors)
