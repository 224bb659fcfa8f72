# SPDX-License-Identifier: BSD-2-Clause
"""Files: what directory records say of them - attributes, in bulk, and what reading them takes.

What a plain tree does not keep: files belong to root (or to whom the mount says) and everybody may read and execute
them, as with NetBSD; all times are the one of the record.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660 import susp
from rump.drivers.fs.cd9660.dates import decode7, decode17
from rump.drivers.fs.cd9660.disk import (
    FILE_DIRECTORY,
    FILE_HIDDEN,
    FILE_MULTI_EXTENT,
    RECORD_SIZE,
    SECTOR,
    XAR_GROUP_EXECUTE,
    XAR_GROUP_READ,
    XAR_OTHER_EXECUTE,
    XAR_OTHER_READ,
    XAR_OWNER_EXECUTE,
    XAR_OWNER_READ,
    DirectoryRecord,
    ExtendedAttributes,
)
from rump.drivers.fs.cd9660.names import DOTS, NAME_MAX, safe
from rump.kernel.abi import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, UF_HIDDEN
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs.volume import BIRTHTIME, CTIME, GID, MODE, MTIME, SIZE, UID
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.medium import Medium
    from rump.drivers.fs.cd9660.options import Options
    from rump.drivers.fs.cd9660.susp import Entries, SystemUse, Times
    from rump.kernel.vfs.volume import Attributes, Handle

    # length, xar_length, extent, size, date, flags, unit, gap, name_length
    Fields: TypeAlias = tuple[int, int, int, int, bytes, int, int, int, int]
    Extent: TypeAlias = tuple[int, int, int, int]

record_fields = DirectoryRecord.narrow(
    "length", "xar_length", "extent", "size", "date", "flags", "unit", "gap", "name_length"
).unpack_from

READABLE = 0o555            # permissions where the format keeps none
BY_SERIAL = 1 << 62         # fileids of files that have a serial number and several names
SERIAL_SHIFT = 30
DATES = 1 << 14             # dates kept decoded
EXTENTS_MAX = 1 << 14       # of a file: more than the largest device has room for, at 4 GiB each
ZISOFS_ENTRIES = (b"ZF", b"Z2")
_KINDS = frozenset((S_IFREG, S_IFLNK, S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK))
_XAR_BITS = (
    (XAR_OWNER_READ, 0o400), (XAR_OWNER_EXECUTE, 0o100), (XAR_GROUP_READ, 0o040), (XAR_GROUP_EXECUTE, 0o010),
    (XAR_OTHER_READ, 0o004), (XAR_OTHER_EXECUTE, 0o001),
)  # fmt: skip


class File:
    """What reading a file takes.

    mode      type and permissions
    size      bytes, as they are read
    extents   (byte on the device, bytes, bytes of a file unit and of a gap: 0 where it is not interleaved)
    others    entries of Rock Ridge and its like that are not decoded
    """

    __slots__ = ("extents", "mode", "others", "size")

    def __init__(self, mode: int, size: int, extents: list[Extent], others: Entries) -> None:
        self.mode = mode
        self.size = size
        self.extents = extents
        self.others = others


def record_at(data: bytes, at: int, end: int, place: int) -> Fields:
    """The fields of the directory record at ``data[at]``; `place` is where it is on the volume.

    Errors: Corrupt - it is none, or reaches beyond `end` or its sector.
    """
    length = data[at]
    stop = at + length
    if length > RECORD_SIZE and stop <= end and place % SECTOR + length <= SECTOR:
        fields: Fields = record_fields(data, at)
        if 0 < fields[8] <= length - RECORD_SIZE:
            return fields
    raise Corrupt(f"sector {place // SECTOR}: directory record at {place % SECTOR} of {length} bytes")


class Inodes:
    """Decodes the directory records of a tree.

    use             how system use fields are read; None: there is no Rock Ridge
    complete_times  whole TF -> times, of those that say all four; filled as they come
    altered         whether mount options change what the format says
    """

    def __init__(self, medium: Medium, options: Options, use: SystemUse | None) -> None:
        self.medium = medium
        self.use = use
        self._options = options
        self._block = medium.block_size
        self._dates: dict[bytes, int] = {}
        self.complete_times = use.complete_times if use is not None else {}
        self._uid, self._gid = options.uid or 0, options.gid or 0
        self.altered = options.uid is not None or options.gid is not None or options.mask & options.dirmask != 0o7777

    # ---- rows ----------------------------------------------------------------------------------------------------

    def plain(self, data: bytes, at: int, place: int, fields: Fields, size: int) -> Attributes:
        """The attributes in the record at ``data[at]``, which is at byte `place` of the volume; `size` is of all
        extents."""
        _, xar, extent, _, date, flags, _, _, _ = fields
        time = self.date(date)
        hidden = UF_HIDDEN if flags & FILE_HIDDEN else 0
        block = self._block
        allocated = -(-size // block) * block
        if flags & FILE_DIRECTORY:
            start = (extent + xar) * block
            fileid, generation = (start, 0) if size and start else (place, place)
            mode = S_IFDIR | READABLE
        else:
            fileid = generation = place
            mode = S_IFREG | READABLE
        attributes = (
            fileid, generation, mode, 1, self._uid, self._gid, 0, size, allocated, time, time, time, 0, hidden
        )  # fmt: skip
        if xar and self._options.extended_attributes:
            attributes = self._by_xar(attributes, extent)
        return self._alter(attributes) if self.altered else attributes

    def rock_ridge(
        self, data: bytes, at: int, place: int, fields: Fields, size: int
    ) -> tuple[bytes | None, Attributes | None]:
        """The same by Rock Ridge, with the name: b"" if it has none, None if the file is not to be shown here.
        No attributes: they cannot be had; `attributes` says why."""
        try:
            return self._rock_ridge(data, at, place, fields, size, susp.PASSED)[:2]
        except Fault:
            return b"", None

    def _rock_ridge(
        self, data: bytes, at: int, place: int, fields: Fields, size: int, passed: frozenset[bytes]
    ) -> tuple[bytes | None, Attributes | None, Entries]:
        """The same with the entries that are not decoded, but for those `passed` over."""
        length, xar, extent, _, date, flags, _, _, name_length = fields
        use = self.use
        assert use is not None
        start = at + 34 + name_length - name_length % 2 + use.skip
        name, posix, times, found = use.decode(data, start, at + length, passed)
        others = found or []
        mode, links, uid, gid, serial = posix or (READABLE, 1, self._uid, self._gid, 0)
        stamps: tuple[int, int, int, int] = (
            self._complete(times, date) if times is None or None in times else times  # type: ignore[assignment]
        )
        block = self._block
        allocated = -(-size // block) * block
        fileid = generation = place
        rdev = 0
        if flags & FILE_DIRECTORY:
            if others and susp.find(others, b"RE"):
                return None, None, others
            mode = S_IFDIR | mode & 0o7777
            start = (extent + xar) * block
            if size and start:
                fileid, generation = start, 0
        else:
            if others or mode & S_IFMT != S_IFREG:
                child = susp.child_block(others)
                if child >= 0:
                    return name, self._directory(child * block), others
                mode, size, rdev = self._special(mode, size, others)
            if links > 1:
                fileid = self._shared(mode, size, (extent + xar) * block, serial) or place
        attributes = (
            fileid, generation, mode, links, uid, gid, rdev, size, allocated, *stamps,
            UF_HIDDEN if flags & FILE_HIDDEN else 0,
        )  # fmt: skip
        if name and (b"/" in name or b"\0" in name or len(name) > NAME_MAX or name in DOTS):
            name = safe(name)
        return name, self._alter(attributes) if self.altered else attributes, others

    def _special(self, mode: int, size: int, others: Entries) -> tuple[int, int, int]:
        """Mode, size and device of what is not an ordinary file."""
        kind = mode & S_IFMT
        if kind not in _KINDS:
            kind = S_IFREG
        if kind == S_IFREG:
            return kind | mode & 0o7777, self._size(others, size), 0
        if kind == S_IFLNK:
            return mode, len(susp.link_target(others)), 0
        return mode, 0, susp.device_number(others) if kind in (S_IFBLK, S_IFCHR) else 0

    def _size(self, others: Entries, size: int) -> int:
        """The size of a regular file as it is read."""
        for signature, entry in others:
            if signature in ZISOFS_ENTRIES and self._options.compressed:
                return susp.compressed_size(entry, size)
            if signature == b"SF":
                return susp.sparse_size(entry, size)
        return size

    def _shared(self, mode: int, size: int, start: int, serial: int) -> int:
        """The fileid of a file with several names; 0 if they do not tell that they are of one file."""
        start = start if mode & S_IFMT == S_IFREG and size else 0
        if serial:
            return BY_SERIAL | serial << SERIAL_SHIFT | start // self._block & (1 << SERIAL_SHIFT) - 1
        return start

    def _complete(self, times: Times | None, date: bytes) -> tuple[int, int, int, int]:
        """The four times, where Rock Ridge does not say them all."""
        accessed, modified, changed, born = times or (None, None, None, 0)
        if modified is None:
            modified = self.date(date)
        return (
            modified if accessed is None else accessed, modified, modified if changed is None else changed, born
        )  # fmt: skip

    def date(self, date: bytes) -> int:
        """`decode7`, remembered."""
        time = self._dates.get(date)
        if time is None:
            if len(self._dates) >= DATES:
                self._dates.clear()
            time = self._dates[date] = decode7(date)
        return time

    def _alter(self, attributes: Attributes) -> Attributes:
        """As the mount options have it."""
        options = self._options
        changed = list(attributes)
        changed[MODE] &= S_IFMT | (options.dirmask if attributes[MODE] & S_IFMT == S_IFDIR else options.mask)
        if options.uid is not None:
            changed[UID] = options.uid
        if options.gid is not None:
            changed[GID] = options.gid
        return tuple(changed)  # type: ignore[return-value]

    def _by_xar(self, attributes: Attributes, extent: int) -> Attributes:
        """As the extended attribute record at a block has it."""
        size = ExtendedAttributes.struct.size
        xar = ExtendedAttributes(self.medium.read(extent * self._block, size, "extended attribute record"))
        denied = int.from_bytes(xar.permissions, "big")
        changed = list(attributes)
        changed[MODE] = changed[MODE] & S_IFMT | sum(bit for denial, bit in _XAR_BITS if not denied & denial)
        changed[UID], changed[GID] = xar.owner, xar.group
        changed[BIRTHTIME] = decode17(xar.created) or 0
        modified = decode17(xar.modified)
        if modified is not None:
            changed[MTIME] = changed[CTIME] = modified
        return tuple(changed)  # type: ignore[return-value]

    # ---- single files --------------------------------------------------------------------------------------------

    def directory(self, start: int) -> Attributes:
        """The attributes of the directory at a byte, by its own record in it.  Errors: Corrupt - there is none."""
        self._grant()
        return self._directory(start)

    def size(self, start: int) -> int:
        """The bytes of the directory at a byte, by its own record in it.  Errors: Corrupt - there is none."""
        return self._own(start)[1][3]

    def _directory(self, start: int) -> Attributes:
        sector, fields = self._own(start)
        attributes, _ = self._one(sector, 0, start, fields, fields[3])
        return (start, 0, *attributes[MODE:])  # type: ignore[return-value]

    def _own(self, start: int) -> tuple[bytes, Fields]:
        """The first sector of the directory at a byte, and the fields of its own record there."""
        sector = self.medium.sector(start, "directory") if start % self._block == 0 else b""
        if not sector:
            raise Corrupt(f"block {start // self._block}: no directory")
        fields = record_at(sector, 0, len(sector), start)
        if sector[RECORD_SIZE : RECORD_SIZE + fields[8]] != b"\0" or not fields[5] & FILE_DIRECTORY:
            raise Corrupt(f'block {start // self._block}: a directory does not begin with "."')
        return sector, fields

    def entries(self, place: int) -> Entries:
        """The entries of the record at a byte, of those that are not decoded."""
        sector = self.medium.sector(place, "directory")
        return self._others(sector, 0, record_at(sector, 0, len(sector), place))

    def parent(self, start: int) -> int:
        """Where the parent of the directory at a byte begins: by its "..", or the PL there.  Errors: Corrupt."""
        sector = self.medium.sector(start, "directory")
        at = sector[0]
        fields = record_at(sector, at, len(sector), start + at)
        if sector[at + RECORD_SIZE : at + RECORD_SIZE + fields[8]] != b"\1":
            raise Corrupt(f'block {start // self._block}: a directory whose second record is not ".."')
        moved = susp.parent_block(self._others(sector, at, fields, susp.ALL))
        return moved * self._block if moved >= 0 else (fields[2] + fields[1]) * self._block

    def _others(
        self, sector: bytes, at: int, fields: Fields, passed: frozenset[bytes] = susp.PASSED_BUT_ATTRIBUTES
    ) -> Entries:
        """The entries of a record that are not decoded, but for those `passed` over."""
        use = self.use
        if use is None:
            return []
        self._grant()
        start = at + 34 + fields[8] - fields[8] % 2 + use.skip
        return use.decode(sector, start, at + fields[0], passed)[3] or []

    def attributes(self, file: Handle) -> Attributes:
        """The attributes of anything.  Errors: ESTALE - no file; Corrupt."""
        fileid, place = file
        if not place:
            return self.directory(fileid)
        sector, at, fields, size, _ = self._record(place)
        self._grant()
        attributes, _ = self._one(sector, at, place, fields, size)
        if attributes[:2] != file:
            raise fault(e.ESTALE)
        return attributes

    def _one(self, sector: bytes, at: int, place: int, fields: Fields, size: int) -> tuple[Attributes, Entries]:
        """The attributes in a record, and the entries that are not decoded."""
        if self.use is None:
            return self.plain(sector, at, place, fields, size), []
        passed = susp.PASSED_BUT_ATTRIBUTES
        _, attributes, others = self._rock_ridge(sector, at, place, fields, size, passed)
        if attributes is None:
            raise fault(e.ESTALE)
        return attributes, others

    def _grant(self) -> None:
        """What follows may read as many continuation areas as one record may have."""
        if self.use is not None:
            self.use.budget = susp.RECORD_BUDGET

    def file(self, file: Handle) -> File:
        """What it takes to read a file that is no directory.  Errors: ESTALE; EISDIR; Corrupt."""
        if not file[1]:
            raise fault(e.EISDIR)
        sector, at, fields, size, extents = self._record(file[1])
        self._grant()
        attributes, others = self._one(sector, at, file[1], fields, size)
        if attributes[:2] != file:
            raise fault(e.ESTALE)
        if attributes[MODE] & S_IFMT == S_IFDIR:
            raise fault(e.EISDIR)
        if not self._options.compressed:
            others = [entry for entry in others if entry[0] not in ZISOFS_ENTRIES]
        return File(attributes[MODE], attributes[SIZE], extents, others)

    def _record(self, place: int) -> tuple[bytes, int, Fields, int, list[Extent]]:
        """The directory record at a byte: the sector it is in and where there, its fields; size and extents of the
        file, to which records behind it may belong."""
        device = self.medium.device
        if not 0 <= place < device.size:
            raise fault(e.ESTALE)
        sector = self.medium.sector(place - place % SECTOR, "directory")
        at = place % SECTOR
        fields = record_at(sector, at, len(sector), place)
        raw_with_length = sector[at + RECORD_SIZE - 1 : at + RECORD_SIZE + fields[8]]
        extents = [self._extent(fields)]
        size = fields[3]
        latest, within, start = fields, sector, place - at
        while latest[5] & FILE_MULTI_EXTENT and not latest[5] & FILE_DIRECTORY and len(extents) < EXTENTS_MAX:
            at += latest[0]
            if at >= len(within) or not within[at]:
                start += SECTOR
                within, at = self.medium.sector(start, "directory"), 0
            if within[at + RECORD_SIZE - 1 : at + RECORD_SIZE + fields[8]] != raw_with_length:
                break
            latest = record_at(within, at, len(within), start + at)
            extents.append(self._extent(latest))
            size += latest[3]
        return sector, place % SECTOR, fields, size, extents

    def _extent(self, fields: Fields) -> Extent:
        """Where the data of a record is."""
        _, xar, extent, size, _, _, unit, gap, _ = fields
        block = self._block
        if unit and gap:
            if xar:
                raise fault(e.EOPNOTSUPP, f"block {extent}: interleaved, with an extended attribute record")
            return extent * block, size, unit * block, gap * block
        return (extent + xar) * block, size, 0, 0
