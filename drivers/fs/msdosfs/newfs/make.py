# SPDX-License-Identifier: BSD-2-Clause
"""Making FAT12, FAT16 and FAT32, as mkfs.fat(8) of dosfstools 4.2 does: the same sizes, places and defaults.

Options, all strings:

type                msdos, fat, vfat; fat12, fat16, fat32
bits                of a FAT entry: 12, 16, 32
size                bytes of the device to use
sector_size         bytes, 512 to 32768 (few readers take more than 4096)
cluster_sectors     sectors in a cluster, 1 to 128
fats                copies of the FAT, 1 to 4
root_entries        entries of the root directory (FAT12, FAT16)
reserved_sectors    before the first FAT, at least
backup_sector       where the copy of the boot sector goes, 0 for none (FAT32)
hidden_sectors      of the disk before the volume
label               at most 11 characters
codepage            that the label is written in; 850 unless said
uuid                the volume's number, eight hexadecimal digits, or "random"
media, drive        kind of medium, the BIOS's number of the drive; 0x.. or decimal
geometry            heads/sectors in a track
align               0: structures need not begin at whole clusters, nor the volume be made of whole tracks
message             what the boot code prints
mbr                 1: the boot sector has a partition table, with one partition that is the volume
invariant           1: a fixed number and time
time                seconds since 1970, of the label
tz                  how far ahead of UTC the label's time is: +HH:MM or minutes
zeroed              1: the device is known to read as zeros, so that zeros need not be written
dry_run             1: write nothing

The image depends on nothing else: given uuid and time it is the same, byte for byte.  The boot sector comes last,
behind a barrier: a device on which this was cut short holds no file system.
"""

from __future__ import annotations

from rump.drivers.fs.fat import times
from rump.drivers.fs.msdosfs import disk
from rump.drivers.fs.msdosfs.newfs.boot import boot_sector
from rump.drivers.fs.msdosfs.newfs.layout import Layout
from rump.drivers.fs.msdosfs.newfs.options import NO_NAME, Wanted
from rump.kernel.errors import Fault
from rump.kernel.vfs.newfs import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import MountArguments

INFO_AT = 484           # bytes into its sector


def newfs(arguments: MountArguments) -> tuple[tuple[bytes, bytes], ...]:
    """Make a file system; what was made, as `Volume.describe` puts it.

    Errors: EINVAL - an option, named; ENOSPC - the device is too small; EFBIG - too large for a FAT of that width.
    """
    wanted = Wanted(arguments)
    layout = Layout(wanted)
    _write(wanted, layout, None if wanted.dry_run else arguments.device)
    return _describe(wanted, layout)


def _write(wanted: Wanted, layout: Layout, device: BlockDevice | None) -> None:
    """Write it all; to nowhere if `device` is None."""
    writer, size = Writer(device), wanted.sector_size
    boot = boot_sector(wanted, layout)
    fat_at = layout.reserved * size
    root_at = fat_at + wanted.fats * layout.fat * size
    root_size = (layout.cluster if layout.bits == 32 else layout.root) * size
    if not wanted.zeroed and device is not None:
        writer.wipe(wanted.size)
        writer.zero(0, root_at + root_size)
    if layout.bits == 32:
        info = _info(layout)
        writer.write(layout.info * size, info)
        if layout.backup:
            writer.write(layout.backup * size, boot)
            if layout.backup + layout.info < layout.reserved:
                writer.write((layout.backup + layout.info) * size, info)
    for copy in range(wanted.fats):
        writer.write(fat_at + copy * layout.fat * size, _fat_start(layout))
    if wanted.label != NO_NAME:
        writer.write(root_at, _label_entry(wanted))
    writer.seal(0, boot)


def _info(layout: Layout) -> bytes:
    """The FSInfo sector's 512 bytes; one cluster, the root directory's, is taken."""
    start = disk.INFO_FIRST.to_bytes(4, "little").ljust(INFO_AT, b"\0")
    counters = disk.Info.encode(signature=disk.INFO_MIDDLE, free=layout.clusters - 1, next=disk.FIRST_CLUSTER)
    return (start + counters).ljust(508, b"\0") + disk.INFO_LAST


def _fat_start(layout: Layout) -> bytes:
    """The FAT's first entries: the medium, "nothing is wrong", and on FAT32 the root directory's only cluster."""
    if layout.bits == 12:
        return bytes((layout.media, 0xFF, 0xFF))
    if layout.bits == 16:
        return bytes((layout.media, 0xFF, 0xFF, 0xFF))
    entries = (0x0FFFFF00 | layout.media, 0x0FFFFFFF, 0x0FFFFFF8)
    return b"".join([entry.to_bytes(4, "little") for entry in entries])


def _label_entry(wanted: Wanted) -> bytes:
    """The label as the root directory has it."""
    name = wanted.label
    if name[0] == disk.NAME_FREE:
        name = bytes([disk.NAME_E5]) + name[1:]
    try:
        date, time, _ = times.encode(wanted.time, wanted.tz)
    except Fault:
        date, time, _ = times.encode(times.TIME_MIN, 0)         # the format has no such year
    return disk.Entry.encode(
        name=name, attributes=disk.ATTR_LABEL, created_time=time, created_date=date, accessed_date=date,
        modified_time=time, modified_date=date,
    )  # fmt: skip


def _describe(wanted: Wanted, layout: Layout) -> tuple[tuple[bytes, bytes], ...]:
    """What was made."""
    label = wanted.label if wanted.label != NO_NAME else b""
    rows = (
        (b"type", f"FAT{layout.bits}"), (b"label", label.rstrip()),
        (b"uuid", f"{wanted.serial >> 16:04X}-{wanted.serial & 0xFFFF:04X}"),
        (b"sector size", wanted.sector_size), (b"cluster size", layout.cluster * wanted.sector_size),
        (b"clusters", layout.clusters), (b"sectors", layout.sectors), (b"reserved sectors", layout.reserved),
        (b"FATs", wanted.fats), (b"FAT sectors", layout.fat),
        (b"root entries", 0 if layout.bits == 32 else layout.root_entries),
        (b"geometry", f"{layout.heads}/{layout.track}"), (b"media", f"{layout.media:#04x}"),
    )  # fmt: skip
    return tuple([(key, value if isinstance(value, bytes) else str(value).encode()) for key, value in rows])
