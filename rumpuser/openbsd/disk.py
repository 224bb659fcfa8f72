# SPDX-License-Identifier: BSD-2-Clause
"""Disks by the label's partition that a device number stands for; and locks on all files."""

from __future__ import annotations

import os
from fcntl import ioctl

from rump.rumpuser.openbsd import abi
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.posix.raw_disk import RawDisk


class Disk(RawDisk, ProcessLocks):
    """The medium of a partition, block or character device; partition c is the whole disk."""

    _flock = abi.FLOCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        label = bytearray(abi.DISKLABEL.size)
        partitions = abi.MAXPARTITIONSUNIT
        try:
            ioctl(descriptor, abi.DIOCGDINFO, label)
        except OSError:     # before 7.8
            ioctl(descriptor, abi.O_DIOCGDINFO, label)
            partitions = abi.MAXPARTITIONS16
        sector = abi.DISKLABEL.get(label, "d_secsize")
        return _sectors(label, os.minor(os.fstat(descriptor).st_rdev) % partitions) * sector, sector


def _sectors(label: bytearray, number: int) -> int:
    """Of a partition: 48 bits in two members."""
    if number >= abi.DISKLABEL.get(label, "d_npartitions"):
        return 0
    layout = abi.PARTITION
    start = abi.DISKLABEL.fields["d_partitions"][0] + number * layout.size
    partition = label[start : start + layout.size]
    return layout.get(partition, "p_sizeh") << 32 | layout.get(partition, "p_size")
