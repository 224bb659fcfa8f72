# SPDX-License-Identifier: BSD-2-Clause
"""What is in files, for the verbs that read them: in images, on the host, from standard input."""

from __future__ import annotations

import os
import sys
from stat import S_ISDIR, S_ISREG

from rump.fsutils.copy.kernel_source import KernelSource
from rump.fsutils.operand import STDIO
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from rump.fsutils.command import Command
    from rump.fsutils.copy.source import Source
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

PIECE = 1 << 20         # bytes read at once
STANDARD_INPUT = b"(standard input)"


class Contents:
    """An open file, read from its beginning to its end.  A context manager: leaving it closes the file.

    size   in bytes; -1 of what has none: a pipe, a terminal
    """

    size = -1

    def read(self, length: int) -> bytes:
        """The next bytes, at most so many; b"" at the end.  Errors: OSError."""
        raise NotImplementedError

    def read_at(self, length: int, offset: int) -> bytes:
        """Bytes at an offset, where there is a size.  Errors: OSError."""
        raise NotImplementedError

    def parts(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Where a range has data, where there is a size: (offset, length), in order.  The rest are zeros."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def pieces(self) -> Iterator[tuple[bytes, int]]:
        """All of the file in order: (bytes, 0), or (b"", how many zeros) for a hole."""
        if self.size < 0:
            while data := self.read(PIECE):
                yield data, 0
            return
        at = 0
        for begin, length in self.parts(0, self.size):
            if begin > at:
                yield b"", begin - at
            at, end = begin, begin + length
            while at < end and (data := self.read_at(min(PIECE, end - at), at)):
                yield data, 0
                at += len(data)
            if at < end:
                raise fault(e.EIO, "the file ends before its size")
        if at < self.size:
            yield b"", self.size - at


class FileContents(Contents):
    """A file that has a size, on whichever side."""

    def __init__(self, source: Source, fd: int, size: int) -> None:
        self._source = source
        self._fd = fd
        self._at = 0
        self.size = size

    def read(self, length: int) -> bytes:
        data = self._source.read(self._fd, length, self._at)
        self._at += len(data)
        return data

    def read_at(self, length: int, offset: int) -> bytes:
        return self._source.read(self._fd, length, offset)

    def parts(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        return self._source.parts(self._fd, begin, end)

    def close(self) -> None:
        self._source.close(self._fd)


class Stream(Contents):
    """What comes from a pipe, a terminal, a device of the host."""

    def __init__(self, file: IO[bytes], owned: bool) -> None:
        self._file = file
        self._owned = owned

    def read(self, length: int) -> bytes:
        return self._file.read1(length) if hasattr(self._file, "read1") else self._file.read(length)

    def close(self) -> None:
        if self._owned:
            self._file.close()


class Nothing(Contents):
    """What has no contents: a pipe or socket in an image."""

    size = 0

    def read(self, length: int) -> bytes:
        return b""

    def read_at(self, length: int, offset: int) -> bytes:
        return b""

    def parts(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        return iter(())


def open_contents(command: Command, operand: Operand) -> Contents:
    """Open what an operand names.  Errors: OSError; EISDIR; ImageError."""
    if operand.image is not None:
        lwp, path = command.session.resolve(operand)
        return open_inside(lwp, abi.AT_FDCWD, path)
    if operand.text == STDIO:
        return Stream(sys.stdin.buffer, False)
    return open_outside(operand.path)


def open_inside(lwp: Lwp, fd: int, name: bytes, flags: int = 0) -> Contents:
    """Open a file in a directory of an image.  Errors: Fault."""
    opened = lwp.openat(fd, name, abi.O_RDONLY | abi.O_NONBLOCK | flags)
    try:
        stat = lwp.fstat(opened)
        kind = stat.st_mode & abi.S_IFMT
        if kind == abi.S_IFDIR:
            raise fault(e.EISDIR)
        if kind == abi.S_IFREG:
            return FileContents(KernelSource(lwp), opened, stat.st_size)
    except BaseException:
        lwp.close(opened)
        raise
    lwp.close(opened)
    return Nothing()


def open_outside(path: bytes) -> Contents:
    """Open a file of the host.  Errors: OSError."""
    from rump.fsutils.copy.host_source import HostSource

    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        stat = os.fstat(fd)
        if S_ISDIR(stat.st_mode):
            raise fault(e.EISDIR)
        if S_ISREG(stat.st_mode) and (stat.st_size or not path.startswith((b"/proc/", b"/sys/"))):
            return FileContents(HostSource(), fd, stat.st_size)
    except BaseException:
        os.close(fd)
        raise
    return Stream(open(fd, "rb", buffering=0), True)


def shown_name(operand: Operand) -> bytes:
    """What output calls an operand."""
    return STANDARD_INPUT if operand.text == STDIO else operand.shown
