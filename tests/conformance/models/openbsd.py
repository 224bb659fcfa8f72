# SPDX-License-Identifier: BSD-2-Clause
"""OpenBSD 7.8, amd64.

Documents: sys/errno.h, sys/fcntl.h, sys/dkio.h, sys/disklabel.h; fcntl(2) (locks belong to the process), lseek(2) (no
SEEK_DATA), getfsstat(2), swapctl(2), kqueue(2), getentropy(2) (Python has no os.getrandom).
"""

from __future__ import annotations

import os
import struct

from rump.conformance.models import native, openbsd_numbers
from rump.conformance.models.system import Disk, System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_HEADER = 148           # bytes of a disk label before its partitions


class OpenBSD(System):
    """`older`: a release with 16 partitions to a disk, whose label is smaller."""

    host = "openbsd"
    machine = "amd64"
    numbers = openbsd_numbers
    flock = ("=qqihh", ("start", "len", "pid", "type", "whence"))
    lacks = frozenset({"copy_file_range", "getrandom"})
    kqueue = True
    older = False

    def disk_ioctls(self) -> dict[int, Callable[[Disk, int], bytes]]:
        return {0x44946465: self._label, 0x41946465: self._older_label}

    def _label(self, disk: Disk, descriptor: int) -> bytes:
        """DIOCGDINFO."""
        if self.older:
            raise self.error("ENOTTY")
        return self._of(disk, 64)

    def _older_label(self, disk: Disk, descriptor: int) -> bytes:
        """What it was before 7.8."""
        return self._of(disk, 16)

    def _of(self, disk: Disk, partitions: int) -> bytes:
        label = bytearray(_HEADER + 16 * partitions)
        struct.pack_into("=I", label, 40, disk.sector)
        struct.pack_into("=H", label, 138, partitions)
        part = os.minor(disk.number) % (16 if self.older else 64)
        sectors = disk.size // disk.sector
        if part < partitions:
            struct.pack_into("=IIHH", label, _HEADER + 16 * part, sectors & 0xFFFFFFFF, 0, 0, sectors >> 32)
        return bytes(label)

    def native(self) -> dict[str, Callable[..., Any]]:
        return {
            "rump_random": native.random, "rump_thread_name": native.thread_name(self),
            "rump_mounts": native.mounts(self), "rump_swaps": native.swaps(self),
        }  # fmt: skip
