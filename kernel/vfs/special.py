# SPDX-License-Identifier: BSD-2-Clause
"""Special files: device nodes and FIFOs, on whatever file system they lie (specfs and fifofs)."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.file import File
from rump.kernel.pipe import Pipe, PipeEnd
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.dev.devsw import CharacterDevice
    from rump.kernel.init import Kernel
    from rump.kernel.lwp import LwpBase
    from rump.kernel.stat import Stat
    from rump.kernel.vfs.vnode import Vnode


def open_special(lwp: LwpBase, vnode: Vnode, flags: int) -> File:
    """What a descriptor for a special file leads to.

    Errors: ENXIO - no such device, or the mount forbids devices, or a FIFO nobody reads (O_WRONLY | O_NONBLOCK);
    EOPNOTSUPP - a socket.
    """
    if vnode.kind == abi.S_IFIFO:
        return _open_fifo(lwp, vnode, flags)
    if vnode.kind == abi.S_IFSOCK:
        raise fault(e.EOPNOTSUPP, "a socket cannot be opened")
    if vnode.mount.flags & abi.MNT_NODEV:
        raise fault(e.ENXIO, "mounted without devices")
    rdev = vnode.attributes[v.RDEV]
    if vnode.kind == abi.S_IFBLK:
        return BlockFile(lwp.kernel, vnode, lwp.kernel.devices.block(rdev), flags)
    return CharacterFile(lwp.kernel, vnode, lwp.kernel.devices.character(rdev), flags)


def _open_fifo(lwp: LwpBase, vnode: Vnode, flags: int) -> File:
    kernel = lwp.kernel
    if vnode.pipe is None:
        vnode.pipe = Pipe(kernel.cpu, kernel.wakeups, kernel.now())
    pipe = vnode.pipe
    access = flags & abi.O_ACCMODE
    if access == abi.O_WRONLY and flags & abi.O_NONBLOCK and not pipe.readers:
        raise fault(e.ENXIO)
    end = FifoEnd(kernel, vnode, pipe, flags)
    # Who came and went while we waited has let us in, too.
    readers, writers = pipe.readers_ever, pipe.writers_ever
    try:
        if access == abi.O_RDONLY and not flags & abi.O_NONBLOCK:
            while not pipe.writers and pipe.writers_ever == writers:
                lwp.sleep(pipe.condition)
        if access == abi.O_WRONLY:
            while not pipe.readers and pipe.readers_ever == readers:
                lwp.sleep(pipe.condition)
    except BaseException:
        end.close()
        raise
    return end


class FifoEnd(PipeEnd):
    """One end of a FIFO; the pipe lives while anybody has it open."""

    def __init__(self, kernel: Kernel, vnode: Vnode, pipe: Pipe, flags: int) -> None:
        super().__init__(pipe, flags)
        self._kernel = kernel
        self.vnode = vnode
        kernel.vnodes.reference(vnode)

    def stat(self) -> Stat:
        return self.vnode.mount.stat(self.vnode.attributes)

    def close(self) -> None:
        super().close()
        if not self.pipe.readers and not self.pipe.writers:
            self.vnode.pipe = None
        self._kernel.vnodes.release(self.vnode)


class DeviceFile(File):
    """What block and character devices have in common."""

    def __init__(self, kernel: Kernel, vnode: Vnode, flags: int) -> None:
        super().__init__(flags)
        self._kernel = kernel
        self.vnode = vnode
        kernel.vnodes.reference(vnode)

    def stat(self) -> Stat:
        return self.vnode.mount.stat(self.vnode.attributes)

    def close(self) -> None:
        self._kernel.vnodes.release(self.vnode)


class CharacterFile(DeviceFile):
    """A character device."""

    def __init__(self, kernel: Kernel, vnode: Vnode, device: CharacterDevice, flags: int) -> None:
        super().__init__(kernel, vnode, flags)
        self.device = device

    def readinto(self, buffer: memoryview, offset: int) -> int:
        return self.device.readinto(buffer)

    def write(self, data: Buffer, offset: int) -> int:
        return self.device.write(data)

    def sync(self) -> None:
        """Nothing is kept back."""


class BlockFile(DeviceFile):
    """A block device, at any byte offset."""

    seekable = True

    def __init__(self, kernel: Kernel, vnode: Vnode, device: BlockDevice, flags: int) -> None:
        if device.read_only and flags & abi.O_ACCMODE != abi.O_RDONLY:
            raise fault(e.EROFS, device.name)
        self._claimed = flags & abi.O_ACCMODE != abi.O_RDONLY
        if self._claimed:
            device.claim(True)
        super().__init__(kernel, vnode, flags)
        self.device = device

    def close(self) -> None:
        if self._claimed:
            self.device.release(True)
            self._claimed = False
        super().close()

    def readinto(self, buffer: memoryview, offset: int) -> int:
        count = min(len(buffer), self.device.size - offset)
        if count <= 0:
            return 0
        self.device.readinto(offset, buffer[:count])
        return count

    def write(self, data: Buffer, offset: int) -> int:
        view = memoryview(data).cast("B")
        count = min(len(view), self.device.size - offset)
        if count <= 0 and len(view):
            raise fault(e.ENOSPC, self.device.name)
        self.device.write(offset, view[:count])
        return count

    def size(self) -> int:
        return self.device.size

    def discard(self, offset: int, length: int) -> None:
        """Give the space back to whom the device is from; what is read there afterwards is unspecified."""
        length = min(length, self.device.size - offset)
        if length > 0:
            self.device.discard(offset, length)

    def sync(self) -> None:
        self.device.sync()
