# SPDX-License-Identifier: BSD-2-Clause
"""What can be changed of a file: times, the attributes of MS-DOS as flags, whether it can be written to."""

from __future__ import annotations

from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.ops import FLAG_BITS
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.drivers.fs.msdosfs.writing.state import State

_FLAGS = sum(flag for _, flag in FLAG_BITS)
_BITS = sum(bit for bit, _ in FLAG_BITS)


def changed(state: State, fields: EntryFields, changes: tuple[tuple[int, int], ...]) -> EntryFields:
    """The fields of an entry after changes other than of the size.

    Owners can be set to what they are; permissions to what they are with or without all w bits.  The change time is the
    modification time: what sets it is passed over.  Errors: EOPNOTSUPP; EINVAL - a time.
    """
    name, bits, case, units, ctime, cdate, adate, high, mtime, mdate, low, size = fields
    for field, value in changes:
        if field == v.MODE:
            bits = _mode(state, bits, value)
        elif field == v.FLAGS:
            bits = bits & ~_BITS | flag_bits(value)
        elif field == v.ATIME:
            adate = state.stamp(value)[0]
        elif field == v.MTIME:
            mdate, mtime, _ = state.stamp(value)
        elif field == v.BIRTHTIME:
            cdate, ctime, units = state.stamp(value)
        elif (field == v.UID and value != state.options.uid) or (field == v.GID and value != state.options.gid):
            raise fault(e.EOPNOTSUPP, "owners are not kept")
    return name, bits, case, units, ctime, cdate, adate, high, mtime, mdate, low, size


def _mode(state: State, bits: int, mode: int) -> int:
    """The attributes of a file whose permissions are to be `mode`."""
    options = state.options
    most = options.dirmask if bits & disk.ATTR_DIRECTORY else options.mask
    for wanted, given in ((most, 0), (most & ~0o222, disk.ATTR_READ_ONLY)):
        if mode & 0o7777 == wanted:
            return bits & ~disk.ATTR_READ_ONLY | given
    raise fault(e.EOPNOTSUPP, f"permissions are {most:o}, or {most & ~0o222:o} of what is read-only")


def flag_bits(flags: int) -> int:
    """The attributes that flags stand for.  Errors: EOPNOTSUPP."""
    if flags & ~_FLAGS:
        raise fault(e.EOPNOTSUPP, f"flags {flags:#x}")
    return sum([bit for bit, flag in FLAG_BITS if flags & flag])
