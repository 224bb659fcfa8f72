# SPDX-License-Identifier: BSD-2-Clause
"""A member of an archive as the source of a copy: the one being extracted, whatever descriptor is asked about."""

from __future__ import annotations

from rump.fsutils.copy.data import write_all
from rump.fsutils.copy.report import BadSource
from rump.fsutils.copy.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from rump.fsutils.copy.source import Pairs

PIECE = 1 << 20
_BEHIND = 1 << 63


class MemberSource(Source):
    """What is being extracted.  Bytes are read in order, as they come from a pipe.

    file    where its data come from
    data    all of them, of a small file
    size    of the file
    ranges  where it has data, (offset, length), of a sparse file; None: everywhere
    target  of a link
    pairs   extended attributes
    """

    def __init__(self) -> None:
        super().__init__()
        self.world = self           # not the host's: descriptors mean nothing
        self.file: IO[bytes] | None = None
        self.data: bytes | None = None
        self.size = 0
        self.ranges: list[tuple[int, int]] | None = None
        self.target = b""
        self.pairs: Pairs = ()

    def is_directory(self, path: bytes) -> bool:
        return True

    def readlink(self, fd: int, name: bytes) -> bytes:
        return self.target

    def xattrs_of(self, fd: int, name: bytes) -> Pairs:
        return self.pairs

    def xattrs(self, fd: int) -> Pairs:
        return self.pairs

    def read(self, fd: int, length: int, offset: int) -> bytes:
        if self.data is not None:
            return self.data[offset : offset + length]
        assert self.file is not None
        if self.file.tell() != offset:
            self.file.seek(offset)
        data = self.file.read(length)
        if not data and length:
            raise BadSource("the archive ends within the file")
        return data

    def parts(self, fd: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
        for at, length in self.ranges if self.ranges is not None else ((0, self.size),):
            first, last = max(at, begin), min(at + length, end)
            if last > first:
                yield first, last - first

    def next_data(self, fd: int, at: int) -> int:
        return next((begin for begin, _ in self.parts(fd, at, _BEHIND)), _BEHIND)

    def copy_out(self, fd: int, at: int, length: int, handle: int, sparse: bool) -> int:
        for begin, count in self.parts(fd, at, at + length):
            end = begin + count
            while begin < end:
                data = self.read(fd, min(PIECE, end - begin), begin)
                write_all(handle, data, begin)
                begin += len(data)
        return length
