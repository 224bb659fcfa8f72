# SPDX-License-Identifier: BSD-2-Clause
"""DragonFly BSD 6.4, x86_64.

Documents: sys/errno.h, sys/fcntl.h, sys/diskslice.h; fcntl(2) (locks belong to the process), lseek(2) (no SEEK_DATA),
getfsstat(2), kqueue(2), getrandom(2), disk devices are character devices (physio(9)).
"""

from __future__ import annotations

import struct

from rump.conformance.models import dragonfly_numbers, native
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class DragonFly(System):
    """Nothing to punch holes with."""

    host = "dragonfly"
    numbers = dragonfly_numbers
    flock = ("=qqihh", ("start", "len", "pid", "type", "whence"))
    lacks = frozenset({"copy_file_range"})
    raw = True
    kqueue = True

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {0x40386468: self._part}

    def _part(self, disk: Disk, descriptor: int) -> bytes:
        """DIOCGPART."""
        return struct.pack("=QQQiIIi16s", 0, disk.size, disk.size // disk.sector, disk.sector, 0, 0, 0, b"")

    def native(self) -> dict[str, Callable[..., Any]]:
        return {
            "rump_random": native.random, "rump_thread_name": native.thread_name(self),
            "rump_mounts": native.mounts(self),
        }  # fmt: skip
