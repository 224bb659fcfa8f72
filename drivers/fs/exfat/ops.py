# SPDX-License-Identifier: BSD-2-Clause
"""The volume.

What the format does not keep: owners and permissions are the mount's (a file marked read-only has no w bits), the
change time is the modification time, a file has one name.  Of a file that was never written to its end the rest is
unwritten, and reads as zeros.
"""

from __future__ import annotations

from rump.drivers.fs.exfat import disk, special, upcase
from rump.drivers.fs.exfat import lookup as names
from rump.drivers.fs.exfat.bmap import FAT_MASK, Maps, Space
from rump.drivers.fs.exfat.checksum import set_checksum
from rump.drivers.fs.exfat.lookup import Cases, Directory
from rump.drivers.fs.exfat.times import moment
from rump.drivers.fs.fat.chains import Chains, Kept
from rump.drivers.fs.fat.runs import add as add_run
from rump.kernel.abi import DT_DIR, DT_REG, S_IFDIR, S_IFREG, UF_ARCHIVE, UF_HIDDEN, UF_READONLY, UF_SYSTEM
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs.buffer import BufferCache
from rump.kernel.vfs.operation import guarded
from rump.kernel.vfs.volume import END, UNWRITTEN, Capabilities, Volume
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.drivers.fs.exfat.lookup import Fields, Row
    from rump.drivers.fs.exfat.mount import Geometry
    from rump.drivers.fs.fat.options import Options
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Attributes, Entry, EntryPlus, Handle, Run, Services

    Rows: TypeAlias = list[Row]         # `list` is a method below
    Runs: TypeAlias = list[Run]
    Numbers: TypeAlias = list[int]
    Entries: TypeAlias = list[EntryPlus]
    Parts: TypeAlias = list[tuple[int, int]]
    Pieces: TypeAlias = list[bytes]

ROOT = 1                    # fileid of the root directory; no entry can be there, it is in the boot sector
MEMOS = 1 << 14             # times kept decoded
SETS_KNOWN = 1 << 12        # entry sets whose checksum was right, remembered
READ_MAX = 1 << 20          # bytes of a directory read in one go
WEIGHT = 4                  # what is kept of a directory, in bytes, for each of its own
FLAG_BITS = (
    (disk.ATTR_READ_ONLY, UF_READONLY), (disk.ATTR_HIDDEN, UF_HIDDEN), (disk.ATTR_SYSTEM, UF_SYSTEM),
    (disk.ATTR_ARCHIVE, UF_ARCHIVE),
)  # fmt: skip
_FILE, _STREAM = bytes([disk.TYPE_FILE]), bytes([disk.TYPE_STREAM])
FLAGS_OF = {bits: sum(flag for bit, flag in FLAG_BITS if bits & bit) for bits in range(64)}


class ExfatVolume(Volume):
    """A mounted exFAT volume."""

    def __init__(
        self, device: BlockDevice, geometry: Geometry, options: Options, services: Services, cache: BufferCache
    ) -> None:
        """`cache` is of sectors.  Errors: EIO; EINVAL - the volume has something critical that is not known."""
        from rump.drivers.fs.exfat import driver

        self.device = device
        self.geometry = geometry
        self.options = options
        self.capabilities = _within(driver.capabilities, geometry.clusters * geometry.cluster_size)
        self.cache = cache
        self.maps = Maps(self._make_chains(), geometry)
        self._log = services.log
        self._directories = Kept(2 * cache.limit)
        self._times: dict[int, int] = {}
        self._sound: dict[bytes, None] = {}
        self._cases: Cases | None = None
        self._free = -1
        self.special = special.Special(self._directory((ROOT, 0)).data)
        self.special.check()

    def _make_chains(self) -> Chains:
        geometry, cache = self.geometry, BufferCache(self.device, self.cache.limit)
        return Chains(cache, geometry.fat_offset, 32, geometry.end_cluster, FAT_MASK)

    def read_range(self, offset: int, length: int) -> bytes:
        """Bytes of the device, in one piece.  Errors: EIO."""
        return self.device.read(offset, length)

    def read_block(self, block: int) -> bytes:
        """A sector, which may be kept.  Errors: EIO."""
        size = self.geometry.sector_size
        data = self.cache.read(block * size, size)
        assert isinstance(data, bytes)
        return data

    # ---- the whole volume ----------------------------------------------------------------------------------------

    @guarded
    def root(self) -> Attributes:
        return self.root_attributes()

    def root_attributes(self) -> Attributes:
        """Those of the root directory, of which nothing is kept."""
        size = self._root_space().clusters * self.geometry.cluster_size
        options = self.options
        return ROOT, 0, S_IFDIR | options.dirmask, 1, options.uid, options.gid, 0, size, size, 0, 0, 0, 0, 0

    def _root_space(self) -> Space:
        """The clusters of the root directory, which nothing but their chain tells the number of."""
        start = self.geometry.boot.root_cluster
        most = max(1, disk.DIRECTORY_MAX // self.geometry.cluster_size)
        return Space(start, self.maps.chain_length(start, most), False)

    @guarded
    def statvfs(self) -> tuple[int, int, int, int, int, int, int, int]:
        size, clusters, free = self.geometry.cluster_size, self.geometry.clusters, self.free_clusters()
        return size, size, clusters, free, free, 0, 0, self.capabilities.name_max

    def free_clusters(self) -> int:
        """How many clusters the bitmap has free.  Errors: EIO - there is no bitmap."""
        if self._free < 0:
            from rump.drivers.fs.exfat.bitmap import Bitmap

            self._free = Bitmap(self.special, self.maps, self.read_range).count_free()
        return self._free

    @guarded
    def describe(self) -> tuple[tuple[bytes, bytes], ...]:
        geometry = self.geometry
        boot, guid = geometry.boot, self.special.guid
        state = b"not cleanly unmounted" if boot.flags & disk.FLAG_DIRTY else b"clean"
        return (
            (b"type", b"TexFAT" if boot.fats == 2 else b"exFAT"),
            (b"label", self.special.label.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")),
            (b"uuid", b"%04X-%04X" % (boot.serial >> 16, boot.serial & 0xFFFF)),
            *(((b"guid", _guid_text(guid)),) if guid else ()),
            (b"revision", b"%d.%02d" % (boot.revision >> 8, boot.revision & 255)),
            (b"sector size", b"%d" % geometry.sector_size),
            (b"cluster size", b"%d" % geometry.cluster_size),
            (b"clusters", b"%d" % geometry.clusters),
            (b"state", b"has had disk errors" if boot.flags & disk.FLAG_MEDIA_FAILURE else state),
        )

    def use(self, cases: Cases) -> None:
        """The up-case table has been read."""
        self._cases = cases

    def cases(self) -> Cases:
        """How names are compared."""
        if self._cases is None:
            try:
                table = special.read_table(self.special, self.maps, self.read_range)
            except Fault as error:
                self._log(f"exfat: {self.device.name}: {error.detail}; the recommended one is used")
                table = upcase.standard()
            self._cases = Cases(table)
        return self._cases

    # ---- files ---------------------------------------------------------------------------------------------------

    @guarded
    def attributes(self, file: Handle) -> Attributes:
        return self.file_attributes(file)

    def file_attributes(self, file: Handle) -> Attributes:
        """The attributes of a file.  Errors: ESTALE, EIO."""
        return self.root_attributes() if file[0] == ROOT else self.attributes_of(file[0], self._fields(file))

    @guarded
    def gather(self, files: tuple[Handle, ...]) -> tuple[tuple[tuple[Run, ...], tuple[bytes, ...]] | None, ...]:
        return tuple([self._gather(file) for file in files])

    def _gather(self, file: Handle) -> tuple[tuple[Run, ...], tuple[bytes, ...]] | None:
        try:
            fields = self._fields(file)
            return self.runs(fields, 0, fields[names.LENGTH]), ()
        except Fault:
            return None

    @guarded
    def map(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        fields = self._fields(file)
        if fields[names.ATTRIBUTES] & disk.ATTR_DIRECTORY:
            raise fault(e.EISDIR)
        return self.runs(fields, offset, length)

    def runs(self, fields: Fields, offset: int, length: int) -> tuple[Run, ...]:
        """See `Volume.map`."""
        end = min(offset + length, fields[names.LENGTH])
        if not 0 <= offset < end:
            return ()
        valid = fields[names.VALID_LENGTH]
        if offset >= valid:
            return ((UNWRITTEN, offset, end - offset, 0),)
        space = self.space(fields)
        size, behind = self.geometry.cluster_size, min(end, valid)
        first = offset // size
        runs: Runs = []
        for cluster, start, count in self.maps.extents(space, first, -(-behind // size) - first):
            begin, stop = max(cluster * size, offset), min((cluster + count) * size, behind)
            add_run(runs, self.device, begin, stop - begin, self.geometry.place(start) + begin - cluster * size)
        if behind < end and runs[-1][1] + runs[-1][2] == behind:
            runs.append((UNWRITTEN, behind, end - behind, 0))
        return tuple(runs)

    def space(self, fields: Fields) -> Space:
        """The clusters of a file.  Errors: EIO."""
        first, length = fields[names.FIRST_CLUSTER], fields[names.LENGTH]
        if fields[names.VALID_LENGTH] > length:
            raise Corrupt(f"stream entry: {fields[names.VALID_LENGTH]} of {length} bytes are valid")
        return self.maps.space(fields[names.FLAGS], first, length, "stream entry")

    def place_of(self, fileid: int) -> int:
        """Where the first entry of a file is, counted in entries."""
        return fileid

    def _fields(self, file: Handle) -> Fields:
        """The two first entries of a file's set.  Errors: ESTALE; EIO."""
        if file[1] or file[0] == ROOT:
            raise fault(e.ESTALE)
        return names.FIELDS.unpack_from(self.entry_set(self.place_of(file[0]))[0])

    def entry_set(self, place: int) -> tuple[bytes, Parts]:
        """A file's set, and where it is: (device offset, how many bytes) of each part.

        Only a directory's own clusters tell where its next cluster is; of a set that lies across two, the checksum
        says which.  Errors: ESTALE - there is none; EIO.
        """
        offset, geometry = place * disk.ENTRY_SIZE, self.geometry
        cluster = (offset - geometry.heap_offset) // geometry.cluster_size
        if not 0 <= cluster < geometry.clusters or offset >= self.device.size:
            raise fault(e.ESTALE)
        number, at = divmod(offset, geometry.sector_size)
        block = self.read_block(number)
        if block[at : at + 1] != _FILE or len(block) < at + disk.ENTRY_SIZE:
            raise fault(e.ESTALE)
        size = (block[at + 1] + 1) * disk.ENTRY_SIZE
        if at + size <= len(block):         # as most are
            data = block[at : at + size]
            if not self.is_sound(data):
                raise Corrupt(f"entry set at byte {offset}: checksum")
            return data, [(offset, size)]
        for parts in self._ways(cluster + disk.FIRST_CLUSTER, offset, size):
            data = b"".join([self._small(*part) for part in parts])
            if self.is_sound(data):
                return data, parts
        raise Corrupt(f"entry set at byte {offset}: checksum")

    def is_sound(self, data: bytes) -> bool:
        """Whether an entry set is a file's, with the right checksum.  What was found right is known for a while."""
        if data in self._sound:
            return True
        if data[disk.ENTRY_SIZE :][:1] != _STREAM or set_checksum(data) != data[2] | data[3] << 8:
            return False
        self.trust(data)
        return True

    def trust(self, data: bytes) -> None:
        """An entry set is a file's, with the right checksum."""
        if len(self._sound) >= SETS_KNOWN:
            self._sound.clear()
        self._sound[data] = None

    def _ways(self, cluster: int, offset: int, size: int) -> Iterator[Parts]:
        """Where a set may be that does not end in its cluster: in those that follow, or that the table says follow."""
        geometry = self.geometry
        for contiguous in (True, False):
            at, parts, left = cluster, [], size
            start = offset
            while True:
                count = min(left, geometry.place(at + 1) - start)
                parts.append((start, count))
                left -= count
                if not left:
                    yield parts
                    break
                at = at + 1 if contiguous else self.maps.chains.entry(at)
                if not disk.FIRST_CLUSTER <= at < geometry.end_cluster:
                    break
                start = geometry.place(at)

    def _small(self, offset: int, length: int) -> bytes:
        """A few bytes of the device, by way of the cache.  Errors: EIO."""
        size = self.geometry.sector_size
        first = offset // size
        parts = [self.read_block(block) for block in range(first, -(-(offset + length) // size))]
        whole = parts[0] if len(parts) == 1 else b"".join(parts)
        return whole[offset - first * size : offset - first * size + length]

    def attributes_of(self, fileid: int, fields: Fields) -> Attributes:
        """What a set's first two entries say."""
        bits, options, times = fields[2], self.options, self._times
        mkey, akey, bkey = fields[4] << 16 | fields[7] << 8 | fields[9], fields[5] << 16 | fields[10], (
            fields[3] << 16 | fields[6] << 8 | fields[8]
        )
        modified, accessed, born = times.get(mkey), times.get(akey), times.get(bkey)
        if modified is None:
            modified = self._moment(mkey)
        if accessed is None:
            accessed = self._moment(akey)
        if born is None:
            born = self._moment(bkey)
        length, size = fields[17], self.geometry.cluster_size
        if bits & disk.ATTR_DIRECTORY:
            mode = S_IFDIR | options.dirmask
        else:
            mode = S_IFREG | (options.mask & ~0o222 if bits & disk.ATTR_READ_ONLY else options.mask)
        return (
            fileid, 0, mode, 1, options.uid, options.gid, 0, length, -(-length // size) * size, accessed, modified,
            modified, born, FLAGS_OF[bits & 0x3F],
        )  # fmt: skip

    def _moment(self, key: int) -> int:
        """The nanoseconds since 1970 of ``stamp << 16 | hundredths << 8 | zone``."""
        found = moment(key >> 16, key >> 8 & 255, key & 255, self.options.tz)
        if len(self._times) >= MEMOS:
            self._times.clear()
        self._times[key] = found
        return found

    # ---- directories ---------------------------------------------------------------------------------------------

    @guarded
    def lookup(self, directory: Handle, name: bytes) -> Attributes:
        found = self._directory(directory)
        slot = self._slot(found, name)
        return self.attributes_of(self.fileids(found, [slot])[0], found.fields(slot))

    def _slot(self, directory: Directory, name: bytes) -> int:
        """Where the set of a name is.  Errors: ENOENT; EIO, EOPNOTSUPP - it cannot be used."""
        slot = directory.find(self.cases().key(name), self.cases())
        if slot < 0:
            raise fault(e.ENOENT)
        problem = directory.problems.get(slot)
        if problem:
            raise Corrupt(f"entry set at byte {directory.place(slot) * disk.ENTRY_SIZE}: {problem}")
        return slot

    def name_key(self, name: bytes) -> bytes:
        return (self._cases or self.cases()).key(name)

    @guarded
    def list(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[Entry, ...], int]:
        _, rows, fileids, follow = self._rows(directory, cookie, count)
        entries = tuple([
            (name, slot + 1, fileid, DT_DIR if fields[2] & disk.ATTR_DIRECTORY else DT_REG)
            for (name, slot, fields), fileid in zip(rows, fileids, strict=True)
        ])  # fmt: skip
        return entries, follow

    @guarded
    def list_attributes(self, directory: Handle, cookie: int, count: int) -> tuple[tuple[EntryPlus, ...], int]:
        problems, rows, fileids, follow = self._rows(directory, cookie, count)
        attributes = self.attributes_of
        entries: Entries = [
            (name, slot + 1, None if slot in problems else attributes(fileid, fields))
            for (name, slot, fields), fileid in zip(rows, fileids, strict=True)
        ]
        return tuple(entries), follow

    def _rows(self, directory: Handle, cookie: int, count: int) -> tuple[dict[int, str], Rows, Numbers, int]:
        """Rows from a cookie - the slot to go on with - their fileids, and the next cookie."""
        found = self._directory(directory)
        if cookie < 0 or count < 1:
            return found.problems, [], [], END if cookie < 0 else cookie
        rows = found.rows(cookie, count + 1)
        follow = END
        if len(rows) > count:
            rows.pop()
            follow = rows[-1][1] + 1
        return found.problems, rows, self.fileids(found, [row[1] for row in rows]), follow

    def fileids(self, directory: Directory, slots: Numbers) -> Numbers:
        """The fileids of files of a directory."""
        return directory.places(slots)

    def _directory(self, directory: Handle) -> Directory:
        """A directory's contents.  Errors: ESTALE, ENOTDIR, EIO."""
        found: Directory | None = self._directories.get(directory[0])
        if found is None:
            found = self._read_directory(self._directory_space(directory))
            self._directories.put(directory[0], found, len(found.data) * WEIGHT)
        return found

    def _directory_space(self, directory: Handle) -> Space:
        """The clusters of a directory.  Errors: ESTALE, ENOTDIR, EIO."""
        if directory == (ROOT, 0):
            return self._root_space()
        fields = self._fields(directory)
        if not fields[names.ATTRIBUTES] & disk.ATTR_DIRECTORY:
            raise fault(e.ENOTDIR)
        if fields[names.LENGTH] > disk.DIRECTORY_MAX:
            raise Corrupt(f"directory {directory[0]}: {fields[names.LENGTH]} bytes")
        return self.space(fields)

    def _read_directory(self, space: Space) -> Directory:
        """A directory, as far as there may be something in it."""
        size = self.geometry.cluster_size
        parts: Pieces = []
        spans: Parts = []
        ended = False
        for at, cluster, count in self.maps.all_extents(space):
            place, length = self.geometry.place(cluster), count * size
            spans.append((at * size // disk.ENTRY_SIZE, (place - at * size) // disk.ENTRY_SIZE))
            for start in range(0, 0 if ended else length, READ_MAX):
                part = self.read_range(place + start, min(READ_MAX, length - start))
                parts.append(part)
                ended = not all(part[:: disk.ENTRY_SIZE])
                if ended:
                    break
        return self._make_directory(b"".join(parts), space.clusters * size, spans)

    def _make_directory(self, data: bytes, size: int, spans: Parts) -> Directory:
        return Directory(data, size, spans)


def _within(capabilities: Capabilities, most: int) -> Capabilities:
    """What a volume of so many bytes can hold."""
    return Capabilities(
        **{name: getattr(capabilities, name) for name in Capabilities.__slots__ if name != "file_size_max"},
        file_size_max=min(most, capabilities.file_size_max),
    )


def _guid_text(guid: bytes) -> bytes:
    """As Windows writes it: the first three parts are numbers, least significant byte first."""
    digits = (guid[3::-1] + guid[5:3:-1] + guid[7:5:-1] + guid[8:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}".encode()

