# SPDX-License-Identifier: BSD-2-Clause
"""FreeBSD 14, amd64.

Documents: sys/errno.h, sys/fcntl.h, sys/unistd.h, sys/disk.h; fcntl(2) (locks belong to the process), lseek(2),
fspacectl(2), copy_file_range(2), getfsstat(2), kqueue(2), getrandom(2); disks are character devices (physio(9)).
"""

from __future__ import annotations

import os
import struct

from rump.conformance.models import freebsd_numbers, native
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class FreeBSD(System):
    """fspacectl goes as far as the end of the file."""

    host = "freebsd"
    machine = "amd64"
    numbers = freebsd_numbers
    flock = ("=qqihhi4x", ("start", "len", "pid", "type", "whence", "sysid"))
    raw = True
    kqueue = True

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {
            0x40046480: lambda disk, descriptor: struct.pack("=I", disk.sector),
            0x40086481: lambda disk, descriptor: struct.pack("=q", disk.size),
        }

    def native(self) -> dict[str, Callable[..., Any]]:
        return {
            "rump_punch": self._fspacectl, "rump_random": native.random, "rump_thread_name": native.thread_name(self),
            "rump_mounts": native.mounts(self),
        }  # fmt: skip

    def _fspacectl(self, descriptor: int, start: int, length: int) -> int:
        if self.disk(descriptor) is not None:
            return int(self.numbers.ENODEV)     # only what is a file or shared memory
        try:
            native.punch(descriptor, start, max(0, min(length, os.fstat(descriptor).st_size - start)) or 1)
        except OSError as error:
            return self.number_of(error.errno or 0)
        return 0
