# SPDX-License-Identifier: BSD-2-Clause
"""What a kernel does with block devices as a whole: maps host files in, cuts them into wedges, asks what is on them,
makes file systems and checks them."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.dev.devsw import WEDGE_MAJOR
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.volume import MountArguments
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.kernel.component import Drivers
    from rump.kernel.cpu import VirtualCPU
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.dev.devsw import DeviceTable
    from rump.kernel.dev.partitions import Partition, PartitionTable
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.etfs import Etfs
    from rump.kernel.vfs.mounts import Mounts
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import FileSystem, Finding, Services
    from rump.rumpuser.interface.hypercalls import Hypercalls


class DeviceManagement:
    """The part of `Kernel` that is about devices.  None of its calls is a system call: they take the virtual CPU."""

    cpu: VirtualCPU
    devices: DeviceTable
    drivers: Drivers
    etfs: Etfs
    mounts: Mounts
    services: Services
    cache_bytes: int
    host: Hypercalls
    isolate: bool | None
    patience: int
    lwp: Lwp
    _wedges: dict[bytes, tuple[BlockDevice, Partition]]

    def etfs_register(
        self,
        key: bytes,
        host_path: bytes,
        *,
        offset: int = 0,
        size: int | None = None,
        read_only: bool = True,
        force: bool = False,
    ) -> None:
        """A host file, or `size` bytes of it from `offset` on, appears as the block device `key`.

        `force`: write to it although somebody else uses it; a warning instead of the error.
        Errors: those of opening it; EBUSY - for writing, and another program uses it: which (`kernel.dev.claims`).
        """
        self._inside(lambda: self.etfs.register(key, host_path, offset, size, read_only, force))

    def etfs_remove(self, key: bytes) -> None:
        """The device goes.  Errors: ENOENT, EBUSY."""
        self._inside(lambda: self.etfs.remove(key))

    def _inside(self, call: Callable[[], object]) -> None:
        self.cpu.run(call)

    def device(self, path: bytes) -> BlockDevice:
        """The block device behind a path.  Errors: as namei; ENOTBLK, ENXIO.

        Its size and name may be looked at from anywhere; reading it takes the virtual CPU (`probe`, `identify` and
        `partitions` do), or an open file.
        """
        rdev = self.lwp.stat(path)
        if rdev.st_mode & abi.S_IFMT != abi.S_IFBLK:
            raise fault(e.ENOTBLK, path.decode("utf-8", "replace"))
        return self.devices.block(rdev.st_rdev)

    def device_of(self, vnode: Vnode) -> BlockDevice:
        """The block device behind a vnode."""
        return self.devices.block(vnode.attributes[v.RDEV])

    def uses(self, device: BlockDevice) -> bool:
        """Whether a device is mounted, or cut into wedges."""
        return any(mount.medium is device for mount in self.mounts) or any(
            parent is device for parent, _ in self._wedges.values()
        )

    def probe(self, path: bytes) -> tuple[FileSystem, str] | None:
        """Which driver knows what is on a device, and what it calls it."""
        device = self.device(path)
        return self.cpu.run(lambda: self.drivers.probe(device))

    def newfs(self, fstype: str, path: bytes, options: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
        """Make a file system on a device; what was made, as (key, value).  What was there is lost, unasked.

        A type that is one of several names of its driver ("ext4") is handed to it as the option "type".

        Errors: ENODEV - no such type; EOPNOTSUPP - its driver cannot; EBUSY - the device is mounted or has wedges;
        EROFS; the driver's: EINVAL, ENOSPC.
        """
        device = self.device(path)
        return self.cpu.run(lambda: self._newfs(fstype, device, options))

    def _newfs(
        self, fstype: str, device: BlockDevice, options: dict[str, str]
    ) -> tuple[tuple[bytes, bytes], ...]:
        driver = self.drivers.filesystem(fstype, device)
        if driver.newfs is None:
            raise fault(e.EOPNOTSUPP, f"{driver.name}: cannot be made")
        if self.uses(device):
            raise fault(e.EBUSY, device.name)
        if device.read_only:
            raise fault(e.EROFS, device.name)
        if fstype in driver.aliases:
            options = {"type": fstype, **options}
        arguments = MountArguments(
            device, self.services, read_only=False, options=options, cache_bytes=self.cache_bytes
        )
        device.claim(True)
        try:
            return driver.newfs(arguments)
        finally:
            device.release(True)

    def fsck(self, fstype: str, path: bytes, options: dict[str, str]) -> Iterator[Finding]:
        """Look over the file system on a device, changing nothing: (grade, text) as `FileSystem.fsck` has them.

        Errors: ENODEV - no such type; EOPNOTSUPP - its driver cannot; EBUSY - the device is mounted for writing; the
        driver's, at any step.
        """
        device = self.device(path)
        driver = self.drivers.filesystem(fstype, device)
        if driver.fsck is None:
            raise fault(e.EOPNOTSUPP, f"{driver.name}: cannot be checked")
        if any(mount.medium is device and not mount.read_only for mount in self.mounts):
            raise fault(e.EBUSY, device.name)
        arguments = MountArguments(device, self.services, options=options, cache_bytes=self.cache_bytes)
        if self.isolate or (self.isolate is None and self.host.traits.confines):
            from rump.kernel.vfs.isolated.check import findings as isolated

            findings = isolated(self.host, driver.name, arguments, self.patience)
        else:
            findings = driver.fsck(arguments)
        while (finding := self.cpu.run(lambda: next(findings, None))) is not None:
            yield finding

    def identify(self, path: bytes) -> str | None:
        """What a device that no driver knows looks like, by its magic numbers: "LUKS2", "qcow2" ... or None."""
        from rump.kernel.dev.identify import identify

        device = self.device(path)
        return self.cpu.run(lambda: identify(device))

    def partitions(self, path: bytes) -> PartitionTable | None:
        """The partition table on a device, None if there is none."""
        from rump.kernel.dev.partitions import read_partition_table

        device = self.device(path)
        return self.cpu.run(lambda: read_partition_table(device))

    def wedge(self, path: bytes, partition: Partition) -> bytes:
        """Make a partition a device of its own, /dev/dkN; its path.  The same one again if it is there already."""
        from rump.kernel.dev.partitions import Wedge

        parent = self.device(path)
        for name, (device, known) in self._wedges.items():
            if device is parent and (known.start, known.size) == (partition.start, partition.size):
                return name
        wedge = Wedge(parent, partition.start, partition.size, f"{parent.name} partition {partition.number}")
        name = b"/dev/dk%d" % len(self._wedges)
        self._wedges[name] = (parent, partition)
        self.lwp.mknod(name, abi.S_IFBLK | 0o640, self.devices.attach(WEDGE_MAJOR, wedge))
        return name
