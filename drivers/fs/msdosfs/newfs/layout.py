# SPDX-License-Identifier: BSD-2-Clause
"""How large everything is: medium, clusters, FAT, root directory, chosen by the volume's size as mkfs.fat(8) does.

A medium that is no floppy is given the heads and tracks that the BIOS would give it; the volume is cut to whole tracks.
Clusters start small and are doubled until a FAT of the width wanted can number them all.
"""

from __future__ import annotations

from rump.drivers.fs.msdosfs.disk import ENTRY_SIZE
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.newfs.options import Wanted

KIB, MIB = 1 << 10, 1 << 20

FLOPPIES = {
    360: (0xFD, 2, 9, 2, 112), 720: (0xF9, 2, 9, 2, 112), 1200: (0xF9, 2, 15, 1, 224),
    1440: (0xF0, 2, 18, 1, 224), 2880: (0xF0, 2, 36, 2, 224),
}  # fmt: skip
"""KiB -> media, heads, sectors in a track, sectors in a cluster, entries of the root directory."""

TRACKS = (
    (4096, 2, 16), (32768, 2, 32), (65536, 4, 32), (262144, 8, 32), (524288, 16, 32), (1032192, 16, 63),
    (2064384, 32, 63), (4128768, 64, 63), (8257536, 128, 63),
)  # fmt: skip
"""Other media: up to so many sectors, heads, sectors in a track."""
LARGE = 255, 63

FIXED, FIXED_DRIVE = 0xF8, 0x80
CLUSTER, CLUSTER_MAX = 4, 128       # sectors: where the search begins, and ends
ROOT_ENTRIES = 512
RESERVED32 = 32                     # sectors
FAT32_FROM = 512 * MIB              # larger volumes are FAT32 unless told
CLUSTERS32 = ((532480, 1), (1 << 24, 8), (1 << 25, 16), (1 << 26, 32))
"""FAT32: below so many sectors (260 MiB, 8 GiB ... of usual ones), sectors in a cluster; of more, so many:"""
CLUSTER32 = 64
SMALL = 8192                        # sectors: volumes of no more are not aligned
SECTORS_MAX = 0xFFFFFFFF
VIABLE = 32                         # KiB for clusters: with less a volume is not worth the name
LEAST = {12: 1, 16: 4087, 32: 65529}
MOST = {12: 4084, 16: 65524, 32: 268435446}
"""Clusters: what every reader takes for a FAT of that width."""


class Layout:
    """The sizes of a volume.

    bits               of a FAT entry
    media, drive, heads, track   what the boot sector says of the medium
    sectors            of the volume
    cluster            sectors in a cluster
    clusters           how many
    reserved           sectors before the first FAT
    fat                sectors of one FAT
    root_entries       of the root directory (FAT12, FAT16)
    root               sectors of it
    info, backup       FAT32: sector of FSInfo, and of the boot sector's copy or 0
    """

    def __init__(self, wanted: Wanted) -> None:
        """Errors: ENOSPC - too small; EFBIG - too large for FAT entries of that width; EINVAL."""
        self._wanted = wanted
        self.bits = wanted.bits or (32 if wanted.size >= FAT32_FROM else 0)
        self.media, self.heads, self.track, self.cluster, self.root_entries = self._medium()
        self.drive = wanted.drive
        if wanted.drive < 0:
            self.drive = FIXED_DRIVE if self.media == FIXED else 0
        self.sectors = min(wanted.size // wanted.sector_size, SECTORS_MAX)
        if wanted.align:
            self.sectors -= self.sectors % self.track
        self._aligned = wanted.align and self.sectors > SMALL
        self.reserved = wanted.reserved_sectors or (RESERVED32 if self.bits == 32 else 1)
        if self.bits == 32 and self.reserved < 2:
            raise fault(e.EINVAL, "option reserved_sectors=1: FAT32 needs 2")
        self.root = -(-self.root_entries * ENTRY_SIZE // wanted.sector_size)
        self._search()
        self.reserved = self._whole(self.reserved)
        if self.reserved > 0xFFFF:
            raise fault(e.EINVAL, f"option reserved_sectors={wanted.reserved_sectors}: too many")
        if self._aligned:
            self.root = self._whole(self.root)
            self.root_entries = self.root * (wanted.sector_size // ENTRY_SIZE)
            if self.root_entries > 0xFFFF and self.bits != 32:
                raise fault(e.EINVAL, f"option root_entries={wanted.root_entries}: too many for whole clusters")
        data = (self.reserved + wanted.fats * self.fat + self.root * (self.bits != 32)) * wanted.sector_size
        if wanted.size // KIB < -(-data // KIB) + VIABLE:
            raise fault(e.ENOSPC, f"{wanted.size} bytes are too few for a FAT{self.bits}, which needs {data} of them")
        self._places()

    def _medium(self) -> tuple[int, int, int, int, int]:
        """What the medium is, and what is usual on it: a row as of `FLOPPIES`."""
        wanted = self._wanted
        sectors = wanted.size // wanted.sector_size
        heads, track = next((row[1:] for row in TRACKS if sectors <= row[0]), LARGE)
        usual = FIXED, heads, track, CLUSTER, ROOT_ENTRIES
        media, heads, track, cluster, entries = FLOPPIES.get(wanted.size // KIB, usual)
        if self.bits == 32:
            cluster = next((count for below, count in CLUSTERS32 if sectors < below), CLUSTER32)
        if wanted.geometry[0]:
            heads, track = wanted.geometry
        return (media if wanted.media < 0 else wanted.media), heads, track, cluster, wanted.root_entries or entries

    def _whole(self, sectors: int) -> int:
        """Rounded up to whole clusters, on a volume that is aligned."""
        return -(-sectors // self.cluster) * self.cluster if self._aligned else sectors

    def _search(self) -> None:
        """Choose the size of clusters, and with it the FAT."""
        wanted = self._wanted
        widths = (self.bits,) if self.bits else (12, 16)
        self.cluster = wanted.cluster_sectors or self.cluster
        while True:
            tried = {bits: self._tried(bits) for bits in (12, 16, 32)}
            if any(tried[bits][0] > 0 for bits in widths):
                break
            if wanted.cluster_sectors or self.cluster == CLUSTER_MAX:
                raise self._unfit(max(tried[bits][2] for bits in widths))
            self.cluster *= 2
        self.bits = self.bits or (16 if tried[16][0] > tried[12][0] else 12)
        self.clusters, self.fat, _ = tried[self.bits]

    def _tried(self, bits: int) -> tuple[int, int, int]:
        """With clusters of this size: how many, or 0 if they do not do; sectors of the FAT; how many there would be."""
        wanted = self._wanted
        size, fats = wanted.sector_size, wanted.fats
        room = self.sectors - self._whole(self.reserved)
        if bits != 32:
            room -= self._whole(self.root)
        # In half bytes, for FAT12; the two entries that number no cluster are in each FAT.
        clusters = (room * size * 8 + fats * bits * 2) // (self.cluster * size * 8 + fats * bits)
        fat = self._whole(-(-(((clusters + 2) * bits + 7) // 8) // size))
        clusters = (room - fats * fat) // self.cluster
        held = min(fat * size * 8 // bits, MOST[bits])
        asked = bits == 32 == wanted.bits
        fits = (1 if asked else LEAST[bits]) <= clusters <= held
        return clusters if fits else 0, fat, clusters

    def _unfit(self, clusters: int) -> Exception:
        """Why no size of clusters does."""
        size = self._wanted.size
        if clusters > LEAST[self.bits or 12]:
            name = f"FAT{self.bits}" if self.bits else "FAT12 or FAT16"
            return fault(e.EFBIG, f"{size} bytes are too many for a {name} with clusters of {self.cluster} sectors")
        return fault(e.ENOSPC, f"{size} bytes are too few for a FAT{self.bits or ''}")

    def _places(self) -> None:
        """FAT32: where FSInfo and the copy of the boot sector are."""
        self.info = self.backup = 0
        if self.bits != 32:
            return
        self.info = 1
        self.backup = self._wanted.backup_sector
        if self.backup < 0:
            self.backup = 6 if self.reserved >= 7 else max(self.reserved - 2, 2) if self.reserved >= 3 else 0
        if self.backup == self.info or self.backup >= self.reserved:
            raise fault(e.EINVAL, f"option backup_sector={self.backup}: not between FSInfo and the FAT")
