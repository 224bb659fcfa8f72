# SPDX-License-Identifier: BSD-2-Clause
"""Inodes: tables read and verified in runs, attributes decoded in bulk.

An inode table is read in pieces of at most `PIECE` bytes, which end where the group's never-used inodes begin; all
checksums of a piece are computed in two calls.  Those that differ are only *suspects* until somebody wants the inode:
a free one need not have a valid checksum, and one without room for the upper half is summed differently.
"""

from __future__ import annotations

from struct import Struct, pack

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.medium import INODES, KINDS, NO_FAULTS
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rump.drivers.fs.ext2fs.groups import Groups
    from rump.drivers.fs.ext2fs.medium import Faults, Medium, Piece
    from rump.kernel.vfs.volume import Attributes, Handle

PIECE = 64 << 10            # bytes; at least one inode of the largest size
USUAL_EXTRA = 32            # extra_isize that today's tools give: all fields there are
NANO = 1_000_000_000
SIZE_MAX = (1 << 63) - 1
CHECKSUM_BYTES = (0x7C, 0x7D, 0x82, 0x83)   # where an inode's checksum lies
NUMBER_AND_GENERATION = 8   # bytes that go into an inode's checksum before itself

_WANTED = (
    "mode", "uid_lo", "size_lo", "atime", "ctime", "mtime", "gid_lo", "links_count", "blocks_lo", "flags",
    "generation", "size_high", "blocks_high", "uid_high", "gid_high", "extra_isize",
    "ctime_extra", "mtime_extra", "atime_extra", "crtime", "crtime_extra",
)  # fmt: skip
_ROW = disk_files.Inode.narrow(*_WANTED)
_OLD_ROW = disk_files.OldInode.narrow(*_WANTED[: _WANTED.index("extra_isize")])
_LOAD = disk_files.OldInode.narrow(
    "mode", "size_lo", "links_count", "blocks_lo", "flags", "block", "generation", "file_acl_lo", "size_high",
    "blocks_high", "file_acl_high",
)  # fmt: skip
_PLAIN_TYPES = (abi.S_IFREG >> 12, abi.S_IFDIR >> 12, abi.S_IFLNK >> 12)
_UNUSUAL = disk_files.INODE_HUGE_FILE | disk_files.INODE_INLINE_DATA
_EXTRA_ENDS = (("ctime_extra", 8), ("mtime_extra", 12), ("atime_extra", 16), ("crtime", 20), ("crtime_extra", 24))

# INODE_IMMUTABLE, _APPEND and _NODUMP are neighbours: bits 4, 5 and 6 index this.
FLAGS = tuple(
    (abi.SF_IMMUTABLE if bits & 1 else 0) | (abi.SF_APPEND if bits & 2 else 0) | (abi.UF_NODUMP if bits & 4 else 0)
    for bits in range(8)
)


class Inode:
    """A file in memory, for everything but its attributes.

    number, generation   its handle
    size                 bytes
    sectors              of 512 bytes it takes up
    block                the 60 bytes of its map
    xattr_block          block of extended attributes, 0 for none
    data, at             where the whole inode is: bytes `at` and on of `data`
    """

    __slots__ = ("at", "block", "data", "flags", "generation", "mode", "number", "sectors", "size", "xattr_block")

    number: int
    generation: int
    mode: int
    flags: int
    size: int
    sectors: int
    block: bytes
    xattr_block: int
    data: bytes
    at: int


class Inodes:
    """The inode tables of a volume.

    orphans   number -> True, of files without names that are in use all the same; only where files come and go
    """

    def __init__(self, medium: Medium, groups: Groups) -> None:
        self._medium = medium
        self._groups = groups
        geometry = medium.geometry
        self._size = geometry.inode_size
        self._per_group = geometry.inodes_per_group
        self._per_piece = max(1, PIECE // self._size)
        self._count = geometry.inodes
        self._first = geometry.first_ino
        self._large = geometry.large_directories
        self._huge = bool(geometry.ro_compat & disk.RO_COMPAT_HUGE_FILE)
        self._wide = bool(geometry.incompat & disk.INCOMPAT_64BIT)
        self._checksums = geometry.checksums
        self.orphans: dict[int, bool] = {}
        self._last: tuple[int, int, Piece] = (0, 0, (0, b"", NO_FAULTS))     # the piece last asked for
        self._sums = Struct(f"<124xH4xH{self._size - 132}x") if self._size > 128 else Struct("<124xH2x")

    # ---- pieces --------------------------------------------------------------------------------------------------

    def piece(self, number: int) -> tuple[int, int, Piece]:
        """(first inode, inode behind the last, piece) of the piece of table that an inode is in.

        Errors: Corrupt - no such inode, or its group is damaged.
        """
        last = self._last
        if last[0] <= number < last[1]:
            return last
        if not 0 < number <= self._count:
            raise Corrupt(f"inode {number} of {self._count}")
        group, index = divmod(number - 1, self._per_group)
        table, used = self._groups.inode_table(group)
        start, stop = (0, used) if index < used else (used, self._per_group)
        start += (index - start) // self._per_piece * self._per_piece
        stop = min(stop, start + self._per_piece)
        size = self._size
        offset = table + start * size
        room = (self._medium.device.size - offset) // size
        if index - start < room:
            stop = min(stop, start + room)      # of a truncated image what is left
        first = group * self._per_group + 1 + start
        piece = self._medium.piece(
            offset,
            (stop - start) * size,
            group * KINDS + INODES,
            lambda: f"inode {number}",
            lambda data: self._suspects(first, data),
        )
        self._last = last = first, first + stop - start, piece
        return last

    def _suspects(self, first: int, data: bytes) -> Faults:
        """The inodes of a piece whose checksum differs, all of them summed with the upper half of it as zero."""
        if not self._checksums:
            return NO_FAULTS
        size = self._size
        count = len(data) // size
        numbers = pack(f"<{count}I", *range(first, first + count))
        seeds = bytearray(NUMBER_AND_GENERATION * count)
        for byte in range(4):
            seeds[byte::8] = numbers[byte::4]
            seeds[byte + 4 :: 8] = data[0x64 + byte :: size]
        blank = bytearray(data)
        for byte in CHECKSUM_BYTES[: 4 if size > 128 else 2]:
            blank[byte::size] = bytes(count)
        many = self._medium.services.crc32c_many
        starts = many([self._medium.geometry.seed], seeds, 0, 8, 8, count)
        sums = many(starts, blank, 0, size, size, count)
        if size > 128:
            stored = [low | high << 16 for low, high in self._sums.iter_unpack(data)]
        else:
            stored = [low for (low,) in self._sums.iter_unpack(data)]
            sums = [value & 0xFFFF for value in sums]
        if sums == stored:
            return NO_FAULTS
        return {first + i: "" for i in range(count) if sums[i] != stored[i]}

    def _sound(self, number: int, data: bytes, at: int) -> bool:
        """Whether an inode's checksum is right, computed to the letter."""
        size = self._size
        raw = bytearray(data[at : at + size])
        stored = raw[0x7C] | raw[0x7D] << 8
        raw[0x7C:0x7E] = b"\0\0"
        wide = size > 128 and raw[0x80] | raw[0x81] << 8 >= 4
        if wide:
            stored |= raw[0x82] << 16 | raw[0x83] << 24
            raw[0x82:0x84] = b"\0\0"
        seed = self._medium.inode_seed(number, int.from_bytes(raw[0x64:0x68], "little"))
        found = self._medium.services.crc32c(seed, raw)
        return (found if wide else found & 0xFFFF) == stored

    # ---- one inode -----------------------------------------------------------------------------------------------

    def _find(self, number: int) -> tuple[bytes, int]:
        """Where a file's inode is.  Errors: Corrupt - reserved, or its checksum; ESTALE - it is free."""
        if number < self._first and number != disk.ROOT_INO:
            raise Corrupt(f"inode {number} is reserved")
        return self.special(number)

    def special(self, number: int) -> tuple[bytes, int]:
        """As `_find`, for the volume's own inodes too."""
        first, _, (_, data, suspects) = self.piece(number)
        at = (number - first) * self._size
        if data[at + 26 : at + 28] == b"\0\0" and number not in self.orphans:      # links_count
            raise fault(e.ESTALE, f"inode {number} is not in use")
        if number in suspects and not self._sound(number, data, at):
            raise Corrupt(f"inode {number}: checksum is wrong")
        return data, at

    def load(self, handle: Handle) -> Inode:
        """The file of a handle.  Errors: ESTALE; Corrupt."""
        number, generation = handle
        inode = self.make(number, *self._find(number))
        if inode.generation != generation:
            raise fault(e.ESTALE, f"inode {number} has generation {inode.generation}")
        return inode

    def make(self, number: int, data: bytes, at: int) -> Inode:
        """The memory form of the inode at `at` of `data`."""
        (mode, size, _links, blocks, flags, block, generation, xattrs, size_high, blocks_high, xattrs_high
         ) = _LOAD.unpack_from(data, at)  # fmt: skip
        inode = Inode()
        inode.number = number
        inode.mode = mode
        kind = mode & abi.S_IFMT
        if kind == abi.S_IFREG or (kind == abi.S_IFDIR and self._large):
            size |= size_high << 32
            if size > SIZE_MAX:
                raise Corrupt(f"inode {number}: size is {size}")
        inode.size = size
        inode.flags = flags
        inode.generation = generation
        inode.block = block
        inode.sectors = self._sectors(blocks, blocks_high, flags)
        inode.xattr_block = xattrs | xattrs_high << 32 if self._wide else xattrs
        inode.data = data
        inode.at = at
        return inode

    def _sectors(self, low: int, high: int, flags: int) -> int:
        """Sectors of 512 bytes from the fields that count them."""
        if not self._huge:
            return low
        blocks = low | high << 32
        return blocks << self._medium.geometry.shift - 9 if flags & disk_files.INODE_HUGE_FILE else blocks

    # ---- attributes ----------------------------------------------------------------------------------------------

    def attributes(self, number: int) -> Attributes:
        """One file's attributes.  Errors: ESTALE; Corrupt."""
        data, at = self._find(number)
        return self._decode(number, data, at)

    def many(self, numbers: Iterable[int]) -> list[Attributes | None]:
        """The attributes of files, None where they cannot be read.

        The longest loop of a listing: the usual inode is decoded here, in line; all others by `_decode`.
        """
        result: list[Attributes | None] = []
        append = result.append
        old = self._size == 128
        unpack = _OLD_ROW.unpack_from if old else _ROW.unpack_from
        extra = usual = 0 if old else USUAL_EXTRA
        ctime_x = mtime_x = atime_x = crtime = crtime_x = 0
        size, first_ino, flag_table, nano, plain = self._size, self._first, FLAGS, NANO, _PLAIN_TYPES
        first = end = 0
        data = b""
        suspects: Faults = {}
        for number in numbers:
            try:
                if not first <= number < end:
                    first, end, (_, data, suspects) = self.piece(number)
                at = (number - first) * size
                if number < first_ino or number in suspects:
                    append(self.attributes(number))
                    continue
                if old:
                    (mode, uid, length, atime, ctime, mtime, gid, links, blocks, flags, generation, length_high,
                     blocks_high, uid_high, gid_high) = unpack(data, at)  # fmt: skip
                else:
                    (mode, uid, length, atime, ctime, mtime, gid, links, blocks, flags, generation, length_high,
                     blocks_high, uid_high, gid_high, extra, ctime_x, mtime_x, atime_x, crtime, crtime_x,
                     ) = unpack(data, at)  # fmt: skip
                kind = mode >> 12
                if extra != usual or not links or kind not in plain or flags & _UNUSUAL or length_high or blocks_high:
                    append(self._decode(number, data, at))
                    continue
            except Fault:
                append(None)
                continue
            append((
                number, generation, mode, links, uid | uid_high << 16, gid | gid_high << 16, 0, length, blocks << 9,
                (atime + ((atime_x & 3) << 32)) * nano + (atime_x >> 2),
                (mtime + ((mtime_x & 3) << 32)) * nano + (mtime_x >> 2),
                (ctime + ((ctime_x & 3) << 32)) * nano + (ctime_x >> 2),
                (crtime + ((crtime_x & 3) << 32)) * nano + (crtime_x >> 2),
                flag_table[flags >> 4 & 7],
            ))  # fmt: skip
        return result

    def _decode(self, number: int, data: bytes, at: int) -> Attributes:
        """The attributes of any inode.  Errors: ESTALE - it is free; Corrupt."""
        if self._size > 128:
            row = _ROW.unpack_from(data, at)
        else:
            row = _OLD_ROW.unpack_from(data, at) + (0,) * 6
        field = dict(zip(_WANTED, row, strict=True))
        extra = field["extra_isize"]
        if extra > self._size - 128 or extra & 3:
            raise Corrupt(f"inode {number}: extra_isize is {extra}")
        for name, stop in _EXTRA_ENDS:
            if extra < stop:
                field[name] = 0
        if not field["links_count"] and number not in self.orphans:
            raise fault(e.ESTALE, f"inode {number} is not in use")
        inode = self.make(number, data, at)
        allocated = inode.sectors << 9
        kind = inode.mode & abi.S_IFMT
        if inode.flags & disk_files.INODE_INLINE_DATA and kind == abi.S_IFREG:
            allocated += inode.size + 511 & ~511        # so that nobody takes the file for one great hole
        return (
            number, inode.generation, inode.mode, field["links_count"],
            field["uid_lo"] | field["uid_high"] << 16, field["gid_lo"] | field["gid_high"] << 16,
            _device(inode.block) if kind in (abi.S_IFCHR, abi.S_IFBLK) else 0, inode.size, allocated,
            _time(field["atime"], field["atime_extra"]), _time(field["mtime"], field["mtime_extra"]),
            _time(field["ctime"], field["ctime_extra"]), _time(field["crtime"], field["crtime_extra"]),
            FLAGS[inode.flags >> 4 & 7],
        )  # fmt: skip


def _time(seconds: int, extra: int) -> int:
    """Nanoseconds since 1970: two more bits of seconds (to 2446) and the nanoseconds lie in `extra`."""
    return (seconds + ((extra & 3) << 32)) * NANO + (extra >> 2)


def _device(block: bytes) -> int:
    """A device node's number: the first word in the old form (8 + 8 bits), else the second in the new (12 + 20)."""
    old, new = int.from_bytes(block[:4], "little"), int.from_bytes(block[4:8], "little")
    if old:
        return abi.makedev(old >> 8 & 0xFF, old & 0xFF)
    return abi.makedev(new >> 8 & 0xFFF, new & 0xFF | new >> 12 & 0xFFF00)
