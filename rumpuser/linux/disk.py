# SPDX-License-Identifier: BSD-2-Clause
"""Block devices: size and sector by ioctl."""

from __future__ import annotations

import os
import struct
from fcntl import ioctl

from rump.rumpuser.posix.files import DEFAULT_SECTOR, Files

# From linux/fs.h.  The first is _IOR(0x12, 114, size_t), whose number holds the size of size_t and, on some
# architectures, another code for "reads"; the second is a plain number everywhere.
_READS = 0x80000000
_READS_ELSEWHERE = 0x40000000
_ELSEWHERE = ("alpha", "mips", "parisc", "ppc", "sparc")
_BLKGETSIZE64 = 0x1272 | struct.calcsize("N") << 16
_BLKSSZGET = 0x1268


class Disk(Files):
    """The medium of a block device."""

    def _medium(self, descriptor: int) -> tuple[int, int]:
        (size,) = struct.unpack("Q", ioctl(descriptor, _size_request(), bytes(8)))
        (sector,) = struct.unpack("i", ioctl(descriptor, _BLKSSZGET, bytes(4)))
        return size, sector if sector > 0 else DEFAULT_SECTOR


def _size_request() -> int:
    return _BLKGETSIZE64 | (_READS_ELSEWHERE if os.uname().machine.startswith(_ELSEWHERE) else _READS)
