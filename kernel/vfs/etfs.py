# SPDX-License-Identifier: BSD-2-Clause
"""etfs, the extra-terrestrial file system: host files as block devices under names of the kernel's choosing.

A key is an absolute path.  It need not exist otherwise, is not listed by readdir, and is found only from the kernel's
own root (rump_etfs(3)).
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.cpu import SleepLock
from rump.kernel.dev.devsw import RUMPBLK_MAJOR
from rump.kernel.dev.disk import Disk
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.mount import Mount
from rump.kernel.vfs.vnode import Vnode
from rump.kernel.vfs.volume import Capabilities, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.init import Kernel
    from rump.kernel.vfs.volume import Attributes, Handle


class EtfsVolume(Volume):
    """Holds the nodes; they have no directory."""

    capabilities = Capabilities(
        name_max=abi.NAME_MAX, file_size_max=0, time_min=-(1 << 63), time_max=(1 << 63) - 1, devices=True,
        permissions=True,
    )  # fmt: skip

    def __init__(self) -> None:
        self._nodes: dict[int, Attributes] = {}
        self._number = 0

    def add(self, rdev: int, size: int, now: int) -> Attributes:
        """A new block device node."""
        self._number += 1
        node = (self._number, 0, abi.S_IFBLK | 0o600, 1, 0, 0, rdev, size, 0, now, now, now, now, 0)
        self._nodes[self._number] = node
        return node

    def attributes(self, file: Handle) -> Attributes:
        if file[0] not in self._nodes:
            raise fault(e.ESTALE)
        return self._nodes[file[0]]

    def forget(self, file: Handle) -> None:
        self._nodes.pop(file[0], None)


class Etfs:
    """The keys of a kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._nodes: dict[bytes, Vnode] = {}
        self._volume = EtfsVolume()
        self._mount = Mount(0, "etfs", self._volume, 0, None)

    def __bool__(self) -> bool:
        return bool(self._nodes)

    def get(self, path: bytes) -> Vnode | None:
        """The node of a key; leading slashes count as one."""
        return self._nodes.get(path) or self._nodes.get(b"/" + path.lstrip(b"/"))

    def register(
        self, key: bytes, host_path: bytes, offset: int, size: int | None, read_only: bool, force: bool = False
    ) -> None:
        """Map (a part of) a host file in.  Errors: EINVAL - the key is not absolute; EEXIST; those of opening it."""
        if key[:1] != b"/":
            raise fault(e.EINVAL, "an etfs key is an absolute path")
        key = b"/" + key.lstrip(b"/")
        if key in self._nodes:
            raise fault(e.EEXIST, key.decode("utf-8", "replace"))
        kernel = self._kernel
        name = key.rpartition(b"/")[2].decode("utf-8", "replace")
        disk = Disk(kernel.host, name, host_path, offset, size, read_only, force=force, log=kernel.log)
        rdev = kernel.devices.attach(RUMPBLK_MAJOR, disk)
        vnode = Vnode(self._mount, self._volume.add(rdev, disk.size, kernel.now()), SleepLock(kernel.cpu))
        kernel.vnodes.reference(vnode)
        self._nodes[key] = vnode

    def remove(self, key: bytes) -> None:
        """Take a key out again.  Errors: ENOENT; EBUSY - its device is mounted, cut into wedges or open."""
        key = b"/" + key.lstrip(b"/")
        vnode = self._nodes.get(key)
        if vnode is None:
            raise fault(e.ENOENT, key.decode("utf-8", "replace"))
        kernel = self._kernel
        rdev = vnode.attributes[v.RDEV]
        device = kernel.devices.block(rdev)
        if vnode.references > 1 or kernel.uses(device):
            raise fault(e.EBUSY, device.name)
        del self._nodes[key]
        kernel.devices.detach(rdev).close()
        self._volume.forget(vnode.handle)
