# SPDX-License-Identifier: BSD-2-Clause
"""What all parts of a volume that is written to share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.bmap import Maps
    from rump.drivers.fs.exfat.mount import Geometry
    from rump.drivers.fs.exfat.writing.alloc import Allocator
    from rump.drivers.fs.exfat.writing.data import FileData
    from rump.drivers.fs.exfat.writing.directory import Directories
    from rump.drivers.fs.exfat.writing.volume import WritableVolume
    from rump.drivers.fs.fat.options import Options
    from rump.drivers.fs.fat.places import Places
    from rump.drivers.fs.fat.stages import Stages
    from rump.drivers.fs.fat.table import WritableChains
    from rump.kernel.vfs.transaction import Store
    from rump.kernel.vfs.volume import Services


class State:
    """A volume being written to.  The parts know one another through it; it is filled in while mounting.

    geometry, options, services, store, stages, chains, maps, places   see their classes
    alloc         clusters
    directories   entry sets
    data          contents of regular files
    volume        the operations
    commits       how many there were
    """

    geometry: Geometry
    options: Options
    services: Services
    store: Store
    stages: Stages
    chains: WritableChains
    maps: Maps
    places: Places
    alloc: Allocator
    directories: Directories
    data: FileData
    volume: WritableVolume
    commits: int = 0

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self.services.now()
