# SPDX-License-Identifier: BSD-2-Clause
"""Files made, removed and renamed."""

from __future__ import annotations

from rump.drivers.fs.fat.stages import CUT, NAMES, NEW
from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.lookup import DOTS, name_key
from rump.drivers.fs.msdosfs.writing import names
from rump.drivers.fs.msdosfs.writing.directory import ROOT
from rump.drivers.fs.msdosfs.writing.entries import cluster_of, encode, with_cluster
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import TypeAlias

    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.drivers.fs.msdosfs.writing.directory import LiveDirectory, Slots
    from rump.drivers.fs.msdosfs.writing.state import State
    from rump.kernel.vfs.volume import Handle

    Keys: TypeAlias = tuple[bytes, bytes]
    Plan: TypeAlias = tuple[bytes, bytes, int, Keys]


class Links:
    """The names of files."""

    def __init__(self, state: State) -> None:
        self._state = state

    # ---- making ------------------------------------------------------------------------------------------------------

    def create(self, directory: Handle, name: bytes, mode: int) -> tuple[int, EntryFields]:
        """Make a file or a directory: its number and fields."""
        state = self._state
        parent = self.parent(directory)
        kind = mode & abi.S_IFMT
        if kind not in (abi.S_IFREG, abi.S_IFDIR):
            raise fault(e.EOPNOTSUPP, "FAT has files and directories only")
        raw, long, case, keys = self.plan(name, parent.index)
        self.wait_for(parent, name)
        slot = state.directories.room(parent, len(long) // disk.ENTRY_SIZE + 1)
        now = state.now()
        fields = self.fields(raw, case, kind, mode, now, now, now)
        if kind == abi.S_IFDIR:
            fields = with_cluster(fields, self.new_directory(parent, fields), 0)
        number = self._enter(parent, slot, long, fields, keys)
        self.touch(directory)
        return number, fields

    def parent(self, directory: Handle) -> LiveDirectory:
        """A directory that gets or loses a name.  Errors: ENOENT - it has been removed; as `Directories.open`."""
        state = self._state
        if state.places.records and directory[0] in state.places.records:
            raise fault(e.ENOENT, "the directory has been removed")
        return state.directories.open(directory)

    def plan(self, name: bytes, taken: Container[bytes]) -> Plan:
        """(short name, pieces of the long one, CASE_*, keys of both) for a new name.  `taken` has the keys of those
        that are there.

        Errors: EEXIST, EINVAL, ENAMETOOLONG.
        """
        key = name_key(name)
        if key in taken:
            raise fault(e.EEXIST)
        found = names.plain(name)
        if found is not None:
            return found[0], b"", found[1], (key, key)
        text = names.decode(name)
        options = self._state.options
        if not options.long_names:
            found = names.plain(name.upper())
            if found is None:
                raise fault(e.EINVAL, "not a short name")
            return found[0], b"", 0, (key, key)
        raw, short = names.alias(text, options.code_page, taken)
        return raw, names.pieces(text, raw), 0, (key, short)

    def wait_for(self, parent: LiveDirectory, name: bytes) -> None:
        """A name that something had before it moved away is on the medium till the next commit: let that come first.
        Requires: the operation has not changed anything yet."""
        moved = self._state.directories.moved
        if moved and (parent.number, name_key(name)) in moved:
            self._state.store.commit()
            self._state.store.begin()

    def fields(
        self, raw: bytes, case: int, kind: int, mode: int, atime: int, mtime: int, birthtime: int
    ) -> EntryFields:
        """An entry for a new file without contents.  Errors: EINVAL - a time."""
        stamp = self._state.stamp
        date, time, units = stamp(birthtime)
        day, (mdate, mtime, _) = stamp(atime)[0], stamp(mtime)
        attributes = disk.ATTR_DIRECTORY if kind == abi.S_IFDIR else disk.ATTR_ARCHIVE
        if kind == abi.S_IFREG and not mode & 0o222:
            attributes |= disk.ATTR_READ_ONLY
        return raw, attributes, case, units, time, date, day, 0, mtime, mdate, 0, 0

    def new_directory(self, parent: LiveDirectory, fields: EntryFields) -> int:
        """The cluster of a new directory, with "." and ".." in it."""
        state = self._state
        clusters = state.clusters
        held = clusters.hold_all(state.space.next, 1)
        clusters.claim(held)
        cluster = held[0][1]
        size = 1 << state.stages.shift
        if clusters.size > size:
            clusters.zero(cluster, 1, size)
        self.begin_directory(parent, fields, cluster)
        state.table.set_run(cluster, 1, 0)
        return cluster

    def begin_directory(self, parent: LiveDirectory, fields: EntryFields, cluster: int) -> None:
        """Put "." and ".." into the first block of a new directory.  Requires: zeros are or will be behind it."""
        state = self._state
        own = with_cluster((DOTS[0], disk.ATTR_DIRECTORY, 0, *fields[3:]), cluster, 0)
        above = with_cluster((DOTS[1], disk.ATTR_DIRECTORY, 0, *fields[3:]), state.directories.first_cluster(parent), 0)
        block = state.clusters.place(cluster) >> state.stages.shift
        state.entries.changed()
        state.stages.patch(block, 0, (encode(own) + encode(above)).ljust(1 << state.stages.shift, b"\0"), NEW)

    def _enter(self, parent: LiveDirectory, slot: int, long: bytes, fields: EntryFields, keys: Keys) -> int:
        """Put a new file's entries into slots; its number."""
        directories = self._state.directories
        directories.write(parent, slot, long + encode(fields))
        last = slot + len(long) // disk.ENTRY_SIZE
        parent.add(keys, (slot, last))
        return self._state.places.number(parent.place(last))

    def touch(self, directory: Handle) -> None:
        """Names of a directory have changed: so has its time, where it has one."""
        if directory[0] == ROOT:
            return
        state = self._state
        place, fields = state.entries.load(directory)
        date, time, _ = state.stamp(state.now())
        if (fields[8], fields[9]) != (time, date):
            state.entries.save(directory[0], place, (*fields[:8], time, date, *fields[10:]))

    # ---- removing ----------------------------------------------------------------------------------------------------

    def find(self, parent: LiveDirectory, name: bytes) -> Slots:
        """Where the file of a name is.  Errors: ENOENT."""
        slots = parent.index.get(name_key(name))
        if slots is None:
            raise fault(e.ENOENT)
        return slots

    def unlink(self, directory: Handle, name: bytes) -> tuple[int, EntryFields]:
        """Take a file's name away: its number and fields.  Errors: EPERM - a directory."""
        parent = self.parent(directory)
        slots = self.find(parent, name)
        fields = self._state.directories.fields(parent, slots[1])
        if fields[1] & disk.ATTR_DIRECTORY:
            raise fault(e.EPERM)
        number = self._remove(parent, slots, fields)
        self.touch(directory)
        return number, fields

    def rmdir(self, directory: Handle, name: bytes) -> tuple[int, EntryFields]:
        """Take an empty directory's name away: its number and fields.  Errors: ENOTDIR, ENOTEMPTY."""
        parent = self.parent(directory)
        slots = self.find(parent, name)
        fields = self._state.directories.fields(parent, slots[1])
        self._check_empty(parent, slots[1], fields)
        number = self._remove(parent, slots, fields)
        self.touch(directory)
        return number, fields

    def _check_empty(self, parent: LiveDirectory, slot: int, fields: EntryFields) -> None:
        if not fields[1] & disk.ATTR_DIRECTORY:
            raise fault(e.ENOTDIR)
        number = self._state.places.number(parent.place(slot))
        if self._state.directories.open((number, 0)).index:
            raise fault(e.ENOTEMPTY)

    def _remove(self, parent: LiveDirectory, slots: Slots, fields: EntryFields) -> int:
        state = self._state
        number = state.places.remove(parent.place(slots[1]), encode(fields))
        state.directories.remove(parent, slots)
        return number

    def delete(self, number: int) -> None:
        """A file without a name is not used any more: neither is its space."""
        state = self._state
        record = state.places.records.get(number)
        if record is None:
            return
        fields = disk.Entry.struct.unpack(record)
        state.directories.forget(number)
        state.store.set(state.places.records, number, None)
        state.clusters.condemn(cluster_of(fields))
        state.clusters.execute()

    # ---- renaming ----------------------------------------------------------------------------------------------------

    def rename(self, source: Handle, name: bytes, target: Handle, new: bytes) -> tuple[int, int]:
        """Move a name, replacing what was there: the numbers of the file, and of the one that lost its name, or 0."""
        parent, other = self.parent(source), self.parent(target)
        slots = self.find(parent, name)
        there = other.index.get(name_key(new))
        if there is not None and other.number == parent.number and there[1] == slots[1]:
            there = None
        lost = 0
        if there is not None:
            number, lost = self._replace(parent, slots, other, there)
        elif parent.number == other.number and self._in_place(parent, slots, new):
            number = self._state.places.number(parent.place(slots[1]))
        else:
            self.wait_for(other, new)
            number = self._move(parent, slots, other, new)
        self.touch(source)
        if source != target:
            self.touch(target)
        return number, lost

    def _in_place(self, parent: LiveDirectory, slots: Slots, new: bytes) -> bool:
        """Give a file another name in the slots it has, if it fits: the short entry stays where it is."""
        state = self._state
        raw, long, case, keys = self.plan(new, _Others(parent, slots))
        if len(long) // disk.ENTRY_SIZE > slots[1] - slots[0]:
            return False
        self.wait_for(parent, new)
        fields = state.directories.fields(parent, slots[1])
        entry = encode((raw, fields[1], case, *fields[3:]))
        made = state.directories.rewrite(parent, slots, long + entry)
        parent.add(keys, made)
        return True

    def _move(self, parent: LiveDirectory, slots: Slots, other: LiveDirectory, new: bytes) -> int:
        """Give a file another name in other slots.  It is on the medium before the old one goes."""
        state = self._state
        same = parent.number == other.number
        raw, long, case, keys = self.plan(new, _Others(parent, slots) if same else other.index)
        slot = state.directories.room(other, len(long) // disk.ENTRY_SIZE + 1)
        fields = state.directories.fields(parent, slots[1])
        fields = (raw, fields[1], case, *fields[3:])
        last = slot + len(long) // disk.ENTRY_SIZE
        old, place = parent.place(slots[1]), other.place(last)
        state.directories.write(other, slot, long + encode(fields))
        number = state.places.move(old, place)
        state.directories.remove(parent, slots, self._stage(old, place))
        other.add(keys, (slot, last))
        if not same:
            self._moved(number, fields, other)
        return number

    def _stage(self, old: int, new: int) -> int:
        """When an entry goes that another takes the place of: with it, if they are in one block."""
        shift = self._state.stages.shift
        return NAMES if old * disk.ENTRY_SIZE >> shift == new * disk.ENTRY_SIZE >> shift else CUT

    def _replace(self, parent: LiveDirectory, slots: Slots, other: LiveDirectory, there: Slots) -> tuple[int, int]:
        """A file takes over the entry of another, which loses it; the name stays as it is spelled."""
        state = self._state
        old, place = parent.place(slots[1]), other.place(there[1])
        fields, gone = state.entries.at(old), state.entries.at(place)
        if gone[1] & disk.ATTR_DIRECTORY:
            self._check_empty(other, there[1], gone)
        lost = state.places.remove(place, encode(gone))
        number = state.places.move(old, place)
        state.entries.put(place, encode((gone[0], fields[1], gone[2], *fields[3:])))
        state.directories.remove(parent, slots, self._stage(old, place))
        if parent.number != other.number:
            self._moved(number, fields, other)
        return number, lost

    def _moved(self, number: int, fields: EntryFields, other: LiveDirectory) -> None:
        """A directory that has moved knows its parent."""
        state = self._state
        start = cluster_of(fields)
        if not fields[1] & disk.ATTR_DIRECTORY or not start:
            return
        moved = state.directories.open((number, 0))
        place = moved.place(1)
        dots = state.entries.at(place)
        if dots[0] == DOTS[1]:
            state.entries.put(place, encode(with_cluster(dots, state.directories.first_cluster(other), 0)))


class _Others:
    """The keys of a directory but for those of one file."""

    def __init__(self, directory: LiveDirectory, slots: Slots) -> None:
        self._index = directory.index
        self._last = slots[1]

    def __contains__(self, key: object) -> bool:
        found = self._index.get(key)    # type: ignore[call-overload]
        return found is not None and found[1] != self._last
