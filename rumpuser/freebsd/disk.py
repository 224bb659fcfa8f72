# SPDX-License-Identifier: BSD-2-Clause
"""Disks and partitions, all of them character devices (GEOM); and locks on all files."""

from __future__ import annotations

from rump.rumpuser.freebsd import abi
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.posix.raw_disk import RawDisk, answered


class Disk(RawDisk, ProcessLocks):
    """The medium of a disk or partition."""

    _flock = abi.FLOCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        return answered(descriptor, abi.DIOCGMEDIASIZE, 8), answered(descriptor, abi.DIOCGSECTORSIZE, 4)
