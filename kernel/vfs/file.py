# SPDX-License-Identifier: BSD-2-Clause
"""Open files of the file systems: regular files and directories.  Devices and FIFOs: see `kernel.vfs.special`."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.file import File
from rump.kernel.vfs import data
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.kernel.init import Kernel
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.vnode import Vnode


class VnodeFile(File):
    """A descriptor's way to a vnode; holds a reference to it."""

    seekable = True

    def __init__(self, kernel: Kernel, vnode: Vnode, flags: int) -> None:
        super().__init__(flags)
        self.kernel = kernel
        self.vnode = vnode
        self.cookie = 0             # of a directory: where getdents goes on
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
            if offset + len(view) > vnode.mount.capabilities.file_size_max:
                raise fault(e.EFBIG)
            vnode.attributes = vnode.mount.volume.write(vnode.handle, offset, view)
        finally:
            vnode.lock.unlock()
        if self.flags & abi.O_APPEND:
            self.offset = vnode.attributes[v.SIZE] - len(view)
        return len(view)

    def size(self) -> int:
        return self.vnode.attributes[v.SIZE]

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
        self.kernel.vnodes.release(self.vnode)


def truncate(vnode: Vnode, size: int) -> None:
    """Set a regular file's size.  Errors: EINVAL, EFBIG, ENOSPC."""
    if size < 0:
        raise fault(e.EINVAL)
    if size > vnode.mount.capabilities.file_size_max:
        raise fault(e.EFBIG)
    vnode.lock.exclusive()
    try:
        vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, ((v.SIZE, size),))
    finally:
        vnode.lock.unlock()
