# SPDX-License-Identifier: BSD-2-Clause
"""The device in pieces: directories and what belongs to them lie close together, and are read together."""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import SECTOR
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.buffer import BufferCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice

PIECE = 1 << 15             # bytes read at once


class Medium:
    """A device and the size of its logical blocks.

    device       what the volume is on
    block_size   bytes of a logical block: 512, 1024, 2048
    """

    def __init__(self, device: BlockDevice, block_size: int, cache_bytes: int) -> None:
        self.device = device
        self.block_size = block_size
        self._cache = BufferCache(device, cache_bytes)

    def read(self, offset: int, length: int, what: str) -> bytes:
        """Bytes of the device, through the cache; `what` they are is for the message.

        Errors: Corrupt - some are outside of the device; EIO.
        """
        device = self.device
        if offset < 0 or length < 0 or offset + length > device.size:
            block = offset // self.block_size
            raise Corrupt(f"block {block}: {what} of {length} bytes: behind the end of {device.name}")
        start = offset - offset % PIECE
        if offset + length > start + PIECE:
            return device.read(offset, length)
        piece = self._cache.read(start, min(PIECE, device.size - start))
        assert isinstance(piece, bytes)
        return piece[offset - start : offset - start + length]

    def sector(self, offset: int, what: str) -> bytes:
        """What there is from a byte to the end of its sector."""
        return self.read(offset, min(SECTOR - offset % SECTOR, max(0, self.device.size - offset)), what)
