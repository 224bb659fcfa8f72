# SPDX-License-Identifier: BSD-2-Clause
"""Many new files at once: their clusters in as few runs as there are, their sets encoded and checked together."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat.bmap import Space
from rump.drivers.fs.exfat.checksum import set_checksums
from rump.drivers.fs.exfat.disk import ENTRY_SIZE
from rump.drivers.fs.exfat.lookup import key_of
from rump.drivers.fs.exfat.ops import FLAG_BITS
from rump.drivers.fs.exfat.times import fields as time_fields
from rump.drivers.fs.exfat.writing.data import STEP
from rump.drivers.fs.exfat.writing.directory import FILLER
from rump.drivers.fs.exfat.writing.links import new_file_bits
from rump.drivers.fs.exfat.writing.record import check_name, new_set
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.runs import deal
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.exfat.writing.alloc import Piece
    from rump.drivers.fs.exfat.writing.links import Links, Parent
    from rump.drivers.fs.exfat.writing.state import State
    from rump.kernel.vfs.volume import Attributes, Handle, Row, Run

    Made: TypeAlias = tuple[int, bytes, tuple[Piece, ...]]      # which row, its set, its clusters

BATCH = 1000                # rows that are made in one go
MEMOS = 4096                # times kept encoded


class Populate:
    """`place` and `populate` of a volume."""

    def __init__(self, state: State, links: Links) -> None:
        self._state = state
        self._links = links
        # Directory -> (pieces of each file, how many of the files were made or given up).
        self._placed: dict[int, tuple[tuple[tuple[Piece, ...], ...], int]] = {}
        self._times: dict[int, tuple[int, int, int]] = {}

    # ---- space ---------------------------------------------------------------------------------------------------

    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        """See `Volume.place`."""
        state = self._state
        self._links.parent(directory)
        if directory[0] in self._placed:
            raise fault(e.EINVAL, f"directory {directory[0]}: something is placed already")
        needs = [state.data.clusters(size) for size in sizes]
        if any(need > STEP for need in needs):
            return None
        if any(size > state.volume.capabilities.file_size_max for size in sizes):
            raise fault(e.EFBIG)
        total = sum(needs)
        files = deal(state.alloc.reserve(0, total) if total else [], needs)
        state.store.set(self._placed, directory[0], (files, 0))
        return tuple([self._runs(pieces) for pieces in files])

    def _runs(self, pieces: tuple[Piece, ...]) -> tuple[Run, ...]:
        geometry = self._state.geometry
        size, at = geometry.cluster_size, 0
        runs: list[Run] = []
        for start, count in pieces:
            runs.append((v.DATA, at, count * size, geometry.place(start)))
            at += count * size
        return tuple(runs)

    def abandon(self, number: int) -> bool:
        """Give back what was placed for a directory; whether there was something."""
        placed = self._placed.get(number)
        if placed is None:
            return False
        files, done = placed
        for pieces in files[done:]:
            self._state.alloc.unreserve(pieces)
        self._state.store.set(self._placed, number, None)
        return True

    # ---- files ---------------------------------------------------------------------------------------------------

    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[tuple[int, ...], Attributes]:
        """See `Volume.populate`.  A batch of rows is made at once, and stands; the transaction may be committed
        behind it."""
        state = self._state
        results: list[int] = []
        try:
            for at in range(0, len(rows), BATCH):
                parent = self._links.parent(directory)
                results += self._batch(parent, rows[at : at + BATCH])
                state.store.restart()
            parent = self._links.parent(directory)
            attributes = self._links.touch(parent) if 0 in results else state.volume.file_attributes(directory)
            self.abandon(directory[0])
        except BaseException:
            state.store.rollback()
            self.abandon(directory[0])
            state.store.restart()
            raise
        return tuple(results), attributes

    def _batch(self, parent: Parent, rows: tuple[Row, ...]) -> list[int]:
        """Make files; 0 or an errno of each."""
        results = [0] * len(rows)
        if parent.directory.left:
            keys = [key_of(self._state.volume.cases().key(row[v.ROW_NAME])) for row in rows]
            self._state.directories.make_way(parent.directory, keys)
        made: list[Made] = []
        names: dict[bytes, None] = {}
        files, done = self._placed.get(parent.handle[0], ((), 0))
        for number, row in enumerate(rows):
            pieces: tuple[Piece, ...] = ()
            if row[v.ROW_MODE] & abi.S_IFMT == abi.S_IFREG and done < len(files):
                pieces, done = files[done], done + 1
            try:
                made.append((number, self._set(parent, row, pieces, names), pieces))
            except Corrupt:
                raise
            except Fault as error:
                results[number] = error.errno or e.EIO
                self._state.alloc.unreserve(pieces)
        if parent.handle[0] in self._placed:
            self._state.store.set(self._placed, parent.handle[0], (files, done))
        self._enter(parent, made, results)
        return results

    def _set(self, parent: Parent, row: Row, pieces: tuple[Piece, ...], taken: dict[bytes, None]) -> bytes:
        """The set of a new file, without its checksum; a directory gets its cluster.  Errors: as of a row."""
        state = self._state
        name, mode, _, _, _, _, flags, atime, mtime, birthtime, contents, xattrs = row
        kind = mode & abi.S_IFMT
        if kind not in (abi.S_IFREG, abi.S_IFDIR) or xattrs:
            raise fault(e.EOPNOTSUPP)
        raw = check_name(name)
        cases = state.volume.cases()
        upcased = cases.upcase(raw)
        key = key_of(upcased)
        if upcased in taken or parent.directory.find(upcased, cases, key) >= 0:
            raise fault(e.EEXIST)
        times = self._all_times(birthtime or state.now(), mtime, atime)
        bits = sum([bit for bit, flag in FLAG_BITS if flags & flag]) if flags else 0
        space, length = disk.SPACE_POSSIBLE, contents if isinstance(contents, int) else len(contents)
        first = pieces[0][0] if pieces else 0
        if kind == abi.S_IFDIR:
            space, first, length = self._links.new_directory()
            bits |= disk.ATTR_DIRECTORY
        else:
            bits |= new_file_bits(mode)
            space |= disk.NO_FAT_CHAIN if len(pieces) == 1 else 0
            if length and not pieces:
                raise fault(e.EINVAL, "contents that nothing was placed for")
        taken[upcased] = None
        return new_set(raw, key & 0xFFFF, bits, times, space, first, length)

    def _all_times(self, born: int, modified: int, accessed: int) -> tuple[int, ...]:
        """See `record.new_set`.  Errors: EINVAL."""
        birth, change, access = self._time(born), self._time(modified), self._time(accessed)
        return birth[0], change[0], access[0], birth[1], change[1], birth[2], change[2], access[2]

    def _time(self, moment: int) -> tuple[int, int, int]:
        found = self._times.get(moment)
        if found is None:
            if len(self._times) >= MEMOS:
                self._times.clear()
            found = self._times[moment] = time_fields(moment, self._state.options.tz)
        return found

    def _enter(self, parent: Parent, made: list[Made], results: list[int]) -> None:
        """Put sets into the directory, behind those that are there, and give the files their clusters."""
        state, directory = self._state, parent.directory
        aligned, at = state.directories.aligned, directory.end
        parts: list[bytes] = []
        slots: list[int] = []
        kept: list[Made] = []
        for each in _sealed(made):
            count = len(each[1]) // ENTRY_SIZE
            slot = aligned(at, count)
            if slot + count > directory.size // ENTRY_SIZE:
                try:
                    state.directories.grow(parent.record, directory, slot + count)
                except Fault as error:
                    if error.errno != e.ENOSPC:
                        raise
                    self._drop(each, results)
                    continue
            if slot > at and slots:
                parts.append(FILLER * (slot - at))
            parts.append(each[1])
            slots.append(slot)
            kept.append(each)
            at = slot + count
        if slots:
            state.directories.insert(directory, slots[0], b"".join(parts), slots)
            self._claim(kept)

    def _drop(self, made: Made, results: list[int]) -> None:
        """There is no room for a set."""
        number, data, pieces = made
        self._state.alloc.unreserve(pieces)
        if data[4] & disk.ATTR_DIRECTORY:
            self._state.alloc.release(int.from_bytes(data[52:56], "little"), 1)
        results[number] = e.ENOSPC

    def _claim(self, made: list[Made]) -> None:
        """The files have the clusters that were placed for them."""
        state = self._state
        joined: list[Piece] = []
        for _, _, pieces in made:
            if len(pieces) > 1:
                state.data.attach(Space(0, 0, False), list(pieces))
            for start, count in pieces:
                if joined and joined[-1][0] + joined[-1][1] == start:
                    joined[-1] = (joined[-1][0], joined[-1][1] + count)
                else:
                    joined.append((start, count))
        state.alloc.claim(joined)


def _sealed(made: list[Made]) -> list[Made]:
    """The sets with their checksums."""
    by_size: dict[int, list[int]] = {}
    for index, (_, data, _) in enumerate(made):
        by_size.setdefault(len(data), []).append(index)
    result = [*made]
    for size, indices in by_size.items():
        totals = set_checksums(b"".join([made[index][1] for index in indices]), size)
        for index, total in zip(indices, totals, strict=True):
            number, data, pieces = made[index]
            result[index] = (number, data[:2] + total.to_bytes(2, "little") + data[4:], pieces)
    return result
