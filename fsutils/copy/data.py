# SPDX-License-Identifier: BSD-2-Clause
"""A file's contents on their way to a host file."""

from __future__ import annotations

import os

from rump.fsutils.copy.options import KEEP_HOLES, MAKE_HOLES, NO_HOLES
from rump.fsutils.copy.target import Interrupted
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.volume import ALLOCATED, SIZE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

    from rump.fsutils.copy.source import Source
    from rump.fsutils.copy.target import Watch
    from rump.kernel.vfs.volume import Attributes

SMALL = 1 << 16         # up to here one read and one write are quicker than handing over a descriptor
PIECE = 8 << 20         # of a big file, between two looks at the clock or at ^C
BLOCK = 4096            # holes are made of zeros that fill one of these
LARGEST = (1 << 63) - 1     # what a file offset can be
_ZEROS = bytes(1024)    # no file system has smaller holes
_BLOCK_OF_ZEROS = bytes(BLOCK)


def shorter(detail: str = "the file ends before its size") -> Fault:
    """The error of a file that is not all there."""
    return fault(e.EIO, detail)


def write_all(out: int, data: Buffer, offset: int) -> None:
    """Write all of `data` to a host file at an offset."""
    view = memoryview(data)
    while view:
        count = os.pwrite(out, view, offset)
        view = view[count:]
        offset += count


def stretches(data: bytes) -> Iterator[tuple[int, int]]:
    """The parts of `data` that do not lie in blocks of zeros: (from, to).

    >>> list(stretches(b"a" + bytes(9000) + b"b"))
    [(0, 4096), (8192, 9002)]
    """
    begin = None
    for at in range(0, len(data), BLOCK):
        block = data[at : at + BLOCK]
        if block == _BLOCK_OF_ZEROS[: len(block)]:
            if begin is not None:
                yield begin, at
                begin = None
        elif begin is None:
            begin = at
    if begin is not None:
        yield begin, len(data)


class HostData:
    """Copies contents.  What it writes to must be new: it relies on zeros where nothing was written.

    progress   told the number of bytes that each step covered; None: nobody asks
    """

    __slots__ = ("progress", "source", "sparse", "watch")

    def __init__(
        self, source: Source, sparse: int, watch: Watch, progress: Callable[[int], None] | None = None
    ) -> None:
        self.source = source
        self.sparse = sparse
        self.watch = watch
        self.progress = progress

    def small(self, fd: int, size: int) -> bytes:
        """All of a file that is not big.  Errors: the source's."""
        data = self.source.read(fd, size, 0)
        while len(data) < size:
            more = self.source.read(fd, size - len(data), len(data))
            if not more:
                raise shorter()
            data += more
        return data

    def put(self, data: bytes, out: int) -> None:
        """Write a file's contents, all of them, to a new file."""
        if self.progress is not None:
            self.progress(len(data))
        written = os.write(out, data)
        if written < len(data):
            write_all(out, memoryview(data)[written:], written)

    def put_small(self, fd: int, attributes: Attributes, data: bytes, out: int) -> None:
        """Write the contents `data` of `fd` to a new file, with a look for holes if there may be any."""
        may_have_holes = attributes[ALLOCATED] < len(data) or not data[-1] or _ZEROS in data
        if not may_have_holes or self.sparse == NO_HOLES:
            self.put(data, out)
            return
        if self.progress is not None:
            self.progress(len(data))
        parts = stretches(data) if self.sparse == MAKE_HOLES else (
            (at, at + length) for at, length in self.source.parts(fd, 0, len(data)))  # fmt: skip
        os.ftruncate(out, len(data))
        for begin, end in parts:
            write_all(out, data[begin:end], begin)

    def big(self, fd: int, attributes: Attributes, out: int) -> None:
        """Copy a file in pieces to a new file.  Errors: Interrupted."""
        size = attributes[SIZE]
        if size > LARGEST:
            raise shorter(f"size {size}")
        os.ftruncate(out, size)
        if self.sparse == MAKE_HOLES:
            self._pieces(fd, size, True, lambda at, length: self._read_and_write(fd, at, length, out))
            return
        keep = self.sparse == KEEP_HOLES
        copy = self.source.copy_out
        handle = self.source.lend(out)
        try:
            jump = keep and attributes[ALLOCATED] < size
            self._pieces(fd, size, jump, lambda at, length: copy(fd, at, length, handle, keep))
        finally:
            self.source.give_back(handle)

    def _pieces(self, fd: int, size: int, jump: bool, copy: Callable[[int, int], int]) -> None:
        """Go through a file from data to data, in pieces."""
        at = 0
        while at < size:
            if self.watch.interrupted:
                raise Interrupted
            begin = min(self.source.next_data(fd, at), size) if jump else at
            count = copy(begin, min(PIECE, size - begin)) if begin < size else 0
            if not count and begin < size:
                raise shorter()
            if self.progress is not None:
                self.progress(begin + count - at)
            at = begin + count

    def _read_and_write(self, fd: int, at: int, length: int, out: int) -> int:
        """Copy a piece, leaving out blocks of zeros."""
        data = self.source.read(fd, length, at)
        for begin, end in stretches(data) if _ZEROS in data else ((0, len(data)),):
            write_all(out, data[begin:end], at + begin)
        return len(data)
