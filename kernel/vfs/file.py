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
    from rump.kernel.proc import Credentials
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.vnode import Vnode


SET_ID = abi.S_ISUID | abi.S_ISGID
"""What a write by anybody but root takes away."""


class VnodeFile(File):
    """A descriptor's way to a vnode; holds a reference to it."""

    seekable = True

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
        vnode = self.vnode
        view = memoryview(data).cast("B")
        if not len(view):
            return 0
        vnode.lock.exclusive()
        try:
            if self.flags & abi.O_APPEND:
                offset = vnode.attributes[v.SIZE]
            if vnode.attributes[v.FLAGS] & access.APPEND and offset != vnode.attributes[v.SIZE]:
                raise fault(e.EPERM, "append-only")
            if offset + len(view) > vnode.mount.capabilities.file_size_max:
                raise fault(e.EFBIG)
            vnode.attributes = vnode.mount.volume.write(vnode.handle, offset, view)
            if vnode.attributes[v.MODE] & SET_ID and self.credentials.euid != 0:
                mode = vnode.attributes[v.MODE] & 0o7777 & ~SET_ID
                vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, ((v.MODE, mode),))
        finally:
            vnode.lock.unlock()
        if self.flags & abi.O_APPEND:
            self.offset = vnode.attributes[v.SIZE] - len(view)
        return len(view)

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

    def sync(self) -> None:
        self.vnode.mount.volume.sync()

    def close(self) -> None:
        self.vnode.listed = {}
        self.kernel.vnodes.release(self.vnode)


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
