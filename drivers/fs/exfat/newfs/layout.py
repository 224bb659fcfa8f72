# SPDX-License-Identifier: BSD-2-Clause
"""How large everything is, and where: as mkfs.exfat(8) lays it out.

The FAT begins at a boundary - flash memory likes them - and so do the clusters.  The first ones hold the bitmap, the
up-case table and the root directory.
"""

from __future__ import annotations

from rump.drivers.fs.exfat.disk import BITMAP_UNIT, BOOT_SECTORS, CLUSTERS_MAX, FIRST_CLUSTER
from rump.drivers.fs.exfat.newfs.options import BOUNDARY
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.newfs.options import Wanted

FAT_ENTRY = 4


class Layout:
    """The sizes of a volume, in bytes, and places, in bytes from its start.

    fat, fat_size     the FAT
    heap              cluster 2
    clusters          how many
    bitmap_size
    chains            (first cluster, how many) of bitmap, up-case table and root directory
    used              clusters of those
    """

    def __init__(self, wanted: Wanted, upcase_size: int) -> None:
        """Errors: ENOSPC - too small; EFBIG - more clusters than there are numbers."""
        self._wanted = wanted
        self._upcase_size = upcase_size
        if not self._fits(wanted.boundary or BOUNDARY) and (
            wanted.boundary or not self._fits(max(wanted.cluster_size, wanted.sector_size))
        ):
            raise fault(e.ENOSPC, f"{wanted.size} bytes are too few for an exFAT with clusters of "
                        f"{wanted.cluster_size} bytes and boundaries of {wanted.boundary or BOUNDARY}")  # fmt: skip
        if self.clusters > CLUSTERS_MAX - 1:
            raise fault(e.EFBIG, f"{wanted.size} bytes are too many for clusters of {wanted.cluster_size}")

    def _fits(self, boundary: int) -> bool:
        """Lay it out with such boundaries; whether there is room for what must be there."""
        wanted, cluster = self._wanted, self._wanted.cluster_size
        usual = wanted.size // cluster          # clusters, were there nothing else
        self.fat = _up(2 * BOOT_SECTORS * wanted.sector_size, boundary)
        self.fat_size = _up(usual * FAT_ENTRY, cluster)
        self.heap = _up(self.fat + self.fat_size, boundary)
        self._count()
        if wanted.pack_bitmap:
            self._pack()
        first, self.chains = FIRST_CLUSTER, []
        for size in (self.bitmap_size, self._upcase_size, cluster):
            count = -(-size // cluster)
            self.chains.append((first, count))
            first += count
        self.used = first - FIRST_CLUSTER
        return self.used <= self.clusters

    def _count(self) -> None:
        """How many clusters there are from the heap's beginning on, and their bitmap's size."""
        wanted = self._wanted
        size = wanted.size // wanted.sector_size * wanted.sector_size
        held = self.fat_size // FAT_ENTRY - FIRST_CLUSTER
        self.clusters = min(max(size - self.heap, 0) // wanted.cluster_size, held)
        self.bitmap_size = -(-self.clusters // BITMAP_UNIT)

    def _pack(self) -> None:
        """Let the heap begin before the boundary, by as much as the bitmap takes, if there is room behind the FAT."""
        boundary, cluster = self.heap, self._wanted.cluster_size
        packed = _up(self.bitmap_size, cluster)
        while boundary - packed >= self.fat + self.fat_size:
            self.heap = boundary - packed
            self._count()
            if self.bitmap_size <= packed:
                return
            packed += cluster
        self.heap = boundary
        self._count()

    def place(self, cluster: int) -> int:
        """Where a cluster is."""
        return self.heap + (cluster - FIRST_CLUSTER) * self._wanted.cluster_size


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
