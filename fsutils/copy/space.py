# SPDX-License-Identifier: BSD-2-Clause
"""Whether there is room for a copy, found out before it starts: better no copy than half of one."""

from __future__ import annotations

from rump.fsutils.attributes import is_directory
from rump.fsutils.copy.report import NoRoom
from rump.fsutils.sizes import human
from rump.kernel.abi import AT_FDCWD, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import ALLOCATED, FILEID, MODE, NLINK, SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.fsutils.copy.source import Source
    from rump.fsutils.copy.target import Watch
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import Attributes, EntryPlus

FAST_LINK = 59          # bytes of a symbolic link's target that the inodes of most formats hold themselves
REMEMBERED = 1 << 15    # entries that the copy need not look at again, of about 500 bytes each
ENTRY = 8               # bytes of a directory's entry besides its name, which fills words of four


class Need:
    """What files take in blocks of a certain size, estimated: bytes and inodes.  Several names of a file count once."""

    __slots__ = ("_block", "_seen", "_source", "_watch", "bytes", "inodes")

    def __init__(self, source: Source, block: int, watch: Watch) -> None:
        self._source = source
        self._block = block
        self._watch = watch
        self._seen: set[int] = set()
        self.bytes = 0
        self.inodes = 0

    def add(self, path: bytes, follow: bool, recursive: bool) -> None:
        """Count what the user named.  Errors: OSError - it cannot be found out."""
        _, attributes = self._source.look(path, follow)
        self._count(attributes)
        if recursive and attributes[MODE] & S_IFMT == S_IFDIR:
            self._tree(path, follow)

    def _tree(self, path: bytes, follow: bool) -> None:
        for _, rows in directories(self._source, path, follow, self._watch):
            names = 2 * (ENTRY + 4)
            for name, _, attributes in rows:
                if attributes is not None:
                    names += ENTRY + (len(name) + 3 & ~3)
                    self._count(attributes)
            if names > self._block:
                self.bytes += names // self._block * self._block

    def _count(self, attributes: Attributes) -> None:
        kind, size, block = attributes[MODE] & S_IFMT, attributes[SIZE], self._block
        if kind == S_IFDIR:
            self.bytes += block
        else:
            if attributes[NLINK] > 1:
                if attributes[FILEID] in self._seen:
                    return
                self._seen.add(attributes[FILEID])
            if kind == S_IFREG:
                self.bytes += (min(size, attributes[ALLOCATED]) + block - 1) // block * block
            elif kind == S_IFLNK and size > FAST_LINK:
                self.bytes += block
        self.inodes += 1


def directories(
    source: Source, path: bytes, follow: bool, watch: Watch
) -> Iterator[tuple[int, list[EntryPlus]]]:
    """A directory and all that are below: each one's descriptor, good until the next, and its entries.

    Errors: OSError - one cannot be opened, or read.
    """
    above: list[tuple[int, list[bytes]]] = []
    try:
        fd = source.open_directory(AT_FDCWD, path, follow)[0]
        while not watch.interrupted:
            above.append((fd, []))
            rows = [row for some in source.rows(fd) for row in some]
            above[-1] = fd, [name for name, _, known in rows if known is not None and is_directory(known[MODE])]
            yield fd, rows
            while above and not above[-1][1]:
                source.close(above.pop()[0])
            if not above:
                return
            fd = source.open_directory(above[-1][0], above[-1][1].pop(), False)[0]
    finally:
        for fd, _ in above:
            source.close(fd)


def check_room(source: Source, path: bytes, follow: bool, recursive: bool, lwp: Lwp, copy: Source, to: bytes,
               watch: Watch) -> None:  # fmt: skip
    """See whether a copy fits into the file system of `lwp`.  What is at `to` already, seen by `copy`, makes room for
    what replaces it.  Errors: NoRoom - it does not fit."""
    stat = lwp.statvfs(b"/")
    free, inodes = stat.f_bfree * stat.f_frsize, stat.f_ffree
    need = Need(source, stat.f_bsize, watch)
    source.remember(REMEMBERED)
    try:
        need.add(path, follow, recursive)
    except OSError:
        return                  # the copy will say what is wrong
    finally:
        source.remember(0)
    if need.bytes <= free and need.inodes <= inodes:
        return
    there = Need(copy, stat.f_bsize, watch)
    try:
        there.add(to, True, recursive)
    except OSError:
        pass
    if need.bytes - there.bytes > free:
        raise NoRoom(f"needs {human(need.bytes)}, {human(free)} free; --force copies what there is room for")
    if stat.f_files and need.inodes - there.inodes > inodes:
        raise NoRoom(f"needs {need.inodes} inodes, {inodes} free; --force copies what there is room for")
