# SPDX-License-Identifier: BSD-2-Clause
"""Wedges: windows on a block device, such as its partitions."""

from __future__ import annotations

from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

    from rump.kernel.dev.partitions.table import Partition


class Wedge(BlockDevice):
    """The bytes [start, start + size) of a parent device, cut at the parent's end.  Nothing outside is read or written.

    Closing a wedge leaves its parent open.
    """

    def __init__(self, parent: BlockDevice, start: int, size: int, name: str = "") -> None:
        """Errors: ENXIO - the window begins before the parent or behind its end."""
        self.name = name or f"{parent.name} at {start}"
        if start < 0 or size < 0 or start > parent.size:
            raise fault(e.ENXIO, f"{self.name}: begins behind the end of {parent.name}")
        self.parent = parent
        self.start = start
        self.size = min(size, parent.size - start)
        self.sector_size = parent.sector_size
        self.read_only = parent.read_only

    def _check(self, offset: int, length: int) -> int:
        """Where `offset` is on the parent."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise fault(e.EIO, f"{self.name}: bytes {offset} to {offset + length} of {self.size}")
        return self.start + offset

    def read(self, offset: int, length: int) -> bytes:
        return self.parent.read(self._check(offset, length), length)

    def readinto(self, offset: int, buffer: Buffer) -> None:
        self.parent.readinto(self._check(offset, memoryview(buffer).nbytes), buffer)

    def readinto_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        self.parent.readinto_many([(self._check(at, memoryview(buffer).nbytes), buffer) for at, buffer in requests])

    def write(self, offset: int, data: Buffer) -> None:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        self.parent.write(self._check(offset, memoryview(data).nbytes), data)

    def write_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        self.parent.write_many([(self._check(at, memoryview(data).nbytes), data) for at, data in requests])

    def discard(self, offset: int, length: int) -> None:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        self.parent.discard(self._check(offset, length), length)

    def claim(self, exclusive: bool, offset: int = 0, length: int | None = None) -> None:
        length = self.size - offset if length is None else length
        self.parent.claim(exclusive, self._check(offset, length), length)

    def release(self, exclusive: bool, offset: int = 0, length: int | None = None) -> None:
        length = self.size - offset if length is None else length
        self.parent.release(exclusive, self._check(offset, length), length)

    def descriptor(self) -> tuple[int, int] | None:
        found = self.parent.descriptor()
        return None if found is None else (found[0], found[1] + self.start)

    def sync(self, barrier: bool = False) -> None:
        self.parent.sync(barrier)

    def copy_to(self, offset: int, handle: int, target: int, length: int) -> int:
        return self.parent.copy_to(self._check(offset, length), handle, target, length)

    def copy_from(self, offset: int, handle: int, source: int, length: int) -> int:
        if self.read_only:
            raise fault(e.EROFS, self.name)
        return self.parent.copy_from(self._check(offset, length), handle, source, length)


def partition_device(device: BlockDevice, partition: Partition) -> Wedge:
    """The wedge of a partition found on `device`.  Errors: ENXIO - the device ends before it begins."""
    name = f"{device.name} partition {partition.letter or partition.number}"
    return Wedge(device, partition.start, partition.size, name)
