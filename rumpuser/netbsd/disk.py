# SPDX-License-Identifier: BSD-2-Clause
"""Disks: wedges (dk(4)) by their own information, the rest by the disk label's partition; and locks on all files."""

from __future__ import annotations

import os
from fcntl import ioctl

from rump.rumpuser.netbsd import abi
from rump.rumpuser.posix.process_locks import ProcessLocks
from rump.rumpuser.posix.raw_disk import RawDisk, answered

_MAXIMAL_DISKS = (1 << 20) // abi.MAXPARTITIONS


class Disk(RawDisk, ProcessLocks):
    """The medium of a disk, a partition or a wedge, block or character device."""

    _flock = abi.FLOCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        sector = answered(descriptor, abi.DIOCGSECTORSIZE, 4)
        try:
            return _wedge(descriptor) * sector, sector
        except OSError:
            pass            # no wedge
        label = bytearray(abi.DISKLABEL.size)
        try:
            ioctl(descriptor, abi.DIOCGDINFO, label)
        except OSError:     # a disk without a label, or too large for one
            return answered(descriptor, abi.DIOCGMEDIASIZE, 8), sector
        sectors = _partition(label, partition_of(os.fstat(descriptor).st_rdev))
        return sectors * abi.DISKLABEL.get(label, "d_secsize"), sector


def partition_of(device: int) -> int:
    """DISKPART of <machine/disklabel.h>: which partition a device number stands for."""
    minor = os.minor(device)
    if not abi.split:
        return minor % abi.MAXPARTITIONS
    old = abi.OLDMAXPARTITIONS
    return minor % old + minor // (_MAXIMAL_DISKS * old) * old


def _wedge(descriptor: int) -> int:
    """Sectors of a wedge."""
    information = bytearray(abi.DKWEDGE_INFO.size)
    ioctl(descriptor, abi.DIOCGWEDGEINFO, information)
    return abi.DKWEDGE_INFO.get(information, "dkw_size")


def _partition(label: bytearray, number: int) -> int:
    """Sectors of a partition."""
    if number >= abi.DISKLABEL.get(label, "d_npartitions"):
        return 0
    start = abi.DISKLABEL.fields["d_partitions"][0] + number * abi.PARTITION.size
    return abi.PARTITION.get(label[start : start + abi.PARTITION.size], "p_size")
