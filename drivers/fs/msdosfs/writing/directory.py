# SPDX-License-Identifier: BSD-2-Clause
"""Directories whose entries come and go.

A directory is read from the blocks as they are now whenever it is listed.  What is kept of it is an index: which names
there are, in which slots, and which slots are free.
"""

from __future__ import annotations

from bisect import bisect_right

from rump.drivers.fs.fat.chains import Kept
from rump.drivers.fs.fat.revision import Revision
from rump.drivers.fs.fat.stages import NAMES
from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.lookup import Directory, checksum, name_key, scan, short_name
from rump.drivers.fs.msdosfs.writing.entries import cluster_of
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.fat.places import Places
    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.drivers.fs.msdosfs.writing.state import State
    from rump.kernel.vfs.volume import Handle

    Slots: TypeAlias = tuple[int, int]      # first slot of a file, slot of its short entry

ROOT = 1
SLOTS_MAX = disk.DIRECTORY_MAX // disk.ENTRY_SIZE
SLOTS_KEPT = 1 << 17        # of all directories whose index is kept
FREE = bytes([disk.NAME_FREE])


class LiveDirectory(Directory):
    """A directory of a volume that is written to.

    number   its fileid
    start    its first cluster, 0: it is the root directory of a FAT12 or FAT16, which cannot grow
    slots    how many there are
    index    key of a name (`lookup.name_key`) -> where the file is
    end      the first slot that was never used
    gaps     first free slot -> how many there are; all before `end`
    seen     `Entries.changes` when `data` was read
    """

    __slots__ = ("_ends", "_places", "end", "gap_max", "gaps", "index", "number", "seen", "slots", "start")

    def __init__(self, number: int, start: int, spans: list[tuple[int, int]], slots: int, places: Places) -> None:
        super().__init__(b"", spans)
        self.number = number
        self.start = start
        self.slots = slots
        self.seen = -1
        self.index: dict[bytes, Slots] = {}
        self.gaps: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self.gap_max = SLOTS_MAX
        self.end = 0
        self._places = places

    def place(self, slot: int) -> int:
        """Where a slot is on the volume."""
        spans = self.spans
        return slot + (spans[0] if len(spans) == 1 else spans[bisect_right(spans, (slot, 1 << 64)) - 1])[1]

    def fileids(self, slots: list[int]) -> list[int]:
        found = super().fileids(slots)
        if self._places.plain:
            return found
        number = self._places.number
        return [number(place) for place in found]

    def add(self, keys: tuple[bytes, bytes], slots: Slots) -> None:
        """A file has come, with a name and a short name of these keys."""
        self.index[keys[0]] = slots
        self.index.setdefault(keys[1], slots)

    # ---- what is free ----------------------------------------------------------------------------------------------

    def gap(self, need: int) -> int:
        """The first of so many free slots before `end`, -1 if there are none."""
        if need <= self.gap_max:
            for start, count in self.gaps.items():
                if count >= need:
                    return start
            self.gap_max = need - 1
        return -1

    def take(self, slot: int, count: int) -> None:
        """Slots of a gap, from its first on, or at the end, are used."""
        if slot >= self.end:
            self.end = slot + count
            return
        left = self._remove_gap(slot) - count
        if left:
            self._add_gap(slot + count, left)

    def free(self, slot: int, count: int) -> None:
        """Slots are free."""
        before = self._ends.get(slot)
        if before is not None:
            count += self._remove_gap(before)
            slot = before
        if slot + count in self.gaps:
            count += self._remove_gap(slot + count)
        self._add_gap(slot, count)
        self.gap_max = max(self.gap_max, count)

    def _add_gap(self, slot: int, count: int) -> None:
        self.gaps[slot] = count
        self._ends[slot + count] = slot

    def _remove_gap(self, slot: int) -> int:
        count = self.gaps.pop(slot)
        del self._ends[slot + count]
        return count


class Directories:
    """The directories of a volume, by their fileids.

    moved    (directory, key of a name) -> True: names that something had before it moved, in the running transaction
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._kept = Kept(SLOTS_KEPT)
        self._revision = Revision(state.store, self._kept.clear)
        self._options = state.options
        self.moved: dict[tuple[int, bytes], bool] = {}
        state.store.committed.append(self._committed)

    def _committed(self) -> None:
        for number, _ in self.moved:
            self._kept.drop(number)         # its slots may be used now
        self.moved.clear()

    # ---- reading -----------------------------------------------------------------------------------------------------

    def open(self, file: Handle) -> LiveDirectory:
        """A directory.  Errors: ENOTDIR, ESTALE, EIO."""
        self._revision.check()
        found: LiveDirectory | None = self._kept.get(file[0])
        if found is None:
            found = self._read(file)
            self._kept.put(file[0], found, found.slots)
        return found

    def listed(self, file: Handle) -> LiveDirectory:
        """A directory with its bytes."""
        found = self.open(file)
        if found.seen != self._state.entries.changes:
            found.data, found.seen = self._bytes(found), self._state.entries.changes
        return found

    def forget(self, number: int) -> None:
        """Keep no index of a directory."""
        self._revision.advance()
        self._kept.drop(number)

    def _read(self, file: Handle) -> LiveDirectory:
        state = self._state
        geometry = state.geometry
        places = state.places
        if file[0] == ROOT and geometry.root_size:
            delta = geometry.root_offset // disk.ENTRY_SIZE
            found = LiveDirectory(ROOT, 0, [(0, delta)], geometry.root_size // disk.ENTRY_SIZE, places)
        else:
            start = geometry.root_cluster
            if file[0] != ROOT:
                _, fields = state.entries.load(file)
                if not fields[1] & disk.ATTR_DIRECTORY:
                    raise fault(e.ENOTDIR)
                start = cluster_of(fields)
            found = self._spans(file[0], start)
        found.data, found.seen = self._bytes(found), state.entries.changes
        self._fill(found)
        return found

    def _spans(self, number: int, start: int) -> LiveDirectory:
        state, size = self._state, self._state.geometry.cluster_size
        clusters = state.table.length(start, max(1, disk.DIRECTORY_MAX // size))
        per = size // disk.ENTRY_SIZE
        spans = [
            (at * per, state.clusters.place(cluster) // disk.ENTRY_SIZE - at * per)
            for at, cluster, _ in state.table.extents(start, 0, clusters)
        ]
        return LiveDirectory(number, start, spans, clusters * per, state.places)

    def _bytes(self, directory: LiveDirectory) -> bytes:
        parts: list[bytes] = []
        ends = [span[0] for span in directory.spans[1:]] + [directory.slots]
        for (slot, delta), end in zip(directory.spans, ends, strict=True):
            offset, length = (slot + delta) * disk.ENTRY_SIZE, (end - slot) * disk.ENTRY_SIZE
            parts.append(self._state.stages.read_range(offset, length))
        return b"".join(parts)

    def _fill(self, directory: LiveDirectory) -> None:
        """Make the index."""
        data, index, code_page = directory.data, directory.index, self._options.code_page
        shorts: list[tuple[bytes, Slots]] = []
        for name, slot, fields in scan(data, 0, SLOTS_MAX, self._options.long_names, code_page):
            slots = first_slot(data, slot), slot
            key = name_key(name)
            index.setdefault(key, slots)
            short = short_name(fields[0], 0, code_page)
            if short != key:
                shorts.append((name_key(short), slots))
        for key, slots in shorts:
            index.setdefault(key, slots)
        firsts = data[:: disk.ENTRY_SIZE]
        end = firsts.find(b"\0")
        directory.end = end if end >= 0 else directory.slots
        at = firsts.find(FREE, 0, directory.end)
        while at >= 0:
            rest = firsts[at : directory.end]
            count = len(rest) - len(rest.lstrip(FREE))
            directory.free(at, count)
            at = firsts.find(FREE, at + count, directory.end)

    # ---- changing ----------------------------------------------------------------------------------------------------

    def room(self, directory: LiveDirectory, need: int) -> int:
        """The first of so many free slots; the directory may grow.  Errors: ENOSPC."""
        slot = directory.gap(need)
        return slot if slot >= 0 else self.room_at_end(directory, need)

    def room_at_end(self, directory: LiveDirectory, need: int) -> int:
        """As `room`, behind all that is used."""
        missing = directory.end + need - directory.slots
        if missing > 0:
            self._grow(directory, missing)
        return directory.end

    def _grow(self, directory: LiveDirectory, slots: int) -> None:
        state = self._state
        per = state.geometry.cluster_size // disk.ENTRY_SIZE
        count = -(-slots // per)
        if not directory.start or directory.slots + count * per > SLOTS_MAX:
            raise fault(e.ENOSPC, "the directory is full")
        length, tail = state.table.end_of(directory.start)
        held = state.clusters.hold_all(tail + 1, count)
        self._revision.advance()
        state.clusters.claim(held)
        for _, start, got in held:
            state.clusters.zero(start, got)
        state.table.grow(directory.start, tail, length, held)
        for at, start, _ in held:
            slot, last = directory.slots + at * per, directory.spans[-1]
            delta = state.clusters.place(start) // disk.ENTRY_SIZE - slot
            if last[1] != delta:
                directory.spans.append((slot, delta))
        directory.slots += count * per
        directory.seen = -1
        self._kept.put(directory.number, directory, directory.slots)

    def write(self, directory: LiveDirectory, slot: int, data: bytes) -> None:
        """Entries go into free slots: at the start of a gap or at the end."""
        self._revision.advance()
        count = len(data) // disk.ENTRY_SIZE
        follow = slot + count
        at_end = slot >= directory.end
        directory.take(slot, count)
        self._put(directory, slot, data)
        if at_end and follow < directory.slots:
            place = directory.place(follow)
            if self._state.entries.at(place)[0][0] != disk.NAME_END:
                self._state.entries.put(place, b"\0")

    def _put(self, directory: LiveDirectory, slot: int, data: bytes, stage: int = NAMES) -> None:
        """Bytes of entries, in slots that adjoin, wherever these are."""
        starts = [span[0] for span in directory.spans[1:]]
        at = 0
        while at < len(data):
            here = slot + at // disk.ENTRY_SIZE
            number = bisect_right(starts, here)
            most = starts[number] - here if number < len(starts) else SLOTS_MAX
            part = data[at : at + most * disk.ENTRY_SIZE]
            self._state.entries.put(here + directory.spans[number][1], part, stage)
            at += len(part)

    def rewrite(self, directory: LiveDirectory, slots: Slots, data: bytes) -> Slots:
        """A file gets other entries, as many or fewer, that end where its entries end."""
        self._revision.advance()
        first, last = slots
        start = last + 1 - len(data) // disk.ENTRY_SIZE
        self._forget_names(directory, slots)
        if start > first:
            self._erase(directory, first, start - first, NAMES)
            directory.free(first, start - first)
        self._put(directory, start, data)
        return start, last

    def remove(self, directory: LiveDirectory, slots: Slots, stage: int = NAMES) -> None:
        """A file's entries go; later than `NAMES`, their slots are not used before that has been committed."""
        self._revision.advance()
        first, last = slots
        keys = self._forget_names(directory, slots)
        self._erase(directory, first, last + 1 - first, stage)
        if stage == NAMES:
            directory.free(first, last + 1 - first)
        else:
            for key in keys:
                self._state.store.set(self.moved, (directory.number, key), True)

    def _forget_names(self, directory: LiveDirectory, slots: Slots) -> list[bytes]:
        """The names of a file are not there any more."""
        index = directory.index
        last = slots[1]
        data = self._slice(directory, *slots)
        keys = [
            key
            for name, _, fields in scan(data, 0, 1, self._options.long_names, self._options.code_page)
            for key in (name_key(name), name_key(short_name(fields[0], 0, self._options.code_page)))
            if index.get(key, (0, -1))[1] == last
        ]
        for key in keys:
            index.pop(key, None)
        return keys

    def _slice(self, directory: LiveDirectory, first: int, last: int) -> bytes:
        """The entries in slots."""
        stages = self._state.stages
        low, high = directory.place(first), directory.place(last)
        if high - low == last - first:
            return stages.read_short(low * disk.ENTRY_SIZE, (last + 1 - first) * disk.ENTRY_SIZE)
        parts = [directory.place(slot) * disk.ENTRY_SIZE for slot in range(first, last + 1)]
        return b"".join([stages.read_short(part, disk.ENTRY_SIZE) for part in parts])

    def _erase(self, directory: LiveDirectory, slot: int, count: int, stage: int) -> None:
        data = bytearray(self._slice(directory, slot, slot + count - 1))
        data[:: disk.ENTRY_SIZE] = FREE * count
        self._put(directory, slot, bytes(data), stage)

    def first_cluster(self, directory: LiveDirectory) -> int:
        """What ".." of a directory in it says."""
        return 0 if directory.number == ROOT else directory.start

    def fields(self, directory: LiveDirectory, slot: int) -> EntryFields:
        """The fields of the entry in a slot."""
        return self._state.entries.at(directory.place(slot))


def first_slot(data: bytes, slot: int) -> int:
    """Where the pieces of a file's long name begin; `slot` is that of its short entry."""
    size = disk.ENTRY_SIZE
    if not slot or data[slot * size - size + 11] & disk.ATTR_MASK != disk.ATTR_LONG:
        return slot
    total = checksum(data[slot * size : slot * size + 11])
    for number in range(1, min(slot, disk.LONG_MAX) + 1):
        at = (slot - number) * size
        if data[at + 11] & disk.ATTR_MASK != disk.ATTR_LONG or data[at + 13] != total:
            break
        if data[at] == number | disk.LAST_LONG:
            return slot - number
        if data[at] != number:
            break
    return slot
