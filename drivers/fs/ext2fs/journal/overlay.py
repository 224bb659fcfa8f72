# SPDX-License-Identifier: BSD-2-Clause
"""A block device with some blocks replaced by copies that lie elsewhere on it: a replayed journal."""

from __future__ import annotations

from bisect import bisect_left

from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC = b"\xc0\x3b\x39\x98"     # what the first bytes of an escaped copy were


class Overlay(BlockDevice):
    """The device below, read-only, as it would be after recovery."""

    def __init__(self, below: BlockDevice, block_size: int, blocks: dict[int, tuple[int, bool]]) -> None:
        """`blocks`: block -> (where its copy is, bytes into the device; whether its first bytes are escaped)."""
        self.name = below.name
        self.size = below.size
        self.sector_size = below.sector_size
        self.read_only = True
        self._below = below
        self._block_size = block_size
        self._blocks = blocks
        self._order = sorted(blocks)

    def _within(self, offset: int, length: int) -> list[int]:
        """The replaced blocks that a range touches."""
        size = self._block_size
        low = bisect_left(self._order, offset // size)
        return self._order[low : bisect_left(self._order, -(-(offset + length) // size), low)]

    def readinto(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer`; errors as of any device."""
        view = memoryview(buffer).cast("B")
        self._below.readinto(offset, view)
        self._patch(offset, view)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes; most ranges have no replaced block and are passed on."""
        if not self._within(offset, length):
            return self._below.read(offset, length)
        data = bytearray(self._below.read(offset, length))
        self._patch(offset, memoryview(data))
        return bytes(data)

    def _patch(self, offset: int, view: memoryview) -> None:
        """Put the copies over what was read from `offset`."""
        size, stop = self._block_size, offset + len(view)
        for block in self._within(offset, len(view)):
            place, escaped = self._blocks[block]
            start = block * size
            copy = self._below.read(place, size)
            if escaped:
                copy = MAGIC + copy[len(MAGIC) :]
            first, last = max(start, offset), min(start + size, stop)
            view[first - offset : last - offset] = copy[first - start : last - start]

    def copy_to(self, offset: int, handle: int, target: int, length: int) -> int:
        """Inside the host only where nothing is replaced.  Errors: ENOTSUP."""
        if self._within(offset, length):
            raise fault(e.ENOTSUP, self.name)
        return self._below.copy_to(offset, handle, target, length)
