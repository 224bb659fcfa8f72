# SPDX-License-Identifier: BSD-2-Clause
"""Contents of regular files: where bytes are to go, and files that grow and shrink.

A file has clusters for all of its length.  As long as they follow one another the table says nothing of them; when
they no longer do it is made to say it all.  What was never written reads as zeros: the set says from where on, so that
what lies between there and a write has to be filled with zeros.
"""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat import lookup as names
from rump.drivers.fs.exfat.bmap import Space
from rump.drivers.fs.exfat.writing.alloc import ZEROS
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rump.drivers.fs.exfat.writing.alloc import Piece
    from rump.drivers.fs.exfat.writing.record import Record
    from rump.drivers.fs.exfat.writing.state import State
    from rump.drivers.fs.fat.chains import Extent
    from rump.kernel.vfs.volume import Handle, Run

STEP = 1 << 16              # clusters that are given to a file in one go
FREED_MAX = 1 << 22         # clusters that a file loses in one go
GAP_MAX = 1 << 20           # bytes never written before a write that the kernel is left to fill


class FileData:
    """What changes files' clusters."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._size = state.geometry.cluster_size
        self._reserved: dict[int, tuple[Piece, ...]] = {}

    # ---- clusters ------------------------------------------------------------------------------------------------

    def clusters(self, length: int) -> int:
        """How many so many bytes take."""
        return -(-length // self._size)

    def last_cluster(self, space: Space) -> int:
        """A file's last cluster; it has one."""
        if space.contiguous:
            return space.first + space.clusters - 1
        return self._state.maps.extents(space, space.clusters - 1, 1)[0][1]

    def attach(self, space: Space, pieces: list[Piece]) -> Space:
        """Clusters that were free follow those that a file has; the file's new space, for `put_space`."""
        chains = self._state.chains
        more = sum([count for _, count in pieces])
        clusters = space.clusters + more
        if not space.clusters:
            if len(pieces) == 1 and not self._must_chain(space):
                return Space(pieces[0][0], clusters, True)
            chains.renew()
            chains.chain(_extents(pieces, 0))
            return Space(pieces[0][0], clusters, False)
        if space.contiguous:
            if len(pieces) == 1 and pieces[0][0] == space.first + space.clusters:
                return Space(space.first, clusters, True)
            self._convert(space, pieces[0][0])
            chains.chain(_extents(pieces, space.clusters))
            return Space(space.first, clusters, False)
        chains.grow(space.first, self.last_cluster(space), space.clusters, _extents(pieces, space.clusters))
        return Space(space.first, clusters, False)

    def _must_chain(self, space: Space) -> bool:
        """The root directory has nothing to say that it is in one piece."""
        return space.first == self._state.geometry.boot.root_cluster

    def _convert(self, space: Space, following: int) -> None:
        """Have the table say what the clusters of a file are that are in one piece.  Until the file's set says that
        it counts, nobody looks there."""
        state = self._state
        state.chains.renew()
        for at in range(0, space.clusters, STEP):
            count = min(STEP, space.clusters - at)
            start = space.first + at
            last = at + count == space.clusters
            state.chains.set_run(start, count, following if last else start + count)
            if not last:
                state.store.restart()

    def put_space(self, record: Record, space: Space) -> None:
        """A file's set says what its clusters are.  Its length is the caller's to change."""
        flags = disk.SPACE_POSSIBLE | (disk.NO_FAT_CHAIN if space.contiguous and space.clusters else 0)
        record.put(flags=flags, first_cluster=space.first if space.clusters else 0)

    def release(self, space: Space, keep: int = 0) -> None:
        """The clusters of a file behind the first `keep` are free.  The chain stays."""
        state = self._state
        for _, cluster, count in state.maps.all_extents(space, keep):
            state.alloc.release(cluster, count)
        if not space.contiguous:
            state.chains.renew()

    # ---- writing -------------------------------------------------------------------------------------------------

    def reserve(self, file: Handle, offset: int, length: int) -> tuple[Run, ...]:
        """See `Volume.reserve`."""
        state, size = self._state, self._size
        record = state.volume.regular(file)
        if file[0] in self._reserved:
            raise fault(e.EINVAL, f"file {file[0]}: something is reserved already")
        if offset + length > state.volume.capabilities.file_size_max:
            raise fault(e.EFBIG)
        if self.clusters(offset) > self.clusters(record.fields[names.LENGTH]) + STEP:
            self._extend(record, offset)
            state.directories.save(record)
        fields = record.fields
        space = state.volume.space(fields)
        have, begin = space.clusters, min(offset, fields[names.VALID_LENGTH])
        end = min(offset + length, (max(have, offset // size) + STEP) * size)
        need = self.clusters(end) - have
        pieces: list[Piece] = []
        if need > 0:
            pieces = self._reserve_more(space, need, have * size > offset)
            end = min(end, (have + sum([count for _, count in pieces])) * size)
            if end <= offset:
                state.alloc.unreserve(pieces)
                raise fault(e.ENOSPC)
        if pieces:
            state.store.set(self._reserved, file[0], tuple(pieces))
        return self._after_gap(self._runs(space, pieces, begin, end), offset)

    def _after_gap(self, runs: Iterable[Run], offset: int) -> tuple[Run, ...]:
        """The runs of what is to be written, from `offset` on; zeros are written to what comes before and nobody has
        written, at once and past the transaction, for nobody reads it yet.  A little of it is left to the kernel."""
        device = self._state.store.device
        kept: list[Run] = []
        for kind, start, length, place in runs:
            skip = min(length, offset - start)
            if skip > (GAP_MAX if skip < length else 0):
                for done in range(0, skip, len(ZEROS)):
                    device.write(place + done, ZEROS[: skip - done])
                start, length, place = start + skip, length - skip, place + skip
            if length:
                kept.append((kind, start, length, place))
        return tuple(kept)

    def _reserve_more(self, space: Space, need: int, fits: bool) -> list[Piece]:
        """Clusters behind those of a file; none at all will do if what it has `fits` a part."""
        goal = self.last_cluster(space) + 1 if space.clusters else 0
        try:
            return self._state.alloc.reserve(goal, need, partial=True)
        except Fault as error:
            if error.errno != e.ENOSPC or not fits or self._state.store.waiting():
                raise
            return []

    def _runs(self, space: Space, pieces: Iterable[Piece], begin: int, end: int) -> list[Run]:
        """Where bytes are in the clusters of a file and behind them."""
        state, size = self._state, self._size
        first, last = begin // size, min(self.clusters(end), space.clusters)
        extents: list[Extent] = []
        while first < last:
            part = state.maps.extents(space, first, last - first)
            extents += part
            first = part[-1][0] + part[-1][2]
        extents += _extents(pieces, space.clusters)
        runs: list[Run] = []
        for at, cluster, count in extents:
            start, stop = max(begin, at * size), min(end, (at + count) * size)
            if start >= stop:
                continue
            place = state.geometry.place(cluster) + start - at * size
            if runs and runs[-1][3] + runs[-1][2] == place:
                runs[-1] = (v.DATA, runs[-1][1], runs[-1][2] + stop - start, runs[-1][3])
            else:
                runs.append((v.DATA, start, stop - start, place))
        return runs

    def commit_write(self, file: Handle, offset: int, length: int) -> Record:
        """See `Volume.commit_write`; the file's record."""
        state = self._state
        record = state.volume.regular(file)
        fields = record.fields
        end = offset + length
        pieces = list(self._reserved.get(file[0], ()))
        if pieces:
            state.store.set(self._reserved, file[0], None)
            self._take(record, pieces, self.clusters(end) - self.clusters(fields[names.LENGTH]))
        record.put(length=max(end, fields[names.LENGTH]), valid_length=max(end, fields[names.VALID_LENGTH]))
        self.written(record)
        return record

    def _take(self, record: Record, pieces: list[Piece], count: int) -> None:
        """So many of the clusters reserved are the file's, the others are given back."""
        own, rest = _split(pieces, max(0, count))
        self._state.alloc.unreserve(rest)
        if own:
            self._state.alloc.claim(own)
            self.put_space(record, self.attach(self._state.volume.space(record.fields), own))

    def written(self, record: Record) -> None:
        """A file's contents have changed."""
        record.put(attributes=record.fields[names.ATTRIBUTES] | disk.ATTR_ARCHIVE)
        self._state.volume.stamp(record, modified=self._state.now())
        self._state.directories.save(record)

    def abandon(self, number: int) -> None:
        """See `Volume.abandon`."""
        pieces = self._reserved.get(number)
        if pieces is not None:
            self._state.alloc.unreserve(pieces)
            self._state.store.set(self._reserved, number, None)

    # ---- length --------------------------------------------------------------------------------------------------

    def resize(self, record: Record, length: int) -> None:
        """A regular file gets another length.  The caller saves it.  Errors: ENOSPC, EFBIG; it is as before then."""
        before = record.fields[names.LENGTH]
        if length > before:
            self._extend(record, length)
        elif length < before:
            self._truncate(record, length)

    def _extend(self, record: Record, length: int) -> None:
        """What is added is not written."""
        state = self._state
        if length > state.volume.capabilities.file_size_max:
            raise fault(e.EFBIG)
        before = record.fields[names.LENGTH]
        have, need = self.clusters(before), self.clusters(length)
        if need - have > STEP and state.store.waiting():
            state.store.restart()
            state.store.commit()
        if need - have > state.alloc.map.count():
            raise fault(e.ENOSPC)
        while have < need:
            space = state.volume.space(record.fields)
            goal = self.last_cluster(space) + 1 if space.clusters else 0
            pieces = state.alloc.reserve(goal, min(need - have, STEP))
            state.alloc.claim(pieces)
            self.put_space(record, self.attach(space, pieces))
            have += sum([count for _, count in pieces])
            record.put(length=min(length, have * self._size))
            if have < need:
                state.directories.save(record)
                state.store.restart()
        record.put(length=length)

    def _truncate(self, record: Record, length: int) -> None:
        """In steps that fit a transaction, from the end on."""
        state = self._state
        while (left := self.clusters(record.fields[names.LENGTH]) - FREED_MAX) > self.clusters(length):
            self._cut(record, left * self._size)
            state.directories.save(record)
            state.store.restart()
        self._cut(record, length)

    def _cut(self, record: Record, length: int) -> None:
        state = self._state
        fields = record.fields
        space = state.volume.space(fields)
        keep = self.clusters(length)
        record.put(length=length, valid_length=min(length, fields[names.VALID_LENGTH]))
        if keep < space.clusters:
            last = state.maps.extents(space, keep - 1, 1)[0][1] if keep else 0
            self.release(space, keep)
            if keep and not space.contiguous:
                state.chains.cut(last)
            self.put_space(record, Space(space.first, keep, space.contiguous))


def _extents(pieces: Iterable[Piece], at: int) -> list[Extent]:
    """Runs of clusters as extents of a file that has `at` before them."""
    found: list[Extent] = []
    for start, count in pieces:
        found.append((at, start, count))
        at += count
    return found


def _split(pieces: list[Piece], count: int) -> tuple[list[Piece], list[Piece]]:
    """The first `count` clusters, and the others."""
    own: list[Piece] = []
    rest: list[Piece] = []
    for start, length in pieces:
        taken = min(length, count)
        if taken:
            own.append((start, taken))
        if taken < length:
            rest.append((start + taken, length - taken))
        count -= taken
    return own, rest
