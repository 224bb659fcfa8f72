# SPDX-License-Identifier: BSD-2-Clause
"""What all parts of a volume that is written to share."""

from __future__ import annotations

from rump.drivers.fs.fat import times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.fat.places import Places
    from rump.drivers.fs.fat.space import FreeMap
    from rump.drivers.fs.fat.stages import Stages
    from rump.drivers.fs.fat.table import WritableChains
    from rump.drivers.fs.msdosfs.mount import Geometry, Options
    from rump.drivers.fs.msdosfs.writing.alloc import Clusters
    from rump.drivers.fs.msdosfs.writing.directory import Directories
    from rump.drivers.fs.msdosfs.writing.entries import Entries
    from rump.kernel.vfs.buffer import BufferCache
    from rump.kernel.vfs.transaction import Store
    from rump.kernel.vfs.volume import Services

    Stamp = tuple[int, int, int]


class State:
    """A volume being written to.  The parts know one another through it; it is filled in while mounting.

    geometry, options, services, store, stages, places   see their classes
    cache         of single blocks of the device
    table         chains of clusters
    space         which are given out
    clusters      both together
    entries       directory entries, by files' numbers
    directories   directories, by name
    """

    geometry: Geometry
    options: Options
    services: Services
    store: Store
    cache: BufferCache
    stages: Stages
    places: Places
    table: WritableChains
    space: FreeMap
    clusters: Clusters
    entries: Entries
    directories: Directories

    def now(self) -> int:
        """Nanoseconds since 1970; the nearest that the format can hold."""
        zone = self.options.tz * 60 * times.SECOND
        return min(max(self.services.now(), times.TIME_MIN - zone), times.TIME_MAX - zone)

    def stamp(self, moment: int) -> Stamp:
        """(date, time, units of 10 ms) of a moment.  Errors: EINVAL - the format has no such year."""
        return times.encode(moment, self.options.tz)

    def log(self, text: str) -> None:
        """A line for the console."""
        self.services.log(f"msdosfs: {self.store.device.name}: {text}")
