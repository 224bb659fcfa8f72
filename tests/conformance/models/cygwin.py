# SPDX-License-Identifier: BSD-2-Clause
"""Cygwin 3.5, 64-bit.

Documents: newlib's sys/errno.h and sys/_default_fcntl.h; winsup/cygwin/include/cygwin/fs.h; the API reference (fcntl
locks are POSIX's, of the process, and no Windows program heeds them), proc(5) (/proc/partitions with drives).  There is
no preadv(2), no copy_file_range(2); O_BINARY is needed where a mount is of text files; a file that a program of
Windows shares with nobody is EBUSY (ERROR_SHARING_VIOLATION, winsup/cygwin/errno.cc).
"""

from __future__ import annotations

import os
import struct

from rump.conformance.models import cygwin_numbers, native
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Cygwin(System):
    """`unshared`: paths that a program of Windows keeps to itself."""

    host = "cygwin"
    numbers = cygwin_numbers
    lacks = frozenset({"copy_file_range", "preadv", "pwritev"})

    def __init__(self) -> None:
        super().__init__()
        self.unshared: set[str] = set()

    def open_flags(self, path: str, flags: int) -> None:
        if path in self.unshared:
            raise self.error("EBUSY")
        if os.path.isfile(path) and not flags & self.numbers.O_BINARY:
            raise AssertionError(f"{path}: the ends of lines would be translated")

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {
            0x41268: lambda disk, descriptor: struct.pack("=Q", disk.size),
            0x1268: lambda disk, descriptor: struct.pack("=i", disk.sector),
        }

    def native(self) -> dict[str, Callable[..., Any]]:
        return {"rump_random": native.random, "rump_thread_name": native.thread_name(self)}
