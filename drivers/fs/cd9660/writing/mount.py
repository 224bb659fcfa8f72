# SPDX-License-Identifier: BSD-2-Clause
"""Mounting a volume to fill it: a new, empty one only, and only with the option `author`."""

from __future__ import annotations

from rump.drivers.fs.cd9660.newfs.options import Wanted
from rump.drivers.fs.cd9660.newfs.place import FIRST_FILE, read_note
from rump.drivers.fs.cd9660.writing.space import front
from rump.drivers.fs.cd9660.writing.volume import AuthorVolume
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import MountArguments

AUTHOR = "author"


def mount(arguments: MountArguments) -> AuthorVolume:
    """A volume to be filled.  Options: author; those of `newfs`, which then count for more than what it was told.

    Errors: EROFS - without `author`, or the volume is not new and empty; EINVAL - an option.
    """
    device, options = arguments.device, dict(arguments.options)
    if device is None:
        raise fault(e.ENXIO, "cd9660 needs a device")
    if AUTHOR not in options:
        raise fault(e.EROFS, "ISO 9660 volumes are written once: only new ones can be filled, with the option author")
    noted = read_note(device)
    if noted is None:
        raise fault(e.EROFS, "not a new ISO 9660 volume: it cannot be filled")
    del options[AUTHOR]
    wanted = Wanted({**noted, **options}, device.size)
    first = FIRST_FILE + front(*wanted.expected, wanted.sectors - FIRST_FILE)
    if first >= wanted.sectors:
        raise fault(e.ENOSPC, f"cd9660: {wanted.sectors} sectors are too few for what is expected")
    return AuthorVolume(device, arguments.services, wanted, first)
