# SPDX-License-Identifier: BSD-2-Clause
"""The block device of an isolated driver: read through a descriptor of its own, or all of it by asking the kernel."""

from __future__ import annotations

from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.kernel.vfs.isolated.protocol import PIECE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from typing_extensions import Buffer

    from rump.rumpuser.interface.hypercalls import Hypercalls

_OFTEN = 1000
"""After so many reads without a word to the kernel it is told that there is progress."""


class AskedDevice(BlockDevice):
    """A device whose every byte goes through the kernel, which checks each request against the partition's bounds."""

    def __init__(self, ask: Callable[..., Any], name: str, size: int, sector_size: int, read_only: bool) -> None:
        self._ask = ask
        self.name = name
        self.size = size
        self.sector_size = sector_size
        self.read_only = read_only

    def read(self, offset: int, length: int) -> bytes:
        if length <= PIECE:
            data: bytes = self._ask("read", offset, length)
            return data
        return super().read(offset, length)

    def readinto(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        for start in range(0, len(view), PIECE):
            piece = view[start : start + PIECE]
            piece[:] = self._ask("read", offset + start, len(piece))

    def write(self, offset: int, data: Buffer) -> None:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), PIECE):
            self._ask("write", ((offset + start, bytes(view[start : start + PIECE])),))

    def write_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        batch: list[tuple[int, bytes]] = []
        held = 0
        for offset, data in requests:
            if memoryview(data).nbytes > PIECE:
                self.write(offset, data)
                continue
            if batch and held + memoryview(data).nbytes > PIECE:
                self._ask("write", tuple(batch))
                batch, held = [], 0
            batch.append((offset, bytes(data)))
            held += len(batch[-1][1])
        if batch:
            self._ask("write", tuple(batch))

    def discard(self, offset: int, length: int) -> None:
        self._ask("discard", offset, length)

    def sync(self, barrier: bool = False) -> None:
        self._ask("sync", barrier)


class ReadDevice(AskedDevice):
    """A device that can be read by a handle of the host's, from `base` on; changes are asked for."""

    def __init__(
        self, ask: Callable[..., Any], facts: tuple[Any, ...], host: Hypercalls, handle: int, base: int,
        progress: Callable[[], object],
    ) -> None:  # fmt: skip
        super().__init__(ask, *facts)
        self._host = host
        self._handle = handle
        self._base = base
        self._progress = progress
        self._reads = 0

    def read(self, offset: int, length: int) -> bytes:
        if not 0 <= length <= self.size - offset:
            raise fault(e.EIO, f"{self.name}: bytes {offset}-{offset + length} lie outside its {self.size}")
        buffer = bytearray(length)
        self.readinto(offset, buffer)
        return bytes(buffer)

    def readinto(self, offset: int, buffer: Buffer) -> None:
        length = memoryview(buffer).nbytes
        if offset < 0 or length > self.size - offset:
            raise fault(e.EIO, f"{self.name}: bytes {offset}-{offset + length} lie outside its {self.size}")
        self._reads += 1
        if self._reads % _OFTEN == 0:
            self._progress()
        if self._host.read(self._handle, buffer, self._base + offset) != length:
            raise fault(e.EIO, f"{self.name}: cut short at {offset}")

    def readinto_many(self, requests: Sequence[tuple[int, Buffer]]) -> None:
        for offset, buffer in requests:
            self.readinto(offset, buffer)
