# SPDX-License-Identifier: BSD-2-Clause
"""Disks, /dev/sda and so on, which Cygwin makes of Windows' own; and locks on all files."""

from __future__ import annotations

from rump.rumpuser.cygwin import abi
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.posix.raw_disk import answered


class Disk(ProcessLocks):
    """The medium of a disk or partition, a block device: Cygwin itself reads whole sectors."""

    _flock = abi.FLOCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        return answered(descriptor, abi.BLKGETSIZE64, 8), answered(descriptor, abi.BLKSSZGET, 4)
