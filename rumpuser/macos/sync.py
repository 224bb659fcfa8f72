# SPDX-License-Identifier: BSD-2-Clause
"""Syncs: fsync(2) here stops at the disk's own cache, which fcntl(2) can also empty or order."""

from __future__ import annotations

import errno
import fcntl
import os

from rump.rumpuser.interface.hypercalls import SYNC_ALL, SYNC_DATA
from rump.rumpuser.macos import abi
from rump.rumpuser.posix.files import Files

_CANNOT = {errno.ENOTTY, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV}


class FullSync(Files):
    """Data that is to be stable goes through the cache; a mere barrier orders it."""

    def _sync(self, descriptor: int, flags: int, start: int, length: int) -> None:
        command = abi.F_FULLFSYNC if flags & (SYNC_ALL | SYNC_DATA) else abi.F_BARRIERFSYNC
        try:
            fcntl.fcntl(descriptor, command)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            os.fsync(descriptor)        # a file system or a disk that has no such cache
