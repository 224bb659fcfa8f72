# SPDX-License-Identifier: BSD-2-Clause
"""The entries of one directory block: found, entered, taken out, laid out anew.

Without a journal any subset of the sectors of 512 bytes written may survive a crash.  There an entry and the one before
it lie in the same sector, so that a name comes or goes by changing one sector: new blocks have a (void) entry at
the beginning of every sector, and no entry made here crosses one.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.dirent import HEADER, SHORTEST, TYPES, record_length
from rump.kernel import abi
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Row: TypeAlias = tuple[int, bytes, int]     # inode, name, type as on the disk
    Where: TypeAlias = tuple[int, int]          # directory, block of it; for errors

SECTOR = 512
NAME_MAX = 255
NOWHERE = (-1, -1)

_DIRENT = disk_files.Dirent.struct
_TAIL = disk_files.DirentTail.struct
_LENGTH = Struct("<H")
_header = _DIRENT.unpack_from
_length = _LENGTH.unpack_from
FILE_TYPES = {kind: code for code, kind in enumerate(TYPES[:8]) if kind != abi.DT_UNKNOWN}


def space(name: bytes) -> int:
    """Bytes that an entry of that name takes up at least."""
    return len(name) + HEADER + 3 & ~3


class Format:
    """What entries look like on a volume.

    size      bytes of a block
    end       where entries end in one: a checksum may follow
    sectors   an entry comes or goes by changing one sector
    """

    def __init__(self, size: int, *, tail: bool, typed: bool, sectors: bool) -> None:
        """`tail`: blocks have checksums.  `typed`: entries have types."""
        self.size = size
        self.end = size - SHORTEST if tail else size
        self.sectors = sectors
        self._codes = FILE_TYPES if typed else {}

    def code(self, kind: int) -> int:
        """The type in an entry that stands for DT_*."""
        return self._codes.get(kind, 0)

    # ---- reading -------------------------------------------------------------------------------------------------

    def _odd(self, where: Where, at: int, stored: int) -> int:
        """A length that needs a closer look.  Errors: Corrupt."""
        length = record_length(stored, self.size)
        if length < SHORTEST or length & 3:
            raise Corrupt(f"directory {where[0]}: block {where[1]}: entry at {at}: length {length}")
        return length

    def search(self, where: Where, data: bytes, name: bytes, start: int = 0, stop: int = 0) -> tuple[int, int]:
        """(where the entry of a name is, where the one before it is, or -1); `NOWHERE` if it is not between `start`
        and `stop` (0: all of the block).  Errors: Corrupt."""
        stop = stop or self.end
        found = data.find(name, start + HEADER, stop)
        at, before = start, -1
        while found >= 0:
            wanted = found - HEADER
            while at < wanted:
                step = _length(data, at + 4)[0]
                if step < SHORTEST or step & 3:
                    step = self._odd(where, at, step)
                before = at
                at += step
            if at == wanted:
                inode, step, length, _ = _header(data, at)
                if length == len(name) and inode:
                    self._check(where, at, step, length, stop)
                    return at, before
            # The bytes were in another name, or in what is left of one.
            found = data.find(name, max(at + HEADER, found + 1), stop)
        if at > stop:
            raise Corrupt(f"directory {where[0]}: block {where[1]}: entry at {before}: it ends at {at}")
        return NOWHERE

    def _check(self, where: Where, at: int, step: int, length: int, stop: int) -> int:
        """The length of an entry that is to change.  Errors: Corrupt."""
        if step < SHORTEST or step & 3:
            step = self._odd(where, at, step)
        if at + step > stop or length + HEADER > step:
            raise Corrupt(f"directory {where[0]}: block {where[1]}: entry at {at}: length {step}, name {length}")
        return step

    def room(self, where: Where, data: bytes, need: int, start: int = 0, stop: int = 0) -> int:
        """Where the first entry is behind (or in) which there is room for `need` bytes; -1 if there is none.
        Errors: Corrupt."""
        at, stop = start, stop or self.end
        while at <= stop - SHORTEST:
            inode, step, length, _ = _header(data, at)
            if step < SHORTEST or step & 3:
                step = self._odd(where, at, step)
            used = length + 11 & ~3 if inode else 0
            if step - used >= need and (not self.sectors or (at ^ at + used + need - 1) < SECTOR):
                self._check(where, at, step, length if inode else 0, stop)
                return at
            at += step
        self._check_end(where, at, stop)
        return -1

    def holds(self, data: bytes, at: int, need: int) -> bool:
        """Whether there is room for `need` bytes behind (or in) the entry at `at`, which is sound."""
        inode, step, length, _ = _header(data, at)
        if step & 3 or not step:
            step = record_length(step, self.size)
        used = length + 11 & ~3 if inode else 0
        return step - used >= need and (not self.sectors or (at ^ at + used + need - 1) < SECTOR)

    def rows(
        self, where: Where, data: bytes, start: int = 0, stop: int = 0, rows: list[tuple[int, Row]] | None = None
    ) -> list[tuple[int, Row]]:
        """All entries in use: (where it is, row).  Errors: Corrupt; `rows` then has those before."""
        at, stop = start, stop or self.end
        rows = [] if rows is None else rows
        while at <= stop - SHORTEST:
            inode, step, length, code = _header(data, at)
            step = self._check(where, at, step, length if inode else 0, stop)
            if inode:
                rows.append((at, (inode, data[at + HEADER : at + HEADER + length], code)))
            at += step
        self._check_end(where, at, stop)
        return rows

    def _check_end(self, where: Where, at: int, stop: int) -> None:
        if at != stop:
            raise Corrupt(f"directory {where[0]}: block {where[1]}: entries end at {at}")

    # ---- changing ------------------------------------------------------------------------------------------------

    def enter(self, data: bytes, at: int, row: Row) -> tuple[bytes, int]:
        """The block with a new entry where `room` said, and the place of the entry."""
        new = bytearray(data)
        inode, step, length, _ = _header(data, at)
        if step & 3 or not step:
            step = record_length(step, self.size)
        if inode:
            used = length + 11 & ~3
            _LENGTH.pack_into(new, at + 4, used)
            at += used
            step -= used
        self._write(new, at, step, row)
        return bytes(new), at

    def _write(self, new: bytearray, at: int, step: int, row: Row) -> None:
        inode, name, code = row
        length = len(name)
        _DIRENT.pack_into(new, at, inode, step if step < 65536 else 65535, length, code)
        new[at + HEADER : at + HEADER + length] = name

    def leave(self, data: bytes, at: int, before: int) -> bytes:
        """The block without the entry at `at`; what `search` found before it grows, unless it is in another sector."""
        new = bytearray(data)
        if before < 0 or (self.sectors and before ^ at >= SECTOR):
            new[at : at + 4] = b"\0\0\0\0"
        else:
            step = _length(data, before + 4)[0] + _length(data, at + 4)[0]      # neither can be all of the block
            _LENGTH.pack_into(new, before + 4, step if step < 65536 else 65535)
        return bytes(new)

    def clear(self, data: bytes, gone: set[int]) -> bytes:
        """The block without the entries at these places; the others stay where they are."""
        at, before = 0, -1
        new = bytearray(data)
        while at < self.end:
            step = record_length(_length(data, at + 4)[0], self.size)
            if at not in gone:
                before = at
            elif before < 0 or (self.sectors and before ^ at >= SECTOR):
                new[at : at + 4] = b"\0\0\0\0"
                before = at
            else:
                total = record_length(_length(new, before + 4)[0], self.size) + step
                _LENGTH.pack_into(new, before + 4, total if total < 65536 else 65535)
            at += step
        return bytes(new)

    def change(self, data: bytes, at: int, inode: int, kind: int) -> bytes:
        """The block with another file in the entry at `at`."""
        new = bytearray(data)
        new[at : at + 4] = inode.to_bytes(4, "little")
        new[at + 7] = self.code(kind)
        return bytes(new)

    # ---- new blocks ----------------------------------------------------------------------------------------------

    def pack(self, rows: list[Row]) -> bytes | None:
        """A new block of these entries; None if they do not fit."""
        if not self.sectors:
            return self._build([rows]) if sum([space(row[1]) for row in rows]) <= self.end else None
        bins: list[list[Row]] = [[] for _ in range(0, self.end, SECTOR)]
        free = [SECTOR] * len(bins)
        free[-1] = self.end - (len(bins) - 1) * SECTOR
        # The longest first: so they fit best.
        for row in sorted(rows, key=lambda row: -len(row[1])):
            need = space(row[1])
            for index, left in enumerate(free):
                if need <= left:
                    free[index] -= need
                    bins[index].append(row)
                    break
            else:
                return None
        return self._build(bins)

    def first(self, inode: int, parent: int, rows: list[Row]) -> bytes | None:
        """The first block of a directory; None if the rows do not fit."""
        code = self.code(abi.DT_DIR)
        dots = [(inode, b".", code), (parent, b"..", code)]
        if not self.sectors:
            return self.pack(dots + rows)
        return self._first(dots, rows)

    def _first(self, dots: list[Row], rows: list[Row]) -> bytes | None:
        """In order, where they may not cross a sector."""
        bins: list[list[Row]] = [list(dots)]
        left = SECTOR - sum([space(row[1]) for row in dots])
        for row in rows:
            need = space(row[1])
            if need > left:
                bins.append([])
                left = min(SECTOR, self.end - (len(bins) - 1) * SECTOR)
            if need > left:
                return None
            bins[-1].append(row)
            left -= need
        bins += [[] for _ in range(len(bins) * SECTOR, self.end, SECTOR)]
        return self._build(bins) if (len(bins) - 1) * SECTOR < self.end else None

    def _build(self, bins: list[list[Row]]) -> bytes:
        """A block with these entries; each list has a sector (or all), the last entry in it what is left."""
        new = bytearray(self.size)
        width = SECTOR if self.sectors else self.end
        for index, rows in enumerate(bins):
            at = index * width
            stop = min(at + width, self.end)
            for row in rows[:-1]:
                step = space(row[1])
                self._write(new, at, step, row)
                at += step
            self._write(new, at, stop - at, rows[-1] if rows else (0, b"", 0))
        if self.end < self.size:
            _TAIL.pack_into(new, self.end, 0, SHORTEST, 0, disk_files.TAIL_TYPE, 0)
        return bytes(new)
