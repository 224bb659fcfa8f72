# SPDX-License-Identifier: BSD-2-Clause
"""What is where on a new volume: bitmaps and inode tables of each group, and the blocks that first files take.

Groups come in units that keep their bitmaps and tables together: sixteen with flex_bg, one without.  Units that have
their superblock copies in the same places are alike, so there are only a few to work out, however large the volume.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.newfs.layout import Layout

    Range: TypeAlias = tuple[int, int]


class Used:
    """Ranges (start, end) in order, none touching another."""

    def __init__(self, limit: int) -> None:
        self.ranges: list[Range] = []
        self._limit = limit

    def fit(self, start: int, length: int) -> int | None:
        """The first place from `start` on with `length` free blocks."""
        for low, high in self.ranges:
            if high <= start:
                continue
            if low - start >= length:
                break
            start = high
        return start if start + length <= self._limit else None

    def add(self, start: int, length: int) -> None:
        """Take what is free."""
        at = bisect_left(self.ranges, (start, 0))
        end = start + length
        if at < len(self.ranges) and self.ranges[at][0] == end:
            end = self.ranges.pop(at)[1]
        if at and self.ranges[at - 1][1] == start:
            at -= 1
            start = self.ranges.pop(at)[0]
        self.ranges.insert(at, (start, end))


class Unit:
    """Where the structures of a unit's groups are, counted from the unit's first block.

    rows      (block bitmap, inode bitmap, inode table) of each group
    used      the ranges taken in each group, counted from the group's first block
    touched   groups that hold a neighbour's structures or, with flex_bg, their own: their bitmap must be written
    """

    def __init__(self, layout: Layout, first: int, count: int) -> None:
        self._layout = layout
        self._end = (count - 1) * layout.group_blocks + layout.size(first + count - 1)
        self._map = Used(self._end)
        self._taken: list[Range] = []
        for index in range(count):
            if blocks := layout.super_blocks(first + index):
                self._map.add(index * layout.group_blocks, blocks)
        self.rows = self._flex(count) if layout.unit > 1 else [self._alone(first)]
        self.used = [list(self._cut(index)) for index in range(count)]
        self.touched: set[int] = set()
        for start, end in self._taken if layout.unit > 1 else ():
            self.touched.update(range(start // layout.group_blocks, (end - 1) // layout.group_blocks + 1))

    def _take(self, start: int, length: int, room: int = 0) -> int:
        """Blocks from `start` on where the next `room` are free too, if there are any such."""
        place = self._map.fit(start, max(length, room))
        if place is None:
            place = self._map.fit(start, length)
        if place is None:
            place = self._map.fit(0, length)
        if place is None:
            raise fault(e.ENOSPC, "no room for bitmaps and inode tables")
        self._map.add(place, length)
        self._taken.append((place, place + length))
        return place

    def _flex(self, count: int) -> list[tuple[int, int, int]]:
        """All block bitmaps, then all inode bitmaps, then all tables.  A group alone leaves room for the others."""
        room = count if count > 1 else self._layout.unit
        table = self._layout.table_blocks
        rows: list[tuple[int, int, int]] = []
        for index in range(count):
            if index:
                blocks, inodes, files = rows[-1]
                row = self._take(blocks + 1, 1), self._take(inodes + 1, 1), self._take(files + table, table)
            else:
                blocks = self._take(0, 1, room)
                inodes = self._take(blocks + room, 1, room)
                row = blocks, inodes, self._take(inodes + room, table)
            rows.append(row)
        return rows

    def _alone(self, group: int) -> tuple[int, int, int]:
        """A group by itself; with a stride its bitmaps lie on another disk of the array than its neighbour's."""
        layout, start = self._layout, 0
        if layout.stride:
            start = (self._map.fit(0, 1) or 0) + layout.table_blocks
            start += layout.stride * group % max(self._end - start, 1)
            start = start if start < self._end - 1 else 0
        blocks = self._take(start, 1)
        return blocks, self._take(start, 1), self._take(0, layout.table_blocks)

    def _cut(self, index: int) -> Iterator[Range]:
        """The taken ranges inside a group."""
        low = index * self._layout.group_blocks
        high = low + self._layout.group_blocks
        ranges = self._map.ranges
        mask, done = self._layout.cluster - 1, low
        for at in range(max(bisect_left(ranges, (low, 0)) - 1, 0), len(ranges)):
            start, end = ranges[at]
            if start >= high:
                return
            end = end + mask & ~mask
            if end > done:
                start, done = max(start & ~mask, done), min(end, high)
                yield start - low, done - low


class Space:
    """Which blocks of the volume are taken.  `extra` holds those of files, by group."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.extra: dict[int, list[Range]] = {}
        self._units: dict[tuple[object, ...], Unit] = {}
        self._last: tuple[int, Unit] | None = None

    def unit(self, group: int) -> tuple[int, Unit]:
        """(first group, unit) of the unit that a group is in."""
        layout = self.layout
        first = group - group % layout.unit
        if self._last and self._last[0] == first:
            return self._last
        count = min(layout.unit, layout.groups - first)
        heads = tuple([layout.super_blocks(first + index) for index in range(count)])
        key = heads, layout.size(first + count - 1), first if layout.stride and layout.unit == 1 else 0
        unit = self._units.get(key)
        if unit is None:
            if len(self._units) > 256:
                self._units.clear()
            unit = self._units[key] = Unit(layout, first, count)
        self._last = first, unit
        return self._last

    def row(self, group: int) -> tuple[int, int, int]:
        """The blocks of a group's block bitmap, inode bitmap and inode table."""
        first, unit = self.unit(group)
        start = self.layout.start(first)
        blocks, inodes, table = unit.rows[group - first]
        return start + blocks, start + inodes, start + table

    def used(self, group: int) -> list[Range]:
        """The taken ranges of a group, counted from its first block, in order."""
        first, unit = self.unit(group)
        ranges = unit.used[group - first]
        extra = self.extra.get(group)
        return sorted(ranges + extra) if extra else ranges

    def overhead(self) -> int:
        """How many clusters hold the volume's own structures, apart from files."""
        layout = self.layout
        units = [self.unit(group)[1] for group in range(0, layout.groups, layout.unit)]
        return sum([end - start for unit in units for used in unit.used for start, end in used]) // layout.cluster

    def free(self, group: int) -> int:
        """How many blocks of a group are free."""
        return self.layout.size(group) - sum([end - start for start, end in self.used(group)])

    def is_free(self, block: int) -> bool:
        """Whether a block is nobody's."""
        return next(self._runs(block, block + 1), None) is not None

    def _runs(self, goal: int, end: int) -> Iterator[Range]:
        """Free ranges from `goal` to `end`."""
        layout = self.layout
        for group in range(layout.group_of(goal), layout.groups):
            start = layout.start(group)
            if start >= end:
                return
            at = max(goal, start)
            for low, high in (*self.used(group), (layout.size(group), 0)):
                if start + low > at:
                    yield at, min(start + low, end)
                at = max(at, start + high)

    def take(self, goal: int, count: int) -> list[Range]:
        """The first `count` free blocks from `goal` on, then from the volume's start, as ranges; with bigalloc in
        clusters that are taken as a whole.  Errors: ENOSPC."""
        layout = self.layout
        cluster = layout.cluster
        goal -= goal % cluster
        rest = -count % cluster
        count += rest
        taken: list[Range] = []
        for start, end in chain(self._runs(goal, layout.blocks), self._runs(layout.first_data_block, goal)):
            length = min(count, end - start)
            if length > 0:
                taken.append((start, start + length))
                count -= length
            if not count:
                break
        if count:
            raise fault(e.ENOSPC, f"{count} blocks too few for the first files")
        self._mark(taken)
        taken[-1] = taken[-1][0], taken[-1][1] - rest
        return joined(taken)

    def _mark(self, ranges: Iterable[Range]) -> None:
        layout = self.layout
        for low, high in ranges:
            group = layout.group_of(low)        # free ranges do not go beyond a group
            start = layout.start(group)
            self.extra.setdefault(group, []).append((low - start, high - start))


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges with those that touch made one."""
    result: list[Range] = []
    for low, high in ranges:
        if result and result[-1][1] == low:
            low = result.pop()[0]
        result.append((low, high))
    return result
