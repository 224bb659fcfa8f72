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

from rump.kernel.errors import Corrupt
from rump.kernel.vfs.kept import Kept as Kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeAlias

    from rump.kernel.vfs.buffer import BufferCache

    Extent: TypeAlias = tuple[int, int, int]    # cluster of the file or segment, cluster of the volume, how many

FIRST_CLUSTER = 2           # what the first one is called; entries 0 and 1 of the table are of none
PIECE = 65536               # bytes of the table read at once
SEGMENT_EXTENTS = 4096      # a segment ends with its chain, or when it has that many extents
SEGMENT_CLUSTERS = 1 << 20  # or that many clusters
STRETCH = 128               # clusters compared at once
EXTENTS_CACHED = 1 << 16    # in all segments kept
LONG_CHAINS = 64            # chains of more than a segment that are remembered
LITTLE = memoryview(b"\x01\x00").cast("H")[0] == 1


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


class Chains:
    """A table, read in pieces, and the chains in it.

    offset   where the table is, in bytes
    bits     of an entry: 12, 16, 32
    end      the first cluster that there is not
    mask     what counts of an entry; the eight highest values within it end a chain, the one below is a bad cluster
    """

    def __init__(self, cache: BufferCache, offset: int, bits: int, end: int, mask: int) -> None:
        self.cache = cache
        self.offset = offset
        self.bits = bits
        self.end = end
        self.mask = mask
        self.bytes = -(-end * bits // 8)
        self.per_piece = end if bits == 12 else PIECE * 8 // bits
        self._segments = Kept(EXTENTS_CACHED)
        self._bookmarks = Kept(LONG_CHAINS)

    # ---- entries -------------------------------------------------------------------------------------------------

    def piece(self, number: int) -> Sequence[int]:
        """A piece of the table as numbers; bits outside the mask are still there."""
        start = number * PIECE
        piece: Any = self.cache.read(self.offset + start, min(PIECE, self.bytes - start), self._decode)
        numbers: Sequence[int] = piece
        return numbers

    def _decode(self, _: int, data: bytes) -> Sequence[int]:
        return entries(data, self.bits)

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

    def clear(self) -> None:
        """Forget what was derived from the table."""
        self._segments.clear()
        self._bookmarks.clear()

    def length(self, start: int, most: int) -> int:
        """How many clusters a chain of at most `most` (and at most a segment) has."""
        segment = self.segment(start)
        if segment.problem:
            raise Corrupt(segment.problem)
        if segment.next or segment.length > most:
            raise Corrupt(f"FAT: the chain from cluster {start} has more than {most} clusters")
        return segment.length

    def adjoin(self, start: int, count: int) -> bool:
        """Whether a few clusters from `start` on follow one another, as far as can be told at a glance."""
        number, index = divmod(start, self.per_piece)
        stop = index + count - 1
        if not FIRST_CLUSTER <= start < self.end or stop > self.per_piece:
            return False
        return count == 1 or [*self.piece(number)[index:stop]] == [*range(start + 1, start + count)]

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
            count, value = self.run(cluster, SEGMENT_CLUSTERS - at)
            extents.append((at, cluster, count))
            at += count
            if value > self.mask - 8:
                cluster = 0
                break
            from_cluster = f"cluster {cluster + count - 1}"
            cluster = value
        if _overlap(extents):
            return Segment([], 0, 0, f"FAT: the chain through cluster {extents[0][1]} runs in a circle")
        return Segment(extents, at, cluster, "")

    def run(self, first: int, most: int) -> tuple[int, int]:
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


def entries(data: bytes, bits: int) -> Sequence[int]:
    """The entries in a part of a table."""
    if bits == 12:
        return _unpack12(data)
    if not LITTLE:
        return unpack(f"<{len(data) * 8 // bits}{'H' if bits == 16 else 'I'}", data)
    return memoryview(data).cast("H") if bits == 16 else memoryview(data).cast("I")


def _unpack12(data: bytes) -> list[int]:
    """FAT12: two entries in three bytes.  Where the bytes end in the middle of an entry, it is dropped."""
    numbers: list[int] = []
    for low, middle, high in iter_unpack("<BBB", data + bytes(-len(data) % 3)):
        numbers += (low | (middle & 15) << 8, middle >> 4 | high << 4)
    return numbers[: len(data) * 2 // 3]


def _overlap(extents: list[Extent]) -> bool:
    """Whether two extents share a cluster."""
    if len(extents) < 2:
        return False
    ordered = sorted((disk, count) for _, disk, count in extents)
    return any(a[0] + a[1] > b[0] for a, b in pairwise(ordered))
