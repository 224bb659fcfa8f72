# SPDX-License-Identifier: BSD-2-Clause
"""NetBSD 10, amd64; i386 where it differs.

Documents: sys/errno.h, sys/fcntl.h, sys/dkio.h, sys/disk.h, sys/disklabel.h, machine/disklabel.h, dev/vndvar.h;
fcntl(2) (locks belong to the process and go with any close), lseek(2) (no SEEK_DATA), fsync_range(2), fdiscard(2),
getvfsstat(2), swapctl(2), kqueue(2), getrandom(2), dk(4), vnd(4), physio(9).
"""

from __future__ import annotations

import os
import struct

from rump.conformance.models import native, netbsd_numbers
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HEADER = 148           # bytes of a disk label before its partitions
_PARTITIONS = 16
_OLD_PARTITIONS = 8
_DISKS = (1 << 20) // _PARTITIONS


class NetBSD(System):
    """Disks are block devices: partitions that are half of a disk, or what `shown_as` says ("wedge", "unlabelled")."""

    host = "netbsd"
    machine = "amd64"
    numbers = netbsd_numbers
    flock = ("=qqihh", ("start", "len", "pid", "type", "whence"))
    lacks = frozenset({"copy_file_range"})
    kqueue = True
    shown_as = "partition"
    behind_vnd: tuple[int, int] = 0, 0

    def device_number(self, part: int) -> int:
        if self.machine == "amd64":
            return os.makedev(3, part)
        return os.makedev(3, part % _OLD_PARTITIONS + part // _OLD_PARTITIONS * _DISKS * _OLD_PARTITIONS)

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {
            0x41986465: self._label,
            0x40D0647A: self._wedge,
            0x40086484: self._media_size,
            0x40046485: lambda disk, descriptor: struct.pack("=I", disk.sector),
            0xC0184603: self._vnd,
        }

    def _label(self, disk: Disk, descriptor: int) -> bytes:
        """DIOCGDINFO: padded to a multiple of 8 bytes."""
        if self.shown_as != "partition":
            raise self.error("ENOTTY")
        label = bytearray(_HEADER + 16 * _PARTITIONS + 4)
        struct.pack_into("=I", label, 40, disk.sector)
        struct.pack_into("=H", label, 138, _PARTITIONS)
        part = next(part for part in range(_PARTITIONS) if self.device_number(part) == disk.number)
        struct.pack_into("=I", label, _HEADER + 16 * part, disk.size // disk.sector)
        return bytes(label)

    def _wedge(self, disk: Disk, descriptor: int) -> bytes:
        """DIOCGWEDGEINFO."""
        if self.shown_as != "wedge":
            raise self.error("ENOTTY")
        return struct.pack("=16s128s16sqQ32s", b"dk0", b"data", b"wd0", 64, disk.size // disk.sector, b"ffs")

    def _media_size(self, disk: Disk, descriptor: int) -> bytes:
        """DIOCGMEDIASIZE: of the whole disk, whatever the partition."""
        return struct.pack("=q", disk.size * (2 if self.shown_as == "partition" else 1))

    def _vnd(self, disk: Disk, descriptor: int) -> bytes:
        """VNDIOCGET."""
        return struct.pack("=i4xQQ", 0, *self.behind_vnd)

    def native(self) -> dict[str, Callable[..., Any]]:
        return {
            "rump_punch": self._fdiscard, "rump_sync_range": self._fsync_range, "rump_random": native.random,
            "rump_thread_name": native.thread_name(self), "rump_mounts": native.mounts(self),
            "rump_swaps": native.swaps(self),
        }  # fmt: skip

    def _fdiscard(self, descriptor: int, start: int, length: int) -> int:
        try:
            native.punch(descriptor, start, length)
        except OSError as error:
            return self.number_of(error.errno or 0)
        return 0

    def _fsync_range(self, descriptor: int, how: int, start: int, length: int) -> int:
        """EBADF for a descriptor that is not open for writing."""
        self.calls.append(("fsync_range", how, start, length))
        try:
            os.fsync(descriptor)
        except OSError as error:
            return self.number_of(error.errno or 0)
        return 0
