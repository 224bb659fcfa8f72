# SPDX-License-Identifier: BSD-2-Clause
"""The volume.

What the format does not keep: owners and permissions are the mount's (a file marked read-only loses its w bits), the
change time is the modification time, a file has one name.  Times without a time zone are taken to be `tz` minutes ahead
of UTC; a creation time that is not kept is 0, an access time that is not kept is the modification time.  The attributes
of MS-DOS are flags: UF_READONLY, UF_HIDDEN, UF_SYSTEM, and UF_ARCHIVE for what is to be backed up.
"""

from __future__ import annotations

from rump.drivers.fs.fat import times
from rump.drivers.fs.fat.chains import FIRST_CLUSTER, Chains, Kept
from rump.drivers.fs.fat.runs import add as add_run
from rump.drivers.fs.msdosfs import bmap, disk
from rump.drivers.fs.msdosfs.lookup import Directory, name_key, scan, volume_label
from rump.kernel.abi import DT_DIR, DT_REG, S_IFDIR, S_IFREG, UF_ARCHIVE, UF_HIDDEN, UF_READONLY, UF_SYSTEM
from rump.kernel.errors import Fault, fault
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
    Pieces: TypeAlias = list[Run]
    Numbers: TypeAlias = list[int]
    Entries: TypeAlias = list[EntryPlus]

ROOT = 1                    # fileid of the root directory; no entry can be there, it is in the boot sector
SMALL = 64                  # clusters of a file that is looked at in one go
CLEAN = b"clean"            # what `describe` says of most
MEMOS = 1 << 14             # times kept decoded
FLAG_BITS = (
    (disk.ATTR_READ_ONLY, UF_READONLY), (disk.ATTR_HIDDEN, UF_HIDDEN), (disk.ATTR_SYSTEM, UF_SYSTEM),
    (disk.ATTR_ARCHIVE, UF_ARCHIVE),
)  # fmt: skip
FLAGS = [sum([flag for bit, flag in FLAG_BITS if byte & bit]) for byte in range(64)]
"""By the attributes of an entry."""


class MsdosVolume(Volume):
    """A mounted FAT volume.

    changes   whether it is written to: what was read once may be otherwise now
    """

    def __init__(self, device: BlockDevice, geometry: Geometry, options: Options, cache_bytes: int) -> None:
        from rump.drivers.fs.msdosfs import driver

        self.device = device
        self.capabilities = driver.capabilities
        self.geometry = geometry
        self.options = options
        self.cache = BufferCache(device, cache_bytes // 2)
        self.fat: Chains = bmap.table(self.cache, geometry)
        self._directories = Kept(cache_bytes // 2)
        self._base = geometry.data_offset - FIRST_CLUSTER * geometry.cluster_size
        self._limit = min(geometry.size, device.size)
        self.changes = False
        self._times: dict[int, int] = {}
        self._page: tuple[Numbers, Rows] = [], []   # what was listed last, and by fileid once one is asked for:
        self._lately: dict[int, EntryFields] = {}
        self._free = -1

    # ---- the whole volume ----------------------------------------------------------------------------------------

    def root(self) -> Attributes:
        size = self.geometry.root_size or self._directory_size(self.geometry.root_cluster)
        options = self.options
        return ROOT, 0, S_IFDIR | options.dirmask, 1, options.uid, options.gid, 0, size, size, 0, 0, 0, 0, 0

    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        geometry = self.geometry
        if self._free < 0:
            free = self.info()[0] if self._state() == CLEAN else -1
            self._free = free if 0 <= free <= geometry.clusters else self.fat.count_free()
        size, free = geometry.cluster_size, self._free
        return size, size, geometry.clusters, free, free, 0, 0, self.capabilities.name_max

    def info(self) -> tuple[int, int]:
        """(free clusters, where to look for one first) as a FAT32 says; -1 for what it does not."""
        if not self.geometry.info_offset:
            return -1, -1
        sector = self.device.read(self.geometry.info_offset, 512)
        info = disk.Info(sector, 484)
        valid = sector[:4] == disk.INFO_FIRST.to_bytes(4, "little") and sector[508:] == disk.INFO_LAST
        return (info.free, info.next) if valid and info.signature == disk.INFO_MIDDLE else (-1, -1)

    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        geometry = self.geometry
        tail = geometry.tail
        label = volume_label(self._root_data(), self.options.code_page)
        if not label and tail.signature == 0x29 and tail.label != b"NO NAME    ":
            label = tail.label.rstrip(b" \0").decode(self.options.code_page, "replace").encode()
        serial = f"{tail.serial >> 16:04X}-{tail.serial & 0xFFFF:04X}" if tail.signature in disk.TAIL_SIGNATURES else ""
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
        state = self._state_flags()
        dirty, errors = bool(state & disk.STATE_DIRTY), bool(state & disk.STATE_ERRORS)
        if self.geometry.bits != 12:
            entry, top = self.fat.entry(1), 1 << (27 if self.geometry.bits == 32 else 15)
            dirty, errors = dirty or not entry & top, errors or not entry & top >> 1
        return b"not cleanly unmounted" if dirty else b"has had disk errors" if errors else CLEAN

    def _state_flags(self) -> int:
        """The boot sector's byte."""
        return self.geometry.tail.state if self.geometry.state_offset else 0

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
        return self._runs(fields, offset, min(offset + length, fields[11]))

    def _gathered(self, file: Handle) -> tuple[tuple[Run, ...], tuple[bytes, ...]] | None:
        """As of any volume; most files are small and in one piece."""
        try:
            if not self._lately:
                self._lately = {fileid: row[2] for fileid, row in zip(*self._page, strict=True)}
            fields = (self._lately.get(file[0]) if not file[1] else None) or self._entry(file)
            size, start, cluster_size = fields[11], fields[7] << 16 | fields[10], self.geometry.cluster_size
            count = -(-size // cluster_size)
            if 0 < count <= SMALL and not fields[1] & 0x10 and self.fat.adjoin(start, count):
                place = self._base + start * cluster_size
                if place + size <= self.device.size:
                    return ((DATA, 0, size, place),), ()
            return (self._runs(fields, 0, size) if not fields[1] & 0x10 else ()), ()
        except OSError:
            return None

    def _runs(self, fields: EntryFields, offset: int, end: int) -> tuple[Run, ...]:
        if offset >= end:
            return ()
        size = self.geometry.cluster_size
        first = offset // size
        extents = self.fat.extents(fields[7] << 16 | fields[10], first, -(-end // size) - first)
        runs: Pieces = []
        for cluster, start, count in extents:
            begin = max(cluster * size, offset)
            stop = min((cluster + count) * size, end)
            add_run(runs, self.device, begin, stop - begin, self._place(start) + begin - cluster * size)
        return tuple(runs)

    def _place(self, cluster: int) -> int:
        """Where a cluster begins on the device."""
        return self._base + cluster * self.geometry.cluster_size

    def _entry(self, file: Handle) -> EntryFields:
        """The directory entry that a fileid is the place of."""
        geometry = self.geometry
        place = file[0] * disk.ENTRY_SIZE
        if file[1] or not geometry.root_offset <= place < self._limit:
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
        known = self._times
        modified = known.get(mdate << 16 | mtime)
        if modified is None:
            modified = self._moment(mdate << 16 | mtime)
        if adate:
            accessed = known.get(adate << 16)
            if accessed is None:
                accessed = self._moment(adate << 16)
        else:
            accessed = modified
        born = 0
        if cdate:
            made = known.get(cdate << 16 | ctime)
            born = (self._moment(cdate << 16 | ctime) if made is None else made) + units * times.UNIT
        if bits & 0x10:
            size = allocated = self._directory_size(high << 16 | low)
            mode = S_IFDIR | options.dirmask
        else:
            cluster_size = self.geometry.cluster_size
            allocated = -(-size // cluster_size) * cluster_size
            mode = S_IFREG | options.mask
        if bits & 1:
            mode &= ~0o222
        return (
            fileid, 0, mode, 1, options.uid, options.gid, 0, size, allocated, accessed, modified, modified, born,
            FLAGS[bits & 0x3F],
        )  # fmt: skip

    def _moment(self, stamp: int) -> int:
        """The nanoseconds since 1970 of ``date << 16 | time``."""
        if len(self._times) >= MEMOS:
            self._times.clear()
        moment = self._times[stamp] = times.decode(stamp >> 16, stamp & 0xFFFF, self.options.tz)
        return moment

    # ---- directories ---------------------------------------------------------------------------------------------

    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        found = self._directory(directory)
        slot = found.find(name, self.options)
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
        """As `_attributes`, for many files.  None of a directory whose clusters are damaged."""
        rows, fileids, follow = self._rows(directory, cookie, count)
        if not self.changes:
            self._page, self._lately = (fileids, rows), {}
        known, options, size_of = self._times, self.options, self.geometry.cluster_size
        uid, gid, file, read_only = options.uid, options.gid, S_IFREG | options.mask, S_IFREG | options.mask & ~0o222
        entries: Entries = []
        for (name, slot, fields), fileid in zip(rows, fileids, strict=True):
            _, bits, _, units, ctime, cdate, adate, _, mtime, mdate, _, size = fields
            modified, accessed = known.get(mdate << 16 | mtime), known.get(adate << 16)
            born = known.get(cdate << 16 | ctime)
            if bits & 0x10 or modified is None or accessed is None or born is None or not adate or not cdate:
                entries.append((name, slot + 1, self._tell(fileid, fields)))
                continue
            entries.append((name, slot + 1, (
                fileid, 0, read_only if bits & 1 else file, 1, uid, gid, 0, size, -(-size // size_of) * size_of,
                accessed, modified, modified, born + units * times.UNIT, FLAGS[bits & 0x3F],
            )))  # fmt: skip
        return tuple(entries), follow

    def _tell(self, fileid: int, fields: EntryFields) -> Attributes | None:
        try:
            return self._attributes(fileid, fields)
        except Fault:
            return None

    def _rows(self, directory: Handle, cookie: int, count: int) -> tuple[Rows, Numbers, int]:
        """Rows from a cookie - the slot to go on with - their fileids, and the next cookie."""
        found = self._directory(directory)
        if cookie < 0 or count < 1:
            return [], [], END if cookie < 0 else cookie
        rows = scan(found.data, cookie, count + 1, self.options.long_names, self.options.code_page)
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
        self._directory_size(start)         # it is all in one segment, or an error
        extents = self.fat.segment(start).extents
        if len(extents) == 1:               # as most are
            _, cluster, count = extents[0]
            place = self._place(cluster)
            return Directory(self.device.read(place, count * size), [(0, place // disk.ENTRY_SIZE)])
        parts, spans = [], []
        for at, cluster, count in extents:
            place = self._place(cluster)
            parts.append(self.device.read(place, count * size))
            spans.append((at * size // disk.ENTRY_SIZE, (place - at * size) // disk.ENTRY_SIZE))
        return Directory(b"".join(parts), spans)
