# SPDX-License-Identifier: BSD-2-Clause
"""Making exFAT, as mkfs.exfat(8) of exfatprogs 1.2 does: the same sizes, places and defaults.

Options, all strings:

type            exfat
size            bytes of the device to use
sector_size     bytes, 512 to 4096
cluster_size    bytes, a sector to 32 MiB; by the size unless said: 4 KiB, 32 KiB from 256 MiB, 128 KiB from 32 GiB
boundary        bytes: FAT and clusters begin at a multiple of it; 1 MiB where there is room
pack_bitmap     1: the bitmap lies behind the FAT, before the boundary
label           at most 11 UTF-16 units
uuid            the volume's number, eight hexadecimal digits, or "random"
guid            a volume GUID; none unless given
full_format     1: zeros are written to all of the device, unless it is known to have them
zeroed          1: the device is known to read as zeros, so that zeros need not be written
dry_run         1: write nothing

The image depends on nothing else: given uuid it is the same, byte for byte.  The boot region comes last, its first
sector behind a barrier: a device on which this was cut short holds no file system.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.exfat import disk, upcase
from rump.drivers.fs.exfat.checksum import boot_checksum, checksum32, set_checksum
from rump.drivers.fs.exfat.newfs.layout import Layout
from rump.drivers.fs.exfat.newfs.options import Wanted
from rump.kernel.vfs.newfs import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments

DRIVE = 0x80            # the BIOS's number of the first hard disk


def newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    """Make a file system; what was made, as `Volume.describe` puts it.

    Errors: EINVAL - an option, named; ENOSPC - the device is too small; EFBIG - too large for its clusters.
    """
    wanted = Wanted(arguments)
    table = upcase.compress(upcase.standard())
    layout = Layout(wanted, len(table))
    _write(wanted, layout, table, None if wanted.dry_run else arguments.device)
    return _describe(wanted, layout)


def _write(wanted: Wanted, layout: Layout, table: bytes, device: BlockDevice | None) -> None:
    """Write it all; to nowhere if `device` is None."""
    writer, cluster = Writer(device), wanted.cluster_size
    if not wanted.zeroed and device is not None:
        writer.wipe(wanted.size)
        writer.zero(0, wanted.size if wanted.full_format else layout.heap + layout.used * cluster)
    writer.write(layout.fat, _fat(layout))
    bitmap, upcase_at, root = [layout.place(first) for first, _ in layout.chains]
    writer.write(bitmap, ((1 << layout.used) - 1).to_bytes(-(-layout.used // disk.BITMAP_UNIT), "little"))
    writer.write(upcase_at, table)
    writer.write(root, _root(wanted, layout, table))
    region = _boot_region(wanted, layout)
    writer.write(len(region), region)
    writer.write(wanted.sector_size, region[wanted.sector_size :])
    writer.seal(0, region[: wanted.sector_size])


def _fat(layout: Layout) -> bytes:
    """The entries of the FAT that are in use."""
    entries = [disk.FAT_MEDIA, disk.FAT_END]
    for first, count in layout.chains:
        entries += [*range(first + 1, first + count), disk.FAT_END]
    return pack(f"<{len(entries)}I", *entries)


def _root(wanted: Wanted, layout: Layout, table: bytes) -> bytes:
    """The root directory's entries."""
    (bitmap, _), (table_at, _), _ = layout.chains
    entries = [
        disk.LabelEntry.encode(type=disk.TYPE_LABEL, count=len(wanted.label) // 2, label=wanted.label),
        disk.BitmapEntry.encode(type=disk.TYPE_BITMAP, first_cluster=bitmap, length=layout.bitmap_size),
        disk.UpcaseEntry.encode(
            type=disk.TYPE_UPCASE, checksum=checksum32(table), first_cluster=table_at, length=len(table)
        ),
    ]
    if wanted.guid:
        bare = disk.GuidEntry.encode(type=disk.TYPE_GUID, guid=wanted.guid)
        entries.append(disk.GuidEntry.encode(type=disk.TYPE_GUID, checksum=set_checksum(bare), guid=wanted.guid))
    return b"".join(entries)


def _boot_region(wanted: Wanted, layout: Layout) -> bytes:
    """The twelve sectors that say what the volume is."""
    size = wanted.sector_size
    sectors = [_boot_sector(wanted, layout).ljust(size, b"\0")]
    sectors += [bytes(size - 4) + pack("<I", disk.EXTENDED_SIGNATURE) for _ in disk.EXTENDED_SECTORS]
    sectors += [b"\xff" * size, bytes(size)]            # no parameters of the medium's maker; reserved
    region = b"".join(sectors)
    return region + pack("<I", boot_checksum(region)) * (size // 4)


def _boot_sector(wanted: Wanted, layout: Layout) -> bytes:
    """The first 512 bytes.  There is no code in them: nobody boots from this."""
    size = wanted.sector_size
    return disk.BootSector.encode(
        jump=disk.BOOT_JUMP, name=disk.BOOT_NAME, volume_length=wanted.size // size, fat_offset=layout.fat // size,
        fat_length=layout.fat_size // size, heap_offset=layout.heap // size, clusters=layout.clusters,
        root_cluster=layout.chains[2][0], serial=wanted.serial, revision=disk.REVISION,
        sector_shift=size.bit_length() - 1, cluster_shift=(wanted.cluster_size // size).bit_length() - 1, fats=1,
        drive=DRIVE, signature=disk.BOOT_SIGNATURE,
    )  # fmt: skip


def _describe(wanted: Wanted, layout: Layout) -> tuple[tuple[bytes, bytes], ...]:
    """What was made."""
    rows = (
        (b"type", b"exFAT"), (b"label", wanted.label.decode("utf-16-le", "replace").encode()),
        (b"uuid", f"{wanted.serial >> 16:04X}-{wanted.serial & 0xFFFF:04X}"), (b"sector size", wanted.sector_size),
        (b"cluster size", wanted.cluster_size), (b"clusters", layout.clusters),
        (b"free clusters", layout.clusters - layout.used), (b"FAT offset", layout.fat),
        (b"heap offset", layout.heap),
    )  # fmt: skip
    return tuple([(key, value if isinstance(value, bytes) else str(value).encode()) for key, value in rows])
