# SPDX-License-Identifier: BSD-2-Clause
"""The bitmap of clusters in use: where it is, and what it says; in pieces, for it may be large."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rump.drivers.fs.exfat.bmap import Maps
    from rump.drivers.fs.exfat.special import Special

PIECE = 1 << 20             # bytes counted at once
_BYTES = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


class Bitmap:
    """The bitmap that goes with the FAT in use."""

    def __init__(self, special: Special, maps: Maps, read: Callable[[int, int], bytes]) -> None:
        """`read` gives bytes of the device, in one piece.  Errors: EIO - there is none, or it is too short."""
        geometry = maps.geometry
        entry = special.bitmaps[geometry.second]
        self.length = -(-geometry.clusters // disk.BITMAP_UNIT)
        if entry is None:
            raise Corrupt("root directory: no allocation bitmap")
        if entry.length < self.length:
            raise Corrupt(f"allocation bitmap: {entry.length} bytes for {geometry.clusters} clusters")
        space = maps.space(disk.SPACE_POSSIBLE, entry.first_cluster, self.length, "allocation bitmap")
        self.clusters = geometry.clusters
        self._read = read
        self._size = geometry.cluster_size
        self._spans = [
            (at * self._size, geometry.place(cluster), count * self._size)
            for at, cluster, count in maps.all_extents(space)
        ]

    def parts(self, start: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Where bytes of the bitmap are: (byte of the bitmap, device offset, how many)."""
        end = min(start + count, self.length)
        for at, place, length in self._spans:
            begin, stop = max(start, at), min(end, at + length)
            if begin < stop:
                yield begin, place + begin - at, stop - begin

    def bytes(self, start: int, count: int) -> bytes:
        """Bytes of the bitmap.  Errors: EIO."""
        return b"".join([self._read(place, length) for _, place, length in self.parts(start, count)])

    def load(self, cluster: int, count: int) -> bytearray:
        """A byte for each of so many clusters from one on: 0 is free.  Errors: EIO."""
        first = cluster - disk.FIRST_CLUSTER
        start = first // disk.BITMAP_UNIT
        data = self.bytes(start, -(-(first + count) // disk.BITMAP_UNIT) - start)
        table = _BYTES
        skip = first - start * disk.BITMAP_UNIT
        return bytearray(b"".join([table[byte] for byte in data])[skip : skip + count])

    def count_free(self) -> int:
        """How many clusters are free, by going through it.  Errors: EIO."""
        used = 0
        for start in range(0, self.length, PIECE):
            data = self.bytes(start, PIECE)
            if start + len(data) == self.length and self.clusters % disk.BITMAP_UNIT:
                data = data[:-1] + bytes([data[-1] & (1 << self.clusters % disk.BITMAP_UNIT) - 1])
            used += int.from_bytes(data, "little").bit_count()
        return self.clusters - used
