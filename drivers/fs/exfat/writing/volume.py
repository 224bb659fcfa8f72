# SPDX-License-Identifier: BSD-2-Clause
"""The operations of a volume that is written to.  Each is whole or not at all; see `rump.kernel.vfs.transaction`."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat import lookup as names
from rump.drivers.fs.exfat.bmap import FAT_MASK
from rump.drivers.fs.exfat.ops import FLAG_BITS, ROOT, ExfatVolume
from rump.drivers.fs.exfat.times import fields as time_fields
from rump.drivers.fs.exfat.writing.directory import WritableDirectory
from rump.drivers.fs.exfat.writing.links import Links
from rump.drivers.fs.exfat.writing.populate import Populate
from rump.drivers.fs.exfat.writing.record import Record
from rump.drivers.fs.fat.places import GONE
from rump.drivers.fs.fat.table import WritableChains
from rump.kernel.abi import S_IFDIR, S_IFMT
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.operation import ChangingVolume, changing, reading
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.drivers.fs.exfat.lookup import Directory, Fields
    from rump.drivers.fs.exfat.writing.state import State
    from rump.drivers.fs.fat.chains import Chains
    from rump.kernel.vfs.buffer import BufferCache
    from rump.kernel.vfs.volume import Attributes, Handle, Row, Run

    Numbers: TypeAlias = list[int]
    Spans: TypeAlias = list[tuple[int, int]]

KEPT_FLAGS = sum(flag for _, flag in FLAG_BITS)
OF_FLAGS = sum(bit for bit, _ in FLAG_BITS)


class WritableVolume(ChangingVolume, ExfatVolume):
    """A mounted exFAT volume that is written to."""

    def __init__(self, state: State, cache: BufferCache) -> None:
        """`cache` is of sectors.  `finish` is to be called when all parts are there."""
        self.state = state
        self.store = state.store
        state.volume = self
        super().__init__(state.store.device, state.geometry, state.options, state.services, cache)
        state.maps = self.maps

    def finish(self, close: Callable[[], None]) -> None:
        """`close` makes the medium clean at the end."""
        self._links = Links(self.state)
        self._populate = Populate(self.state, self._links)
        self._close = close

    # ---- how the reader reads ------------------------------------------------------------------------------------

    def _make_chains(self) -> Chains:
        geometry = self.geometry
        self.state.chains = WritableChains(
            self.state.stages, self.cache, geometry.fat_offset, 32, geometry.end_cluster, FAT_MASK
        )
        return self.state.chains

    def read_range(self, offset: int, length: int) -> bytes:
        """As of the reader; as the running transaction has it."""
        return self.state.stages.read_range(offset, length)

    def read_block(self, block: int) -> bytes:
        """As of the reader; as the running transaction has it."""
        return self.state.stages.read(block)

    def _make_directory(self, data: bytes, size: int, spans: Spans) -> Directory:
        return WritableDirectory(data, size, spans)

    def _directory(self, directory: Handle) -> Directory:
        return self.state.directories.open(self._directory_space(directory))

    def fileids(self, directory: Directory, slots: Numbers) -> Numbers:
        """The fileids of files of a directory."""
        places = self.state.places
        found = directory.places(slots)
        return found if places.plain else [places.number(place) for place in found]

    def place_of(self, fileid: int) -> int:
        """Where the first entry of a file is.  Errors: ESTALE."""
        place = self.state.places.place(fileid)
        if place == GONE:
            raise fault(e.ESTALE)
        return place

    def _fields(self, file: Handle) -> Fields:
        record = self.state.places.records.get(file[0])
        return super()._fields(file) if record is None else names.FIELDS.unpack_from(record)

    def attributes_of(self, fileid: int, fields: Fields) -> Attributes:
        """What a set says; of a file without a name, too."""
        found = super().attributes_of(fileid, fields)
        if fileid not in self.state.places.records:
            return found
        return found[0], found[1], found[2], 0, *found[4:]

    def record(self, file: Handle) -> Record:
        """A file's set, to be changed.  Errors: ESTALE, EIO; EISDIR - the root, which has none."""
        if file == (ROOT, 0):
            raise fault(e.EISDIR, "the root directory has no entry")
        if file[1]:
            raise fault(e.ESTALE)
        kept = self.state.places.records.get(file[0])
        if kept is not None:
            return Record(file[0], kept, [])
        return Record(file[0], *self.entry_set(self.place_of(file[0])))

    def regular(self, file: Handle) -> Record:
        """As `record`.  Errors: EISDIR, too."""
        record = self.record(file)
        if record.is_directory:
            raise fault(e.EISDIR)
        return record

    # ---- the whole volume ----------------------------------------------------------------------------------------

    root = reading(ExfatVolume.root)
    statvfs = reading(ExfatVolume.statvfs)
    describe = reading(ExfatVolume.describe)

    def free_clusters(self) -> int:
        """How many clusters are free, or will be after the commit."""
        return self.state.alloc.map.count()

    def unmount(self) -> None:
        store, places = self.store, self.state.places
        if not store.error:
            # A KeyboardInterrupt may have kept the kernel from saying `inactive`.
            for number in [*places.records]:
                self.inactive((number, 0))
        store.lock.exclusive()
        try:
            self._close()
        finally:
            store.lock.unlock()

    # ---- files ---------------------------------------------------------------------------------------------------

    attributes = reading(ExfatVolume.attributes)
    gather = reading(ExfatVolume.gather)
    map = reading(ExfatVolume.map)
    lookup = reading(ExfatVolume.lookup)
    list = reading(ExfatVolume.list)
    list_attributes = reading(ExfatVolume.list_attributes)

    def stamp(self, record: Record, **times: int) -> None:
        """Set times of a file: "created", "modified", "accessed".  Errors: EINVAL - out of range."""
        for name, moment in times.items():
            stamp, units, zone = time_fields(moment, self.options.tz)
            record.put(**{name: stamp, f"{name}_utc": zone})
            if name != "accessed":
                record.put(**{f"{name}_10ms": units})

    @changing
    def set_attributes(self, file: Handle, changes: tuple[tuple[int, int], ...]) -> Attributes:
        if file == (ROOT, 0):
            self._check_fixed(self.root_attributes(), changes)
            return self.root_attributes()
        record = self.record(file)
        wanted = dict(changes)
        if v.SIZE in wanted:
            if record.is_directory:
                raise fault(e.EISDIR)
            self.state.data.resize(record, wanted[v.SIZE])
            record.put(attributes=record.fields[names.ATTRIBUTES] | disk.ATTR_ARCHIVE)
            wanted.setdefault(v.MTIME, self.state.now())
        self._check_fixed(self.attributes_of(file[0], record.fields), changes)
        for field, name in ((v.ATIME, "accessed"), (v.MTIME, "modified"), (v.BIRTHTIME, "created")):
            if field in wanted:
                self.stamp(record, **{name: wanted[field]})
        self._set_bits(record, wanted)
        self.state.directories.save(record)
        return self.attributes_of(file[0], record.fields)

    def _check_fixed(self, now: Attributes, changes: tuple[tuple[int, int], ...]) -> None:
        """What the format does not keep may be set to what it is; times of the root are passed over.

        Errors: EOPNOTSUPP.
        """
        for field, value in changes:
            if field in (v.UID, v.GID):
                fits = value == now[field]
            elif field == v.MODE:
                fits = value in self._modes(now)
            elif field == v.FLAGS:
                fits = not value & ~KEPT_FLAGS if now[v.FILEID] != ROOT else not value
            else:
                fits = now[v.FILEID] != ROOT or field != v.SIZE
            if not fits:
                raise fault(e.EOPNOTSUPP, "exFAT does not keep it")

    def _modes(self, now: Attributes) -> tuple[int, ...]:
        """The permissions that a file can have: the mount's, those without w bits, too, for a regular one."""
        if now[v.MODE] & S_IFMT == S_IFDIR:
            return (self.options.dirmask,)
        return self.options.mask, self.options.mask & ~0o222

    def _set_bits(self, record: Record, wanted: dict[int, int]) -> None:
        """Attributes: what flags there are, and whether it may be written to."""
        bits: int = record.fields[names.ATTRIBUTES]
        if v.FLAGS in wanted:
            bits = bits & ~OF_FLAGS | sum(bit for bit, flag in FLAG_BITS if wanted[v.FLAGS] & flag)
        if v.MODE in wanted and not bits & disk.ATTR_DIRECTORY and self.options.mask & 0o222:
            bits = bits & ~disk.ATTR_READ_ONLY | (0 if wanted[v.MODE] & 0o222 else disk.ATTR_READ_ONLY)
        record.put(attributes=bits)

    @changing
    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        return self.state.data.reserve(file, offset, length)

    @changing
    def commit_write(self, file: Handle, offset: int, length: int) -> Attributes:
        return self.attributes_of(file[0], self.state.data.commit_write(file, offset, length).fields)

    @changing
    def abandon(self, file: Handle) -> None:
        if not self._populate.abandon(file[0]):
            self.state.data.abandon(file[0])

    @changing
    def allocate(self, file: Handle, offset: int, length: int) -> Attributes:
        record = self.regular(file)
        if offset + length > record.fields[names.LENGTH]:
            self.state.data.resize(record, offset + length)
            self.state.data.written(record)
        return self.attributes_of(file[0], record.fields)

    # ---- directories ---------------------------------------------------------------------------------------------

    @changing
    def create(
        self, directory: Handle, name: bytes, mode: int, uid: int, gid: int, rdev: int, target: bytes
    ) -> tuple[Attributes, Attributes]:
        return self._links.create(directory, name, mode)

    @changing
    def unlink(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return self._links.unlink(directory, name)

    @changing
    def rmdir(self, directory: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        return self._links.rmdir(directory, name)

    @changing
    def rename(
        self, from_directory: Handle, from_name: bytes, to_directory: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        return self._links.rename(from_directory, from_name, to_directory, to_name)

    @changing
    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        return self._populate.place(directory, sizes)

    @changing
    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        return self._populate.populate(directory, rows)

    # ---- references ----------------------------------------------------------------------------------------------

    def inactive(self, file: Handle) -> None:
        if file[0] not in self.state.places.records:
            return
        try:
            self._delete(file[0])
        except Fault as error:
            # Nobody can be told.  Its clusters stay in use, for a checker to find.
            self._log(f"exfat: {self.device.name}: file {file[0]}: cannot be deleted: {error}")

    @changing
    def _delete(self, number: int) -> None:
        """Delete a file that has no name."""
        self._links.delete(number)

    def forget(self, file: Handle) -> None:
        self.state.places.forget(file[0])
