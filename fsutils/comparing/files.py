# SPDX-License-Identifier: BSD-2-Clause
"""A file of one of two trees, and whether it is like that of the other."""

from __future__ import annotations

from rump.kernel.abi import S_IFMT, S_IFREG
from rump.kernel.vfs.volume import FLAGS, GID, MODE, MTIME, SIZE, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.copy.source import Pairs, Source
    from rump.kernel.vfs.volume import Attributes

    Ask: TypeAlias = Callable[[], bool]

PIECE = 1 << 20
TEXT_MOST = 32 << 20        # bytes of a file that is taken apart into lines
BINARY = 1 << 15            # bytes looked at to tell a text from other files
ATTRIBUTES = ("mode", "owner", "times", "flags", "xattrs")
USUAL = ("mode", "owner", "times", "xattrs")


class File:
    """A file that is there.

    source     what reads it
    fd, name   a directory's descriptor, and the name in it
    row        its attributes
    shown      what messages call it
    """

    __slots__ = ("fd", "name", "row", "shown", "source")

    def __init__(self, source: Source, fd: int, name: bytes, row: Attributes, shown: bytes) -> None:
        self.source = source
        self.fd = fd
        self.name = name
        self.row = row
        self.shown = shown

    @property
    def kind(self) -> int:
        """The type, of S_IFMT."""
        return self.row[MODE] & S_IFMT

    def open(self) -> int:
        """Open it for reading.  Errors: OSError."""
        return self.source.open(self.fd, self.name, self.fd < 0)

    def text(self) -> bytes | None:
        """All that is in it; None if it is no text, or too much.  Errors: OSError."""
        size = self.row[SIZE]
        if size > TEXT_MOST:
            return None
        fd = self.open()
        try:
            data = self.source.read(fd, min(size, BINARY), 0)
            if b"\0" in data:
                return None
            pieces = [data]
            at = len(data)
            while at < size and (data := self.source.read(fd, size - at, at)):
                pieces.append(data)
                at += len(data)
            return b"".join(pieces)
        finally:
            self.source.close(fd)

    def xattrs(self) -> Pairs:
        """Extended attributes.  Errors: OSError."""
        if self.kind != S_IFREG:
            return self.source.xattrs_of(self.fd, self.name)
        fd = self.open()
        try:
            return self.source.xattrs(fd)
        finally:
            self.source.close(fd)


def same_contents(one: File, other: File, stop: Ask) -> bool:
    """Whether two regular files hold the same; what is a hole in both is not read.  Errors: OSError.

    `stop`: asked between pieces whether it is enough.
    """
    size = one.row[SIZE]
    if size != other.row[SIZE]:
        return False
    fd, there = one.open(), -1
    try:
        there = other.open()
        at = 0
        while at < size and not stop():
            begin = min(one.source.next_data(fd, at), other.source.next_data(there, at), size)
            length = min(PIECE, size - begin)
            data = one.source.read(fd, length, begin) if length else b""
            if data != other.source.read(there, len(data) or length, begin):
                return False
            at = begin + len(data) if data else size
        return True
    finally:
        one.source.close(fd)
        if there >= 0:
            other.source.close(there)


def attribute_differences(one: File, other: File, wanted: tuple[str, ...]) -> list[str]:
    """What attributes differ, for people.  Errors: OSError."""
    from rump.fsutils.dates import full
    from rump.fsutils.file_flags import shown

    a, b = one.row, other.row
    found = []
    if "mode" in wanted and a[MODE] & 0o7777 != b[MODE] & 0o7777:
        found.append(f"mode {a[MODE] & 0o7777:04o} and {b[MODE] & 0o7777:04o}")
    if "owner" in wanted and a[UID:GID + 1] != b[UID:GID + 1]:
        found.append(f"owner {a[UID]}:{a[GID]} and {b[UID]}:{b[GID]}")
    if "times" in wanted and a[MTIME] != b[MTIME]:
        found.append(f"modified {full(a[MTIME])} and {full(b[MTIME])}")
    if "flags" in wanted and a[FLAGS] != b[FLAGS]:
        found.append(f"flags {shown(a[FLAGS])} and {shown(b[FLAGS])}")
    if "xattrs" in wanted:
        found += _xattr_differences(dict(one.xattrs()), dict(other.xattrs()))
    return found


def _xattr_differences(one: dict[bytes, bytes], other: dict[bytes, bytes]) -> list[str]:
    names = sorted({*one, *other})
    return [
        f"extended attribute {name.decode('utf-8', 'backslashreplace')}"
        + ("" if name in one and name in other else f" only in the {'first' if name in one else 'second'}")
        for name in names if one.get(name) != other.get(name)
    ]  # fmt: skip
