# SPDX-License-Identifier: BSD-2-Clause
"""Open files of the file systems: regular files and directories.  Devices and FIFOs: see `kernel.vfs.special`."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.file import File
from rump.kernel.vfs import access, data
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.kernel.init import Kernel
    from rump.kernel.proc import Credentials, Process
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.vnode import Vnode


class VnodeFile(File):
    """A descriptor's way to a vnode; holds a reference to it."""

    seekable = True
    locked = False              # it has had an advisory lock (flock)

    def __init__(self, kernel: Kernel, vnode: Vnode, flags: int, credentials: Credentials) -> None:
        super().__init__(flags)
        self.kernel = kernel
        self.vnode = vnode
        self.credentials = credentials      # of who opened it
        self.cookie = 0             # of a directory: where getdents goes on; `offset` counts the entries given
        self.dots = 0               # of a directory: how many of "." and ".." were given
        kernel.vnodes.reference(vnode)

    def readinto(self, buffer: memoryview, offset: int) -> int:
        if self.vnode.kind != abi.S_IFREG:
            raise fault(e.EISDIR)
        return data.readinto(self.vnode, buffer, offset)

    def write(self, data: Buffer, offset: int) -> int:
        from rump.kernel.vfs import writing

        vnode = self.vnode
        view = memoryview(data).cast("B")
        if not len(view):
            return 0
        vnode.lock.exclusive()
        try:
            if self.flags & abi.O_APPEND:
                offset = vnode.attributes[v.SIZE]
            writing.check(vnode, offset, len(view))
            count = writing.write(vnode, offset, view)
            writing.drop_set_id(vnode, self.credentials)
            if self.flags & abi.O_SYNC:
                vnode.mount.volume.sync()
        finally:
            vnode.lock.unlock()
        if self.flags & abi.O_APPEND:
            self.offset = offset
        return count

    def size(self) -> int:
        return self.vnode.attributes[v.SIZE]

    def seek(self, offset: int) -> None:
        """In a directory only its start is known, and where one is.  Errors: EINVAL - elsewhere in a directory."""
        if self.vnode.kind == abi.S_IFDIR and offset != self.offset:
            if offset:
                raise fault(e.EINVAL, "a place in a directory")
            self.cookie = self.dots = 0
        self.offset = offset

    def seek_data(self, offset: int, hole: bool) -> int:
        if self.vnode.kind != abi.S_IFREG:
            raise fault(e.EINVAL)
        return data.seek_data(self.vnode, offset, hole)

    def stat(self) -> Stat:
        return self.vnode.mount.stat(self.vnode.attributes)

    def truncate(self, size: int) -> None:
        if self.vnode.kind != abi.S_IFREG:
            raise fault(e.EINVAL)
        truncate(self.vnode, size)

    def allocate(self, offset: int, length: int) -> None:
        vnode = self.vnode
        if vnode.kind != abi.S_IFREG:
            raise fault(e.ENODEV)
        access.check_unchangeable(vnode)
        if offset + length > vnode.mount.capabilities.file_size_max:
            raise fault(e.EFBIG)
        vnode.lock.exclusive()
        try:
            vnode.attributes = vnode.mount.volume.allocate(vnode.handle, offset, length)
        finally:
            vnode.lock.unlock()

    def discard(self, offset: int, length: int) -> None:
        vnode = self.vnode
        if vnode.kind != abi.S_IFREG:
            raise fault(e.EISDIR)
        access.check_unchangeable(vnode)
        vnode.lock.exclusive()
        try:
            length = min(length, vnode.attributes[v.SIZE] - offset)
            if length > 0:
                vnode.attributes = vnode.mount.volume.punch(vnode.handle, offset, length)
        finally:
            vnode.lock.unlock()

    def sync(self) -> None:
        self.vnode.mount.volume.sync()

    def unlock(self, process: Process) -> None:
        self._drop_locks(process)

    def _drop_locks(self, owner: Process | File) -> None:
        from rump.kernel.vfs.advlock import FOREVER

        if self.vnode.advlocks is not None:
            self.vnode.advlocks.drop(0, FOREVER, owner)
            if not self.vnode.advlocks:
                self.vnode.advlocks = None

    def close(self) -> None:
        if self.locked:
            self._drop_locks(self)
        self.vnode.listed = {}
        lost = self.vnode.mount.lost
        self.kernel.vnodes.release(self.vnode)
        if lost and self.flags & abi.O_ACCMODE != abi.O_RDONLY:
            raise fault(e.EIO, "what was written may be lost")


def truncate(vnode: Vnode, size: int) -> None:
    """Set a regular file's size.  Errors: EINVAL, EFBIG, ENOSPC; EPERM - immutable or append-only."""
    if size < 0:
        raise fault(e.EINVAL)
    access.check_unchangeable(vnode)
    if size > vnode.mount.capabilities.file_size_max:
        raise fault(e.EFBIG)
    vnode.lock.exclusive()
    try:
        vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, ((v.SIZE, size),))
    finally:
        vnode.lock.unlock()
