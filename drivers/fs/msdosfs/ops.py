# SPDX-License-Identifier: BSD-2-Clause
"""The volume.

What the format does not keep: owners and permissions are the mount's (a file marked read-only loses its w bits), the
change time is the modification time, a file has one name.  Times without a time zone are taken to be `tz` minutes ahead
of UTC; a creation time that is not kept is 0, an access time that is not kept is the modification time.  As in NetBSD,
a file without the archive attribute is SF_ARCHIVED.
"""

from __future__ import annotations

from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.bmap import FatTable, Kept
from rump.drivers.fs.msdosfs.lookup import Directory, name_key, scan, volume_label
from rump.kernel.abi import DT_DIR, DT_REG, S_IFDIR, S_IFREG, SF_ARCHIVED
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs.buffer import BufferCache
from rump.kernel.vfs.volume import DATA, END, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.msdosfs.lookup import EntryFields, Row
    from rump.drivers.fs.msdosfs.mount import Geometry, Options
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Attributes, Entry, EntryPlus, Handle, Run

    Rows: TypeAlias = list[Row]         # `list` is a method below
    Runs: TypeAlias = list[Run]
    Numbers: TypeAlias = list[int]
    Entries: TypeAlias = list[EntryPlus]

ROOT = 1                    # fileid of the root directory; no entry can be there, it is in the boot sector
MEMOS = 1 << 14             # times kept decoded
MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class MsdosVolume(Volume):
    """A mounted FAT volume."""

    def __init__(self, device: BlockDevice, geometry: Geometry, options: Options, cache_bytes: int) -> None:
        from rump.drivers.fs.msdosfs import driver

        self.device = device
        self.capabilities = driver.capabilities
        self.geometry = geometry
        self.options = options
        self.cache = BufferCache(device, cache_bytes // 2)
        self.fat = FatTable(self.cache, geometry)
        self._directories = Kept(cache_bytes // 2)
        self._times: dict[int, int] = {}
        self._free = -1

    # ---- the whole volume ----------------------------------------------------------------------------------------

    def root(self) -> Attributes:
        size = self.geometry.root_size or self._directory_size(self.geometry.root_cluster)
        options = self.options
        return ROOT, 0, S_IFDIR | options.dirmask, 1, options.uid, options.gid, 0, size, size, 0, 0, 0, 0, 0

    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        geometry = self.geometry
        if self._free < 0:
            free = self._info_free() if geometry.info_offset else -1
            self._free = free if 0 <= free <= geometry.clusters else self.fat.count_free()
        size, free = geometry.cluster_size, self._free
        return size, size, geometry.clusters, free, free, 0, 0, self.capabilities.name_max

    def _info_free(self) -> int:
        """The count of free clusters that a FAT32 keeps, or -1."""
        sector = self.device.read(self.geometry.info_offset, 512)
        info = disk.Info(sector, 484)
        if sector[:4] != disk.INFO_FIRST.to_bytes(4, "little") or info.signature != disk.INFO_MIDDLE:
            return -1
        return info.free if sector[508:] == disk.INFO_LAST else -1

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        geometry = self.geometry
        tail = geometry.tail
        label = volume_label(self._root_data())
        if not label and tail.signature == 0x29 and tail.label != b"NO NAME    ":
            label = tail.label.rstrip(b" \0").decode("cp437").encode()
        serial = f"{tail.serial >> 16:04X}-{tail.serial & 0xFFFF:04X}" if tail.signature in (0x28, 0x29) else ""
        return (
            (b"type", geometry.name.encode()),
            (b"label", label),
            (b"uuid", serial.encode()),
            (b"sector size", b"%d" % geometry.sector_size),
            (b"cluster size", b"%d" % geometry.cluster_size),
            (b"clusters", b"%d" % geometry.clusters),
            (b"formatted by", geometry.boot.oem_name.rstrip(b" \0").decode("cp437").encode()),
            (b"state", self._state()),
        )

    def _state(self) -> bytes:
        """Clean, or not: bits of the boot sector, and of FAT entry 1 where these are in use."""
        state = self.geometry.tail.state if self.geometry.tail.signature in (0x28, 0x29) else 0
        dirty, errors = bool(state & 1), bool(state & 2)
        if self.geometry.bits != 12:
            entry, top = self.fat.entry(1), 1 << (27 if self.geometry.bits == 32 else 15)
            dirty, errors = dirty or not entry & top, errors or not entry & top >> 1
        return b"not cleanly unmounted" if dirty else b"has had disk errors" if errors else b"clean"

    def _root_data(self) -> bytes:
        """The root directory's bytes, b"" if it cannot be read."""
        try:
            return self._directory((ROOT, 0)).data
        except Fault:
            return b""

    # ---- files ---------------------------------------------------------------------------------------------------

    def attributes(self, file: Handle) -> Attributes:
        return self.root() if file[0] == ROOT else self._attributes(file[0], self._entry(file))

    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        fields = self._entry(file)
        if fields[1] & disk.ATTR_DIRECTORY:
            raise fault(e.EISDIR)
        end = min(offset + length, fields[11])
        if offset >= end:
            return ()
        size = self.geometry.cluster_size
        first = offset // size
        extents = self.fat.extents(fields[7] << 16 | fields[10], first, -(-end // size) - first)
        runs: Runs = []
        for cluster, start, count in extents:
            begin = max(cluster * size, offset)
            stop = min((cluster + count) * size, end)
            self._add_run(runs, begin, stop - begin, self._place(start) + begin - cluster * size)
        return tuple(runs)

    def _add_run(self, runs: Runs, offset: int, length: int, place: int) -> None:
        """Add a run, or lengthen the last.  What lies behind the end of the device is not there."""
        length = min(length, self.device.size - place)
        if runs and runs[-1][1] + runs[-1][2] != offset:
            return
        if length > 0 and runs and runs[-1][3] + runs[-1][2] == place:
            runs[-1] = (DATA, runs[-1][1], runs[-1][2] + length, runs[-1][3])
        elif length > 0:
            runs.append((DATA, offset, length, place))
        elif not runs:
            raise Corrupt(f"sector {place // self.geometry.sector_size} is behind the end of {self.device.name}")

    def _place(self, cluster: int) -> int:
        """Where a cluster begins on the device."""
        return self.geometry.data_offset + (cluster - disk.FIRST_CLUSTER) * self.geometry.cluster_size

    def _entry(self, file: Handle) -> EntryFields:
        """The directory entry that a fileid is the place of."""
        geometry = self.geometry
        place = file[0] * disk.ENTRY_SIZE
        if file[1] or not geometry.root_offset <= place < min(geometry.size, self.device.size):
            raise fault(e.ESTALE)
        start = place - place % geometry.sector_size
        sector = self.cache.read(start, min(geometry.sector_size, self.device.size - start))
        assert isinstance(sector, bytes)
        if len(sector) < place - start + disk.ENTRY_SIZE:
            raise fault(e.ESTALE)
        fields: EntryFields = disk.Entry.struct.unpack_from(sector, place - start)
        if fields[0][0] in (disk.NAME_END, disk.NAME_FREE) or fields[1] & disk.ATTR_LABEL:
            raise fault(e.ESTALE)
        return fields

    def _attributes(self, fileid: int, fields: EntryFields) -> Attributes:
        """What an entry says.  Errors: EIO - a directory whose clusters cannot be followed."""
        _, bits, _, units, ctime, cdate, adate, high, mtime, mdate, low, size = fields
        options = self.options
        times = self._times
        modified = times.get(mdate << 16 | mtime)
        if modified is None:
            modified = self._moment(mdate << 16 | mtime)
        if adate:
            accessed = times.get(adate << 16)
            if accessed is None:
                accessed = self._moment(adate << 16)
        else:
            accessed = modified
        born = 0
        if cdate:
            made = times.get(cdate << 16 | ctime)
            born = (self._moment(cdate << 16 | ctime) if made is None else made) + units * 10000000
        if bits & 0x10:
            size = allocated = self._directory_size(high << 16 | low)
            mode, flags = S_IFDIR | options.dirmask, 0
        else:
            cluster_size = self.geometry.cluster_size
            allocated = -(-size // cluster_size) * cluster_size
            mode, flags = S_IFREG | options.mask, 0 if bits & 0x20 else SF_ARCHIVED
        if bits & 1:
            mode &= ~0o222
        return (
            fileid, 0, mode, 1, options.uid, options.gid, 0, size, allocated, accessed, modified, modified, born, flags
        )  # fmt: skip

    def _moment(self, stamp: int) -> int:
        """The nanoseconds since 1970 of ``date << 16 | time``; fields out of range count as the nearest in range."""
        date, time = stamp >> 16, stamp & 0xFFFF
        year, month, day = 1980 + (date >> 9), min(date >> 5 & 15, 12), date & 31
        moment = 0
        if month and day:
            leap = year % 4 == 0 and year != 2100
            day = min(day, MONTHS[month - 1] + (leap and month == 2))
            days = sum(MONTHS[: month - 1]) + (leap and month > 2) + day - 1
            days += (year - 1970) * 365 + (year - 1969) // 4 - (year > 2100)
            minutes = min(time >> 11, 23) * 60 + min(time >> 5 & 63, 59) - self.options.tz
            moment = (days * 86400 + minutes * 60 + min(time & 31, 29) * 2) * 10**9
        if len(self._times) >= MEMOS:
            self._times.clear()
        self._times[stamp] = moment
        return moment

    # ---- directories ---------------------------------------------------------------------------------------------

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        found = self._directory(directory)
        slot = found.find(name, self.options.long_names)
        if slot < 0:
            raise fault(e.ENOENT)
        return self._attributes(found.fileids([slot])[0], found.fields(slot))

    def name_key(self, name: bytes) -> bytes:
        return name_key(name)

    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        rows, fileids, follow = self._rows(directory, cookie, count)
        entries = tuple([
            (name, slot + 1, fileid, DT_DIR if fields[1] & 0x10 else DT_REG)
            for (name, slot, fields), fileid in zip(rows, fileids, strict=True)
        ])  # fmt: skip
        return entries, follow

    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        rows, fileids, follow = self._rows(directory, cookie, count)
        attributes = self._attributes
        entries: Entries = []
        for (name, slot, fields), fileid in zip(rows, fileids, strict=True):
            try:
                entries.append((name, slot + 1, attributes(fileid, fields)))
            except Fault:
                entries.append((name, slot + 1, None))
        return tuple(entries), follow

    def _rows(self, directory: Handle, cookie: int, count: int) -> tuple[Rows, Numbers, int]:
        """Rows from a cookie - the slot to go on with - their fileids, and the next cookie."""
        found = self._directory(directory)
        if cookie < 0 or count < 1:
            return [], [], END if cookie < 0 else cookie
        rows = scan(found.data, cookie, count + 1, self.options.long_names)
        follow = END
        if len(rows) > count:
            rows.pop()
            follow = rows[-1][1] + 1
        return rows, found.fileids([row[1] for row in rows]), follow

    def _directory_size(self, start: int) -> int:
        """The bytes of a directory: its chain's length."""
        size = self.geometry.cluster_size
        return self.fat.length(start, max(1, disk.DIRECTORY_MAX // size)) * size

    def _directory(self, directory: Handle) -> Directory:
        """A directory's contents."""
        found: Directory | None = self._directories.get(directory[0])
        if found is None:
            geometry = self.geometry
            if directory[0] != ROOT:
                fields = self._entry(directory)
                if not fields[1] & disk.ATTR_DIRECTORY:
                    raise fault(e.ENOTDIR)
                found = self._read_chain(fields[7] << 16 | fields[10])
            elif geometry.root_size:
                data = self.device.read(geometry.root_offset, geometry.root_size)
                found = Directory(data, [(0, geometry.root_offset // disk.ENTRY_SIZE)])
            else:
                found = self._read_chain(geometry.root_cluster)
            # Bytes, names and slots of the entries once one is looked for: about five times its size.
            self._directories.put(directory[0], found, len(found.data) * 5)
        return found

    def _read_chain(self, start: int) -> Directory:
        """The directory that begins at a cluster."""
        size = self.geometry.cluster_size
        clusters = self._directory_size(start) // size
        parts, spans = [], []
        for at, cluster, count in self.fat.extents(start, 0, clusters):
            place = self._place(cluster)
            parts.append(self.device.read(place, count * size))
            spans.append((at * size // disk.ENTRY_SIZE, (place - at * size) // disk.ENTRY_SIZE))
        return Directory(b"".join(parts), spans)
