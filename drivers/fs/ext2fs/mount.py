# SPDX-License-Identifier: BSD-2-Clause
"""Mounting: options, superblock, the journal if it needs recovery."""

from __future__ import annotations

from struct import error as StructError

from rump.drivers.fs.ext2fs import disk, superblock
from rump.drivers.fs.ext2fs.medium import Medium
from rump.drivers.fs.ext2fs.ops import Ext2Volume
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import MountArguments

OPTIONS = ("discard", "noload", "nommpwait", "norecovery", "sb")


def mount(arguments: MountArguments) -> Ext2Volume:
    """A volume.

    Errors: EFTYPE - none there; EINVAL - unknown option or feature; Corrupt;
    for writing also EROFS - it can only be read, why is said; EBUSY - somebody else writes to it.
    """
    try:
        return _mount(arguments)
    except (StructError, IndexError, KeyError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        raise Corrupt(f"mount: {type(error).__name__}: {error}") from error     # the last resort, as in `ops`


def _mount(arguments: MountArguments) -> Ext2Volume:
    device, services, options = arguments.device, arguments.services, arguments.options
    if device is None:
        raise fault(e.ENXIO, "ext2fs needs a device")
    for option in options:
        if option not in OPTIONS:
            raise fault(e.EINVAL, f"unknown option {option}")
    offset = _superblock_at(options)
    geometry = superblock.read(device, services, offset)
    if not arguments.read_only:
        from rump.drivers.fs.ext2fs.writing.mount import mount_for_writing

        return mount_for_writing(arguments, geometry)
    medium = Medium(device, geometry, services, arguments.cache_bytes)
    skip = "noload" in options or "norecovery" in options
    if not geometry.incompat & disk.INCOMPAT_RECOVER:
        return _checked(Ext2Volume(medium))
    if skip:
        medium.log("the journal needs recovery, but is not replayed; what is read may be out of date or damaged")
        return _checked(Ext2Volume(medium, ((b"recovery", b"skipped"),)))
    from rump.drivers.fs.ext2fs.journal.recovery import recover

    over, notes = recover(Ext2Volume(medium))
    if over is not None:
        geometry = superblock.read(over, services, offset)      # the journal may hold a newer one
        medium = Medium(over, geometry, services, arguments.cache_bytes)
    return _checked(Ext2Volume(medium, notes))


def _checked(volume: Ext2Volume) -> Ext2Volume:
    """Say what a user should know, before there are errors."""
    medium = volume.medium
    size = medium.geometry.blocks << medium.geometry.shift
    if size > medium.device.size:
        medium.log(f"the volume has {size} bytes, the device only {medium.device.size}: it was cut short")
    return volume


def _superblock_at(options: dict[str, str]) -> int:
    """Where the superblock is to be read, bytes into the device."""
    text = options.get("sb")
    if text is None:
        return disk.SUPERBLOCK_OFFSET
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise fault(e.EINVAL, f"option sb={text}: not a number of KiB")
    return int(text) * 1024
