# SPDX-License-Identifier: BSD-2-Clause
"""The file allocation table: for every cluster the next one of its file.  Chains come as extents.

A chain is followed in segments of bounded size, each a pure function of the cluster it begins with, so that they can be
cached and thrown away; where the segments of a long file begin is remembered.  Reading a file from one end to the
other looks at each of its clusters once, and memory does not depend on how long or how fragmented it is.
"""

from __future__ import annotations

from bisect import bisect
from itertools import pairwise
from struct import iter_unpack, unpack

from rump.drivers.fs.msdosfs.disk import BAD, FIRST_CLUSTER
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from rump.drivers.fs.msdosfs.mount import Geometry
    from rump.kernel.vfs.buffer import BufferCache

    Extent: TypeAlias = tuple[int, int, int]    # cluster of the file or segment, cluster of the volume, how many

PIECE = 65536               # bytes of the FAT read at once
SEGMENT_EXTENTS = 4096      # a segment ends with its chain, or when it has that many extents
SEGMENT_CLUSTERS = 1 << 20  # or that many clusters
STRETCH = 128               # clusters compared at once
EXTENTS_CACHED = 1 << 16    # in all segments kept
LONG_CHAINS = 64            # chains of more than a segment that are remembered
LITTLE = memoryview(b"\x01\x00").cast("H")[0] == 1


class Kept:
    """The things used last, up to a total cost; at least the last one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.cost = 0
        self._things: dict[int, tuple[Any, int]] = {}

    def get(self, key: int) -> Any:
        """The thing kept under `key`, or None."""
        found = self._things.pop(key, None)
        if found is None:
            return None
        self._things[key] = found
        return found[0]

    def put(self, key: int, thing: object, cost: int) -> None:
        """Keep a thing; others go."""
        things = self._things
        self.cost += cost - things.pop(key, (None, 0))[1]
        things[key] = (thing, cost)
        while self.cost > self.limit and len(things) > 1:
            self.cost -= things.pop(next(iter(things)))[1]


class Segment:
    """A piece of a chain.

    extents   (cluster counted from the segment's start, cluster of the volume, how many)
    length    clusters in all
    next      the cluster the chain goes on with, 0 where it ends
    problem   why it cannot be followed further, or ""
    """

    __slots__ = ("extents", "length", "next", "problem")

    def __init__(self, extents: list[Extent], length: int, next: int, problem: str) -> None:
        self.extents = extents
        self.length = length
        self.next = next
        self.problem = problem


class FatTable:
    """The table, read in pieces, and the chains in it."""

    def __init__(self, cache: BufferCache, geometry: Geometry) -> None:
        self.cache = cache
        self.offset = geometry.fat_offset
        self.bits = geometry.bits
        self.end = geometry.end_cluster
        self.mask = (1 << min(self.bits, 28)) - 1
        self.bytes = -(-self.end * self.bits // 8)
        self.per_piece = self.end if self.bits == 12 else PIECE * 8 // self.bits
        self._segments = Kept(EXTENTS_CACHED)
        self._bookmarks = Kept(LONG_CHAINS)

    # ---- entries -------------------------------------------------------------------------------------------------

    def piece(self, number: int) -> Sequence[int]:
        """A piece of the table as numbers; FAT32's upper four bits are still there."""
        start = number * PIECE
        piece: Any = self.cache.read(self.offset + start, min(PIECE, self.bytes - start), self._decode)
        numbers: Sequence[int] = piece
        return numbers

    def _decode(self, _: int, data: bytes) -> Sequence[int]:
        if self.bits == 12:
            return _unpack12(data)
        if not LITTLE:
            return unpack(f"<{len(data) * 8 // self.bits}{'H' if self.bits == 16 else 'I'}", data)
        return memoryview(data).cast("H") if self.bits == 16 else memoryview(data).cast("I")

    def entry(self, cluster: int) -> int:
        """What the table says of a cluster (or of 0 and 1, which are none)."""
        number, index = divmod(cluster, self.per_piece)
        return self.piece(number)[index] & self.mask

    def count_free(self) -> int:
        """How many clusters are free, by going through the table."""
        free = 0
        for number in range(-(-self.end // self.per_piece)):
            values = list(self.piece(number))[0 if number else FIRST_CLUSTER :]
            free += values.count(0)
            if self.bits == 32 and max(values) > self.mask:
                free += sum(1 for value in values if value and not value & self.mask)
        return free

    # ---- chains --------------------------------------------------------------------------------------------------

    def length(self, start: int, most: int) -> int:
        """How many clusters a chain of at most `most` (and at most a segment) has."""
        segment = self.segment(start)
        if segment.problem:
            raise Corrupt(segment.problem)
        if segment.next or segment.length > most:
            raise Corrupt(f"FAT: the chain from cluster {start} has more than {most} clusters")
        return segment.length

    def extents(self, start: int, first: int, count: int) -> list[Extent]:
        """The clusters [first, first + count) of the file that starts at cluster `start`, or a prefix of them.

        Errors: EIO - the chain does not reach cluster `first`.
        """
        at, cluster = self._bookmark(start, first)
        found: list[Extent] = []
        end = first + count
        while at < end and not (found and len(found) >= SEGMENT_EXTENTS):
            segment = self.segment(cluster)
            inside = max(0, bisect(segment.extents, (first - at, 1 << 32)) - 1)
            for offset, disk, length in segment.extents[inside:]:
                begin, stop = max(at + offset, first), min(at + offset + length, end)
                if begin >= stop:
                    break
                found.append((begin, disk + begin - at - offset, stop - begin))
            at += segment.length
            if at >= end or (found and (segment.problem or not segment.next)):
                break
            if segment.problem or not segment.next:
                why = segment.problem or f"FAT: the chain from cluster {start} ends after {at} clusters"
                raise Corrupt(f"{why}; cluster {first} of the file is wanted")
            cluster = segment.next
            self._note(start, at, cluster)
        return found

    def _bookmark(self, start: int, first: int) -> tuple[int, int]:
        """The last segment known to begin at or before cluster `first` of a file."""
        marks: list[tuple[int, int]] = self._bookmarks.get(start) or []
        for mark in reversed(marks):
            if mark[0] <= first:
                return mark
        return 0, start

    def _note(self, start: int, at: int, cluster: int) -> None:
        """Remember where a segment of a long file begins, and that the chain does not come back to an earlier one."""
        marks: list[tuple[int, int]] = self._bookmarks.get(start) or [(0, start)]
        if marks[-1][0] >= at:
            return
        ordered = sorted((disk, disk + count) for _, disk, count in self.segment(cluster).extents)
        for _, mark in marks:
            before = bisect(ordered, (mark, 1 << 32))
            if before and ordered[before - 1][1] > mark:
                raise Corrupt(f"FAT: the chain from cluster {start} comes back to cluster {mark}")
        marks.append((at, cluster))
        self._bookmarks.put(start, marks, 1)

    def segment(self, cluster: int) -> Segment:
        """The segment that begins at a cluster."""
        found: Segment | None = self._segments.get(cluster)
        if found is None:
            found = self._walk(cluster)
            self._segments.put(cluster, found, len(found.extents) + 4)
        return found

    def _walk(self, cluster: int) -> Segment:
        extents: list[Extent] = []
        at, from_cluster = 0, "a directory entry"
        while len(extents) < SEGMENT_EXTENTS and at < SEGMENT_CLUSTERS:
            if not FIRST_CLUSTER <= cluster < self.end:
                return Segment(extents, at, 0, f"FAT: cluster {cluster} of {self.end}, from {from_cluster}")
            count, value = self._extent(cluster, SEGMENT_CLUSTERS - at)
            extents.append((at, cluster, count))
            at += count
            if value > self.mask - 15 + BAD:
                cluster = 0
                break
            from_cluster = f"cluster {cluster + count - 1}"
            cluster = value
        if _overlap(extents):
            return Segment([], 0, 0, f"FAT: the chain through cluster {extents[0][1]} runs in a circle")
        return Segment(extents, at, cluster, "")

    def _extent(self, first: int, most: int) -> tuple[int, int]:
        """How many clusters follow each other from `first` - not many more than `most` - and what the table says of
        the last one."""
        cluster, mask = first, self.mask
        while cluster < self.end:
            number, index = divmod(cluster, self.per_piece)
            piece = self.piece(number)
            size = len(piece)
            while index < size and cluster - first < most:
                step = index + STRETCH
                if step <= size and piece[step - 1] == cluster + STRETCH:
                    stretch = piece[index:step]
                    if list(stretch) == list(range(cluster + 1, cluster + STRETCH + 1)):
                        index, cluster = step, cluster + STRETCH
                        continue
                value = piece[index] & mask
                if value != cluster + 1:
                    return cluster - first + 1, value
                cluster, index = value, index + 1
            if cluster - first >= most:
                break
        return cluster - first, cluster


def _unpack12(data: bytes) -> list[int]:
    """FAT12: two entries in three bytes.  Where the bytes end in the middle of an entry, it is dropped."""
    entries: list[int] = []
    for low, middle, high in iter_unpack("<BBB", data + bytes(-len(data) % 3)):
        entries += (low | (middle & 15) << 8, middle >> 4 | high << 4)
    return entries[: len(data) * 2 // 3]


def _overlap(extents: list[Extent]) -> bool:
    """Whether two extents share a cluster."""
    if len(extents) < 2:
        return False
    ordered = sorted((disk, count) for _, disk, count in extents)
    return any(a[0] + a[1] > b[0] for a, b in pairwise(ordered))
