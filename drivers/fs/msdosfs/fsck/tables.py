# SPDX-License-Identifier: BSD-2-Clause
"""The file allocation tables: whether they agree, what their entries are, which clusters nobody has; FSInfo."""

from __future__ import annotations

from rump.drivers.fs.fat.chains import FIRST_CLUSTER, PIECE, entries
from rump.drivers.fs.msdosfs import disk
from rump.kernel.errors import Fault
from rump.kernel.vfs.usage import ones, spelled
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rump.drivers.fs.msdosfs.fsck.state import State
    from rump.kernel.vfs.usage import Range
    from rump.kernel.vfs.volume import Finding

RUNS_MAX = 8                # ranges named of each kind
EVERY = 64                  # pieces between two words of progress
_DIGITS = b"0" + b"1" * 255


class Runs:
    """Ranges of clusters of one kind: the first of them, and how many clusters in all."""

    def __init__(self) -> None:
        self.ranges: list[Range] = []
        self.count = 0

    def add(self, first: int, count: int) -> None:
        """One more."""
        self.count += count
        if self.ranges and sum(self.ranges[-1]) == first:
            self.ranges[-1] = self.ranges[-1][0], self.ranges[-1][1] + count
        elif len(self.ranges) <= RUNS_MAX:
            self.ranges.append((first, count))

    def __str__(self) -> str:
        named = ", ".join([spelled(*each) for each in self.ranges[:RUNS_MAX]])
        return named + (" and others" if len(self.ranges) > RUNS_MAX else "")


class Tables:
    """The pass.

    free   clusters that are free, by the table
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._geometry = state.geometry
        self._chains = state.chains
        self.free = 0
        self._bad = 0
        self._lost = Runs()
        self._ends = 0              # lost clusters that end a chain
        self._wild = Runs()         # entries that are no clusters

    def run(self) -> Iterator[Finding]:
        """What is found."""
        yield from self._copies()
        yield from self._entries()
        if self._wild.count:
            yield ERROR, f"FAT: what cluster {self._wild} leads to is no cluster"
        if self._lost.count:
            chains = max(1, self._ends)
            yield ERROR, (
                f"{self._lost.count} clusters in {chains} chains are nobody's: {self._lost}"
            )
        if self._bad:
            yield NOTE, f"{self._bad} clusters are marked bad"
        if self._geometry.bits == 32:
            yield from self._info()

    # ---- copies ------------------------------------------------------------------------------------------------------

    def _copies(self) -> Iterator[Finding]:
        """The tables that are to be the same, one against the other."""
        geometry = self._geometry
        for number, offset in enumerate(geometry.mirrors, 2):
            differ = Runs()
            step = PIECE if geometry.bits != 12 else self._chains.bytes
            for at in range(0, self._chains.bytes, step):
                if at % (EVERY * step) == 0:
                    yield PROGRESS, f"FAT {number}: byte {at} of {self._chains.bytes}"
                self._compare(at, offset, differ)
            if differ.count:
                yield ERROR, f"FAT {number} is not the same as FAT 1: clusters {differ}"

    def _compare(self, at: int, offset: int, differ: Runs) -> None:
        """A piece of the table with the same of a copy."""
        chains, device = self._chains, self._state.device
        size = min(PIECE if chains.bits != 12 else chains.bytes, chains.bytes - at)
        ours, theirs = device.read(chains.offset + at, size), device.read(offset + at, size)
        if ours == theirs:
            return
        first = at * 8 // chains.bits
        pairs = zip(entries(ours, chains.bits), entries(theirs, chains.bits), strict=True)
        for cluster, (one, other) in enumerate(pairs, first):
            if one != other and cluster < chains.end:
                differ.add(cluster, 1)

    # ---- entries -----------------------------------------------------------------------------------------------------

    def _entries(self) -> Iterator[Finding]:
        """All entries of the table in use."""
        chains = self._chains
        count = -(-chains.end // chains.per_piece)
        for number in range(count):
            if number % EVERY == 0:
                yield PROGRESS, f"FAT: piece {number} of {count}"
            try:
                self._piece(number, chains.piece(number))
            except Fault as error:
                yield ERROR, f"FAT: {error.detail or error}"

    def _piece(self, number: int, values: Sequence[int]) -> None:
        chains = self._chains
        first = number * chains.per_piece
        owned = self._state.claims.usage.number(number)
        if not owned and not any(values):
            self.free += len(values)
            return
        values = [*values]
        if number == 0:
            values[:FIRST_CLUSTER] = [0] * FIRST_CLUSTER
            self.free -= FIRST_CLUSTER
        mask = chains.mask
        if max(values) > mask:
            values = [value & mask for value in values]
        self.free += values.count(0)
        bad = mask - 8
        self._bad += values.count(bad)
        if max(values) >= chains.end or 1 in values:
            for index, value in enumerate(values):
                if value == 1 or chains.end <= value < bad:
                    self._wild.add(first + index, 1)
        used = int(bytes(map(bool, values)).translate(_DIGITS)[::-1], 2)
        lost = used & ~owned
        for index, length in ones(lost):
            self._take_lost(first, index, values[index : index + length])

    def _take_lost(self, first: int, index: int, values: list[int]) -> None:
        """A range of clusters that are in use, and nobody's; bad ones are meant to be nobody's."""
        bad = self._chains.mask - 8
        start = 0
        while start < len(values):
            if values[start] == bad:
                start += 1
                continue
            stop = start
            while stop < len(values) and values[stop] != bad:
                stop += 1
            self._lost.add(first + index + start, stop - start)
            self._ends += sum([1 for value in values[start:stop] if value > bad])
            start = stop

    # ---- FSInfo ------------------------------------------------------------------------------------------------------

    def _info(self) -> Iterator[Finding]:
        """FAT32: the counters."""
        geometry = self._geometry
        if not geometry.info_offset:
            yield NOTE, "there is no FSInfo sector"
            return
        sector = self._state.device.read(geometry.info_offset, 512)
        where = f"FSInfo (sector {geometry.info_offset // geometry.sector_size})"
        info = disk.Info(sector, 484)
        signatures = int.from_bytes(sector[:4], "little"), info.signature, sector[508:]
        if signatures != (disk.INFO_FIRST, disk.INFO_MIDDLE, disk.INFO_LAST):
            yield ERROR, f"{where}: its signatures are wrong"
            return
        if info.free == disk.FREE_UNKNOWN:
            yield NOTE, f"{where}: it does not say how many clusters are free"
        elif info.free != self.free:
            yield ERROR, f"{where}: {info.free} clusters are free, it says; there are {self.free}"
        if info.next not in (0, disk.FREE_UNKNOWN) and not FIRST_CLUSTER <= info.next < geometry.end_cluster:
            yield NOTE, f"{where}: cluster {info.next} of {geometry.clusters} is where to look for free ones"
