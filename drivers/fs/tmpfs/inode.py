# SPDX-License-Identifier: BSD-2-Clause
"""Nodes of a tmpfs, and the sparse contents of its files."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import Attributes, Run

PAGE = 16384
"""Bytes of a piece of file data; holes have this granularity."""


class Node:
    """A file.

    number, generation   its handle
    entries              of a directory: name -> (cookie, node), in the order made
    pages                of a regular file: page number -> its bytes
    nlink                names it has; the kernel may use it without any
    """

    __slots__ = (
        "atime", "birthtime", "ctime", "entries", "flags", "generation", "gid", "mode", "mtime", "nlink", "number",
        "pages", "rdev", "size", "target", "uid", "xattrs",
    )  # fmt: skip

    def __init__(self, number: int, generation: int, mode: int, uid: int, gid: int, now: int) -> None:
        self.number = number
        self.generation = generation
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.nlink = 0
        self.rdev = 0
        self.flags = 0
        self.size = 0
        self.atime = self.mtime = self.ctime = self.birthtime = now
        self.target = b""
        self.entries: dict[bytes, tuple[int, Node]] = {}
        self.pages: dict[int, bytearray] = {}
        self.xattrs: dict[bytes, bytes] = {}

    @property
    def is_directory(self) -> bool:
        return self.mode & abi.S_IFMT == abi.S_IFDIR

    def attributes(self) -> Attributes:
        """As the volume interface has them."""
        return (
            self.number, self.generation, self.mode, self.nlink, self.uid, self.gid, self.rdev, self.size,
            len(self.pages) * PAGE, self.atime, self.mtime, self.ctime, self.birthtime, self.flags,
        )  # fmt: skip

    # ---- contents ------------------------------------------------------------------------------------------------

    def missing_pages(self, offset: int, length: int) -> int:
        """How many pages a write would add."""
        pages = range(offset // PAGE, (offset + length - 1) // PAGE + 1)
        if len(pages) > len(self.pages):        # a range to be allocated may be very long
            return len(pages) - sum(1 for page in self.pages if page in pages)
        return sum(1 for page in pages if page not in self.pages)

    def write(self, offset: int, data: memoryview) -> None:
        """Put bytes in, growing the file."""
        done = 0
        while done < len(data):
            page, start = divmod(offset + done, PAGE)
            piece = data[done : done + PAGE - start]
            content = self.pages.get(page)
            if content is None:
                content = self.pages[page] = bytearray(PAGE)
            content[start : start + len(piece)] = piece
            done += len(piece)
        self.size = max(self.size, offset + len(data))

    def read(self, offset: int, length: int) -> bytes:
        """Bytes, short at the end of the file."""
        length = max(0, min(length, self.size - offset))
        parts: list[bytes] = []
        while length:
            page, start = divmod(offset, PAGE)
            count = min(length, PAGE - start)
            content = self.pages.get(page)
            parts.append(bytes(count) if content is None else bytes(content[start : start + count]))
            offset += count
            length -= count
        return b"".join(parts)

    def truncate(self, size: int) -> None:
        """Cut, or grow by a hole."""
        if size < self.size:
            keep = -(-size // PAGE)
            for page in [page for page in self.pages if page >= keep]:
                del self.pages[page]
            last = self.pages.get(size // PAGE)
            if last is not None:
                last[size % PAGE :] = bytes(PAGE - size % PAGE)
        self.size = size

    def allocate(self, offset: int, length: int) -> None:
        """Pages for all of a range, growing the file."""
        for page in range(offset // PAGE, (offset + length - 1) // PAGE + 1):
            if page not in self.pages:
                self.pages[page] = bytearray(PAGE)
        self.size = max(self.size, offset + length)

    def punch(self, offset: int, length: int) -> None:
        """Zeros; pages that lie in the range whole, or hold nothing else of the file, go."""
        end = min(offset + length, self.size)
        stop = end if end < self.size else -(-end // PAGE) * PAGE
        for page in [page for page in self.pages if page * PAGE < end and (page + 1) * PAGE > offset]:
            if page * PAGE >= offset and (page + 1) * PAGE <= stop:
                del self.pages[page]
            else:
                first, last = max(offset - page * PAGE, 0), min(end - page * PAGE, PAGE)
                self.pages[page][first:last] = bytes(last - first)

    def runs(self, offset: int, length: int, limit: int) -> tuple[Run, ...]:
        """At most `limit` runs, INLINE where there are pages and HOLE where not."""
        end = min(offset + length, self.size)
        result: list[Run] = []
        present = sorted(page for page in self.pages if page * PAGE < end and (page + 1) * PAGE > offset)
        for page in present:
            start = max(page * PAGE, offset)
            if len(result) >= limit:
                return tuple(result)
            if start > offset:
                result.append((v.HOLE, offset, start - offset, 0))
            stop = min((page + 1) * PAGE, end)
            if result and result[-1][0] == v.INLINE:
                kind, first, count, where = result[-1]
                result[-1] = (kind, first, count + stop - start, where)
            else:
                result.append((v.INLINE, start, stop - start, 0))
            offset = stop
        if offset < end:
            result.append((v.HOLE, offset, end - offset, 0))
        return tuple(result)
