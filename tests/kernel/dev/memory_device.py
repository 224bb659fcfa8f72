# SPDX-License-Identifier: BSD-2-Clause
"""A block device in memory, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from typing_extensions import Buffer


class MemoryDevice(BlockDevice):
    """Bytes as a device.  `requests` and `bytes_read` count what was asked of it."""

    def __init__(self, data: Buffer, sector_size: int = 512, *, read_only: bool = True, name: str = "mem0") -> None:
        self.data = data if isinstance(data, bytearray | bytes) else bytes(data)
        self.name = name
        self.size = len(self.data)
        self.sector_size = sector_size
        self.read_only = read_only
        self.requests = 0
        self.bytes_read = 0

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self.size:
            raise fault(e.EIO, f"{self.name}: {length} bytes at {offset}")

    def readinto(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        self._check(offset, len(view))
        self.requests += 1
        self.bytes_read += len(view)
        view[:] = memoryview(self.data)[offset : offset + len(view)]

    def write(self, offset: int, data: Buffer) -> None:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        view = memoryview(data).cast("B")
        self._check(offset, len(view))
        assert isinstance(self.data, bytearray)
        self.data[offset : offset + len(view)] = view

    def sync(self, barrier: bool = False) -> None:
        """Nothing is ever anywhere else."""
