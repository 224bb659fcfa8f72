# SPDX-License-Identifier: BSD-2-Clause
"""Many new files at once: their space in as few runs as there are, their chains and entries written together."""

from __future__ import annotations

from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.writing.attributes import flag_bits
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault, fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.fat.chains import Extent
    from rump.drivers.fs.msdosfs.writing.directory import LiveDirectory
    from rump.drivers.fs.msdosfs.writing.links import Keys, Links
    from rump.drivers.fs.msdosfs.writing.state import Stamp, State
    from rump.kernel.vfs.volume import Handle, Row, Run

    Pieces: TypeAlias = tuple[Extent, ...]
    # Row, keys of its names, entries, space.
    Made: TypeAlias = tuple[int, Keys, bytes, Pieces]

KINDS = (abi.S_IFREG, abi.S_IFDIR)
ROUND = 4096                # what is behind a file's end is written as zeros up to a multiple of this
FILES_MAX = 1 << 14         # placed at once
_pack = disk.Entry.struct.pack


class Populate:
    """`place` and `populate` of a volume."""

    def __init__(self, state: State, links: Links) -> None:
        self._state = state
        self._links = links
        self._placed: dict[int, tuple[Pieces, ...]] = {}    # directory -> the space of each file

    # ---- space -------------------------------------------------------------------------------------------------------

    def place(self, directory: Handle, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...] | None:
        """See `Volume.place`."""
        state = self._state
        parent = self._links.parent(directory)
        if parent.number in self._placed:
            raise fault(e.EINVAL, f"directory {parent.number}: something is placed already")
        if len(sizes) > FILES_MAX:
            return None
        if sizes and max(sizes) > disk.SIZE_MAX:
            raise fault(e.EFBIG)
        size = state.geometry.cluster_size
        needs = [-(-length // size) for length in sizes]
        total = sum(needs)
        held = state.clusters.hold_all(state.space.next, total) if total else []
        files = _carve(held, needs)
        state.store.set(self._placed, parent.number, files)
        return tuple([self._runs(pieces, length) for pieces, length in zip(files, sizes, strict=True)])

    def _runs(self, pieces: Pieces, length: int) -> tuple[Run, ...]:
        size, place = self._state.geometry.cluster_size, self._state.clusters.place
        if len(pieces) == 1:
            _, cluster, count = pieces[0]
            return ((v.DATA, 0, min(count * size, -(-length // ROUND) * ROUND), place(cluster)),)
        end = -(-length // ROUND) * ROUND
        return tuple([
            (v.DATA, at * size, min(count * size, end - at * size), place(cluster)) for at, cluster, count in pieces
        ])  # fmt: skip

    def abandon(self, number: int) -> bool:
        """Give back what was placed for a directory; whether there was something."""
        placed = self._placed.get(number)
        if placed is None:
            return False
        for pieces in placed:
            self._state.clusters.give_back([*pieces])
        self._state.store.set(self._placed, number, None)
        return True

    # ---- files -------------------------------------------------------------------------------------------------------

    def populate(self, directory: Handle, rows: tuple[Row, ...]) -> tuple[int, ...]:
        """See `Volume.populate`."""
        state = self._state
        parent = self._links.parent(directory)
        self._wait(parent, rows)
        placed = iter(self._placed.get(parent.number, ()))
        state.store.set(self._placed, parent.number, None)
        emptied = iter(self._emptied(sum([row[v.ROW_MODE] & abi.S_IFMT == abi.S_IFDIR for row in rows])))
        results = [0] * len(rows)
        made: list[Made] = []
        taken, stamps = _Taken(parent), _Stamps(state)
        now = stamps[state.now()]
        unused: list[Pieces] = []
        for number, row in enumerate(rows):
            kind = row[v.ROW_MODE] & abi.S_IFMT
            pieces = next(placed if kind == abi.S_IFREG else emptied, ()) if kind in KINDS else ()
            try:
                keys, entries = self._one(parent, row, pieces, taken, stamps, now)
            except Corrupt:
                raise
            except Fault as error:
                results[number] = error.errno or e.EIO
                unused.append(pieces)
                continue
            made.append((number, keys, entries, pieces))
        for each in self._enter(parent, made):
            results[each[0]] = e.ENOSPC
            unused.append(each[3])
        for pieces in [*unused, *placed, *emptied]:
            state.clusters.give_back([*pieces])
        self._chain([each for each in made if not results[each[0]]])
        if 0 in results:
            self._links.touch(directory)
        return tuple(results)

    def _wait(self, parent: LiveDirectory, rows: tuple[Row, ...]) -> None:
        if self._state.directories.moved:
            for row in rows:
                self._links.wait_for(parent, row[v.ROW_NAME])

    def _emptied(self, count: int) -> tuple[Pieces, ...]:
        """Space for so many new directories, as far as there is any, with zeros in it."""
        state = self._state
        if not count:
            return ()
        try:
            held = state.clusters.hold(state.space.next, count)
        except Fault as error:
            if error.errno != e.ENOSPC:
                raise
            return ()
        if state.clusters.size > 1 << state.stages.shift:
            for _, start, got in held:
                state.clusters.zero(start, got)
        return _carve(held, [1] * (held[-1][0] + held[-1][2]))

    def _one(
        self, parent: LiveDirectory, row: Row, pieces: Pieces, taken: _Taken, stamps: _Stamps, now: Stamp
    ) -> tuple[Keys, bytes]:
        """(keys of its names, entries) of a new file.  Errors: as of a row."""
        name, mode, _, _, _, _, flags, atime, mtime, birthtime, contents, xattrs = row
        kind = mode & abi.S_IFMT
        if kind not in KINDS or xattrs:
            raise fault(e.EOPNOTSUPP)
        raw, long, case, keys = self._links.plan(name, taken)
        date, time, units = stamps[birthtime] if birthtime else now
        day, (mdate, mtime, _) = stamps[atime][0], stamps[mtime]
        cluster = pieces[0][1] if pieces else 0
        size = 0
        if kind == abi.S_IFREG:
            bits = flag_bits(flags) if flags else disk.ATTR_ARCHIVE
            bits |= 0 if mode & 0o222 else disk.ATTR_READ_ONLY
            if pieces:
                size = contents if isinstance(contents, int) else len(contents)
        else:
            if not cluster:
                raise fault(e.ENOSPC)
            bits = disk.ATTR_DIRECTORY | flag_bits(flags)
            fields = raw, bits, case, units, time, date, day, 0, mtime, mdate, 0, 0
            self._links.begin_directory(parent, fields, cluster)
        taken.new[keys[0]] = taken.new[keys[1]] = None
        entry = _pack(raw, bits, case, units, time, date, day, cluster >> 16, mtime, mdate, cluster & 0xFFFF, size)
        return keys, long + entry

    def _enter(self, parent: LiveDirectory, made: list[Made]) -> list[Made]:
        """Put the entries of new files into the directory; those for which there is no room."""
        data = b"".join([each[2] for each in made])
        if not data:
            return []
        directories = self._state.directories
        try:
            slot = directories.room_at_end(parent, len(data) // disk.ENTRY_SIZE)
        except Fault as error:
            if error.errno != e.ENOSPC:
                raise
            return [each for each in made if not self._enter_one(parent, each)]
        directories.write(parent, slot, data)
        for _, keys, entries, _ in made:
            after = slot + len(entries) // disk.ENTRY_SIZE
            parent.add(keys, (slot, after - 1))
            slot = after
        return []

    def _enter_one(self, parent: LiveDirectory, each: Made) -> bool:
        """Put one file's entries into the directory; False: there is no room."""
        _, keys, entries, _ = each
        directories = self._state.directories
        count = len(entries) // disk.ENTRY_SIZE
        try:
            slot = directories.room(parent, count)
        except Fault as error:
            if error.errno != e.ENOSPC:
                raise
            return False
        directories.write(parent, slot, entries)
        parent.add(keys, (slot, slot + count - 1))
        return True

    def _chain(self, made: list[Made]) -> None:
        """Make chains of the space of files, all that adjoin in one go."""
        state, last = self._state, self._state.table.mask
        first = following = 0
        values: list[int] = []
        for each in made:
            pieces = each[3]
            for index, (_, start, count) in enumerate(pieces):
                if start != following and values:
                    state.space.claim(first, len(values))
                    state.table.fill(first, values)
                    values = []
                if not values:
                    first = start
                following = start + count
                values += range(start + 1, following)
                values.append(pieces[index + 1][1] if index + 1 < len(pieces) else last)
        if values:
            state.space.claim(first, len(values))
            state.table.fill(first, values)


class _Stamps(dict[int, "Stamp"]):
    """Moments as the format has them.  Errors: as of `State.stamp`."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._stamp = state.stamp

    def __missing__(self, moment: int) -> Stamp:
        stamp = self[moment] = self._stamp(moment)
        return stamp


class _Taken:
    """The keys of names that are there or are about to come (`new`)."""

    def __init__(self, directory: LiveDirectory) -> None:
        self._index = directory.index
        self.new: dict[bytes, None] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._index or key in self.new


def _carve(held: list[Extent], needs: list[int]) -> tuple[Pieces, ...]:
    """Deal clusters out, in order."""
    files: list[Pieces] = []
    index, start, left = -1, 0, 0
    for need in needs:
        own: list[Extent] = []
        at = 0
        while at < need:
            if not left:
                index += 1
                _, start, left = held[index]
            count = min(need - at, left)
            own.append((at, start, count))
            at, start, left = at + count, start + count, left - count
        files.append(tuple(own))
    return tuple(files)
