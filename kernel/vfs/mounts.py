# SPDX-License-Identifier: BSD-2-Clause
"""All mounts of a kernel: attaching volumes and taking them off."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.component import BUILT_IN
from rump.kernel.errors import fault
from rump.kernel.vfs.mount import Mount
from rump.kernel.vfs.volume import MountArguments, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.init import Kernel
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import FileSystem

ALWAYS, POSSIBLY = "always", "possibly"
"""What the mount option "isolate" may say: the driver runs in a process of its own or not at all ("" is the same); it
does where the host has such processes."""


class Mounts:
    """The list, in the order mounted."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._list: list[Mount] = []
        self._number = 0
        self._said: set[str] = set()

    def __iter__(self) -> Iterator[Mount]:
        return iter(tuple(self._list))

    def distrust(self) -> None:
        """A system call was cut off, not failed (KeyboardInterrupt): a volume may have done what the kernel has not
        noted.  What it remembers of names and attributes is dropped or asked for again."""
        for mount in self._list:
            for vnode in [] if mount.read_only else tuple(mount.vnodes.values()):
                vnode.forget_aliases()
                try:
                    vnode.attributes = mount.volume.attributes(vnode.handle)
                except OSError:
                    pass        # it is gone, or who held a lock was thrown out: the next call will say so

    def attach(
        self, fstype: str, covered: Vnode | None, flags: int, device: BlockDevice | None, options: dict[str, str]
    ) -> Mount:
        """Mount a file system over a directory (None: as the root).  Errors: see mount(2)."""
        kernel = self._kernel
        self._check(covered, device)
        driver = kernel.drivers.filesystem(fstype, device)
        for name in driver.requires:
            if name not in kernel.started:
                raise fault(e.ENODEV, f"{driver.name} requires the component {name}")
        read_only = bool(flags & abi.MNT_RDONLY)
        if driver.needs_device and device is None:
            raise fault(e.ENOTBLK, f"{driver.name} wants a block device")
        if not read_only and (not driver.capabilities.writable or (device is not None and device.read_only)):
            raise fault(e.EROFS, device.name if driver.capabilities.writable and device else driver.name)
        mount = self._maker(driver, covered, device, options.get("isolate"))
        options = {name: value for name, value in options.items() if name != "isolate"}
        arguments = MountArguments(
            device, kernel.services, read_only=read_only, options=options, cache_bytes=kernel.cache_bytes
        )
        if device is None:
            return self._hang(fstype or driver.name, mount(driver, arguments), covered, flags, None)
        device.claim(not read_only)
        try:
            return self._hang(fstype or driver.name, mount(driver, arguments), covered, flags, device)
        except BaseException:
            device.release(not read_only)
            raise

    def _maker(
        self, driver: FileSystem, covered: Vnode | None, device: BlockDevice | None, asked: str | None
    ) -> Callable[[FileSystem, MountArguments], Volume]:
        """Where a driver shall run, as what makes its volume.  `asked`: the option "isolate".  Errors: EINVAL."""
        if asked not in (None, "", ALWAYS, POSSIBLY):
            raise fault(e.EINVAL, f"isolate={asked}: {ALWAYS} or {POSSIBLY} is wanted")
        wanted: bool | None = self._kernel.isolate if asked is None else (None if asked == POSSIBLY else True)
        if asked is None and covered is None:       # the kernel's own root
            return _here
        if asked is None and wanted and driver.name not in BUILT_IN:
            wanted = None
        if wanted is None:                          # what has no device has nothing from a stranger
            return _here if device is None else self._isolated_if_possible
        return self._isolated if wanted else _here

    def _isolated_if_possible(self, driver: FileSystem, arguments: MountArguments) -> Volume:
        """The driver in a process of its own where there are such; else here, and a line on the console says so once.
        """
        from rump.kernel.vfs.isolated.process import NoProcess

        try:
            return self._isolated(driver, arguments)
        except NoProcess as error:
            self._say_once(f"drivers are not isolated: {error.detail}")
        return driver.mount(arguments)

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._kernel.log(line)

    def _isolated(self, driver: FileSystem, arguments: MountArguments) -> Volume:
        """The driver in a process of its own."""
        from rump.kernel.vfs.isolated.volume import IsolatedVolume

        kernel = self._kernel
        volume = IsolatedVolume(kernel.host, driver.name, arguments, kernel.patience)
        if not {"landlock", "seccomp"} & set(volume.confines):
            bound = ", ".join(volume.confines) or "nothing"
            self._say_once(f"{driver.name}: its process is not confined on this host; what binds it: {bound}")
        # Not now: whoever finds out is in the middle of a call on the volume, with vnodes locked.
        volume.on_death = lambda: kernel.callouts.schedule(0, lambda: self._revive(driver, arguments, volume))
        return volume

    def _revive(self, driver: FileSystem, arguments: MountArguments, volume: Volume) -> None:
        """An isolated driver that was writing has died."""
        from rump.kernel.vfs.isolated.restart import mount_again

        dead = next((mount for mount in self._list if mount.innermost is volume), None)
        if dead is None:        # unmounted meanwhile
            return
        dead.lost = True
        new = mount_again(self._kernel, dead, lambda again: self._isolated(driver, again), arguments)
        if new is not None:
            self._list[self._list.index(dead)] = new

    def _hang(
        self, name: str, volume: Volume, covered: Vnode | None, flags: int, device: BlockDevice | None
    ) -> Mount:
        """Put a volume in its place."""
        kernel = self._kernel
        # A volume may put something between itself and the device: a journal replayed in memory, say.
        source: BlockDevice | None = getattr(volume, "device", device)
        innermost = volume
        if flags & abi.MNT_SYNCHRONOUS and not flags & abi.MNT_RDONLY:
            from rump.kernel.vfs.wrapped import SynchronousVolume

            volume = SynchronousVolume(volume)
        if kernel.marshal:
            from rump.kernel.vfs.marshal import MarshalledVolume

            volume = MarshalledVolume(volume)
        self._number += 1
        mount = Mount(self._number, name, volume, flags, source)
        mount.medium = device
        mount.innermost = innermost
        mount.root = self._root_of(mount)
        if covered is not None:
            mount.covered = covered
            covered.covered_by = mount
            kernel.vnodes.reference(covered)
        self._list.append(mount)
        return mount

    def _root_of(self, mount: Mount) -> Vnode:
        """The vnode of a new mount's root.  A volume without one is let go at once."""
        try:
            root = self._kernel.vnodes.get(mount, mount.volume.root())
            if root.kind != abi.S_IFDIR:
                raise fault(e.EIO, "the root is not a directory")
        except BaseException:
            try:
                mount.volume.unmount()
            except OSError as error:
                self._kernel.log(f"{mount.type_name}: {error}")
            raise
        return root

    def _check(self, covered: Vnode | None, device: BlockDevice | None) -> None:
        if covered is not None and (covered.covered_by is not None or covered is covered.mount.root):
            raise fault(e.EBUSY, "something is mounted here already")
        if device is not None and any(mount.medium is device for mount in self._list):
            raise fault(e.EBUSY, f"{device.name} is mounted already")

    def detach(self, mount: Mount, force: bool = False) -> None:
        """Take a volume off.  Errors: EBUSY - it is in use, and not forced; what its last writes bring.

        By force it goes whatever happens, files without names that are still open too; whoever uses it finds EIO.
        """
        vnodes = self._kernel.vnodes
        vnodes.drop_mount(mount)
        if not force and mount.busy():
            raise fault(e.EBUSY)
        problem = vnodes.end_nameless(mount) if force else None
        try:
            mount.volume.sync()
        except OSError as error:
            if not force:
                raise
            problem = problem or error
        self._list.remove(mount)
        try:
            mount.volume.unmount()
        except OSError as error:
            # A volume that could not sync has given up: what it says of unmounting is the same over again.
            problem = problem or error
        finally:
            self._take_down(mount)
        if problem is not None:
            raise problem

    def _take_down(self, mount: Mount) -> None:
        """The volume is off: its device, the directory under it and its vnodes are given up."""
        vnodes = self._kernel.vnodes
        mount.volume, mount.device = Volume(), None     # which takes it in silence that files are forgotten
        if mount.medium is not None:
            mount.medium.release(mount.claimed)
        covered, mount.covered = mount.covered, None
        if mount.root is not None:
            vnodes.release(mount.root)
            vnodes.drop_mount(mount)
        if mount.vnodes:
            from rump.kernel.vfs.wrapped import DeadVolume

            mount.volume = DeadVolume(mount.capabilities)
        if covered is not None:
            covered.covered_by = None
            vnodes.release(covered)

    def detach_all(self) -> list[OSError]:
        """Everything, the last mounted first; what went wrong."""
        problems: list[OSError] = []
        for mount in reversed(self._list[:]):
            try:
                self.detach(mount, force=True)
            except OSError as error:
                problems.append(error)
        return problems


def _here(driver: FileSystem, arguments: MountArguments) -> Volume:
    """The driver in the kernel's own process."""
    return driver.mount(arguments)
