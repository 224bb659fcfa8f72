# SPDX-License-Identifier: BSD-2-Clause
"""Chains of clusters that change."""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.fat.chains import SEGMENT_CLUSTERS, SEGMENT_EXTENTS, Chains, Segment, entries
from rump.drivers.fs.fat.revision import Revision
from rump.drivers.fs.fat.stages import CUT, LINK, NEW, RELEASE
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from rump.drivers.fs.fat.chains import Extent
    from rump.drivers.fs.fat.stages import Stages
    from rump.kernel.vfs.buffer import BufferCache


class WritableChains(Chains):
    """A table as the running transaction has it; its pieces are blocks, and it begins with one."""

    def __init__(self, stages: Stages, cache: BufferCache, offset: int, bits: int, end: int, mask: int) -> None:
        super().__init__(cache, offset, bits, end, mask)
        self.stages = stages
        self._size = size = 1 << stages.shift
        self._first = offset >> stages.shift
        if bits != 12:
            self.per_piece = size * 8 // bits
        self._revision = Revision(stages.store, super().clear)

    # ---- reading -------------------------------------------------------------------------------------------------

    def piece(self, number: int) -> Sequence[int]:
        if self.bits == 12:
            packed: Any = Packed12(self.stages.read_range(self.offset, self.bytes))
            numbers: Sequence[int] = packed
            return numbers
        data = self.stages.read(self._first + number)
        start = number * self._size
        return entries(data if start + self._size <= self.bytes else data[: self.bytes - start], self.bits)

    def segment(self, cluster: int) -> Segment:
        self._revision.check()
        return super().segment(cluster)

    def extents(self, start: int, first: int, count: int) -> list[Extent]:
        self._revision.check()
        return super().extents(start, first, count)

    def end_of(self, start: int) -> tuple[int, int]:
        """How many clusters a chain has, and the last of them.  Errors: EIO - it cannot be followed."""
        self._revision.check()
        marks: list[tuple[int, int]] = self._bookmarks.get(start) or [(0, start)]
        at, cluster = marks[-1]
        while True:
            segment = self.segment(cluster)
            if segment.problem:
                raise Corrupt(segment.problem)
            at += segment.length
            if not segment.next:
                _, disk, count = segment.extents[-1]
                return at, disk + count - 1
            cluster = segment.next
            self._note(start, at, cluster)

    def load(self, start: int, count: int) -> bytearray:
        """Which of the clusters from `start` on are in use: a byte for each, 0 for those that are free."""
        first, last = start * self.bits // 8, min(self.bytes, -(-(start + count) * self.bits // 8))
        first -= first % 3 if self.bits == 12 else 0
        data = self.stages.read_range(self.offset + first, last - first)
        if data.count(0) == len(data):
            return bytearray(count)
        values = entries(data, self.bits)
        if self.bits == 32 and max(values) > self.mask:
            values = [value & self.mask for value in values]
        skip = start - first * 8 // self.bits
        return bytearray(map(bool, values[skip : skip + count]))

    # ---- changing ------------------------------------------------------------------------------------------------

    def set_run(self, start: int, count: int, following: int, stage: int = NEW) -> None:
        """Clusters follow one another; the last goes on with `following`, 0: it ends the chain."""
        self._set(start, [*range(start + 1, start + count), following or self.mask], stage)

    def renew(self) -> None:
        """Chains that there were are no more: what is known of them is out of date."""
        self._revision.advance()
        super().clear()

    def fill(self, start: int, values: list[int]) -> None:
        """What the table says of clusters from `start` on that were free: the next of each, or `mask`."""
        self._set(start, values, NEW)

    def free_run(self, start: int, count: int) -> None:
        """Clusters are free."""
        self._revision.advance()
        super().clear()
        self._set(start, [0] * count, RELEASE)

    def cut(self, cluster: int) -> None:
        """A cluster is its chain's last."""
        self._revision.advance()
        super().clear()
        self._set(cluster, [self.mask], CUT)

    def chain(self, extents: list[Extent]) -> None:
        """Clusters that were free become a chain."""
        following = 0
        for _, disk, count in reversed(extents):
            self.set_run(disk, count, following)
            following = disk

    def grow(self, start: int, tail: int, length: int, extents: list[Extent]) -> None:
        """A chain of `length` clusters, which `tail` is the last of, goes on with clusters that were free."""
        self._revision.advance()
        self.chain(extents)
        self._set(tail, [extents[0][1]], LINK)
        marks: list[tuple[int, int]] = self._bookmarks.get(start) or [(0, start)]
        at, cluster = marks[-1]
        known: Segment | None = self._segments.get(cluster)
        if known is None:
            return
        more = sum([count for _, _, count in extents])
        fits = len(known.extents) + len(extents) <= SEGMENT_EXTENTS and known.length + more <= SEGMENT_CLUSTERS
        if known.next or known.problem or at + known.length != length or not fits:
            self._segments.drop(cluster)
            return
        joined = [*known.extents]
        end = known.length
        for _, disk, count in extents:
            before = joined[-1]
            if before[1] + before[2] == disk:
                joined[-1] = (before[0], before[1], before[2] + count)
            else:
                joined.append((end, disk, count))
            end += count
        self._segments.put(cluster, Segment(joined, end, 0, ""), len(joined) + 4)

    def note(self, value: int, stage: int) -> None:
        """Entry 1, which is of no cluster, is `value`."""
        self._set(1, [value], stage)

    def mirror(self, offsets: list[int]) -> None:
        """What has changed of the table is to change in its copies, which begin at these device offsets.

        To be called when a commit is near.
        """
        stages = self.stages
        first, last = self._first, self.offset + self.bytes - 1 >> stages.shift
        changed = [block for block in stages.store.running if first <= block <= last] if offsets else []
        for offset in offsets:
            delta = (offset >> stages.shift) - first
            for block in changed:
                stages.copy(block, block + delta)

    def _set(self, start: int, values: list[int], stage: int) -> None:
        """Entries from `start` on; what lies outside the mask stays."""
        if self.bits == 12:
            self._set12(start, values, stage)
            return
        per_block, width = self.per_piece, self.bits // 8
        code = "H" if self.bits == 16 else "I"
        done = 0
        while done < len(values):
            number, index = divmod(start + done, per_block)
            count = min(len(values) - done, per_block - index)
            block, at = self._first + number, index * width
            part = values[done : done + count]
            data = pack(f"<{count}{code}", *part)
            if self.mask == 0x0FFFFFFF and max(self.stages.read(block)[at + 3 : at + count * 4 : 4]) > 15:
                old = entries(self.stages.read(block)[at : at + count * 4], 32)
                kept = [value | was & 0xF0000000 for value, was in zip(part, old, strict=True)]
                data = pack(f"<{count}I", *kept)
            self.stages.patch(block, at, data, stage)
            done += count

    def _set12(self, start: int, values: list[int], stage: int) -> None:
        """FAT12: a byte may be of two entries that change in different stages, so that only bits are changed."""
        number = mask = 0
        for value in reversed(values):
            number, mask = number << 12 | value, mask << 12 | 0xFFF
        size = self._size
        first, last = start * 12 // 8 // size, (start + len(values)) * 12 - 1 >> 3
        for index in range(first, last // size + 1):
            shift = start * 12 - index * size * 8
            whole = (1 << size * 8) - 1
            bits = (number << shift if shift > 0 else number >> -shift) & whole
            cover = (mask << shift if shift > 0 else mask >> -shift) & whole

            def change(old: bytes, bits: int = bits, cover: int = cover) -> bytes:
                return (int.from_bytes(old, "little") & ~cover | bits).to_bytes(size, "little")

            self.stages.edit(self._first + index, change, stage)


class Packed12:
    """The entries of a FAT12, decoded when they are asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data) * 2 // 3

    def __iter__(self) -> Iterator[int]:
        return iter(entries(self._data, 12))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        at = index * 3 >> 1
        pair = self._data[at] | self._data[at + 1] << 8
        return pair >> 4 if index & 1 else pair & 0xFFF
