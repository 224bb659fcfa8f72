# SPDX-License-Identifier: BSD-2-Clause
"""What the boot sector says, checked; mount options; probing."""

from __future__ import annotations

from rump.drivers.fs.msdosfs import disk
from rump.kernel.errors import Corrupt, Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.ops import MsdosVolume
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments

SECTOR_SIZES = (512, 1024, 2048, 4096)


class Geometry:
    """Where everything is on a volume, in bytes from its start.

    bits            of a FAT entry: 12, 16, 32
    sector_size, cluster_size
    fat_offset      of the FAT in use
    root_offset, root_size   of the root directory (FAT12, FAT16; else size 0)
    root_cluster    of the root directory (FAT32; else 0)
    data_offset     of cluster 2
    clusters        how many
    size            of the volume
    info_offset     of the FSInfo sector, or 0
    boot, tail      the boot sector's fields
    """

    def __init__(self, sector: bytes) -> None:
        """Errors: EIO - a value that makes no sense, named."""
        self.boot = boot = disk.BootSector(sector)
        _check_sizes(boot)
        self.sector_size = boot.sector_size
        self.cluster_size = boot.sector_size * boot.cluster_sectors
        self.root_size = boot.root_entries * disk.ENTRY_SIZE
        self.root_cluster = self.info_offset = active = 0
        fat_sectors = boot.fat_sectors16
        if not fat_sectors:
            boot32 = disk.Boot32(sector, 36)
            fat_sectors, active = boot32.fat_sectors, _active_fat(boot32, boot.fats)
            self.root_cluster, self.root_size = boot32.root_cluster, 0
            if 0 < boot32.info_sector < boot.reserved:
                self.info_offset = boot32.info_sector * boot.sector_size
        self.tail = disk.BootTail(sector, 36 if boot.fat_sectors16 else 64)
        self.fat_offset = (boot.reserved + active * fat_sectors) * boot.sector_size
        self.root_offset = (boot.reserved + boot.fats * fat_sectors) * boot.sector_size
        self.data_offset = self.root_offset + -(-self.root_size // boot.sector_size) * boot.sector_size
        self.size = (boot.sectors16 or boot.sectors32) * boot.sector_size
        self._count_clusters(fat_sectors)

    def _count_clusters(self, fat_sectors: int) -> None:
        """The number of clusters, and with it the width of FAT entries.

        A FAT32 is known by its 16-bit FAT size being zero - its makers do not mind the specification's lower limit -
        the others by their number of clusters.  A FAT too short for all clusters limits them.
        """
        clusters = (self.size - self.data_offset) // self.cluster_size
        if clusters < 1 or not fat_sectors:
            raise Corrupt(f"sector 0: no room for clusters: {self.size} bytes, data from {self.data_offset}")
        self.bits = 32 if not self.boot.fat_sectors16 else 12 if clusters < disk.FAT12_MAX else 16
        most = {12: disk.FAT12_MAX - 1, 16: disk.FAT16_MAX - 1, 32: 0x0FFFFFF5}[self.bits]
        held = fat_sectors * self.sector_size * 8 // self.bits - disk.FIRST_CLUSTER
        self.clusters = min(clusters, most, held)
        self.end_cluster = self.clusters + disk.FIRST_CLUSTER
        if self.bits == 32 and not disk.FIRST_CLUSTER <= self.root_cluster < self.end_cluster:
            raise Corrupt(f"sector 0: root directory at cluster {self.root_cluster} of {self.clusters}")

    @property
    def name(self) -> str:
        return f"FAT{self.bits}"


def _check_sizes(boot: disk.BootSector) -> None:
    """The fields that everything else is computed from."""
    bad = None
    if boot.sector_size not in SECTOR_SIZES:
        bad = "sector size", boot.sector_size
    elif not boot.cluster_sectors or boot.cluster_sectors & (boot.cluster_sectors - 1):
        bad = "sectors per cluster", boot.cluster_sectors
    elif not boot.reserved:
        bad = "reserved sectors", 0
    elif not 1 <= boot.fats <= 4:
        bad = "number of FATs", boot.fats
    elif boot.media != 0xF0 and boot.media < 0xF8:
        bad = "media", boot.media
    elif boot.fat_sectors16 and not boot.root_entries:
        bad = "root directory entries", 0
    elif not (boot.sectors16 or boot.sectors32):
        bad = "sectors", 0
    if bad:
        raise Corrupt(f"sector 0: {bad[0]}: {bad[1]}")


def _active_fat(boot32: disk.Boot32, fats: int) -> int:
    """Which FAT is kept up to date."""
    if boot32.version:
        raise Corrupt(f"sector 0: FAT32 version: {boot32.version:#x}")
    active = boot32.flags & 15 if boot32.flags & 0x80 else 0
    if active >= fats:
        raise Corrupt(f"sector 0: active FAT: {active} of {fats}")
    return active


def read_geometry(device: BlockDevice) -> Geometry:
    """Errors: EFTYPE - no FAT volume; EIO - one, but its boot sector makes no sense."""
    sector = device.read(0, 512) if device.size >= 512 else b""
    if not sector or sector[0] not in (0xEB, 0xE9) or sector[3:11] in (b"NTFS    ", b"EXFAT   ", b"-FVE-FS-"):
        raise fault(e.EFTYPE, f"{device.name}: sector 0 is not the boot sector of a FAT volume")
    geometry = Geometry(sector)
    if geometry.data_offset > device.size:
        raise Corrupt(f"sector 0: {device.name} ends at {device.size}, before the data at {geometry.data_offset}")
    return geometry


def probe(device: BlockDevice) -> str | None:
    """ "FAT12", "FAT16", "FAT32" or None.  Beside the boot sector the FAT must begin as a FAT does."""
    try:
        geometry = read_geometry(device)
        first = device.read(geometry.fat_offset, 4)
    except Fault:
        return None
    begins = {12: first[1] & 15 == 15, 16: first[1] == 255, 32: first[1:3] == b"\xff\xff" and first[3] & 15 == 15}
    return geometry.name if first[0] == geometry.boot.media and begins[geometry.bits] else None


class Options:
    """How files look that the format says nothing of.

    uid, gid     owner of all files                              -o uid=1000, gid=1000
    mask         permissions of files, 0644 if not given         -o mask=755   (octal)
    dirmask      those of directories; if not given, 0755, or mask with search where it has read
    tz           minutes the clock that wrote the times was ahead of UTC       -o tz=+02:00, or tz=120
    long_names   whether long names are used                     -o longnames, shortnames
    """

    def __init__(self, given: dict[str, str]) -> None:
        """Errors: EINVAL - an option there is not, or its value."""
        self.uid = self.gid = self.tz = 0
        self.mask, self.dirmask = 0o644, -1
        self.long_names = True
        for name, value in given.items():
            self._take(name, value)
        if self.dirmask < 0:
            self.dirmask = 0o755 if "mask" not in given else self.mask | (self.mask & 0o444) >> 2

    def _take(self, name: str, value: str) -> None:
        if name in ("uid", "gid"):
            setattr(self, name, _number(name, value, 10, (1 << 32) - 1))
        elif name in ("mask", "dirmask"):
            setattr(self, name, _number(name, value, 8, 0o777))
        elif name == "tz":
            self.tz = _zone(value)
        elif name in ("longnames", "shortnames") and not value:
            self.long_names = name == "longnames"
        else:
            raise fault(e.EINVAL, f"msdosfs: option {name}{'=' if value else ''}{value}")


def _number(name: str, value: str, base: int, most: int) -> int:
    """A number from 0 to `most`."""
    try:
        number = int(value, base) if value.isascii() and value.isdigit() else -1
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise fault(e.EINVAL, f"msdosfs: option {name}={value}")
    return number


def _zone(value: str) -> int:
    """Minutes from "[+-]HH:MM" or "[+-]minutes"."""
    digits = value.lstrip("+-") if len(value) - len(value.lstrip("+-")) < 2 else ""
    hours, colon, minutes = digits.partition(":")
    most = 24 * 60 - 1
    count = _number("tz", hours, 10, 23) * 60 + _number("tz", minutes, 10, 59) if colon else _number(
        "tz", digits, 10, most
    )
    return -count if value.startswith("-") else count


def mount(arguments: MountArguments) -> MsdosVolume:
    """See `FileSystem.mount`."""
    from rump.drivers.fs.msdosfs.ops import MsdosVolume

    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "msdosfs needs a device")
    options = Options(arguments.options)
    geometry = read_geometry(device)
    if not arguments.read_only:
        raise fault(e.EROFS, "msdosfs can be mounted for reading only")
    if geometry.size > device.size:
        arguments.services.log(
            f"msdosfs: {device.name}: the volume has {geometry.size} bytes, the device only {device.size}"
        )
    return MsdosVolume(device, geometry, options, arguments.cache_bytes)
