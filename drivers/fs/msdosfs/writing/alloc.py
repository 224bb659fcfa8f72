# SPDX-License-Identifier: BSD-2-Clause
"""Clusters: taken for directories and files, zeroed, and given up."""

from __future__ import annotations

from rump.drivers.fs.fat.chains import FIRST_CLUSTER
from rump.kernel.errors import Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.fat.chains import Extent
    from rump.drivers.fs.msdosfs.writing.state import State

ZEROS = bytes(1 << 20)
STEP = 1 << 16              # clusters given up before the transaction may be committed


class Clusters:
    """The clusters of a volume.

    condemned   first clusters of chains that nothing leads to any more -> True; they are still to be given up
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.condemned: dict[int, bool] = {}
        geometry = state.geometry
        self.size = geometry.cluster_size
        self._base = geometry.data_offset - FIRST_CLUSTER * self.size

    def place(self, cluster: int) -> int:
        """Where a cluster begins on the device."""
        return self._base + cluster * self.size

    # ---- taking --------------------------------------------------------------------------------------------------

    def hold(self, goal: int, count: int, runs: int = 1 << 30) -> list[Extent]:
        """Reserve clusters: at most so many runs, and what there is if that is less.  Errors: ENOSPC - none."""
        space = self._state.space
        held: list[Extent] = []
        at = 0
        while at < count and len(held) < runs:
            try:
                start, got = space.reserve(goal, count - at)
            except Fault as error:
                if error.errno != e.ENOSPC or not held:
                    raise
                break
            if held and held[-1][1] + held[-1][2] == start:
                held[-1] = (held[-1][0], held[-1][1], held[-1][2] + got)
            else:
                held.append((at, start, got))
            at, goal = at + got, start + got
        return held

    def hold_all(self, goal: int, count: int) -> list[Extent]:
        """Reserve so many clusters.  Errors: ENOSPC."""
        held = self.hold(goal, count)
        if held[-1][0] + held[-1][2] < count:
            self.give_back(held)
            raise fault(e.ENOSPC)
        return held

    def claim(self, held: list[Extent]) -> None:
        """Clusters that were reserved are in use."""
        for _, start, count in held:
            self._state.space.claim(start, count)

    def give_back(self, held: list[Extent]) -> None:
        """Clusters that were reserved are not needed."""
        for _, start, count in held:
            self._state.space.unreserve(start, count)

    def zero(self, start: int, count: int, skip: int = 0) -> None:
        """Zeros in clusters that nothing leads to, but for the first `skip` bytes."""
        state = self._state
        offset, end = self.place(start) + skip, self.place(start + count)
        shift = state.stages.shift
        for block in range(offset >> shift, end >> shift):
            state.cache.drop(block << shift)
        self.write_zeros(offset, end - offset)

    def write_zeros(self, offset: int, length: int) -> None:
        """Zeros at a device offset, past the store: where there is no more than data."""
        device = self._state.store.device
        for at in range(0, length, len(ZEROS)):
            device.write(offset + at, ZEROS[: length - at])

    # ---- giving up -------------------------------------------------------------------------------------------------

    def condemn(self, start: int) -> None:
        """Nothing leads to the chain from `start` any more."""
        if start:
            self._state.store.set(self.condemned, start, True)

    def execute(self) -> None:
        """Give up what is condemned, in steps; all else the operation does must be done."""
        for start in [*self.condemned]:
            try:
                self._release(start)
            except Fault as error:
                # The chain is damaged.  Nothing leads to what is left; a checker will find it.
                self._state.store.set(self.condemned, start, None)
                self._state.log(f"clusters from {start} on cannot be given up: {error}")

    def _release(self, start: int) -> None:
        state = self._state
        store, table = state.store, state.table
        limit = state.geometry.end_cluster
        while start:
            extents = [*table.segment(start).extents]
            if not extents:
                store.set(self.condemned, start, None)
                return
            following, freed = table.segment(start).next, 0
            for _, cluster, count in extents:
                if freed + count > STEP and freed:
                    following = cluster
                    break
                freed += count
                self._free(cluster, count)
            limit -= freed
            store.set(self.condemned, start, None)
            start = following if limit > 0 else 0
            if start:
                store.set(self.condemned, start, True)
                store.restart()

    def _free(self, start: int, count: int) -> None:
        state = self._state
        state.space.release(start, count)       # it looks at the table as it was
        state.table.free_run(start, count)
