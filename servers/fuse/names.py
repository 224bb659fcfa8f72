# SPDX-License-Identifier: BSD-2-Clause
"""Operations on names: to find, make, change and remove them, and to forget what was found."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.fuse import protocol as p
from rump.servers.fuse.base import Base
from rump.servers.linux import decode_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.stat import Stat
    from rump.servers.fuse.base import Request
    from rump.servers.fuse.nodes import Node

_NOREPLACE = 1          # RENAME_NOREPLACE (linux/fs.h)


class NameOperations(Base):
    """Operations on names."""

    def lookup(self, request: Request) -> bytes:
        """FUSE_LOOKUP.  That a name is not there is an answer too, where it holds."""
        directory, name = self.nodes[request.node], request.body[:-1]
        if name == b"." or name == b"..":
            raise fault(e.ESTALE)       # only who exports a mount by NFS asks
        try:
            stat = self.lwp.lstat(self.nodes.child(directory, name))
        except OSError as error:
            if error.errno == e.ENOENT and self._absence is not None:
                return self._absence
            raise
        return self.entry(directory, name, stat)

    def forget(self, request: Request) -> bytes:
        """FUSE_FORGET."""
        self.nodes.forget(request.node, *p.FORGET_IN.unpack(request.body))
        return b""

    def batch_forget(self, request: Request) -> bytes:
        """FUSE_BATCH_FORGET."""
        for number, count in p.FORGET_ONE.iter_unpack(request.body[p.BATCH_FORGET_IN.size :]):
            self.nodes.forget(number, count)
        return b""

    def readlink(self, request: Request) -> bytes:
        """FUSE_READLINK."""
        path = self.nodes.path(self.nodes[request.node])
        if path is None:
            raise fault(e.ESTALE)
        return self.lwp.readlink(path)

    def symlink(self, request: Request) -> bytes:
        """FUSE_SYMLINK."""
        name, target, _ = request.body.split(b"\0")
        directory, path = self._place(request, name)
        self.lwp.symlink(target, path)
        return self._made(request, directory, name, path)

    def mknod(self, request: Request) -> bytes:
        """FUSE_MKNOD: of a regular file, a fifo, a socket or a device node."""
        mode, rdev = p.MKNOD_IN.unpack_from(request.body)
        name = request.body[p.MKNOD_IN.size : -1]
        directory, path = self._place(request, name)
        self.lwp.mknod(path, mode, decode_device(rdev))
        return self._made(request, directory, name, path)

    def mkdir(self, request: Request) -> bytes:
        """FUSE_MKDIR."""
        (mode,) = p.MKDIR_IN.unpack_from(request.body)
        name = request.body[p.MKDIR_IN.size : -1]
        directory, path = self._place(request, name)
        self.lwp.mkdir(path, mode & 0o7777)
        return self._made(request, directory, name, path)

    def unlink(self, request: Request) -> bytes:
        """FUSE_UNLINK."""
        directory, path, stat, node = self._victim(request)
        self.lwp.unlink(path)
        self.changed()
        self.nodes.removed(node, directory, request.body[:-1], stat)
        return b""

    def rmdir(self, request: Request) -> bytes:
        """FUSE_RMDIR."""
        directory, path, stat, node = self._victim(request)
        self.lwp.rmdir(path)
        self.changed()
        self.nodes.removed(node, directory, request.body[:-1], stat)
        return b""

    def rename(self, request: Request) -> bytes:
        """FUSE_RENAME."""
        (to,) = p.RENAME_IN.unpack_from(request.body)
        return self._rename(request, to, 0, request.body[p.RENAME_IN.size :])

    def rename2(self, request: Request) -> bytes:
        """FUSE_RENAME2, with RENAME_NOREPLACE.  Errors: EINVAL - other flags."""
        to, flags = p.RENAME2_IN.unpack_from(request.body)
        if flags & ~_NOREPLACE:
            raise fault(e.EINVAL, f"renameat2 flags {flags:#x}")
        return self._rename(request, to, flags, request.body[p.RENAME2_IN.size :])

    def link(self, request: Request) -> bytes:
        """FUSE_LINK."""
        node = self.nodes[p.LINK_IN.unpack_from(request.body)[0]]
        name = request.body[p.LINK_IN.size : -1]
        directory, path = self._place(request, name)
        old = self.nodes.path(node)
        if old is None:
            raise fault(e.ENOENT)
        self.lwp.linkat(abi.AT_FDCWD, old, abi.AT_FDCWD, path, 0)       # of a symbolic link itself
        self.changed()
        return self.entry(directory, name, self.lwp.lstat(path))

    def _rename(self, request: Request, to: int, flags: int, names: bytes) -> bytes:
        old_name, new_name, _ = names.split(b"\0")
        here, there = self.nodes[request.node], self.nodes[to]
        old, new = self.nodes.child(here, old_name), self.nodes.child(there, new_name)
        stat, target = self.lwp.lstat(old), self.look(new)
        if target is not None and flags & _NOREPLACE:
            raise fault(e.EEXIST)
        node = self.nodes.known(here, old_name, stat)
        replaced = target and self.nodes.known(there, new_name, target)
        self.lwp.rename(old, new)
        self.changed()
        if target is not None and (target.st_ino, target.st_gen) == (stat.st_ino, stat.st_gen):
            return b""                  # two names of one file: both stay
        if target is not None:
            self.nodes.removed(replaced, there, new_name, target)
        self.nodes.moved(node, (here, old_name), (there, new_name), self.lwp.lstat(new))
        return b""

    def _place(self, request: Request, name: bytes) -> tuple[Node, bytes]:
        """The directory of a request, and the path of a name in it."""
        directory = self.nodes[request.node]
        return directory, self.nodes.child(directory, name)

    def _made(self, request: Request, directory: Node, name: bytes, path: bytes) -> bytes:
        """The answer for a file that was just made."""
        self.changed()
        return self.entry(directory, name, self.owned(directory, path, self.lwp.lstat(path), request))

    def _victim(self, request: Request) -> tuple[Node, bytes, Stat, Node | None]:
        """What a request removes: its directory, path, attributes, and node if Linux knows it."""
        directory, path = self._place(request, request.body[:-1])
        stat = self.lwp.lstat(path)
        return directory, path, stat, self.nodes.known(directory, request.body[:-1], stat)
