# SPDX-License-Identifier: BSD-2-Clause
"""Directories that change: sets come, change and go; directories grow.

A set that fits into a sector never lies across two: the medium has it whole or not at all.  (A longer one never lies
across three, which others' checkers do not expect.)  Room that is left over is filled with entries that are not in
use.  Room from which a file moved away is used again after the commit.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat import lookup as names
from rump.drivers.fs.exfat.disk import ENTRY_SIZE
from rump.drivers.fs.exfat.lookup import Directory
from rump.drivers.fs.exfat.writing.record import Record, unused
from rump.drivers.fs.fat.chains import Kept
from rump.drivers.fs.fat.revision import Revision
from rump.drivers.fs.fat.stages import CUT, LINK, NAMES
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from rump.drivers.fs.exfat.bmap import Space
    from rump.drivers.fs.exfat.writing.state import State

    Spans: TypeAlias = list[tuple[int, int]]
    Run: TypeAlias = tuple[int, int]        # slot, how many

FILLER = bytes([disk.TYPE_NAME & ~disk.TYPE_IN_USE]).ljust(ENTRY_SIZE, b"\0")
"""An entry that is not in use: a piece of a name, so that nobody takes it for a file that was deleted."""
CLUSTERS_MAX = 1 << 16      # of cached directories, remembered
SET_MIN = 3                 # entries of the shortest set
HOLES_TRIED = 256           # for one set
WEIGHT = 4                  # as `ops.WEIGHT`
_IN_USE = bytes([1 if kind & disk.TYPE_IN_USE else 0 for kind in range(256)])


class WritableDirectory(Directory):
    """A directory while it changes.

    start     its first cluster
    end       the slot of the end marker, or behind the last
    holes     runs of slots before the end that are not in use and may hold a set, by slot
    waiting   those that may be used again after the commit; `commits`: how many there had been when they came
    left      hash and length of names that files have moved away from since then: they may be on the medium still
    """

    __slots__ = ("commits", "end", "holes", "left", "start", "waiting")

    data: bytearray

    def __init__(self, data: bytes, size: int, spans: Spans) -> None:
        super().__init__(bytearray(data), size, spans)
        self.start = 0
        types = bytes(data[::ENTRY_SIZE])
        end = types.find(disk.TYPE_END)
        self.end = len(types) if end < 0 else end
        self.holes = _holes(types[: self.end].translate(_IN_USE))
        self.waiting: list[Run] = []
        self.left: dict[int, None] = {}
        self.commits = 0

    def parts(self, slot: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Where slots are: (byte of the directory, device offset, how many bytes)."""
        spans = self.spans
        number = 0 if len(spans) == 1 else bisect_left(spans, (slot + 1,)) - 1
        while count:
            behind = spans[number + 1][0] if number + 1 < len(spans) else slot + count
            size = min(count, behind - slot)
            yield slot * ENTRY_SIZE, (slot + spans[number][1]) * ENTRY_SIZE, size * ENTRY_SIZE
            slot, count, number = slot + size, count - size, number + 1

    def free(self, slot: int, count: int) -> None:
        """So many slots from one on are not in use."""
        if count >= SET_MIN:
            insort(self.holes, (slot, count))

    def count(self, slot: int) -> int:
        """How many entries the set in a slot has."""
        return self.data[slot * ENTRY_SIZE + 1] + 1

    def key(self, slot: int) -> int:
        """What the set in a slot is found under."""
        at = slot * ENTRY_SIZE
        return self.data[at + 36] | self.data[at + 37] << 8 | self.data[at + 35] << 16

    def enter(self, slot: int) -> None:
        """There is a new set in a slot."""
        if self.slots and slot < self.slots[-1]:
            insort(self.slots, slot)
        else:
            self.slots.append(slot)
        if self._index is not None:
            names.add(self._index, self.key(slot), slot)

    def leave(self, slot: int) -> None:
        """The set in a slot goes."""
        del self.slots[bisect_left(self.slots, slot)]
        if self._index is not None:
            names.remove(self._index, self.key(slot), slot)


class Directories:
    """The directories of a volume, and the sets in them."""

    def __init__(self, state: State, cache_bytes: int) -> None:
        self._state = state
        self._kept = Kept(cache_bytes)
        self._clusters: dict[int, tuple[int, int]] = {}     # cluster -> (its directory's first, slot it begins with)
        self._revision = Revision(state.store, self._clear)
        self._per_sector = state.geometry.sector_size // ENTRY_SIZE

    def _clear(self) -> None:
        self._kept.clear()
        self._clusters.clear()

    # ---- reading -------------------------------------------------------------------------------------------------

    def open(self, space: Space) -> WritableDirectory:
        """A directory by its clusters."""
        self._revision.check()
        found: WritableDirectory | None = self._kept.get(space.first)
        if found is None:
            made = self._state.volume._read_directory(space)
            assert isinstance(made, WritableDirectory)
            found = made
            found.start = space.first
            self._keep(found)
        return found

    def _keep(self, directory: WritableDirectory) -> None:
        if not directory.start:
            return
        if len(self._clusters) > CLUSTERS_MAX:
            self._clear()
        self._kept.put(directory.start, directory, len(directory.data) * WEIGHT)
        self._note_clusters(directory, 0)

    def _note_clusters(self, directory: WritableDirectory, from_slot: int) -> None:
        geometry = self._state.geometry
        size = geometry.cluster_size
        for at, place, length in directory.parts(from_slot, directory.size // ENTRY_SIZE - from_slot):
            cluster = (place - geometry.heap_offset) // size + disk.FIRST_CLUSTER
            for number in range(length // size):
                self._clusters[cluster + number] = directory.start, (at + number * size) // ENTRY_SIZE

    def drop(self, first: int) -> None:
        """A directory is gone."""
        self._revision.advance()
        self._kept.drop(first)

    # ---- sets ----------------------------------------------------------------------------------------------------

    def save(self, record: Record) -> None:
        """A file's set has changed."""
        state = self._state
        data = record.seal()
        state.volume.trust(data)
        if not record.parts:
            state.store.set(state.places.records, record.number, data)
            return
        self._revision.advance()
        at = 0
        for place, length in record.parts:
            state.stages.write(place, data[at : at + length], NAMES)
            self._mirror(place, data[at : at + length])
            at += length

    def _mirror(self, place: int, data: bytes) -> None:
        """Bytes of some directory have changed: it is to know, if it is here."""
        geometry = self._state.geometry
        cluster, within = divmod(place - geometry.heap_offset, geometry.cluster_size)
        owner = self._clusters.get(cluster + disk.FIRST_CLUSTER)
        directory: WritableDirectory | None = self._kept.get(owner[0]) if owner is not None else None
        if owner is not None and directory is not None:
            at = owner[1] * ENTRY_SIZE + within
            directory.data[at : at + len(data)] = data

    def replace(self, directory: WritableDirectory, slot: int, data: bytes) -> None:
        """Another set in the place of one that has as many entries, or more."""
        self._revision.advance()
        before = directory.count(slot)
        more = before - len(data) // ENTRY_SIZE
        directory.leave(slot)
        directory.problems.pop(slot, None)
        rest = unused(bytes(directory.data[slot * ENTRY_SIZE + len(data) : (slot + before) * ENTRY_SIZE]))
        self._write(directory, slot, data + rest, NAMES)
        directory.enter(slot)
        directory.free(slot + before - more, more)

    def insert(self, directory: WritableDirectory, slot: int, data: bytes, slots: list[int]) -> None:
        """New sets at a slot that `room` has given; where each begins."""
        self._revision.advance()
        count = len(data) // ENTRY_SIZE
        end = slot + count
        if slot < directory.end:
            self._take_hole(directory, slot, count)
        else:
            gap = slot - directory.end
            directory.free(directory.end, gap)
            data, slot = FILLER * gap + data, directory.end
            directory.end = end
            end_at = end * ENTRY_SIZE
            if len(directory.data) < end_at:
                directory.data += bytes(end_at - len(directory.data))
        self._write(directory, slot, data, NAMES)
        if end == directory.end:
            self._mark_end(directory)
        for each in slots:
            directory.enter(each)

    def _mark_end(self, directory: WritableDirectory) -> None:
        """Behind the last set comes the end marker, whatever was there."""
        end = directory.end
        if end * ENTRY_SIZE >= directory.size:
            return
        if end * ENTRY_SIZE < len(directory.data):
            kind = directory.data[end * ENTRY_SIZE]
        else:
            kind = self._state.volume._small(directory.place(end) * ENTRY_SIZE, 1)[0]
        if kind:
            self._write(directory, end, bytes(ENTRY_SIZE), NAMES)

    def remove(self, directory: WritableDirectory, slot: int, stage: int = LINK) -> None:
        """A set goes: before another of that name comes; in stage CUT, if what it says is elsewhere, when it is there.
        """
        self._revision.advance()
        count, key = directory.count(slot), directory.key(slot)
        at = slot * ENTRY_SIZE
        directory.leave(slot)
        directory.problems.pop(slot, None)
        gone = unused(bytes(directory.data[at : at + count * ENTRY_SIZE]))
        self._write(directory, slot, gone, stage)
        if stage == CUT:
            self._settle(directory)
            directory.waiting.append((slot, count))
            directory.left[key] = None
        else:
            directory.free(slot, count)

    def _settle(self, directory: WritableDirectory) -> None:
        """What waited for a commit that has been made may be used."""
        if directory.commits != self._state.commits:
            for slot, count in directory.waiting:
                directory.free(slot, count)
            directory.waiting.clear()
            directory.left.clear()
            directory.commits = self._state.commits

    def make_way(self, directory: WritableDirectory, keys: Iterable[int]) -> None:
        """New names may come, by hash and length: none may be that of a file that has moved away and is still there on
        the medium.  To be called before anything is changed."""
        self._settle(directory)
        if directory.left and not directory.left.keys().isdisjoint(keys):
            self._state.store.restart()
            self._state.store.commit()

    def _write(self, directory: WritableDirectory, slot: int, data: bytes, stage: int) -> None:
        first = slot * ENTRY_SIZE
        if len(directory.data) < first + len(data):
            directory.data += bytes(first + len(data) - len(directory.data))
        directory.data[first : first + len(data)] = data
        for at, place, length in directory.parts(slot, len(data) // ENTRY_SIZE):
            self._state.stages.write(place, data[at - first : at - first + length], stage)

    # ---- room ----------------------------------------------------------------------------------------------------

    def aligned(self, slot: int, count: int) -> int:
        """The first slot from one on where so many entries lie in as few sectors as can be."""
        per = self._per_sector
        return slot if slot % per + count <= -(-count // per) * per else slot - slot % per + per

    def room(self, owner: Record | None, directory: WritableDirectory, count: int) -> int:
        """A slot for a new set of so many entries, in a directory that `owner` is the record of (None: the root); it
        grows if need be.  Errors: ENOSPC."""
        self._settle(directory)
        for slot, length in directory.holes[:HOLES_TRIED]:
            found = self.aligned(slot, count)
            if found + count <= slot + length:
                return found
        slot = self.aligned(directory.end, count)
        self.grow(owner, directory, slot + count)
        return slot

    def grow(self, owner: Record | None, directory: WritableDirectory, slots: int) -> None:
        """A directory is to have at least so many slots.  Errors: ENOSPC."""
        state = self._state
        size = state.geometry.cluster_size
        more = -(-(slots * ENTRY_SIZE - directory.size) // size)
        if more <= 0:
            return
        if directory.size + more * size > disk.DIRECTORY_MAX:
            raise fault(e.ENOSPC, f"directory of {directory.size} bytes")
        self._revision.advance()
        space = state.volume._root_space() if owner is None else state.volume.space(owner.fields)
        goal = state.data.last_cluster(space) + 1 if space.clusters else 0
        pieces = state.alloc.reserve(goal, more)
        state.alloc.clear(pieces)
        state.alloc.claim(pieces)
        space = state.data.attach(space, pieces)
        old = directory.size // ENTRY_SIZE
        directory.size += more * size
        at = old
        for start, clusters in pieces:
            place = state.geometry.place(start) // ENTRY_SIZE
            if not directory.spans or directory.spans[-1][1] != place - at:
                directory.spans.append((at, place - at))
            at += clusters * size // ENTRY_SIZE
        if owner is not None:
            state.data.put_space(owner, space)
            owner.put(length=directory.size, valid_length=directory.size)
            self.save(owner)
        if not directory.start:
            directory.start = space.first
            self._keep(directory)
        else:
            self._note_clusters(directory, old)

    def _take_hole(self, directory: WritableDirectory, slot: int, count: int) -> None:
        """Slots of a hole are taken."""
        holes = directory.holes
        number = bisect_left(holes, (slot + 1,)) - 1
        start, length = holes[number]
        sides = (start, slot - start), (slot + count, start + length - slot - count)
        holes[number : number + 1] = [side for side in sides if side[1] >= SET_MIN]


def _holes(used: bytes) -> list[Run]:
    """The runs of entries that are not in use."""
    found: list[Run] = []
    start = used.find(b"\0")
    while start >= 0:
        end = used.find(b"\1", start)
        if end < 0:
            end = len(used)
        if end - start >= SET_MIN:
            found.append((start, end - start))
        start = used.find(b"\0", end)
    return found
