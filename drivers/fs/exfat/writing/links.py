# SPDX-License-Identifier: BSD-2-Clause
"""Files come and go, and get other names."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat import lookup as names
from rump.drivers.fs.exfat.disk import ENTRY_SIZE
from rump.drivers.fs.exfat.ops import ROOT
from rump.drivers.fs.exfat.times import fields as time_fields
from rump.drivers.fs.exfat.writing.record import Record, check_name, new_set
from rump.drivers.fs.fat.stages import CUT
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.writing.directory import WritableDirectory
    from rump.drivers.fs.exfat.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Handle

_CRITICAL = range(disk.TYPE_IN_USE, disk.TYPE_GUID)
_SPACE = 20                 # bytes into a secondary entry: its first cluster; behind it, its length


class Parent:
    """A directory whose entries change.

    handle      its
    record      None of the root
    directory   what is in it
    """

    __slots__ = ("directory", "handle", "record")

    def __init__(self, handle: Handle, record: Record | None, directory: WritableDirectory) -> None:
        self.handle = handle
        self.record = record
        self.directory = directory


class Links:
    """The operations on names."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._per_sector = state.geometry.sector_size // ENTRY_SIZE

    def parent(self, handle: Handle) -> Parent:
        """Errors: ENOTDIR, ESTALE; ENOENT - it was removed."""
        state = self._state
        if handle == (ROOT, 0):
            return Parent(handle, None, state.directories.open(state.volume._root_space()))
        record = state.volume.record(handle)
        if not record.is_directory:
            raise fault(e.ENOTDIR)
        if not record.parts:
            raise fault(e.ENOENT, "the directory was removed")
        return Parent(handle, record, state.directories.open(state.volume._directory_space(handle)))

    def touch(self, parent: Parent) -> Attributes:
        """A directory's entries have changed; its attributes."""
        state = self._state
        if parent.record is None:
            return state.volume.root_attributes()
        state.volume.stamp(parent.record, modified=state.now())
        state.directories.save(parent.record)
        return state.volume.attributes_of(parent.handle[0], parent.record.fields)

    # ---- new files -----------------------------------------------------------------------------------------------

    def create(self, handle: Handle, name: bytes, mode: int) -> tuple[Attributes, Attributes]:
        """See `Volume.create`."""
        state = self._state
        kind = mode & abi.S_IFMT
        if kind not in (abi.S_IFREG, abi.S_IFDIR):
            raise fault(e.EOPNOTSUPP, "exFAT has files and directories only")
        raw = check_name(name)
        parent = self.parent(handle)
        upcased = state.volume.cases().upcase(raw)
        key = names.key_of(upcased)
        if parent.directory.find(upcased, state.volume.cases(), key) >= 0:
            raise fault(e.EEXIST)
        state.directories.make_way(parent.directory, (key,))
        stamp, units, zone = time_fields(state.now(), state.options.tz)
        times = stamp, stamp, stamp, units, units, zone, zone, zone
        if kind == abi.S_IFDIR:
            flags, first, length = self.new_directory()
            bits = disk.ATTR_DIRECTORY
        else:
            flags, first, length = disk.SPACE_POSSIBLE, 0, 0
            bits = new_file_bits(mode)
        made = Record(0, new_set(raw, key & 0xFFFF, bits, times, flags, first, length), [])
        slot = self._enter(parent, made)
        number = state.volume.fileids(parent.directory, [slot])[0]
        return state.volume.attributes_of(number, made.fields), self.touch(parent)

    def new_directory(self) -> tuple[int, int, int]:
        """Flags, first cluster and length of a new directory: a cluster of zeros."""
        state = self._state
        pieces = state.alloc.reserve(0, 1)
        state.alloc.clear(pieces)
        state.alloc.claim(pieces)
        return disk.SPACE_POSSIBLE | disk.NO_FAT_CHAIN, pieces[0][0], state.geometry.cluster_size

    def _enter(self, parent: Parent, record: Record) -> int:
        """Put a set into a directory; its slot.  Errors: ENOSPC."""
        directories = self._state.directories
        data = record.seal()
        self._state.volume.trust(data)
        slot = directories.room(parent.record, parent.directory, len(data) // ENTRY_SIZE)
        directories.insert(parent.directory, slot, data, [slot])
        return slot

    # ---- names taken away ----------------------------------------------------------------------------------------

    def unlink(self, handle: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """See `Volume.unlink`."""
        parent = self.parent(handle)
        slot = self._find(parent, name)
        if parent.directory.fields(slot)[names.ATTRIBUTES] & disk.ATTR_DIRECTORY:
            raise fault(e.EISDIR)
        return self._remove(parent, slot), self.touch(parent)

    def rmdir(self, handle: Handle, name: bytes) -> tuple[Attributes, Attributes]:
        """See `Volume.rmdir`."""
        parent = self.parent(handle)
        slot = self._find(parent, name)
        if not parent.directory.fields(slot)[names.ATTRIBUTES] & disk.ATTR_DIRECTORY:
            raise fault(e.ENOTDIR)
        self._check_empty(self._number(parent, slot))
        return self._remove(parent, slot), self.touch(parent)

    def _number(self, parent: Parent, slot: int) -> int:
        return self._state.places.number(parent.directory.place(slot))

    def _check_empty(self, number: int) -> None:
        """Errors: ENOTEMPTY."""
        volume = self._state.volume
        directory = self._state.directories.open(volume._directory_space((number, 0)))
        types = bytes(directory.data[: directory.end * ENTRY_SIZE : ENTRY_SIZE])
        if any(kind in _CRITICAL for kind in types):
            raise fault(e.ENOTEMPTY)

    def _find(self, parent: Parent, name: bytes) -> int:
        return self._state.volume._slot(parent.directory, name)

    def _remove(self, parent: Parent, slot: int) -> Attributes:
        """Take a name away; the file lives on without.  Its attributes."""
        state, directory = self._state, parent.directory
        record = self._record(directory, slot)
        number = state.places.remove(directory.place(slot), bytes(record.data))
        state.directories.remove(directory, slot)
        return state.volume.attributes_of(number, record.fields)

    @staticmethod
    def _record(directory: WritableDirectory, slot: int) -> Record:
        at = slot * ENTRY_SIZE
        return Record(0, bytes(directory.data[at : at + directory.count(slot) * ENTRY_SIZE]), [])

    def delete(self, number: int) -> None:
        """A file without a name that nobody uses: its clusters are free."""
        state = self._state
        record = Record(number, state.places.records[number], [])
        if record.is_directory:
            state.directories.drop(record.fields[names.FIRST_CLUSTER])
        state.data.resize(record, 0)
        extras = record.extras
        for at in range(0, len(extras), ENTRY_SIZE):
            place = at + _SPACE
            first = int.from_bytes(extras[place : place + 4], "little")
            length = int.from_bytes(extras[place + 4 : place + 12], "little")
            if extras[at] != disk.TYPE_VENDOR and extras[at + 1] & disk.SPACE_POSSIBLE:
                self._release(extras[at + 1], first, length)
        state.store.set(state.places.records, number, None)

    def _release(self, flags: int, first: int, length: int) -> None:
        if length:
            self._state.data.release(self._state.maps.space(flags, first, length, "entry set"))

    # ---- other names ---------------------------------------------------------------------------------------------

    def rename(
        self, from_handle: Handle, from_name: bytes, to_handle: Handle, to_name: bytes
    ) -> tuple[Attributes, Attributes, Attributes, Attributes | None]:
        """See `Volume.rename`.  Elsewhere the new name is on the medium before the old one goes."""
        state = self._state
        volume = state.volume
        raw = check_name(to_name)
        source = self.parent(from_handle)
        target = source if to_handle == from_handle else self.parent(to_handle)
        slot = self._find(source, from_name)
        upcased = volume.cases().upcase(raw)
        other = target.directory.find(upcased, volume.cases())
        if target is source and other == slot:
            other = -1
        if other < 0:
            state.directories.make_way(target.directory, (names.key_of(upcased),))
        lost: int | None = None
        if other >= 0:
            lost = self._give_way(target, other)
        record = self._record(source.directory, slot)
        record.rename(raw, upcased)
        number = self._move(source, slot, target, other, record)
        left = self.touch(source)
        entered = left if target is source else self.touch(target)
        gone = volume.file_attributes((lost, 0)) if lost is not None else None
        return volume.attributes_of(number, record.fields), left, entered, gone

    def _give_way(self, parent: Parent, slot: int) -> int:
        """A file loses its name to another, whose set may come where its own is; its number."""
        record = self._record(parent.directory, slot)
        problem = parent.directory.problems.get(slot)
        if problem:
            raise fault(e.EIO, f"entry set: {problem}")
        if record.is_directory:
            self._check_empty(self._number(parent, slot))
        return self._state.places.remove(parent.directory.place(slot), bytes(record.data))

    def _move(self, source: Parent, slot: int, target: Parent, other: int, record: Record) -> int:
        """Put a file's new set where it is to be, and take the old one away; the file's number.

        `other` is the slot of the set it replaces, -1: none.
        """
        directories, places = self._state.directories, self._state.places
        data = record.seal()
        old = source.directory.place(slot)
        if other < 0 and target is source and self._fits(source.directory, slot, data):
            directories.replace(source.directory, slot, data)
            return places.number(old)
        if other >= 0 and not self._fits(target.directory, other, data):
            directories.remove(target.directory, other)
            other = -1
        if other >= 0:
            directories.replace(target.directory, other, data)
        else:
            other = self._enter(target, record)
        number = places.move(old, target.directory.place(other))
        directories.remove(source.directory, slot, CUT)
        return number

    def _fits(self, directory: WritableDirectory, slot: int, data: bytes) -> bool:
        """Whether a set can take the place of another, in a single sector."""
        count = directory.count(slot)
        in_one = slot % self._per_sector + count <= self._per_sector
        return in_one and len(data) // ENTRY_SIZE <= count


def new_file_bits(mode: int) -> int:
    """The attributes of a new file."""
    return disk.ATTR_ARCHIVE | (0 if mode & 0o222 else disk.ATTR_READ_ONLY)
