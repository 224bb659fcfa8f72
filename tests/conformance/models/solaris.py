# SPDX-License-Identifier: BSD-2-Clause
"""illumos and Solaris, 64-bit x86.

Documents: usr/src/uts/common/sys/errno.h, fcntl.h, unistd.h, dkio.h; fcntl(2) (locks belong to the process, those of
the open file are for whole files only; F_FREESP: ufs cuts the file if the range reaches its end, zfs makes it grow if
the range begins behind it), lseek(2), dkio(4I), mnttab(5), getrandom(2); port_associate(3C), port_get(3C), proc(5)
(watches).  There is no copy_file_range(2).
"""

from __future__ import annotations

import fcntl
import os
import struct

from rump.conformance.models import native, solaris_numbers
from rump.conformance.models.event_ports import EventPorts
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FLOCK = "@hhqqii4q"


class Solaris(System):
    """`slices`: the disk's driver knows of slices."""

    host = "solaris"
    machine = "i86pc"
    numbers = solaris_numbers
    flock = (_FLOCK, ("type", "whence", "start", "len", "sysid", "pid", "pad0", "pad1", "pad2", "pad3"))
    lacks = frozenset({"copy_file_range"})
    slices = True

    def __init__(self) -> None:
        super().__init__()
        self.ports = EventPorts(self)

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {0x42A: self._medium, 0x413: self._slice}

    def _medium(self, disk: Disk, descriptor: int) -> bytes:
        """DKIOCGMEDIAINFO: of the whole disk, which has twice the size of a slice."""
        blocks = disk.size // disk.sector * (2 if self.slices else 1)
        return struct.pack("=IIQ", 0x10001, disk.sector, blocks)

    def _slice(self, disk: Disk, descriptor: int) -> bytes:
        """DKIOCEXTPARTINFO."""
        if not self.slices:
            raise self.error("ENOTTY")
        return struct.pack("=QQ", 16065, disk.size // disk.sector)

    def fcntls(self) -> dict[int, Callable[[int, Any], Any]]:
        return {11: self._free_space}

    def _free_space(self, descriptor: int, argument: bytes) -> bytes:
        """F_FREESP, at its most dangerous: as ufs at the end of a file, as zfs behind it."""
        _, whence, start, length, *_ = struct.unpack(_FLOCK, argument)
        if whence != self.numbers.SEEK_SET or start < 0:
            raise self.error("EINVAL")
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise self.error("EBADF")
        size = os.fstat(descriptor).st_size
        self.calls.append(("F_FREESP", start, length))
        if start > size:
            os.ftruncate(descriptor, start + length)
        elif not length or start + length >= size:
            os.ftruncate(descriptor, start)
        else:
            native.punch(descriptor, start, length)
        return argument

    def native(self) -> dict[str, Callable[..., Any]]:
        named = native.thread_name(self)
        return {"rump_random": native.random, "rump_thread_name": named, **self.ports.functions()}
