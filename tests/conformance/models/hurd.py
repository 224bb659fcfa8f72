# SPDX-License-Identifier: BSD-2-Clause
"""GNU Hurd, glibc 2.41, x86_64.

Documents: glibc's sysdeps/mach/hurd/bits/errno.h (numbers from 0x40000000 on) and bits/fcntl.h (O_RDONLY is 1); the
Hurd's storeio/storeio.c (a store's stat has its size and block; not cached, it is a character device), libdiskfs/
io-seek.c (EINVAL for SEEK_DATA), libdiskfs/file-record-lock.c (locks belong to the open file).  No disk has ioctls, and
there is no copy_file_range(2).
"""

from __future__ import annotations

from types import SimpleNamespace

from rump.conformance.models import hurd_numbers
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import Any


class Hurd(System):
    """lseek is an RPC: the numbers of SEEK_DATA and SEEK_HOLE are there, and file systems refuse them."""

    host = "hurd"
    numbers = hurd_numbers
    lacks = frozenset({"copy_file_range"})
    seeks_holes = False

    def disk_status(self, real: os.stat_result, disk: Disk) -> os.stat_result | SimpleNamespace:
        status = super().disk_status(real, disk)
        assert isinstance(status, SimpleNamespace)
        status.st_size, status.st_blksize = disk.size, disk.sector
        return status

    def lock_commands(self) -> dict[int, int]:
        return self.locks_of_open_files(self.numbers.F_SETLK, self.numbers.F_GETLK)

    def native(self) -> dict[str, Callable[..., Any]]:
        return {}
