# SPDX-License-Identifier: BSD-2-Clause
"""macOS 14.

Documents: sys/errno.h, sys/fcntl.h, sys/unistd.h, sys/disk.h; fcntl(2) (F_FULLFSYNC, F_BARRIERFSYNC; F_PUNCHHOLE wants
whole blocks of the file system, F_OFD_SETLK locks of the open file), lseek(2), getfsstat(2), kqueue(2), getentropy(2).
There is no fdatasync(2) in the headers, so Python has none; nor has it F_PUNCHHOLE and F_OFD_SETLK.
"""

from __future__ import annotations

import fcntl
import os
import struct

from rump.conformance.models import macos_numbers, native
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BLOCK = 4096           # of the file system


class MacOS(System):
    """Disks are the raw devices, /dev/rdisk1."""

    host = "macos"
    machine = "arm64"
    numbers = macos_numbers
    flock = ("=qqihh", ("start", "len", "pid", "type", "whence"))
    lacks = frozenset({"copy_file_range", "fdatasync", "getrandom"})
    raw = True
    kqueue = True

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {
            0x40046418: lambda disk, descriptor: struct.pack("=I", disk.sector),
            0x40086419: lambda disk, descriptor: struct.pack("=Q", disk.size // disk.sector),
        }

    def lock_commands(self) -> dict[int, int]:
        return {**super().lock_commands(), **self.locks_of_open_files(90, 92)}

    def fcntls(self) -> dict[int, Callable[[int, Any], Any]]:
        return {51: self._full_sync, 85: self._barrier, 99: self._punch}

    def _full_sync(self, descriptor: int, argument: Any) -> int:
        self.calls.append(("F_FULLFSYNC",))
        os.fsync(descriptor)
        return 0

    def _barrier(self, descriptor: int, argument: Any) -> int:
        self.calls.append(("F_BARRIERFSYNC",))
        os.fsync(descriptor)
        return 0

    def _punch(self, descriptor: int, argument: bytes) -> bytes:
        flags, reserved, start, length = struct.unpack("=IIqq", argument)
        if flags or reserved or (start | length) % _BLOCK or start + length > os.fstat(descriptor).st_size:
            raise self.error("EINVAL")
        if not self._writable(descriptor):
            raise self.error("EBADF")
        native.punch(descriptor, start, length)
        return argument

    def _writable(self, descriptor: int) -> bool:
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY

    def native(self) -> dict[str, Callable[..., Any]]:
        return {
            "rump_random": native.random, "rump_thread_name": native.thread_name(self),
            "rump_mounts": native.mounts(self),
        }  # fmt: skip
