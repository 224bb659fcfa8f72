# SPDX-License-Identifier: BSD-2-Clause
"""After the death of a driver that was writing: its volume is mounted again, for reading only, where it was.

What was not synced is lost, as in a power cut; what the file system has against that - a journal replayed in memory,
an order of writing - holds.  Files that were open, and the directories that processes were in, fail with EIO until they
are opened anew; a process whose root was the volume's has the new one.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs.mount import Mount
from rump.kernel.vfs.volume import MountArguments
from rump.kernel.vfs.wrapped import DeadVolume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.init import Kernel
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Volume


def mount_again(
    kernel: Kernel, old: Mount, make: Callable[[MountArguments], Volume], arguments: MountArguments
) -> Mount | None:
    """Put a new volume, made for reading only, in the place of one whose driver is gone; its mount.  Where that fails,
    too, None: the old one stays, and fails."""
    again = MountArguments(
        arguments.device, arguments.services, read_only=True, options=_for_reading(arguments.options),
        cache_bytes=arguments.cache_bytes,
    )  # fmt: skip
    try:
        volume = make(again)
        new = _mount(kernel, old, volume, arguments)
    except OSError as error:
        kernel.log(f"{old.type_name}: cannot be mounted again: {error}")
        return None
    kernel.log(f"{old.type_name}: mounted again, for reading only")
    _take_over(kernel, old, new)
    return new


def _for_reading(options: dict[str, str]) -> dict[str, str]:
    """Options that say how to write would be none for a mount that does not."""
    return {name: value for name, value in options.items() if name not in ("discard", "nommpwait")}


def _mount(kernel: Kernel, old: Mount, volume: Volume, arguments: MountArguments) -> Mount:
    """The new mount, with its root."""
    flags = (old.flags | abi.MNT_RDONLY) & ~abi.MNT_SYNCHRONOUS
    new = Mount(old.number, old.type_name, volume, flags, getattr(volume, "device", arguments.device))
    new.medium, new.claimed, new.source, new.path = old.medium, old.claimed, old.source, old.path
    new.told = old.told
    try:
        new.innermost = volume
        new.root = kernel.vnodes.get(new, volume.root())
        if new.root.kind != abi.S_IFDIR:
            raise fault(e.EIO, "the root is not a directory")
    except OSError:
        volume.unmount()
        raise
    return new


def _take_over(kernel: Kernel, old: Mount, new: Mount) -> None:
    """Whoever stood at the old root stands at the new one, and the directory under it is covered by that."""
    assert old.root is not None and new.root is not None
    for mount in kernel.mounts:
        if mount.covered is not None and mount.covered.mount is old:
            _hang_again(kernel, mount, new)
    new.covered, old.covered = old.covered, None
    if new.covered is not None:
        new.covered.covered_by = new
    for process in kernel.processes.values():
        if process.root is old.root:
            process.root = _exchanged(kernel, old.root, new.root)
        if process.cwd is old.root:
            process.cwd = _exchanged(kernel, old.root, new.root)
    old.medium = old.device = None
    old.volume = DeadVolume(old.capabilities)
    kernel.vnodes.release(old.root)
    kernel.vnodes.drop_mount(old)


def _hang_again(kernel: Kernel, mount: Mount, new: Mount) -> None:
    """A mount below the one that died goes on, on the directory that it was on, if that is still there."""
    old = mount.covered
    assert old is not None
    try:
        covered = kernel.vnodes.get(new, new.volume.attributes(old.handle))
        if covered.kind != abi.S_IFDIR or covered is new.root or covered.covered_by is not None:
            raise fault(e.ENOTDIR)
    except OSError as error:
        kernel.log(f"{mount.type_name}: the directory it was mounted on is gone: {error}")
        return
    mount.covered, covered.covered_by, old.covered_by = covered, mount, None
    mount_root = mount.root
    assert mount_root is not None
    kernel.vnodes.release(old)


def _exchanged(kernel: Kernel, old: Vnode, new: Vnode) -> Vnode:
    kernel.vnodes.reference(new)
    kernel.vnodes.release(old)
    return new
