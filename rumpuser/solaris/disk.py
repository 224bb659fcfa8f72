# SPDX-License-Identifier: BSD-2-Clause
"""Disks and their slices, /dev/dsk and the raw /dev/rdsk; and locks on all files.

illumos has locks of the open file, too, but only on whole files (fcntl(2), F_OFD_SETLK), so POSIX's are used.
"""

from __future__ import annotations

from fcntl import ioctl

from rump.rumpuser.posix.files import DEFAULT_SECTOR
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.posix.raw_disk import RawDisk
from rump.rumpuser.solaris import abi


class Disk(RawDisk, ProcessLocks):
    """The medium: of a slice its own size, of a driver that knows no slices (lofi) the disk's."""

    _flock = abi.FLOCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        medium = bytearray(abi.DK_MINFO.size)
        ioctl(descriptor, abi.DKIOCGMEDIAINFO, medium)
        sector = abi.DK_MINFO.get(medium, "dki_lbsize") or DEFAULT_SECTOR
        blocks = _slice(descriptor)
        return (blocks if blocks is not None else abi.DK_MINFO.get(medium, "dki_capacity")) * sector, sector


def _slice(descriptor: int) -> int | None:
    """Blocks of a slice."""
    for request, layout in ((abi.DKIOCEXTPARTINFO, abi.EXTPART_INFO), (abi.DKIOCPARTINFO, abi.PART_INFO)):
        answer = bytearray(layout.size)
        try:
            ioctl(descriptor, request, answer)
        except OSError:
            continue
        return layout.get(answer, "p_length")
    return None
