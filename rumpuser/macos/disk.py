# SPDX-License-Identifier: BSD-2-Clause
"""Disks, /dev/disk1 or the raw /dev/rdisk1; and locks, which belong to the open file."""

from __future__ import annotations

from rump.rumpuser.macos import abi
from rump.rumpuser.posix.locks import OfdLocks
from rump.rumpuser.posix.raw_disk import RawDisk, answered


class Disk(RawDisk, OfdLocks):
    """The medium of a disk or partition."""

    _flock = abi.FLOCK
    _lock_commands = abi.F_OFD_SETLK, abi.F_OFD_GETLK       # Python's fcntl does not have them here

    def _medium(self, descriptor: int) -> tuple[int, int]:
        sector = answered(descriptor, abi.DKIOCGETBLOCKSIZE, 4)
        return answered(descriptor, abi.DKIOCGETBLOCKCOUNT, 8) * sector, sector
