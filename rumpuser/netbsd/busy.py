# SPDX-License-Identifier: BSD-2-Clause
"""Who uses a file or disk: mounts and swap, and vnd(4), which makes disks of files."""

from __future__ import annotations

import os
import stat
from fcntl import ioctl

from rump.rumpuser.netbsd import abi
from rump.rumpuser.netbsd.disk import partition_of
from rump.rumpuser.posix.mounted import CompiledBusy

_PSEUDO_DISKS = "/dev/rvnd%dd"
_MOST = 16


class NetBSDBusy(CompiledBusy):
    """A file is asked about by device and inode, as VNDIOCGET answers."""

    def _use(self, status: os.stat_result) -> str:
        return super()._use(status) or (_pseudo_disk(status) if stat.S_ISREG(status.st_mode) else "")

    def _disk(self, one: os.stat_result, other: os.stat_result) -> bool:
        if stat.S_IFMT(one.st_mode) != stat.S_IFMT(other.st_mode):
            return False
        return _whole(one.st_rdev) == _whole(other.st_rdev)


def _whole(device: int) -> tuple[int, int]:
    """A disk, whichever its partition."""
    return os.major(device), os.minor(device) - partition_of(device)


def _pseudo_disk(status: os.stat_result) -> str:
    """The vnd that a file is behind."""
    for unit in range(_MOST):
        try:
            descriptor = os.open(_PSEUDO_DISKS % unit, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            answer = abi.VND_USER.pack(vnu_unit=unit)
            ioctl(descriptor, abi.VNDIOCGET, answer)
        except OSError:
            continue
        finally:
            os.close(descriptor)
        used = abi.VND_USER.get(answer, "vnu_dev"), abi.VND_USER.get(answer, "vnu_ino")
        if used == (status.st_dev, status.st_ino) and used != (0, 0):
            return f"vnd device /dev/vnd{unit}"
    return ""
