# SPDX-License-Identifier: BSD-2-Clause
"""Contents of regular files: where the kernel is to write them, and what becomes of that (`Volume.reserve`).

What is reserved is kept in memory only.  The format has no holes: what lies between the end of a file and where it is
written to is filled with zeros, in clusters that nothing leads to yet.
"""

from __future__ import annotations

from rump.drivers.fs.fat.chains import FIRST_CLUSTER
from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.writing.entries import cluster_of, with_cluster
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import DATA
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.fat.chains import Extent
    from rump.drivers.fs.msdosfs.lookup import EntryFields
    from rump.drivers.fs.msdosfs.writing.state import State
    from rump.kernel.vfs.volume import Handle, Run

BYTES_MAX = 64 << 20        # reserved by one call
RUNS_MAX = 1024             # likewise


class FileData:
    """The contents of a volume's regular files.

    reserved    fileid -> clusters that are to follow those it has
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._size = state.geometry.cluster_size
        self.reserved: dict[int, list[Extent]] = {}

    def open(self, file: Handle) -> tuple[int, EntryFields]:
        """(place, fields) of a regular file.  Errors: EISDIR, ESTALE."""
        if file[0] == 1:
            raise fault(e.EISDIR)
        place, fields = self._state.entries.load(file)
        if fields[1] & disk.ATTR_DIRECTORY:
            raise fault(e.EISDIR)
        return place, fields

    def _end(self, fields: EntryFields) -> tuple[int, int]:
        """How many clusters a file has, and the last of them (0: none).  Errors: EIO."""
        start = cluster_of(fields)
        return self._state.table.end_of(start) if start else (0, 0)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        """See `Volume.reserve`."""
        _, fields = self.open(file)
        if file[0] in self.reserved:
            self.abandon(file[0])
        if offset >= disk.SIZE_MAX:
            raise fault(e.EFBIG)
        end = offset + min(length, disk.SIZE_MAX - offset, BYTES_MAX)
        have, tail = self._end(fields)
        if offset <= have * self._size and offset <= fields[11]:
            gap: list[Extent] = []
        else:
            gap = self._fill_gap(fields, have, tail, offset)
            tail = gap[-1][1] + gap[-1][2] - 1 if gap else tail
        extents = [*self._present(fields, have, offset, end)]
        covered = (extents[-1][0] + extents[-1][2] if extents else have + _length(gap)) * self._size
        # A part of the first new cluster may lie in the gap.
        if gap and covered > offset:
            extents.append((gap[-1][0] + gap[-1][2] - 1 + have, tail, 1))
        new: list[Extent] = []
        if have * self._size <= covered < end and len(extents) < RUNS_MAX:
            new = self._hold(covered, end, tail, len(extents), bool(extents))
            base = covered // self._size
            extents += [(base + at, cluster, count) for at, cluster, count in new]
        if gap or new:
            self._state.store.set(self.reserved, file[0], _joined(gap, new))
        return self._runs(extents, offset, end)

    def _present(self, fields: EntryFields, have: int, offset: int, end: int) -> list[Extent]:
        """The clusters that a file has in a range, or a prefix of them."""
        first, last = offset // self._size, min(have, -(-end // self._size))
        if first >= last:
            return []
        return self._state.table.extents(cluster_of(fields), first, last - first)[:RUNS_MAX]

    def _hold(self, start: int, end: int, tail: int, runs: int, some: bool) -> list[Extent]:
        """Reserve clusters for a range; none if there are none and others will do."""
        clusters = self._state.clusters
        count = -(-(end - start) // self._size)
        try:
            return clusters.hold(self._goal(tail), count, RUNS_MAX - runs)
        except OSError as error:
            if error.errno != e.ENOSPC or not some:
                raise
            return []

    def _goal(self, tail: int) -> int:
        return tail + 1 if tail else self._state.space.next

    def _fill_gap(self, fields: EntryFields, have: int, tail: int, offset: int) -> list[Extent]:
        """Zeros from a file's end up to `offset`, in clusters of its own and in new ones, which are reserved."""
        clusters, size = self._state.clusters, self._size
        self._clear_tail(fields, have, offset)
        count = -(-offset // size) - have
        if count <= 0:
            return []
        held = clusters.hold_all(self._goal(tail), count)
        for _, start, got in held:
            clusters.zero(start, got)
        return held

    def _clear_tail(self, fields: EntryFields, have: int, offset: int) -> None:
        """Zeros behind a file's end in the clusters it has."""
        at, end = fields[11], min(have * self._size, offset)
        while at < end:
            first = at // self._size
            count = -(-end // self._size) - first
            for position, cluster, got in self._state.table.extents(cluster_of(fields), first, count):
                stop = min((position + got) * self._size, end)
                place = self._state.clusters.place(cluster) + at - position * self._size
                self._state.clusters.write_zeros(place, stop - at)
                at = stop

    def _runs(self, extents: list[Extent], offset: int, end: int) -> tuple[Run, ...]:
        runs: list[Run] = []
        for at, cluster, count in extents:
            begin, stop = max(at * self._size, offset), min((at + count) * self._size, end)
            place = self._state.clusters.place(cluster) + begin - at * self._size
            if runs and runs[-1][3] + runs[-1][2] == place:
                runs[-1] = (DATA, runs[-1][1], runs[-1][2] + stop - begin, runs[-1][3])
            elif begin < stop:
                runs.append((DATA, begin, stop - begin, place))
        return tuple(runs)

    def commit_write(self, file: Handle, offset: int, length: int) -> None:
        """See `Volume.commit_write`."""
        place, fields = self.open(file)
        held = self.reserved.get(file[0])
        end = offset + length if length > 0 else 0
        if held is not None:
            self._state.store.set(self.reserved, file[0], None)
            fields = self._settle(fields, held, end)
        if end:
            fields = (*fields[:11], max(fields[11], end))
            self.save(file[0], place, fields)

    def _settle(self, fields: EntryFields, held: list[Extent], end: int) -> EntryFields:
        """Of the clusters held those that are written to join the file; the others are given back."""
        have, tail = self._end(fields)
        need = max(0, -(-end // self._size) - have)
        used, rest = _split(held, need)
        self._state.clusters.give_back(rest)
        return self.attach(fields, have, tail, used) if used else fields

    def attach(self, fields: EntryFields, have: int, tail: int, held: list[Extent]) -> EntryFields:
        """Clusters that were reserved follow those of a file; the caller saves the fields."""
        state = self._state
        state.clusters.claim(held)
        if have:
            state.table.grow(cluster_of(fields), tail, have, held)
            return fields
        state.table.chain(held)
        return with_cluster(fields, held[0][1], fields[11])

    def abandon(self, number: int) -> None:
        """See `Volume.abandon`."""
        held = self.reserved.get(number)
        if held is not None:
            self._state.store.set(self.reserved, number, None)
            self._state.clusters.give_back(held)

    def save(self, number: int, place: int, fields: EntryFields) -> None:
        """A file's contents have changed."""
        date, time, _ = self._state.stamp(self._state.now())
        bits = fields[1] | disk.ATTR_ARCHIVE
        new = (fields[0], bits, *fields[2:8], time, date, *fields[10:])
        self._state.entries.save(number, place, new)

    # ---- sizes -------------------------------------------------------------------------------------------------------

    def resized(self, fields: EntryFields, size: int) -> EntryFields:
        """A file's fields when it has been cut, or filled with zeros, to a size; the caller saves them, then executes
        what is condemned.  Errors: EFBIG, ENOSPC."""
        if size > disk.SIZE_MAX:
            raise fault(e.EFBIG)
        if size > fields[11]:
            return self._extend(fields, size)
        return self._cut(fields, size)

    def _extend(self, fields: EntryFields, size: int) -> EntryFields:
        have, tail = self._end(fields)
        held = self._fill_gap(fields, have, tail, size)
        if held:
            fields = self.attach(fields, have, tail, held)
        return (*fields[:11], size)

    def _cut(self, fields: EntryFields, size: int) -> EntryFields:
        table, clusters = self._state.table, self._state.clusters
        start = cluster_of(fields)
        if not size:
            clusters.condemn(start)
            return with_cluster(fields, 0, 0)
        keep = -(-size // self._size)
        ((_, last, _),) = table.extents(start, keep - 1, 1)
        following = table.entry(last)
        if FIRST_CLUSTER <= following < table.end:
            table.cut(last)
            clusters.condemn(following)
        return (*fields[:11], size)


def _length(held: list[Extent]) -> int:
    return held[-1][0] + held[-1][2] if held else 0


def _joined(one: list[Extent], two: list[Extent]) -> list[Extent]:
    base = _length(one)
    return [*one, *[(base + at, cluster, count) for at, cluster, count in two]]


def _split(held: list[Extent], need: int) -> tuple[list[Extent], list[Extent]]:
    """The first `need` clusters, and the others."""
    used: list[Extent] = []
    rest: list[Extent] = []
    for at, cluster, count in held:
        mine = min(max(need - at, 0), count)
        if mine:
            used.append((at, cluster, mine))
        if mine < count:
            rest.append((at + mine, cluster + mine, count - mine))
    return used, rest
