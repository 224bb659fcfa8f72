# SPDX-License-Identifier: BSD-2-Clause
"""Operations on attributes: to read and set them, extended attributes, flags, and the file system's own."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.stat import Stat
    from rump.servers.fuse.base import Request
    from rump.servers.fuse.nodes import Node

_SECOND = 10**9
_TIMES = ((p.FATTR_ATIME, p.FATTR_ATIME_NOW), (p.FATTR_MTIME, p.FATTR_MTIME_NOW))
_STATX = 0x7FF | 0x800          # STATX_BASIC_STATS, STATX_BTIME (linux/stat.h)
_SAME = 0xFFFFFFFF              # an owner that is not set


class AttributeOperations(Base):
    """Operations on attributes."""

    def getattr(self, request: Request) -> bytes:
        """FUSE_GETATTR."""
        return self._answer(self.stat(self.nodes[request.node]))

    def statx(self, request: Request) -> bytes:
        """FUSE_STATX: who asks wants to know when the file was made."""
        stat = self.stat(self.nodes[request.node])
        (ino, size, blocks, _, _, _, _, _, _, mode, nlink, uid, gid, _, blksize, _) = self.attributes(stat)
        mask = _STATX if stat.st_birthtime_ns else _STATX & ~0x800
        times = (stat.st_atime_ns, stat.st_birthtime_ns, stat.st_ctime_ns, stat.st_mtime_ns)
        return p.STATX_OUT.pack(
            self.hold, 0, mask, blksize, 0, nlink, uid, gid, mode, ino, size, blocks, 0,
            *(field for time in times for field in (*divmod(time, _SECOND), 0)),
            abi.major(stat.st_rdev), abi.minor(stat.st_rdev), 0, 0,
        )  # fmt: skip

    def setattr(self, request: Request) -> bytes:
        """FUSE_SETATTR: size, owner, mode and times, what is asked of them."""
        valid, handle, size, atime, mtime, atime_ns, mtime_ns, _, mode, _, uid, gid = p.SETATTR_IN.unpack(request.body)
        node = self.nodes[request.node]
        self.changed()
        if valid & p.FATTR_SIZE:
            self._truncate(node, size, self.descriptors[handle].fd if valid & p.FATTR_FH else None, valid)
        if valid & (p.FATTR_UID | p.FATTR_GID):
            self._chown(node, uid if valid & p.FATTR_UID else _SAME, gid if valid & p.FATTR_GID else _SAME, valid)
        if valid & p.FATTR_MODE:
            self.on(node, "chmod", mode & 0o7777)
        times = [
            None if not valid & given else "now" if valid & now else time
            for (given, now), time in zip(_TIMES, (atime * _SECOND + atime_ns, mtime * _SECOND + mtime_ns), strict=True)
        ]
        if times != [None, None]:
            self.on(node, "utimens", *times)
        return self._answer(self.stat(node))

    def statfs(self, request: Request) -> bytes:
        """FUSE_STATFS."""
        found = self.lwp.statvfs(b"/")
        return p.STATFS_OUT.pack(
            found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree,
            found.f_bsize, found.f_namemax, found.f_frsize,
        )  # fmt: skip

    def getxattr(self, request: Request) -> bytes:
        """FUSE_GETXATTR: the value, or its size for who has no room.  Errors: ERANGE."""
        self._need_xattrs()
        (room,) = p.GETXATTR_IN.unpack_from(request.body)
        name = request.body[p.GETXATTR_IN.size : -1]
        value: bytes = self.on(self.nodes[request.node], "getxattr", name)
        return _fitting(value, room)

    def listxattr(self, request: Request) -> bytes:
        """FUSE_LISTXATTR.  Errors: ERANGE."""
        self._need_xattrs()
        (room,) = p.GETXATTR_IN.unpack_from(request.body)
        names: tuple[bytes, ...] = self.on(self.nodes[request.node], "listxattr")
        if request.uid != 0:            # the kernel's process is root; who asks is not
            names = tuple(name for name in names if not name.startswith(b"trusted."))
        return _fitting(b"".join(name + b"\0" for name in names), room)

    def setxattr(self, request: Request) -> bytes:
        """FUSE_SETXATTR."""
        self._need_xattrs()
        size, flags = p.SETXATTR_IN.unpack_from(request.body)
        name, _, value = request.body[p.SETXATTR_IN.size :].partition(b"\0")
        self.changed()
        self.on(self.nodes[request.node], "setxattr", name, value[:size], flags)
        return b""

    def removexattr(self, request: Request) -> bytes:
        """FUSE_REMOVEXATTR."""
        self._need_xattrs()
        self.changed()
        self.on(self.nodes[request.node], "removexattr", request.body[:-1])
        return b""

    def _answer(self, stat: Stat) -> bytes:
        return p.ATTR_OUT.pack(self.hold, 0, *self.attributes(stat))

    def _truncate(self, node: Node, size: int, fd: int | None, valid: int) -> None:
        """By a descriptor that was opened for writing if there is one, else by a path."""
        path = self.nodes.path(node)
        writers = [opened for opened in node.opened if opened.writable and fd in (opened.fd, None)]
        if writers:
            writers[0].lwp.ftruncate(writers[0].fd, size)
        elif path is not None:
            self.lwp.truncate(path, size)
        else:
            raise fault(e.ESTALE)
        self.drop_capability(node)
        if valid & p.FATTR_KILL_SUIDGID:
            self.strip(node, self.stat(node))

    def _chown(self, node: Node, uid: int, gid: int, valid: int) -> None:
        """Set-id bits go with the owner, unless the mode is set too."""
        if not self.capabilities.owners:
            raise fault(e.EPERM, "the file system keeps no owners")
        self.on(node, "chown", uid, gid)
        if not valid & p.FATTR_MODE:
            self.strip(node, self.stat(node))
        self.drop_capability(node)

    def _need_xattrs(self) -> None:
        """Errors: ENOSYS - there are none, and Linux need not ask again."""
        if not self.capabilities.xattrs:
            raise fault(e.ENOSYS)


def _fitting(value: bytes, room: int) -> bytes:
    if room == 0:
        return p.GETXATTR_IN.pack(len(value))
    if len(value) > room:
        raise fault(e.ERANGE)
    return value
