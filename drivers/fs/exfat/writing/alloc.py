# SPDX-License-Identifier: BSD-2-Clause
"""Clusters given out and taken back: in memory by runs, on the medium in the bitmap.

Bits are set before anything leads to the clusters, and cleared when nothing does any more.
"""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.fat.space import FreeMap
from rump.drivers.fs.fat.stages import NEW, RELEASE
from rump.kernel.errors import Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from rump.drivers.fs.exfat.bitmap import Bitmap
    from rump.drivers.fs.exfat.writing.state import State
    from rump.kernel.vfs.transaction import Store

    Piece: TypeAlias = tuple[int, int]      # first cluster, how many

ZEROS = bytes(1 << 16)


class Allocator:
    """The clusters of a volume."""

    def __init__(self, state: State, bitmap: Bitmap) -> None:
        self._state = state
        self._bitmap = bitmap
        store: Store = state.store
        self.map = FreeMap(store, state.geometry.end_cluster, self._load, bitmap.count_free)
        store.waiting = self.map.waiting

    def _load(self, start: int, count: int) -> bytearray:
        """See `FreeMap`.  Clusters 0 and 1 are none, and in use."""
        none = max(0, disk.FIRST_CLUSTER - start)
        return bytearray(b"\1" * none) + self._bitmap.load(start + none, count - none)

    def reserve(self, goal: int, count: int, *, partial: bool = False) -> list[Piece]:
        """Hold so many clusters, from `goal` on if they are free; with `partial`, as many as there are, but one.

        Errors: ENOSPC; nothing is held then.
        """
        pieces: list[Piece] = []
        while count:
            try:
                start, got = self.map.reserve(goal, count)
            except Fault as error:
                if error.errno != e.ENOSPC or (partial and pieces):
                    break
                self.unreserve(pieces)
                raise
            if pieces and pieces[-1][0] + pieces[-1][1] == start:
                pieces[-1] = (pieces[-1][0], pieces[-1][1] + got)
            else:
                pieces.append((start, got))
            goal, count = start + got, count - got
        if not pieces:
            raise fault(e.ENOSPC)
        return pieces

    def unreserve(self, pieces: Iterable[Piece]) -> None:
        """Nothing comes of clusters that were held."""
        for start, count in pieces:
            self.map.unreserve(start, count)

    def claim(self, pieces: Iterable[Piece]) -> None:
        """Clusters that were held are in use."""
        for start, count in pieces:
            self.map.claim(start, count)
            self._mark(start, count, True)

    def release(self, start: int, count: int) -> None:
        """Clusters are in use no more, once that has been committed."""
        self.map.release(start, count)
        self._mark(start, count, False)

    def _mark(self, start: int, count: int, used: bool) -> None:
        """Set or clear bits."""
        stages = self._state.stages
        shift = stages.shift
        unit = disk.BITMAP_UNIT
        first = start - disk.FIRST_CLUSTER
        low, high = first // unit, -(-(first + count) // unit)
        for at, place, length in self._bitmap.parts(low, high - low):
            block = place >> shift
            while length > 0:
                within = place - (block << shift)
                size = min(length, (1 << shift) - within)
                # Bit numbers within the block of what there is to mark.
                base = (at - within) * unit
                begin, end = max(first - base, within * unit), min(first + count - base, (within + size) * unit)
                self._mark_block(block, begin, end, used)
                at, place, length, block = at + size, place + size, length - size, block + 1

    def _mark_block(self, block: int, begin: int, end: int, used: bool) -> None:
        """Bits of one block."""
        mask = (1 << end) - (1 << begin)
        size = 1 << self._state.stages.shift

        def change(old: bytes) -> bytes:
            bits = int.from_bytes(old, "little")
            return (bits | mask if used else bits & ~mask).to_bytes(size, "little")

        self._state.stages.edit(block, change, NEW if used else RELEASE)

    def clear(self, pieces: Iterable[Piece]) -> None:
        """Zeros on clusters that nothing leads to yet: at once, and past the transaction."""
        state = self._state
        size, device, shift = state.geometry.cluster_size, state.store.device, state.stages.shift
        for start, count in pieces:
            place = state.geometry.place(start)
            for at in range(place, place + count * size, len(ZEROS)):
                device.write(at, ZEROS[: place + count * size - at])
            drop = state.volume.cache.drop
            for block in range(place >> shift, place + count * size >> shift):
                drop(block << shift)
