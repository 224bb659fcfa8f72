# SPDX-License-Identifier: BSD-2-Clause
"""What the boot sector says, checked; probing; mounting."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat.checksum import boot_checksum
from rump.kernel.errors import Corrupt, Fault, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.exfat.ops import ExfatVolume
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments


class Geometry:
    """Where everything is on a volume, in bytes from its start.

    boot            the boot sector's fields
    sector_size, cluster_size
    fat_offset      of the FAT in use
    heap_offset     of cluster 2
    clusters        how many; `end_cluster` is behind the last
    size            of the volume
    backup          why the backup of the boot region was used, or ""
    """

    def __init__(self, boot: disk.BootSector, backup: str = "") -> None:
        """Errors: EIO - a value that makes no sense, named; EINVAL - a format of a later revision."""
        _check_sizes(boot)
        self.boot = boot
        self.backup = backup
        self.sector_size = 1 << boot.sector_shift
        self.cluster_size = self.sector_size << boot.cluster_shift
        self.second = bool(boot.fats == 2 and boot.flags & disk.FLAG_SECOND_FAT)
        fat = boot.fat_offset + (boot.fat_length if self.second else 0)
        self.fat_offset = fat << boot.sector_shift
        self.heap_offset = boot.heap_offset << boot.sector_shift
        self.clusters = boot.clusters
        self.end_cluster = boot.clusters + disk.FIRST_CLUSTER
        self.size = boot.volume_length << boot.sector_shift

    def place(self, cluster: int) -> int:
        """Where a cluster begins."""
        return self.heap_offset + (cluster - disk.FIRST_CLUSTER) * self.cluster_size


def _check_sizes(boot: disk.BootSector) -> None:
    """The fields that everything else is computed from."""
    if boot.revision >> 8 != disk.REVISION >> 8:
        raise fault(e.EINVAL, f"sector 0: exFAT revision {boot.revision >> 8}.{boot.revision & 255:02}")
    bad: tuple[str, object] | None = None
    if boot.sector_shift not in disk.SECTOR_SHIFTS:
        bad = "sector size shift", boot.sector_shift
    elif 1 << boot.sector_shift + min(boot.cluster_shift, 32) > disk.CLUSTER_BYTES_MAX:
        bad = "cluster size shift", boot.cluster_shift
    elif boot.fats not in (1, 2):
        bad = "number of FATs", boot.fats
    elif boot.fat_offset < disk.FAT_OFFSET_MIN:
        bad = "FAT offset", boot.fat_offset
    elif not 0 < boot.clusters <= disk.CLUSTERS_MAX:
        bad = "clusters", boot.clusters
    elif boot.fat_length << boot.sector_shift < (boot.clusters + disk.FIRST_CLUSTER) * 4:
        bad = "FAT length", boot.fat_length
    elif boot.heap_offset < boot.fat_offset + boot.fats * boot.fat_length:
        bad = "cluster heap offset", boot.heap_offset
    elif boot.heap_offset + (boot.clusters << boot.cluster_shift) > boot.volume_length:
        bad = "volume length", boot.volume_length
    elif not disk.FIRST_CLUSTER <= boot.root_cluster < boot.clusters + disk.FIRST_CLUSTER:
        bad = "root directory's cluster", boot.root_cluster
    if bad:
        raise Corrupt(f"sector 0: {bad[0]}: {bad[1]}")


# ---- the boot regions ------------------------------------------------------------------------------------------------


def _is_boot_sector(sector: bytes) -> bool:
    return sector[3:11] == disk.BOOT_NAME and sector[510:512] == disk.BOOT_SIGNATURE.to_bytes(2, "little")


def _read_region(device: BlockDevice, start: int, sector_size: int) -> disk.BootSector:
    """A boot region's first sector, if its checksum is right.  Errors: EIO."""
    region = device.read(start, disk.BOOT_SECTORS * sector_size)
    body = disk.CHECKSUM_SECTOR * sector_size
    if region[body:] != boot_checksum(region[:body]).to_bytes(4, "little") * (sector_size // 4):
        raise Corrupt(f"sector {start // sector_size}: the boot region's checksum is wrong")
    return disk.BootSector(region)


def _main_geometry(device: BlockDevice) -> Geometry:
    """By the main boot region.  Errors: EFTYPE - sector 0 is not exFAT's; EIO, EINVAL - it makes no sense."""
    sector = device.read(0, 512) if device.size >= 512 else b""
    if not sector or not _is_boot_sector(sector):
        raise fault(e.EFTYPE, f"{device.name}: sector 0 is not the boot sector of an exFAT volume")
    shift = sector[108]
    if shift not in disk.SECTOR_SHIFTS:
        raise Corrupt(f"sector 0: sector size shift: {shift}")
    return Geometry(_read_region(device, 0, 1 << shift))


def _backup_geometry(device: BlockDevice, why: str) -> Geometry | None:
    """By the backup, which is where it is for a sector of some size."""
    for shift in disk.SECTOR_SHIFTS:
        start = disk.BACKUP_SECTOR << shift
        if 2 * start > device.size:
            break
        sector = device.read(start, 512)
        if _is_boot_sector(sector) and sector[108] == shift:
            try:
                return Geometry(_read_region(device, start, 1 << shift), why)
            except Fault:
                continue
    return None


def read_geometry(device: BlockDevice) -> Geometry:
    """Errors: EFTYPE - no exFAT volume; EIO - one, but neither boot region makes sense; EINVAL - a later revision."""
    try:
        geometry = _main_geometry(device)
    except Fault as error:
        if error.errno == e.EINVAL or (error.errno == e.EFTYPE and _another(device)):
            raise
        why = "sector 0 is no boot sector" if error.errno == e.EFTYPE else error.detail
        found = _backup_geometry(device, why or "")
        if found is None:
            raise
        geometry = found
    if geometry.heap_offset >= device.size:
        raise Corrupt(f"sector 0: {device.name} ends at {device.size}, before its clusters at {geometry.heap_offset}")
    return geometry


def _another(device: BlockDevice) -> bool:
    """Whether sector 0 is a boot sector or partition table of something else: what is behind it may be left over."""
    return device.size < 512 or device.read(510, 2) == disk.BOOT_SIGNATURE.to_bytes(2, "little")


def probe(device: BlockDevice) -> str | None:
    """ "exFAT" or None."""
    try:
        read_geometry(device)
    except Fault as error:
        return "exFAT" if error.errno == e.EINVAL else None
    return "exFAT"


# ---- mounting --------------------------------------------------------------------------------------------------------


def mount(arguments: MountArguments) -> ExfatVolume:
    """See `FileSystem.mount`."""
    from rump.drivers.fs.exfat.ops import ExfatVolume
    from rump.drivers.fs.fat.options import Options
    from rump.kernel.vfs.buffer import BufferCache

    device = arguments.device
    if device is None:
        raise fault(e.ENXIO, "exfat needs a device")
    options = Options("exfat", arguments.options)
    geometry = read_geometry(device)
    log = arguments.services.log
    if geometry.backup:
        log(f"exfat: {device.name}: {geometry.backup}; the backup of it is used")
    if geometry.size > device.size:
        log(f"exfat: {device.name}: the volume has {geometry.size} bytes, the device only {device.size}")
    if not arguments.read_only:
        from rump.drivers.fs.exfat.writing.mount import mount_for_writing

        return mount_for_writing(arguments, geometry, options)
    return ExfatVolume(device, geometry, options, arguments.services, BufferCache(device, arguments.cache_bytes // 4))
