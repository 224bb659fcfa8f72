# SPDX-License-Identifier: BSD-2-Clause
"""Directory entries of files, found by the files' numbers."""

from __future__ import annotations

from rump.drivers.fs.fat.places import GONE
from rump.drivers.fs.fat.stages import NAMES, NEW
from rump.drivers.fs.msdosfs import disk
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.drivers.fs.msdosfs.writing.state import State
    from rump.kernel.vfs.volume import Handle

_unpack = disk.Entry.struct.unpack_from
_pack = disk.Entry.struct.pack


class Entries:
    """The entries of a volume.

    changes   a number that is another one whenever an entry has changed; goes back with what is rolled back
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._changes = {0: 0}
        self._count = 0
        geometry = state.geometry
        self._low = geometry.root_offset // disk.ENTRY_SIZE
        self._high = min(geometry.size, state.store.device.size) // disk.ENTRY_SIZE

    @property
    def changes(self) -> int:
        return self._changes[0]

    def changed(self) -> None:
        """An entry is about to change."""
        self._count += 1
        self._state.store.set(self._changes, 0, self._count)

    def load(self, file: Handle) -> tuple[int, EntryFields]:
        """(place, fields) of a file's entry; the place is `GONE` if the file has no name.  Errors: ESTALE."""
        number, generation = file
        places = self._state.places
        record = places.records.get(number)
        if record is not None and not generation:
            return GONE, _unpack(record)
        place = places.place(number)
        if generation or not self._low <= place < self._high:
            raise fault(e.ESTALE)
        fields = self.at(place)
        if fields[0][0] in (disk.NAME_END, disk.NAME_FREE) or fields[1] & disk.ATTR_LABEL:
            raise fault(e.ESTALE)
        return place, fields

    def at(self, place: int) -> EntryFields:
        """The fields of the entry at a place."""
        offset = place * disk.ENTRY_SIZE
        stages = self._state.stages
        fields: EntryFields = _unpack(stages.read(offset >> stages.shift), offset & (1 << stages.shift) - 1)
        return fields

    def save(self, number: int, place: int, fields: EntryFields) -> None:
        """A file's entry changes."""
        raw = _pack(*fields)
        if place == GONE:
            self._state.store.set(self._state.places.records, number, raw)
        else:
            self.put(place, raw)

    def put(self, place: int, data: bytes, stage: int = NAMES) -> None:
        """Change bytes of a directory, in places that adjoin."""
        self.changed()
        stages = self._state.stages
        shift = stages.shift
        offset, at = place * disk.ENTRY_SIZE, 0
        while at < len(data):
            block, within = offset + at >> shift, offset + at & (1 << shift) - 1
            count = min(len(data) - at, (1 << shift) - within)
            stages.patch(block, within, data[at : at + count], self._stage(block, stage))
            at += count

    def _stage(self, block: int, stage: int) -> int:
        """A block of a new directory, which nothing leads to yet, is written with all that is in it."""
        if stage == NAMES and self._state.store.running.get(block) == NEW and block not in self._state.stages.versions:
            return NEW
        return stage


def cluster_of(fields: EntryFields) -> int:
    """A file's first cluster, 0 if it has none."""
    return fields[7] << 16 | fields[10]


def with_cluster(fields: EntryFields, cluster: int, size: int) -> EntryFields:
    """The fields with another first cluster and size."""
    return (*fields[:7], cluster >> 16, *fields[8:10], cluster & 0xFFFF, size)


def encode(fields: EntryFields) -> bytes:
    """An entry as it is on the medium."""
    return _pack(*fields)
