# SPDX-License-Identifier: BSD-2-Clause
"""Structures on the medium, little-endian throughout.

Field by field as in "Microsoft Extensible Firmware Initiative FAT32 File System Specification" (fatgen103), version
1.03.  A volume is: reserved sectors, the first of them the boot sector; one or more copies of the file allocation
table (FAT); on FAT12 and FAT16 the root directory; clusters, numbered from 2.
"""

from __future__ import annotations

from rump.drivers.fs.fat.chains import FIRST_CLUSTER as FIRST_CLUSTER
from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import b3, b4, b8, b10, b11, b12, u8, u16, u32


class BootSector(Structure, order="<", size=36):
    """The BIOS parameter block with what precedes it: the start of sector 0."""

    jump: b3                # machine code that jumps over the parameters: EB xx 90 or E9 xx xx
    oem_name: b8            # who formatted the volume
    sector_size: u16        # bytes: 512, 1024, 2048, 4096
    cluster_sectors: u8     # sectors in a cluster: a power of two
    reserved: u16           # sectors before the first FAT, at least 1
    fats: u8                # copies of the FAT: 1 or 2
    root_entries: u16       # entries of the root directory; FAT32: 0
    sectors16: u16          # in the volume; 0: see sectors32
    media: u8               # kind of medium: F0, F8-FF; repeated in the first byte of the FAT
    fat_sectors16: u16      # in one FAT; 0: FAT32
    track_sectors: u16      # per track, for the BIOS
    heads: u16              # likewise
    hidden: u32             # sectors of the disk before the volume
    sectors32: u32          # in the volume, where sectors16 is 0


class Boot32(Structure, order="<", size=28):
    """FAT32: what follows the BIOS parameter block, at 36."""

    fat_sectors: u32        # in one FAT
    flags: u16              # bit 7: only one FAT is kept, that of bits 0-3
    version: u16            # 0
    root_cluster: u32       # first cluster of the root directory
    info_sector: u16        # where `Info` is
    backup_sector: u16      # where a copy of the boot sector is
    reserved: b12


class BootTail(Structure, order="<", size=26):
    """The rest of what matters, at 36 (FAT12, FAT16) or 64 (FAT32)."""

    drive: u8               # the BIOS's number
    state: u8               # bit 0: not unmounted; bit 1: look for bad sectors (Windows NT)
    signature: u8           # 0x29: the rest is valid; 0x28: only the serial number
    serial: u32             # of the volume, made from the time of formatting
    label: b11              # of the volume; "NO NAME    " for none
    type: b8                # "FAT12   " and so on; proves nothing


class Info(Structure, order="<", size=12):
    """FAT32: counters, at 484 of their sector; valid between the signatures below."""

    signature: u32          # INFO_MIDDLE
    free: u32               # free clusters; FFFFFFFF: not known
    next: u32               # where to look for a free one first


class Entry(Structure, order="<", size=32):
    """A directory entry with a short name."""

    name: b11               # 8.3, padded with spaces; first byte: see below
    attributes: u8          # ATTR_*
    case: u8                # CASE_* (Windows NT)
    created_units: u8       # 10 ms, 0-199, on top of created_time
    created_time: u16       # hours << 11 | minutes << 5 | seconds / 2
    created_date: u16       # (year - 1980) << 9 | month << 5 | day; 0: not kept
    accessed_date: u16      # likewise
    cluster_high: u16       # FAT32: upper half of the first cluster
    modified_time: u16
    modified_date: u16
    cluster_low: u16        # lower half; 0: no cluster
    size: u32               # of a file, bytes; directories: 0


class LongEntry(Structure, order="<", size=32):
    """A piece of a long name.  The pieces precede the short entry, the last first."""

    ordinal: u8             # 1, 2 ...; the last one plus LAST_LONG
    name1: b10              # five UTF-16 units; behind the name 0000, then FFFF
    attributes: u8          # ATTR_LONG
    type: u8                # 0
    checksum: u8            # of the short name it belongs to
    name2: b12              # six
    cluster: u16            # 0
    name3: b4               # two


BOOT_SIGNATURE = b"\x55\xaa"    # at 510
INFO_FIRST = 0x41615252         # at 0
INFO_MIDDLE = 0x61417272        # at 484
INFO_LAST = b"\x00\x00\x55\xaa" # at 508

ONE_FAT = 0x80                  # of Boot32.flags: the FATs are not kept the same
TAIL_SIGNATURES = (0x28, 0x29)
STATE_DIRTY = 1                 # of BootTail.state
STATE_ERRORS = 2
FREE_UNKNOWN = 0xFFFFFFFF       # of Info

ENTRY_SIZE = 32
DIRECTORY_MAX = 65536 * ENTRY_SIZE  # bytes of a directory

ATTR_READ_ONLY = 0x01
ATTR_HIDDEN = 0x02
ATTR_SYSTEM = 0x04
ATTR_LABEL = 0x08
ATTR_DIRECTORY = 0x10
ATTR_ARCHIVE = 0x20             # changed since the last backup
ATTR_LONG = 0x0F                # under ATTR_MASK
ATTR_MASK = 0x3F

NAME_END = 0x00                 # first byte of a name: no entry here nor behind
NAME_FREE = 0xE5                # no entry here
NAME_E5 = 0x05                  # stands for E5
CASE_BASE = 0x08                # the name is to be shown in lower case
CASE_EXTENSION = 0x10           # its extension is
LAST_LONG = 0x40
LONG_MAX = 20                   # pieces of a long name

FAT12_MAX = 4085                # fewer clusters: FAT12
FAT16_MAX = 65525               # fewer: FAT16
SIZE_MAX = (1 << 32) - 1        # bytes of a file
