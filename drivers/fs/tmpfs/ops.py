# SPDX-License-Identifier: BSD-2-Clause
"""The volume operations of tmpfs."""

from __future__ import annotations

from bisect import bisect_right

from rump.drivers.fs.tmpfs.inode import PAGE, Node
from rump.drivers.fs.tmpfs.mount import CAPABILITIES
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.volume import Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    Items = list[tuple[bytes, tuple[int, Node]]]

    from rump.kernel.vfs.volume import Attributes, Entry, EntryPlus, Handle, Run, Services

RUNS_MAX = 1024


class TmpfsVolume(Volume):
    """Everything in dictionaries.  Fileids count up and are never used twice; directories list in the order made."""

    capabilities = CAPABILITIES

    def __init__(self, services: Services, size: int, nodes: int, uid: int, gid: int, mode: int) -> None:
        """`size` bytes of data and `nodes` files at most; owner and permissions of the root directory."""
        self._now = services.now
        self._pages_max = size // PAGE
        self._pages = 0
        self._nodes_max = nodes
        self._nodes: dict[int, Node] = {}
        self._number = 1
        self._cookie = 0
        self._root = self._new(abi.S_IFDIR | mode, uid, gid)
        self._root.nlink = 2

    # ---- the whole volume ----------------------------------------------------------------------------------------

    def root(self) -> Attributes:
        return self._root.attributes()

    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        free = self._pages_max - self._pages
        files = self._nodes_max
        name_max = CAPABILITIES.name_max
        return PAGE, PAGE, self._pages_max, free, free, files, files - len(self._nodes), name_max

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"size", b"%d" % (self._pages_max * PAGE)), (b"nodes", b"%d" % self._nodes_max))

    # ---- files ---------------------------------------------------------------------------------------------------

    def _node(self, file: Handle) -> Node:
        node = self._nodes.get(file[0])
        if node is None or node.generation != file[1]:
            raise fault(e.ESTALE)
        return node

    def _directory(self, file: Handle) -> Node:
        node = self._node(file)
        if not node.is_directory:
            raise fault(e.ENOTDIR)
        return node

    def _new(self, mode: int, uid: int, gid: int) -> Node:
        if len(self._nodes) >= self._nodes_max:
            raise fault(e.ENOSPC, "tmpfs: no more files")
        self._number += 1
        node = Node(self._number, 1, mode, uid, gid, self._now())
        self._nodes[node.number] = node
        return node

    def attributes(self, file: Handle) -> Attributes:
        return self._node(file).attributes()

    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        node = self._node(file)
        node.ctime = now = self._now()
        for field, value in changes:
            if field == v.MODE:
                node.mode = (node.mode & abi.S_IFMT) | value
            elif field == v.UID:
                node.uid = value
            elif field == v.GID:
                node.gid = value
            elif field == v.SIZE:
                before = len(node.pages)
                node.truncate(value)
                self._pages += len(node.pages) - before
                node.mtime = now
            elif field == v.FLAGS:
                node.flags = value
            else:
                self._set_time(node, field, value)
        return node.attributes()

    def _set_time(self, node: Node, field: int, value: int) -> None:
        if not CAPABILITIES.time_min <= value <= CAPABILITIES.time_max:
            raise fault(e.EINVAL, f"time {value}")
        if field == v.ATIME:
            node.atime = value
        elif field == v.MTIME:
            node.mtime = value
        elif field == v.CTIME:
            node.ctime = value
        elif field == v.BIRTHTIME:
            node.birthtime = value
        else:
            raise fault(e.EINVAL, f"attribute {field}")

    def readlink(self, file: Handle) -> bytes:
        return self._node(file).target

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        return self._node(file).runs(offset, length, RUNS_MAX)

    def read(self, file: Handle, offset: int, length: int) -> bytes:
        return self._node(file).read(offset, length)

    def write(self, file: Handle, offset: int, data: Buffer) -> Attributes:
        node = self._node(file)
        view = memoryview(data)
        missing = node.missing_pages(offset, len(view))
        if self._pages + missing > self._pages_max:
            raise fault(e.ENOSPC)
        node.write(offset, view)
        self._pages += missing
        node.mtime = node.ctime = self._now()
        return node.attributes()

    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        node = self._node(file)
        missing = node.missing_pages(offset, length)
        if self._pages + missing > self._pages_max:
            raise fault(e.ENOSPC)
        if offset + length > node.size:
            node.mtime = self._now()
        node.allocate(offset, length)
        self._pages += missing
        node.ctime = self._now()
        return node.attributes()

    def punch(self, file: Handle, offset: int, length: int) -> Attributes:
        node = self._node(file)
        before = len(node.pages)
        node.punch(offset, length)
        self._pages += len(node.pages) - before
        node.mtime = node.ctime = self._now()
        return node.attributes()

    # ---- directories ---------------------------------------------------------------------------------------------

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        return self._entry(self._directory(directory), name).attributes()

    def _entry(self, node: Node, name: bytes) -> Node:
        found = node.entries.get(name)
        if found is None:
            raise fault(e.ENOENT)
        return found[1]

    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        rows, end = self._page(directory, cookie, count)
        return tuple((name, at, node.number, (node.mode & abi.S_IFMT) >> 12) for name, (at, node) in rows), end

    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        rows, end = self._page(directory, cookie, count)
        return tuple((name, at, node.attributes()) for name, (at, node) in rows), end

    def _page(self, directory: Handle, cookie: int, count: int) -> tuple[Items, int]:
        """Cookies count up with every name made, so entries are in their order and a cookie never means another."""
        items: Items = [*self._directory(directory).entries.items()]
        start = bisect_right(items, cookie, key=lambda item: item[1][0]) if cookie else 0
        rows = items[start : start + max(count, 1)]
        return rows, v.END if start + len(rows) >= len(items) else rows[-1][1][0]

    def _enter(self, directory: Node, name: bytes, node: Node) -> None:
        """Give a node a name."""
        self._cookie += 1
        directory.entries[name] = (self._cookie, node)
        node.nlink += 1
        if node.is_directory:
            directory.nlink += 1
        directory.mtime = directory.ctime = node.ctime = self._now()

    def _leave(self, directory: Node, name: bytes) -> Node:
        """Take a name away."""
        node = directory.entries.pop(name)[1]
        node.nlink -= 1
        if node.is_directory:
            directory.nlink -= 1
        directory.mtime = directory.ctime = node.ctime = self._now()
        return node

    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        parent = self._directory(directory)
        if name in parent.entries:
            raise fault(e.EEXIST)
        node = self._new(mode, uid, gid)
        node.rdev = rdev
        node.target = target
        node.size = len(target)
        node.nlink = 1 if node.is_directory else 0
        self._enter(parent, name, node)
        return node.attributes(), parent.attributes()

    def link(self, file: Handle, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        node, parent = self._node(file), self._directory(directory)
        if name in parent.entries:
            raise fault(e.EEXIST)
        self._enter(parent, name, node)
        return node.attributes(), parent.attributes()

    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        parent = self._directory(directory)
        self._entry(parent, name)
        node = self._leave(parent, name)
        return node.attributes(), parent.attributes()

    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        parent = self._directory(directory)
        if self._entry(parent, name).entries:
            raise fault(e.ENOTEMPTY)
        node = self._leave(parent, name)
        node.nlink = 0
        return node.attributes(), parent.attributes()

    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        source, target = self._directory(from_directory), self._directory(to_directory)
        node = self._entry(source, from_name)
        replaced = target.entries.get(to_name)
        lost: Node | None = None
        if replaced is not None and replaced[1] is not node:
            if replaced[1].entries:
                raise fault(e.ENOTEMPTY)
            lost = self._leave(target, to_name)
            if lost.is_directory:
                lost.nlink = 0
        self._leave(source, from_name)
        self._enter(target, to_name, node)
        return node.attributes(), source.attributes(), target.attributes(), lost.attributes() if lost else None

    # ---- extended attributes -------------------------------------------------------------------------------------

    def list_xattr(self, file: Handle) -> tuple[bytes, ...]:
        return tuple(self._node(file).xattrs)

    def get_xattr(self, file: Handle, name: bytes) -> bytes:
        value = self._node(file).xattrs.get(name)
        if value is None:
            raise fault(e.ENOATTR)
        return value

    def set_xattr(self, file: Handle, name: bytes, value: bytes, flags: int) -> Attributes:
        node = self._node(file)
        if flags & abi.XATTR_CREATE and name in node.xattrs:
            raise fault(e.EEXIST)
        if flags & abi.XATTR_REPLACE and name not in node.xattrs:
            raise fault(e.ENOATTR)
        node.xattrs[name] = value
        node.ctime = self._now()
        return node.attributes()

    def remove_xattr(self, file: Handle, name: bytes) -> Attributes:
        node = self._node(file)
        if node.xattrs.pop(name, None) is None:
            raise fault(e.ENOATTR)
        node.ctime = self._now()
        return node.attributes()

    # ---- references ----------------------------------------------------------------------------------------------

    def inactive(self, file: Handle) -> None:
        node = self._nodes.get(file[0])
        if node is not None and node.generation == file[1] and node.nlink == 0:
            del self._nodes[node.number]
            self._pages -= len(node.pages)
