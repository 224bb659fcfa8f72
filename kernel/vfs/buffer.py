# SPDX-License-Identifier: BSD-2-Clause
"""The buffer cache of a volume: metadata blocks, each read once, checked once, bounded in bytes.

File data does not come here; the kernel reads it by runs (`kernel.vfs.volume`, `map`).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.dev.block import BlockDevice


class BufferCache:
    """Pieces of a device by byte offset, least recently used first out.

    A piece is whatever its driver reads in one go - a block, or a run of an inode table - and always asked for with the
    same offset and length.  `check` sees it once, when it comes in, and raises to keep it out.  What is cached may be
    the bytes or what `check` made of them (a decoded form): any non-None result of `check` is kept in their place.
    """

    def __init__(self, device: BlockDevice, limit: int) -> None:
        """A cache that holds at most `limit` bytes (always at least one piece)."""
        self.device = device
        self.limit = limit
        self.used = 0
        self._pieces: dict[int, object] = {}
        self._lengths: dict[int, int] = {}

    def read(self, offset: int, length: int, check: Callable[[int, bytes], object] | None = None) -> object:
        """The piece at `offset`; ``check(offset, data)`` is called if it was not here."""
        pieces = self._pieces
        piece = pieces.pop(offset, None)
        if piece is None:
            data = self.device.read(offset, length)
            piece = data
            if check is not None:
                made = check(offset, data)
                if made is not None:
                    piece = made
            self._admit(offset, length)
        pieces[offset] = piece
        return piece

    def _admit(self, offset: int, length: int) -> None:
        """Make room; two lwps may have read the same piece at the same time."""
        self.used += length - self._lengths.get(offset, 0)
        self._lengths[offset] = length
        while self.used > self.limit and self._pieces:
            oldest = next(iter(self._pieces))
            if oldest != offset:
                self.used -= self._lengths.pop(oldest)
            del self._pieces[oldest]

    def drop(self, offset: int) -> None:
        """Forget the piece at `offset`: what is on the device is out of date, or will be."""
        if self._pieces.pop(offset, None) is not None:
            self.used -= self._lengths.pop(offset, 0)

    def forget(self) -> None:
        """Drop everything."""
        self._pieces.clear()
        self._lengths.clear()
        self.used = 0
