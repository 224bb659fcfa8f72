# SPDX-License-Identifier: BSD-2-Clause
"""Where a new, empty volume has what: its own tree, which is in nobody's way, a note, and room for files behind them.

The note holds the options the volume was made with, for whoever fills it.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice

FIRST_TREE = 20             # sectors: behind as many descriptors as there can be
NOTE = 28
FIRST_FILE = 32             # and as many an empty volume has
MAGIC = b"rump cd9660 volume to be filled, 1\n"
NOTE_MAX = (FIRST_FILE - NOTE) * disk.SECTOR


def encode_note(options: dict[str, str]) -> bytes:
    """The note.  Errors: EINVAL - the options are too long, or cannot be noted."""
    lines = [f"{name}={value}\n" for name, value in sorted(options.items())]
    data = MAGIC + "".join(lines).encode("utf-8", "surrogateescape")
    if len(data) > NOTE_MAX or any("\n" in line[:-1] or "\0" in line for line in lines):
        raise fault(e.EINVAL, "cd9660: the options are too long, or have newlines in them")
    return data.ljust(NOTE_MAX, b"\0")


def read_note(device: BlockDevice) -> dict[str, str] | None:
    """The options an empty volume was made with; None: there is no such volume here."""
    if device.size < FIRST_FILE * disk.SECTOR:
        return None
    head = disk.VolumeDescriptor(device.read(disk.SYSTEM_SECTORS * disk.SECTOR, disk.SECTOR))
    data = device.read(NOTE * disk.SECTOR, NOTE_MAX)
    if (head.type, head.identifier, head.space_size) != (disk.PRIMARY, disk.STANDARD_ID, FIRST_FILE):
        return None
    if not data.startswith(MAGIC):
        return None
    lines = data[len(MAGIC) :].rstrip(b"\0").decode("utf-8", "surrogateescape").split("\n")
    return {name: value for name, _, value in (line.partition("=") for line in lines if line)}
