# SPDX-License-Identifier: BSD-2-Clause
"""The operations of a volume that is written to.  Each is whole or not at all; see `rump.kernel.vfs.transaction`."""

from __future__ import annotations

from rump.drivers.fs.fat.chains import Kept
from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.ops import ROOT, MsdosVolume
from rump.drivers.fs.msdosfs.writing.attributes import changed
from rump.drivers.fs.msdosfs.writing.data import FileData
from rump.drivers.fs.msdosfs.writing.links import Links
from rump.drivers.fs.msdosfs.writing.populate import Populate
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.operation import ChangingVolume, changing, reading
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.drivers.fs.msdosfs.writing.directory import LiveDirectory
    from rump.drivers.fs.msdosfs.writing.marks import Marks
    from rump.drivers.fs.msdosfs.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Handle, Row, Run


class WritableVolume(MsdosVolume, ChangingVolume):
    """A mounted FAT volume that is written to."""

    def __init__(self, state: State, marks: Marks, cache_bytes: int) -> None:
        super().__init__(state.store.device, state.geometry, state.options, cache_bytes)
        self.changes = True
        self.state = state
        self.store = state.store
        self.cache = state.cache
        self.fat = state.table
        self._directories = Kept(0)
        self._marks = marks
        self._links = Links(state)
        self._data = FileData(state)
        self._populate = Populate(state, self._links)

    # ---- the whole volume ----------------------------------------------------------------------------------------

    root = reading(MsdosVolume.root)
    describe = reading(MsdosVolume.describe)

    @reading
    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        """As of any volume; the count is live."""
        size, clusters, free = self.geometry.cluster_size, self.geometry.clusters, self.state.space.count()
        return size, size, clusters, free, free, 0, 0, self.capabilities.name_max

    def _state_flags(self) -> int:
        """The boot sector's byte as it is now."""
        return self.state.stages.read(0)[self.geometry.state_offset] if self.geometry.state_offset else 0

    def unmount(self) -> None:
        store, state = self.store, self.state
        if not store.error:
            # A KeyboardInterrupt may have kept the kernel from saying `inactive`.
            for number in [*state.places.records]:
                self._inactive(number)
            if state.clusters.condemned:
                self._execute()
        store.lock.exclusive()
        try:
            store.checkpoint()
            self._marks.clean()
        finally:
            store.lock.unlock()

    # ---- files ---------------------------------------------------------------------------------------------------

    map = reading(MsdosVolume.map)

    @reading
    def attributes(self, file: Handle) -> Attributes:
        return self._now(file)

    def _now(self, file: Handle) -> Attributes:
        """A file's attributes; of one without a name, too."""
        if file[0] == ROOT:
            return MsdosVolume.root(self)
        return self._told(file[0], self._entry(file))

    def _told(self, number: int, fields: EntryFields) -> Attributes:
        told = self._attributes(number, fields)
        if number in self.state.places.records:
            return (*told[:3], 0, *told[4:])
        return told

    def _entry(self, file: Handle) -> EntryFields:
        return self.state.entries.load(file)[1]

    @changing
    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        if file[0] == ROOT:
            now = self._now(file)
            own = {v.MODE: now[v.MODE] & 0o7777, v.UID: now[v.UID], v.GID: now[v.GID], v.FLAGS: 0}
            if any(value != own.get(field, value) for field, value in changes):
                raise fault(e.EOPNOTSUPP, "the root directory has no attributes of its own, and no times")
            return now
        entries = self.state.entries
        place, fields = entries.load(file)
        new = fields
        for field, value in changes:
            if field == v.SIZE:
                self._data.open(file)
                new = self._data.resized(new, value)
                date, time, _ = self.state.stamp(self.state.now())
                bits = new[1] | disk.ATTR_ARCHIVE
                new = (new[0], bits, *new[2:8], time, date, *new[10:])
        new = changed(self.state, new, changes)
        if new != fields:
            entries.save(file[0], place, new)
        told = self._told(file[0], new)
        self.state.clusters.execute()
        return told

    @changing
    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        return self._data.reserve(file, offset, length)

    @changing
    def commit_write(self, file: Handle, offset: int, length: int) -> Attributes:
        self._data.commit_write(file, offset, length)
        return self._now(file)

    @changing
    def abandon(self, file: Handle) -> None:
        if not self._populate.abandon(file[0]):
            self._data.abandon(file[0])

    @changing
    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        place, fields = self._data.open(file)
        if offset + length > fields[11]:
            fields = self._data.resized(fields, offset + length)
        self._data.save(file[0], place, fields)
        return self._now(file)

    # ---- directories ---------------------------------------------------------------------------------------------

    list = reading(MsdosVolume.list)
    list_attributes = reading(MsdosVolume.list_attributes)

    @reading
    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        found = self.state.directories.open(directory)
        place = found.place(self._links.find(found, name)[1])
        return self._attributes(self.state.places.number(place), self.state.entries.at(place))

    def _directory(self, directory: Handle) -> LiveDirectory:
        return self.state.directories.listed(directory)

    @changing
    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        number, fields = self._links.create(directory, name, mode)
        return self._attributes(number, fields), self._now(directory)

    @changing
    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        number, fields = self._links.unlink(directory, name)
        return self._told(number, fields), self._now(directory)

    @changing
    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        number, fields = self._links.rmdir(directory, name)
        return self._told(number, fields), self._now(directory)

    @changing
    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        number, lost = self._links.rename(from_directory, from_name, to_directory, to_name)
        return (
            self._now((number, 0)), self._now(from_directory), self._now(to_directory),
            self._now((lost, 0)) if lost else None,
        )  # fmt: skip

    @changing
    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        return self._populate.place(directory, sizes)

    @changing
    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        return self._populate.populate(directory, rows), self._now(directory)

    # ---- references ----------------------------------------------------------------------------------------------

    def inactive(self, file: Handle) -> None:
        if file[0] in self.state.places.records:
            self._inactive(file[0])

    @changing
    def _inactive(self, number: int) -> None:
        """Delete a file that has no name."""
        self._links.delete(number)

    @changing
    def _execute(self) -> None:
        """Finish what was interrupted."""
        self.state.clusters.execute()

    def forget(self, file: Handle) -> None:
        self.state.places.forget(file[0])
