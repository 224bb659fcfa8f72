# SPDX-License-Identifier: BSD-2-Clause
"""Block devices: size and sector by ioctl."""

from __future__ import annotations

from rump.rumpuser.posix.files import DEFAULT_SECTOR, Files


class Disk(Files):
    """The medium of a block device."""

    def _medium(self, descriptor: int) -> tuple[int, int]:
        # Here, since most images are files.
        import struct
        from fcntl import ioctl

        from rump.rumpuser.linux import abi

        (size,) = struct.unpack("Q", ioctl(descriptor, abi.BLKGETSIZE64, bytes(8)))
        (sector,) = struct.unpack("i", ioctl(descriptor, abi.BLKSSZGET, bytes(4)))
        return size, sector if sector > 0 else DEFAULT_SECTOR
