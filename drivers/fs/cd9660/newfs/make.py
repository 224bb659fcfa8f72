# SPDX-License-Identifier: BSD-2-Clause
"""Making a volume: an empty one, with a note of what it is to become when it is filled (see `options`, `place`)."""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import SECTOR, SYSTEM_SECTORS
from rump.drivers.fs.cd9660.newfs.options import Wanted
from rump.drivers.fs.cd9660.newfs.place import FIRST_FILE, FIRST_TREE, NOTE, encode_note
from rump.drivers.fs.cd9660.writing.publish import Outcome, show
from rump.drivers.fs.cd9660.writing.space import Sectors
from rump.drivers.fs.cd9660.writing.tree import Tree
from rump.drivers.fs.cd9660.writing.volume import description
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import MountArguments


def newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    """Make an empty volume; what was made, as `Volume.describe` puts it.

    Errors: EINVAL - an option, named; ENOSPC - the device is too small.
    """
    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "cd9660 needs a device")
    wanted = Wanted(arguments.options, device.size)
    if wanted.sectors < FIRST_FILE:
        raise fault(e.ENOSPC, f"cd9660: a volume has {FIRST_FILE * SECTOR} bytes at least")
    now = arguments.services.now() if wanted.time is None else wanted.time * 10**9
    note = encode_note(wanted.noted)
    if not wanted.dry_run:
        outcome = Outcome(Tree(Sectors(FIRST_TREE, wanted.sectors, False), now - now % 10**9), wanted, now)
        assert outcome.size <= NOTE - FIRST_TREE, outcome.size
        outcome.place(FIRST_TREE)
        outcome.sectors = FIRST_FILE
        device.write(SYSTEM_SECTORS * SECTOR, bytes((FIRST_FILE - SYSTEM_SECTORS) * SECTOR))
        outcome.write(device)
        device.write(NOTE * SECTOR, note)
        show(device, outcome.descriptors(0), bytes(SYSTEM_SECTORS * SECTOR))
    return description(wanted)
