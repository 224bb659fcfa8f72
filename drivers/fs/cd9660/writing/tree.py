# SPDX-License-Identifier: BSD-2-Clause
"""The tree of a volume that is being filled: files and their names, in memory."""

from __future__ import annotations

from bisect import bisect_right

from rump.drivers.fs.cd9660.disk import SECTOR
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.writing.space import Sectors
    from rump.kernel.vfs.volume import Attributes, Handle

    # (first sector, sectors)
    Extent: TypeAlias = tuple[int, int]
    Items: TypeAlias = list[tuple[bytes, tuple[int, "Node"]]]

DIRECTORY_WEIGHT = 6 * SECTOR   # bytes a directory takes on the medium, at most, without what is in it
NAME_WEIGHT = 480               # a name, besides four times its length
XATTR_WEIGHT = 16               # an extended attribute, besides its name and value
XATTRS_MAX = 24 << 10           # bytes of a file's: what Linux follows continuation areas for is more


NONE: dict[bytes, bytes] = {}   # of files without extended attributes; never changed


class Node:
    """A file.

    number      its fileid, from 1; never used twice
    entries     of a directory: name -> (cookie, node), in the order made; else None
    parent      of a directory: the one it is in
    extents     of a regular file: (first sector, sectors), as many as its size needs
    """

    __slots__ = (
        "atime", "birthtime", "ctime", "entries", "extents", "gid", "mode", "mtime", "nlink", "number", "parent",
        "rdev", "size", "target", "uid", "xattrs",
    )  # fmt: skip

    def __init__(self, number: int, mode: int, uid: int, gid: int, rdev: int, target: bytes, now: int) -> None:
        self.number = number
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.rdev = rdev
        self.target = target
        self.size = len(target)
        self.nlink = 0
        self.atime = self.mtime = self.ctime = now
        self.birthtime = 0
        self.extents: tuple[Extent, ...] = ()
        self.parent: Node | None = None
        self.xattrs: dict[bytes, bytes] = NONE
        self.entries: dict[bytes, tuple[int, Node]] | None = None
        if mode & abi.S_IFMT == abi.S_IFDIR:
            self.entries = {}
            self.nlink = 1

    def attributes(self) -> Attributes:
        """As the volume interface has them."""
        return (
            self.number, 0, self.mode, self.nlink, self.uid, self.gid, self.rdev, self.size,
            sum([count for _, count in self.extents]) * SECTOR, self.atime, self.mtime, self.ctime, self.birthtime, 0,
        )  # fmt: skip


class Tree:
    """All files.

    root        the root directory
    changed     whether anything was done to it
    has_xattrs  whether any file has, or had, extended attributes
    """

    def __init__(self, sectors: Sectors, now: int) -> None:
        self._sectors = sectors
        self._nodes: dict[int, Node] = {}
        self._number = 0
        self._cookie = 0
        self.changed = self.has_xattrs = False
        self.root = self.make(abi.S_IFDIR | 0o755, 0, 0, 0, b"", now)
        self.root.nlink = 2
        sectors.owe(2 * DIRECTORY_WEIGHT)

    def __len__(self) -> int:
        return len(self._nodes)

    # ---- files -------------------------------------------------------------------------------------------------------

    def node(self, file: Handle) -> Node:
        """The file of a handle.  Errors: ESTALE."""
        node = self._nodes.get(file[0])
        if node is None or file[1]:
            raise fault(e.ESTALE)
        return node

    def directory(self, file: Handle) -> tuple[Node, dict[bytes, tuple[int, Node]]]:
        """A directory and its entries.  Errors: ENOTDIR, ESTALE."""
        node = self.node(file)
        if node.entries is None:
            raise fault(e.ENOTDIR)
        return node, node.entries

    def make(self, mode: int, uid: int, gid: int, rdev: int, target: bytes, now: int) -> Node:
        """A new file, without a name."""
        self._number += 1
        node = self._nodes[self._number] = Node(self._number, mode, uid, gid, rdev, target, now)
        return node

    def files(self) -> Iterable[Node]:
        """All there are, with names and without."""
        return self._nodes.values()

    def drop(self, node: Node) -> None:
        """A file without names goes."""
        del self._nodes[node.number]

    def set_xattrs(self, node: Node, xattrs: dict[bytes, bytes]) -> None:
        """Give a file other extended attributes.  Errors: ENOSPC - more than a record can lead to."""
        before, after = (sum([len(name) + len(value) + XATTR_WEIGHT for name, value in each.items()])
                         for each in (node.xattrs, xattrs))  # fmt: skip
        if after > XATTRS_MAX:
            raise fault(e.ENOSPC, f"file {node.number}: {after} bytes of extended attributes")
        self._sectors.owe(2 * (after - before))
        node.xattrs = xattrs
        self.changed = self.has_xattrs = True

    # ---- names -------------------------------------------------------------------------------------------------------

    @staticmethod
    def entry(entries: dict[bytes, tuple[int, Node]], name: bytes) -> Node:
        """The file of a name.  Errors: ENOENT."""
        found = entries.get(name)
        if found is None:
            raise fault(e.ENOENT)
        return found[1]

    @staticmethod
    def _weight(node: Node, name: bytes) -> int:
        """How many bytes of the medium a name will take at most, with the directory it may be."""
        weight = NAME_WEIGHT + 4 * len(name) + 3 * len(node.target)
        return weight if node.entries is None else weight + DIRECTORY_WEIGHT

    def enter(self, directory: Node, name: bytes, node: Node, now: int) -> None:
        """Give a file a name.  Errors: EEXIST; ENOSPC."""
        entries = directory.entries
        assert entries is not None
        if name in entries:
            raise fault(e.EEXIST)
        self._sectors.owe(self._weight(node, name))
        self._cookie += 1
        entries[name] = self._cookie, node
        node.nlink += 1
        node.ctime = directory.mtime = directory.ctime = now
        if node.entries is not None:
            node.parent = directory
            directory.nlink += 1
        self.changed = True

    def leave(self, directory: Node, name: bytes, now: int) -> Node:
        """Take a name away; whose it was."""
        entries = directory.entries
        assert entries is not None
        node = entries.pop(name)[1]
        self._sectors.owe(-self._weight(node, name))
        node.nlink -= 1
        node.ctime = directory.mtime = directory.ctime = now
        if node.entries is not None:
            directory.nlink -= 1
        self.changed = True
        return node

    def page(self, directory: Handle, cookie: int, count: int) -> tuple[Items, int]:
        """Entries from a cookie on, and the next.  Cookies count up with every name made, so entries are in their order
        and a cookie never means another."""
        items: Items = [*self.directory(directory)[1].items()]
        start = bisect_right(items, cookie, key=lambda item: item[1][0]) if cookie else 0
        rows = items[start : start + max(count, 1)]
        return rows, v.END if start + len(rows) >= len(items) else rows[-1][1][0]

    def find(self, path: bytes) -> Node:
        """The file of a path from the root.  Errors: ENOENT, ENOTDIR."""
        node = self.root
        for part in path.split(b"/"):
            if node.entries is None:
                raise fault(e.ENOTDIR)
            node = self.entry(node.entries, part)
        return node

    @staticmethod
    def depth(directory: Node) -> int:
        """On which level a directory is; the root is on the first."""
        level, node = 1, directory.parent
        while node is not None:
            level, node = level + 1, node.parent
        return level

    @staticmethod
    def height(directory: Node) -> int:
        """How many levels there are from a directory down to the deepest below it."""
        levels, here = 0, [directory]
        while here:
            levels += 1
            here = [
                child for node in here for _, child in (node.entries or {}).values() if child.entries is not None
            ]  # fmt: skip
        return levels
