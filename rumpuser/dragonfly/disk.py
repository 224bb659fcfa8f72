# SPDX-License-Identifier: BSD-2-Clause
"""Disks, slices and partitions, all of them character devices, by DIOCGPART; and locks on all files."""

from __future__ import annotations

from fcntl import ioctl

from rump.rumpuser.dragonfly import abi
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.posix.raw_disk import RawDisk


class Disk(RawDisk, ProcessLocks):
    """The medium of a disk."""

    _flock = abi.FLOCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        part = bytearray(abi.PARTINFO.size)
        ioctl(descriptor, abi.DIOCGPART, part)
        return abi.PARTINFO.get(part, "media_size"), abi.PARTINFO.get(part, "media_blksize")
