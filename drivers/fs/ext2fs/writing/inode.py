# SPDX-License-Identifier: BSD-2-Clause
"""Inodes while they change: read by number, changed as a `Draft`, saved whole, encoded into their tables at commit."""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.inode import FLAGS, NANO, Inode, Inodes
from rump.drivers.fs.ext2fs.medium import INODES, KINDS
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import RELEASE, STRUCTURE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rump.drivers.fs.ext2fs.groups import Groups
    from rump.drivers.fs.ext2fs.medium import Piece
    from rump.drivers.fs.ext2fs.writing.medium import WritableMedium
    from rump.kernel.vfs.volume import Attributes, Handle

_OLD = disk_files.OldInode.struct
_MORE = disk_files.Inode.narrow(
    "extra_isize", "checksum_hi", "ctime_extra", "mtime_extra", "atime_extra", "crtime", "crtime_extra", "version_hi",
    "projid",
)  # fmt: skip
_CRC_LO = slice(0x7C, 0x7E)
_CRC_HI = slice(0x82, 0x84)
_PLAIN_KINDS = (4, 8, 10)       # S_IFDIR, S_IFREG, S_IFLNK >> 12
SECONDS_MIN = -(1 << 31)
OLD_SECONDS_MAX = (1 << 31) - 1
SECONDS_MAX = (3 << 32) + (1 << 31) - 1


class Draft(Inode):
    """An inode in the making, or while it changes; what reads an `Inode` reads it too.

    uid, gid, links     numbers
    atime, mtime, ctime, birthtime   nanoseconds since 1970
    dtime               seconds, or the next inode in the list of orphans
    version             change counter; of an EA inode its reference count
    extra               bytes of fields behind the first 128
    tail                all behind them: extended attributes
    projid              project
    size, sectors, flags, mode, block, xattr_block: as of `Inode`
    """

    __slots__ = (
        "atime", "birthtime", "ctime", "dtime", "extra", "gid", "links", "mtime", "projid", "tail", "uid", "version",
    )  # fmt: skip

    uid: int
    gid: int
    links: int
    atime: int
    mtime: int
    ctime: int
    birthtime: int
    dtime: int
    version: int
    extra: int
    tail: bytes
    projid: int


class WritableInodes(Inodes):
    """The inode tables of a volume that is written to.

    changed   number -> whole inode, of those that the running transaction changed; checksums are not right yet
    freed     numbers of those that it freed
    """

    def __init__(self, medium: WritableMedium, groups: Groups) -> None:
        super().__init__(medium, groups)
        self._store = medium.store
        self._geometry = medium.geometry
        self._crc32c = medium.services.crc32c
        self._per_piece = medium.geometry.block_size // medium.geometry.inode_size     # pieces are blocks
        self.changed: dict[int, bytes] = {}
        self.freed: dict[int, bool] = {}

    # ---- reading -------------------------------------------------------------------------------------------------

    def piece(self, number: int) -> tuple[int, int, Piece]:
        """The block of the table that an inode is in, without those not yet written to it."""
        if not 0 < number <= self._count:
            raise Corrupt(f"inode {number} of {self._count}")
        group, index = divmod(number - 1, self._per_group)
        start = index - index % self._per_piece
        size = self._size
        first = number - index + start
        count = self._per_piece
        piece = self._medium.piece(
            self.table_block(number) << self._geometry.shift,
            count * size,
            group * KINDS + INODES,
            lambda: f"inode {number}",
            lambda data: self._suspects(first, data),
        )
        return first, first + min(count, self._per_group - start), piece

    def table_block(self, number: int) -> int:
        """The block of the volume that an inode is in."""
        group, index = divmod(number - 1, self._per_group)
        return (self._groups.inode_table(group)[0] >> self._geometry.shift) + index // self._per_piece

    def special(self, number: int) -> tuple[bytes, int]:
        """As of `Inodes`."""
        raw = self.changed.get(number)
        if raw is None:
            return super().special(number)
        if number in self.freed or (raw[26:28] == b"\0\0" and number not in self.orphans):
            raise fault(e.ESTALE, f"inode {number} is not in use")
        return raw, 0

    def many(self, numbers: Iterable[int]) -> list[Attributes | None]:
        """As of `Inodes`."""
        wanted = tuple(numbers)
        changed = self.changed
        if not changed:
            return super().many(wanted)
        fresh = {number: self._perhaps(number) for number in wanted if number in changed}
        others = iter(super().many([number for number in wanted if number not in changed]))
        return [fresh[number] if number in changed else next(others) for number in wanted]

    def _perhaps(self, number: int) -> Attributes | None:
        try:
            return self.attributes(number)
        except OSError:
            return None

    # ---- changing ------------------------------------------------------------------------------------------------

    def open(self, handle: Handle) -> Draft:
        """A file's inode, to be changed.  Errors: ESTALE; Corrupt."""
        number, generation = handle
        draft = self.edit(number, *self._find(number))
        if draft.generation != generation:
            raise fault(e.ESTALE, f"inode {number} has generation {draft.generation}")
        return draft

    def edit(self, number: int, data: bytes, at: int) -> Draft:
        """The inode at `at` of `data`, to be changed."""
        (mode, uid, size, atime, ctime, mtime, dtime, gid, links, blocks, flags, version, block, generation, xattrs,
         size_high, _, blocks_high, xattrs_high, uid_high, gid_high, _, _) = _OLD.unpack_from(data, at)  # fmt: skip
        draft = Draft()
        draft.number = number
        draft.mode = mode
        draft.uid = uid | uid_high << 16
        draft.gid = gid | gid_high << 16
        draft.links = links
        draft.flags = flags
        draft.generation = generation
        draft.block = block
        draft.dtime = dtime
        draft.version = version
        kind = mode >> 12
        draft.size = size | size_high << 32 if kind == 8 or (kind == 4 and self._large) else size
        draft.sectors = self._sectors(blocks, blocks_high, flags)
        draft.xattr_block = xattrs | xattrs_high << 32 if self._wide else xattrs
        draft.data = data
        draft.at = at
        draft.extra = draft.birthtime = draft.projid = 0
        draft.tail = b""
        ctime_x = mtime_x = atime_x = 0
        if self._size > 128:
            ctime_x, mtime_x, atime_x = self._edit_extra(draft, data, at)
        draft.atime = (atime + ((atime_x & 3) << 32)) * NANO + (atime_x >> 2)
        draft.mtime = (mtime + ((mtime_x & 3) << 32)) * NANO + (mtime_x >> 2)
        draft.ctime = (ctime + ((ctime_x & 3) << 32)) * NANO + (ctime_x >> 2)
        return draft

    def _edit_extra(self, draft: Draft, data: bytes, at: int) -> tuple[int, int, int]:
        """Take in what is behind the first 128 bytes; the extra bits of ctime, mtime and atime."""
        extra = data[at + 128] | data[at + 129] << 8
        if extra > self._size - 128 or extra & 3:
            raise Corrupt(f"inode {draft.number}: extra_isize is {extra}")
        draft.extra = extra
        _, _, ctime_x, mtime_x, atime_x, crtime, crtime_x, _, draft.projid = _extra(data, at, extra)
        draft.birthtime = (crtime + ((crtime_x & 3) << 32)) * NANO + (crtime_x >> 2)
        draft.tail = data[at + 128 + extra : at + self._size]
        return ctime_x, mtime_x, atime_x

    def blank(self, number: int) -> Draft:
        """A new inode: all zeros, with as many fields as new ones have here."""
        draft = self.edit(number, bytes(self._size), 0)
        if self._size > 128:
            raw = self._geometry.raw
            draft.extra = min(max(raw.want_extra_isize, raw.min_extra_isize, 32), self._size - 128) & ~3
            draft.tail = bytes(self._size - 128 - draft.extra)
        return draft

    def next_generation(self, number: int) -> int:
        """The generation of a new file: one more than that of the last which had this number."""
        raw, at = self.changed.get(number), 0
        if raw is None:
            first, _, (_, raw, _) = self.piece(number)
            at = (number - first) * self._size
        return _word(raw, at + 0x64) + 1 & 0xFFFFFFFF

    def save(self, draft: Draft) -> None:
        """Make a draft the inode.  Errors: EINVAL - a time out of range; EFBIG - too many blocks for its counter."""
        number = draft.number
        self._store.set(self.changed, number, self._encode(draft))
        if number in self.freed:
            self._store.set(self.freed, number, None)

    def attributes_of(self, draft: Draft) -> Attributes:
        """The attributes of a draft that has just been saved: what `attributes` says of it, sooner."""
        kind = draft.mode >> 12
        if draft.extra < 24 or kind not in _PLAIN_KINDS or draft.flags & disk_files.INODE_INLINE_DATA:
            return self.attributes(draft.number)
        return (
            draft.number, draft.generation, draft.mode, draft.links, draft.uid, draft.gid, 0, draft.size,
            draft.sectors << 9, draft.atime, draft.mtime, draft.ctime, draft.birthtime, FLAGS[draft.flags >> 4 & 7],
        )  # fmt: skip

    def free(self, draft: Draft, when: int) -> None:
        """The inode is free from now on: no links, deleted at `when` (seconds)."""
        draft.links = 0
        # What is not greater than the number of inodes is taken for a link in the list of orphans.
        draft.dtime = max(when & 0xFFFFFFFF, min(self._count + 1, 0xFFFFFFFF))
        self._store.set(self.changed, draft.number, self._encode(draft))
        self._store.set(self.freed, draft.number, True)

    def _encode(self, draft: Draft) -> bytes:
        size, flags = draft.size, draft.flags
        blocks, flags = self._block_count(draft, flags)
        wide = self._size > 128
        atime, atime_x = _split(draft.atime, wide)
        ctime, ctime_x = _split(draft.ctime, wide)
        mtime, mtime_x = _split(draft.mtime, wide)
        data, at = draft.data, draft.at
        raw = _OLD.pack(
            draft.mode, draft.uid & 0xFFFF, size & 0xFFFFFFFF, atime, ctime, mtime, draft.dtime, draft.gid & 0xFFFF,
            draft.links, blocks & 0xFFFFFFFF, flags, draft.version & 0xFFFFFFFF, draft.block, draft.generation,
            draft.xattr_block & 0xFFFFFFFF, size >> 32 if draft.mode >> 12 in (8, 4) else _word(data, at + 0x6C),
            0, blocks >> 32, draft.xattr_block >> 32, draft.uid >> 16, draft.gid >> 16, 0, 0,
        )  # fmt: skip
        if not wide:
            return raw
        birth, birth_x = _split(draft.birthtime, True)
        more = pack(
            "<HHIIIiIII", draft.extra, 0, ctime_x, mtime_x, atime_x, birth, birth_x, _word(data, at + 0x98),
            draft.projid,
        )  # fmt: skip
        extra = draft.extra
        if extra < 32:
            more = more[:extra]     # without any, the tail begins with the field that says so
        elif extra > 32:
            more += data[at + 160 : at + 128 + extra]
        raw += more
        return (raw + draft.tail)[: self._size].ljust(self._size, b"\0")

    def _block_count(self, draft: Draft, flags: int) -> tuple[int, int]:
        """What the block counter says, and the flags with the unit it is in."""
        sectors = draft.sectors
        if sectors < 1 << 32:
            return sectors, flags & ~disk_files.INODE_HUGE_FILE
        if not self._huge:
            raise fault(e.EFBIG, f"inode {draft.number}: {sectors} sectors")
        if sectors < 1 << 48:
            return sectors, flags & ~disk_files.INODE_HUGE_FILE
        return sectors >> self._geometry.shift - 9, flags | disk_files.INODE_HUGE_FILE

    # ---- commit --------------------------------------------------------------------------------------------------

    def weight(self) -> int:
        """Blocks of tables that `prepare` will change, at most."""
        return len(self.changed)

    def prepare(self) -> None:
        """Put all that changed into the tables."""
        blocks: dict[int, list[int]] = {}
        for number in sorted(self.changed):
            blocks.setdefault(self.table_block(number), []).append(number)
        for block, numbers in blocks.items():
            self._put(block, numbers)

    def _put(self, block: int, numbers: list[int]) -> None:
        store = self._store
        before = self.piece(numbers[0])[2][1]
        data, early = bytearray(before), bytearray(before)
        freed = False
        for number in numbers:
            raw = self._summed(number, self.changed[number])
            at = (number - 1) % self._per_group % self._per_piece * self._size
            data[at : at + self._size] = raw
            if number in self.freed:
                freed = True
            else:
                early[at : at + self._size] = raw
        store.put(block, bytes(data), RELEASE if freed else STRUCTURE)
        if freed and early != before:
            store.early[block] = bytes(early)

    def _summed(self, number: int, raw: bytes) -> bytes:
        """An inode with its checksum."""
        if not self._checksums:
            return raw
        data = bytearray(raw)
        checksum = self._crc32c(self._medium.inode_seed(number, int.from_bytes(raw[0x64:0x68], "little")), data)
        data[_CRC_LO] = (checksum & 0xFFFF).to_bytes(2, "little")
        if self._size > 128 and data[0x80] | data[0x81] << 8 >= 4:
            data[_CRC_HI] = (checksum >> 16).to_bytes(2, "little")
        return bytes(data)

    def committed(self) -> None:
        """The tables are up to date."""
        self.changed.clear()
        self.freed.clear()


def _extra(data: bytes, at: int, extra: int) -> tuple[int, ...]:
    """The fields behind the first 128 bytes; those that the inode does not have are 0."""
    if extra >= 32:
        return _MORE.unpack_from(data, at)
    whole = data[at : at + 128 + extra] if extra >= 4 else data[at : at + 130]
    return _MORE.unpack(whole.ljust(160, b"\0"))


def _split(time: int, wide: bool) -> tuple[int, int]:
    """(seconds as the old field has them, the extra field) of a time in nanoseconds."""
    seconds, rest = divmod(time, NANO)
    if not SECONDS_MIN <= seconds <= (SECONDS_MAX if wide else OLD_SECONDS_MAX):
        raise fault(e.EINVAL, f"time {seconds} s is out of range")
    low = (seconds + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
    return low, (seconds - low) >> 32 | rest << 2


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
