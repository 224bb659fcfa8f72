# SPDX-License-Identifier: BSD-2-Clause
"""Directories: their blocks in pieces, each checked once, and the entries in them.

A piece is what lies together on the disk of one window of `WINDOW` bytes of the directory.  The cookie behind an entry
is where the next one begins, in bytes of the directory.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.medium import DIRECTORY, KINDS, NO_FAULTS
from rump.kernel import abi
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.bmap import Maps
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Faults, Medium
    from rump.kernel.vfs.volume import Entry

WINDOW = 64 << 10       # bytes
HEADER = 8              # bytes before a name
SHORTEST = 12           # bytes: the least an entry may take up
DOTS = (b".", b"..")

_DIRENT = disk_files.Dirent.struct
_TAIL = disk_files.DirentTail.struct

# file_type (its lower four bits) -> DT_*.
TYPES = bytes((
    abi.DT_UNKNOWN, abi.DT_REG, abi.DT_DIR, abi.DT_CHR, abi.DT_BLK, abi.DT_FIFO, abi.DT_SOCK, abi.DT_LNK,
)) + bytes(248)  # fmt: skip
UNTYPED = bytes(256)


def record_length(stored: int, block_size: int) -> int:
    """rec_len in bytes: a block of 64 KiB needs 17 bits, the upper ones stand in the two lowest, which are free."""
    if block_size < 65536:
        return stored
    if stored in (0, 65535):
        return block_size
    return stored & 0xFFFC | (stored & 3) << 16


class Directories:
    """The directories of a volume."""

    def __init__(self, medium: Medium, maps: Maps) -> None:
        self._medium = medium
        self._maps = maps
        geometry = medium.geometry
        self.block_size = geometry.block_size
        self._window = max(1, WINDOW >> geometry.shift)
        self._types = TYPES if geometry.incompat & disk.INCOMPAT_FILETYPE else UNTYPED
        self._inodes = geometry.inodes

    # ---- blocks --------------------------------------------------------------------------------------------------

    def count(self, inode: Inode) -> int:
        """How many blocks a directory has.  Errors: Corrupt - its size cannot be."""
        size = inode.size
        if not size or size % self.block_size or size >> self._medium.geometry.shift > self._medium.geometry.blocks:
            raise Corrupt(f"directory {inode.number}: size is {size}")
        return size >> self._medium.geometry.shift

    def pieces(self, inode: Inode, first: int) -> Iterator[tuple[int, bytes, Faults]]:
        """(first block, bytes, bad blocks of them) of a directory's pieces, from the one that block `first` is in."""
        total = self.count(inode)
        geometry = self._medium.geometry
        start = first - first % self._window
        while start < total:
            stop = min(start + self._window, total)
            for kind, block, count, target in self._maps.blocks(inode, start, stop):
                if block + count <= first:
                    continue
                if kind != DATA:
                    raise Corrupt(f"directory {inode.number}: block {block} is a hole")
                _, data, bad = self._medium.piece(
                    target << geometry.shift,
                    count << geometry.shift,
                    inode.number * KINDS + DIRECTORY,
                    lambda: f"directory {inode.number}",
                    lambda data, block=block: self._check(inode, block, data),  # type: ignore[misc]
                )
                yield block, data, bad
            start = stop

    def block(self, inode: Inode, number: int) -> bytes:
        """One block of a directory.  Errors: Corrupt - its checksum is wrong, or it has no such block."""
        if 0 <= number < self.count(inode):
            for first, data, bad in self.pieces(inode, number):
                index = number - first
                if index in bad:
                    raise Corrupt(f"directory {inode.number}: block {number}: {bad[index]}")
                return data[index * self.block_size : (index + 1) * self.block_size]
        raise Corrupt(f"directory {inode.number}: no block {number}")

    def _check(self, inode: Inode, first: int, data: bytes) -> Faults:
        """The blocks of a piece, as it comes in, whose checksums are wrong."""
        if not self._medium.geometry.checksums:
            return NO_FAULTS
        size = self.block_size
        crc32c = self._medium.services.crc32c
        seed = self._medium.inode_seed(inode.number, inode.generation)
        view = memoryview(data)
        faults: Faults = {}
        for index, at in enumerate(range(0, len(data), size)):
            end = at + size - SHORTEST
            zero, length, name_length, kind, checksum = _TAIL.unpack_from(data, end)
            what: str | None = None
            if inode.flags & disk_files.INODE_INDEX:      # first: a root may have kept the tail of the leaf it was
                from rump.drivers.fs.ext2fs.htree import node_fault

                what = node_fault(crc32c, seed, data[at : at + size], first + index)
            if what is None:
                if zero or length != SHORTEST or name_length or kind != disk_files.TAIL_TYPE:
                    what = "there is no checksum"
                elif crc32c(seed, view[at:end]) != checksum:
                    what = "checksum is wrong"
            if what:
                faults[index] = what
        return faults

    # ---- entries -------------------------------------------------------------------------------------------------

    def parse(self, number: int, data: bytes, start: int, stop: int, base: int, after: int, out: list[Entry]) -> None:
        """Append the entries of one block: bytes `start` to `stop` of `data`, of directory `number`; byte 0 of `data`
        is byte `base` of the directory.  Only those behind the cookie `after`.  The longest loop of a listing.

        Errors: Corrupt - an entry that does not fit; `out` has those before it.
        """
        unpack = _DIRENT.unpack_from
        append = out.append
        types, inodes, limit = self._types, self._inodes, stop - SHORTEST
        wide = self.block_size > 32768
        at = start
        while at <= limit:
            inode, length, name_length, kind = unpack(data, at)
            if wide:
                length = record_length(length, self.block_size)
            end = at + length
            if length < SHORTEST or length & 3 or end > stop or name_length > length - HEADER or inode > inodes:
                raise Corrupt(
                    f"directory {number}: entry at {base + at}: inode {inode}, length {length}, name {name_length}"
                )
            if inode and base + end > after:
                name = data[at + HEADER : at + HEADER + name_length]
                if name_length > 2 or (name_length and name not in DOTS):
                    append((name, base + end, inode, types[kind & 15]))
            at = end
        if at != stop:
            raise Corrupt(f"directory {number}: {stop - at} bytes behind the last entry at {base + at}")

    def entries(self, inode: Inode, cookie: int) -> Iterator[list[Entry]]:
        """The entries behind a cookie, block by block.

        Errors: Corrupt - a damaged block or entry; what comes before it is given first.
        """
        if inode.flags & disk_files.INODE_INLINE_DATA:
            from rump.drivers.fs.ext2fs.inline import entries

            yield from entries(self._medium, self, inode, cookie)
            return
        size, shift = self.block_size, self._medium.geometry.shift
        if not 0 <= cookie < inode.size:
            return
        first = cookie >> shift
        for block, data, bad in self.pieces(inode, first):
            base = block << shift
            skip = max(0, first - block)
            for index in range(skip, len(data) >> shift):
                out: list[Entry] = []
                failed: Corrupt | None = None
                if index in bad:
                    failed = Corrupt(f"directory {inode.number}: block {block + index}: {bad[index]}")
                else:
                    try:
                        self.parse(inode.number, data, index * size, (index + 1) * size, base, cookie, out)
                    except Corrupt as error:
                        failed = error
                yield out
                if failed:
                    raise failed
