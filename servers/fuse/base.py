# SPDX-License-Identifier: BSD-2-Clause
"""What the groups of operations share: the process that makes the system calls, nodes, and what is open."""

from __future__ import annotations

from rump.kernel import abi
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.descriptors import Descriptors
from rump.servers.fuse.nodes import Nodes
from rump.servers.linux import encode_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.mount import Mount
    from rump.kernel.vfs.volume import Capabilities
    from rump.servers.fuse.nodes import Node

HOLDS = 86_400
"""Seconds that names and attributes hold when nobody but Linux changes them."""
_SHARED_HOLDS = 1
CAPABILITY = b"security.capability"
_SECOND = 10**9
_NOTHING = memoryview(b"")


class Request:
    """A request as it came.

    node       number of the file or directory it is about
    uid, gid   whose it is, the host's numbers
    body       what the operation says
    data       of WRITE: the bytes
    """

    __slots__ = ("body", "data", "gid", "node", "uid")

    def __init__(self, node: int, uid: int, gid: int, body: bytes, data: memoryview = _NOTHING) -> None:
        self.node = node
        self.uid = uid
        self.gid = gid
        self.body = body
        self.data = data


class Settings:
    """How a mount is made.

    owner      (uid, gid) of every file where the file system keeps no owners; None: what it says
    as_root    whoever makes files makes them as root
    shared     others change the file system too: Linux is to ask again
    another    makes another process like the first, for more descriptors
    pid        of the server, for who asks
    """

    __slots__ = ("another", "as_root", "owner", "pid", "shared")

    def __init__(
        self,
        *,
        owner: tuple[int, int] | None = None,
        as_root: bool = False,
        shared: bool = False,
        another: Callable[[], Lwp] | None = None,
        pid: int = 0,
    ) -> None:
        self.owner = owner
        self.as_root = as_root
        self.shared = shared
        self.another = another
        self.pid = pid


class Base:
    """Operations on the file system that a process of a kernel, root's, has for its root."""

    def __init__(self, lwp: Lwp, settings: Settings) -> None:
        lwp.umask(0)                    # Linux has applied the caller's
        self.lwp = lwp
        self.settings = settings
        self.capabilities: Capabilities = lwp.rump_capabilities(b"/")
        single, shared = not self.capabilities.hard_links, settings.shared
        root = lwp.lstat(b"/")
        self._device = root.st_dev
        self._volumes = {root.st_dev: 0}
        self.nodes = Nodes(root, moving=single, shared=shared, look=self.look)
        self.descriptors = Descriptors(lwp, settings.another)
        self.changes = 0                # how often anything was changed
        self.buffer = memoryview(bytearray(1 << 20))
        self.hold = _SHARED_HOLDS if shared else HOLDS
        whole = self.capabilities.case_sensitive
        self._names_hold = self.hold if whole else 0
        self._mounted = self._mount()
        # What is said to be absent Linux cannot be made to forget: not long if the removal may yet be lost (`lost`).
        holds = _SHARED_HOLDS if self._mounted.isolated and not self._mounted.read_only else HOLDS
        self._absence = p.ENTRY.pack(0, 0, holds, 0, 0, 0, *(16 * (0,))) if whole and not shared else None

    def _mount(self) -> Mount:
        root = self.lwp.process.root
        assert root is not None
        return root.mount

    def lost(self) -> bool:
        """Whether the file system's driver died with what was written to it since it was synced."""
        return self._mounted.lost

    # ---- files ---------------------------------------------------------------------------------------------------

    def on(self, node: Node, call: str, *arguments: Any) -> Any:
        """A system call on a node: its `l` form by a path or, where no name is left, its `f` form.

        Errors: ESTALE - neither names nor descriptors lead to it; those of the call.
        """
        path = self.nodes.path(node)
        if path is not None:
            return getattr(self.lwp, "l" + call)(path, *arguments)
        for opened in node.opened:
            return getattr(opened.lwp, "f" + call)(opened.fd, *arguments)
        raise OSError(e.ESTALE, f"node {node.number}")

    def stat(self, node: Node) -> Stat:
        """The attributes of a node.  Errors: as `on`."""
        if not node.names and not node.opened and node.ghost is not None:
            return node.ghost
        found: Stat = self.on(node, "stat")
        return found

    def look(self, path: bytes) -> Stat | None:
        """The attributes of what a path leads to, None if there is nothing.  Errors: others than ENOENT."""
        try:
            return self.lwp.lstat(path)
        except OSError as error:
            if error.errno != e.ENOENT:
                raise
            return None

    def changed(self) -> None:
        """Something was changed: listings read ahead are old."""
        self.changes += 1

    # ---- attributes ----------------------------------------------------------------------------------------------

    def attributes(self, stat: Stat) -> tuple[int, ...]:
        """The fields of fuse_attr."""
        (device, mode, ino, nlink, uid, gid, rdev, atime, mtime, ctime, _, size, blocks, blksize, _, _) = stat
        ino = self.number(device, ino)
        if self.settings.owner is not None:
            uid, gid = self.settings.owner
        if rdev:
            rdev = encode_device(rdev)
        return (
            ino, size, blocks, atime // _SECOND, mtime // _SECOND, ctime // _SECOND,
            atime % _SECOND, mtime % _SECOND, ctime % _SECOND, mode, nlink, uid, gid, rdev, blksize, 0,
        )  # fmt: skip

    def number(self, device: int, fileid: int) -> int:
        """What Linux is told as st_ino: unlike in all volumes that are mounted below the root."""
        if device != self._device:
            fileid ^= self._volumes.setdefault(device, len(self._volumes)) << 48
        return fileid

    def entry(self, directory: Node, name: bytes, stat: Stat) -> bytes:
        """The answer that tells Linux of a file by a name.  Errors: EIO, ELOOP - as `Nodes.found`."""
        node = self.nodes.found(directory, name, stat)
        return p.ENTRY.pack(node.number, 0, self._names_hold, self.hold, 0, 0, *self.attributes(stat))

    def owned(self, directory: Node, path: bytes, stat: Stat, request: Request) -> Stat:
        """Give a file that was just made the owner it has on Linux (inode_init_owner): who made it and his group, or
        that of a directory with the set-group-id bit, which directories in it inherit."""
        if not self.capabilities.owners or self.settings.as_root:
            return stat
        mode, gid = stat.st_mode, request.gid
        if mode & abi.S_IFMT == abi.S_IFDIR or gid != stat.st_gid:
            above = self.stat(directory)
            if above.st_mode & abi.S_ISGID:
                gid = above.st_gid
                if mode & abi.S_IFMT == abi.S_IFDIR:
                    self.lwp.lchmod(path, mode & 0o7777 | abi.S_ISGID)
        elif request.uid == stat.st_uid:
            return stat
        if (request.uid, gid) != (stat.st_uid, stat.st_gid):
            self.lwp.lchown(path, request.uid, gid)
            if mode & (abi.S_ISUID | abi.S_ISGID) and mode & abi.S_IFMT == abi.S_IFREG:
                self.lwp.lchmod(path, mode & 0o7777)
        return self.lwp.lstat(path)

    def strip(self, node: Node, stat: Stat) -> None:
        """Take away what must not outlive a change by others: set-user-id; set-group-id where the group executes."""
        mode = stat.st_mode
        kept = mode & ~abi.S_ISUID & (~abi.S_ISGID if mode & 0o010 else -1)
        if mode & abi.S_IFMT == abi.S_IFREG and kept != mode:
            self.on(node, "chmod", kept & 0o7777)

    def drop_capability(self, node: Node) -> None:
        """Take away capabilities(7) of a file that changes."""
        if self.capabilities.xattrs:
            try:
                self.on(node, "getxattr", CAPABILITY)
            except OSError:
                return                  # there are none
            self.on(node, "removexattr", CAPABILITY)
