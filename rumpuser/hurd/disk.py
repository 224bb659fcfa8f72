# SPDX-License-Identifier: BSD-2-Clause
"""Disks, which are files of the translator storeio: there are no ioctls, stat(2) tells size and sector.  And locks.

A store that is not cached is a character device (storeio's --no-cache) and wants whole sectors.  Record locks belong
to the open file already: file_record_lock keeps them with what each open made (libdiskfs, file-record-lock.c).
"""

from __future__ import annotations

import fcntl
import os

from rump.rumpuser.hurd import abi
from rump.rumpuser.posix.files import DEFAULT_SECTOR
from rump.rumpuser.posix.locks import OfdLocks, ask
from rump.rumpuser.posix.raw_disk import RawDisk

_OPERATIONS = {fcntl.F_RDLCK: fcntl.LOCK_SH, fcntl.F_WRLCK: fcntl.LOCK_EX, fcntl.F_UNLCK: fcntl.LOCK_UN}


class Disk(RawDisk, OfdLocks):
    """The medium of a store; a device that is none has no size."""

    _flock = abi.FLOCK
    _lock_commands = fcntl.F_SETLK, fcntl.F_GETLK

    def _lock_call(self, descriptor: int, which: int, kind: int, start: int, length: int) -> int:
        if which:
            return super()._lock_call(descriptor, which, kind, start, length)
        ask(descriptor, _OPERATIONS[kind], start, length)
        return fcntl.F_UNLCK

    def _medium(self, descriptor: int) -> tuple[int, int]:
        status = os.fstat(descriptor)
        block = status.st_blksize
        return status.st_size, block if block >= DEFAULT_SECTOR and not block & (block - 1) else DEFAULT_SECTOR
