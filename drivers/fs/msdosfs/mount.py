# SPDX-License-Identifier: BSD-2-Clause
"""What the boot sector says, checked; mount options; probing."""

from __future__ import annotations

from rump.drivers.fs.fat.options import Options as BaseOptions
from rump.drivers.fs.msdosfs import disk
from rump.kernel.errors import Corrupt, Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.ops import MsdosVolume
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments, Services

SECTOR_SIZES = (512, 1024, 2048, 4096)
BACKUP_SECTOR = 6           # where everybody puts the copy of the boot sector
CODE_PAGES = (
    437, 720, 737, 775, 850, 852, 855, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869, 874, 932, 936, 949, 950, 1250,
    1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258,
)  # fmt: skip


class Geometry:
    """Where everything is on a volume, in bytes from its start.

    bits            of a FAT entry: 12, 16, 32
    sector_size, cluster_size
    fat_offset      of the FAT in use
    mirrors         of the others that are kept the same
    root_offset, root_size   of the root directory (FAT12, FAT16; else size 0)
    root_cluster    of the root directory (FAT32; else 0)
    data_offset     of cluster 2
    clusters        how many
    size            of the volume
    info_offset     of the FSInfo sector, or 0
    state_offset    of the byte of the boot sector that says whether the volume is in use; 0: there is none
    boot, tail      the boot sector's fields
    from_backup     they are those of its copy
    """

    def __init__(self, sector: bytes, from_backup: bool = False) -> None:
        """Errors: EIO - a value that makes no sense, named."""
        self.from_backup = from_backup
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
        tail = 36 if boot.fat_sectors16 else 64
        self.tail = disk.BootTail(sector, tail)
        self.state_offset = tail + disk.BootTail.place("state")[0] if self.tail.signature in disk.TAIL_SIGNATURES else 0
        fats = [(boot.reserved + number * fat_sectors) * boot.sector_size for number in range(boot.fats)]
        self.fat_offset = fats[active]
        self.mirrors = fats[1:] if boot.fat_sectors16 or _mirrored(sector) else []
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


def _mirrored(sector: bytes) -> bool:
    """FAT32: whether all FATs are kept the same."""
    return not disk.Boot32(sector, 36).flags & disk.ONE_FAT


def _active_fat(boot32: disk.Boot32, fats: int) -> int:
    """Which FAT is kept up to date."""
    if boot32.version:
        raise Corrupt(f"sector 0: FAT32 version: {boot32.version:#x}")
    active = boot32.flags & 15 if boot32.flags & disk.ONE_FAT else 0
    if active >= fats:
        raise Corrupt(f"sector 0: active FAT: {active} of {fats}")
    return active


def read_geometry(device: BlockDevice, sector: bytes = b"") -> Geometry:
    """By the first sector; or by its copy, given.  Errors: EFTYPE - no FAT volume; EIO - one, but its boot sector makes
    no sense."""
    from_backup = bool(sector)
    if not from_backup:
        sector = device.read(0, 512) if device.size >= 512 else b""
    if not sector or sector[0] not in (0xEB, 0xE9) or sector[3:11] in (b"NTFS    ", b"EXFAT   ", b"-FVE-FS-"):
        raise fault(e.EFTYPE, f"{device.name}: sector 0 is not the boot sector of a FAT volume")
    geometry = Geometry(sector, from_backup)
    if geometry.data_offset > device.size:
        raise Corrupt(f"sector 0: {device.name} ends at {device.size}, before the data at {geometry.data_offset}")
    return geometry


def read_backup(device: BlockDevice) -> Geometry | None:
    """By the copy of the boot sector that a FAT32 has, if there is one that makes sense and says where it is."""
    for size in SECTOR_SIZES:
        place = BACKUP_SECTOR * size
        sector = device.read(place, 512) if place + 512 <= device.size else b""
        if sector[510:] != disk.BOOT_SIGNATURE:
            continue
        try:
            geometry = read_geometry(device, sector)
        except Fault:
            continue
        told = disk.Boot32(sector, 36).backup_sector
        if geometry.bits == 32 and geometry.sector_size == size and told == BACKUP_SECTOR:
            return geometry
    return None


def probe(device: BlockDevice) -> str | None:
    """ "FAT12", "FAT16", "FAT32" or None.  Beside the boot sector the FAT must begin as a FAT does."""
    try:
        geometry = read_geometry(device)
        first = device.read(geometry.fat_offset, 4)
    except Fault:
        return None
    begins = {12: first[1] & 15 == 15, 16: first[1] == 255, 32: first[1:3] == b"\xff\xff" and first[3] & 15 == 15}
    return geometry.name if first[0] == geometry.boot.media and begins[geometry.bits] else None


class Options(BaseOptions):
    """Those of every FAT, and:

    long_names   whether long names are used                     -o longnames, shortnames
    code_page    that short names are in, "cp437" if not given   -o codepage=850
    backup       go by the copy of the boot sector               -o backup
    """

    def __init__(self, given: dict[str, str]) -> None:
        """Errors: EINVAL - an option there is not, or its value."""
        self.long_names = True
        self.code_page, self.backup = "cp437", False
        super().__init__("msdosfs", given)

    def take(self, name: str, value: str) -> bool:
        if name in ("longnames", "shortnames") and not value:
            self.long_names = name == "longnames"
        elif name == "backup" and not value:
            self.backup = True
        elif name == "codepage":
            self.code_page = self._code_page(value)
        else:
            return super().take(name, value)
        return True

    def _code_page(self, value: str) -> str:
        """The name that Python has for a code page.  Errors: EINVAL"""
        number = self.number("codepage", value.removeprefix("cp"), 10, 9999)
        try:
            "".encode(f"cp{number}")
        except (LookupError, ImportError):
            number = 0
        if number not in CODE_PAGES:
            raise fault(e.EINVAL, f"msdosfs: option codepage={value}")
        return f"cp{number}"


def mount(arguments: MountArguments) -> MsdosVolume:
    """See `FileSystem.mount`."""
    from rump.drivers.fs.msdosfs.ops import MsdosVolume

    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "msdosfs needs a device")
    options = Options(arguments.options)
    geometry = _find(device, options, arguments.services)
    if geometry.size > device.size:
        arguments.services.log(
            f"msdosfs: {device.name}: the volume has {geometry.size} bytes, the device only {device.size}"
        )
    if not arguments.read_only:
        from rump.drivers.fs.msdosfs.writing.mount import mount_for_writing

        return mount_for_writing(arguments, geometry, options)
    return MsdosVolume(device, geometry, options, arguments.cache_bytes)


def _find(device: BlockDevice, options: Options, services: Services) -> Geometry:
    """Where everything is: by the boot sector, or where that is damaged, by its copy."""
    if not options.backup:
        try:
            return read_geometry(device)
        except Fault as error:
            geometry = read_backup(device)
            if geometry is None:
                raise
            services.log(f"msdosfs: {device.name}: {error.detail}; going by its copy in sector {BACKUP_SECTOR}")
            return geometry
    geometry = read_backup(device)
    if geometry is None:
        raise fault(e.EFTYPE, f"{device.name}: no copy of a boot sector in sector {BACKUP_SECTOR}")
    return geometry
