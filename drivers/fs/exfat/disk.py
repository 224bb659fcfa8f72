# SPDX-License-Identifier: BSD-2-Clause
"""Structures on the medium, little-endian throughout.

Field by field as in Microsoft's "exFAT file system specification", revision 1.00.  A volume is: the main boot region of
12 sectors, a backup of it, the file allocation table (FAT), and the cluster heap, its clusters numbered from 2.  In the
heap are the root directory and, named by it, a bitmap of the clusters in use and the up-case table.

A directory is a row of entries of 32 bytes.  A file has a set of them, one behind the other: `FileEntry`,
`StreamEntry`, then its name in as many `NameEntry`s as it takes, then whatever else makers know of.
"""

from __future__ import annotations

from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import b3, b7, b8, b10, b12, b14, b16, b18, b22, b30, b53, b390, u8, u16, u32, u64


class BootSector(Structure, order="<", size=512):
    """Sector 0, and its copy in sector 12.  Sectors may be larger; what is behind the 512 bytes means nothing."""

    jump: b3                # EB 76 90
    name: b8                # "EXFAT   "
    zeros: b53              # where FAT has its parameters, so that nobody takes the volume for one
    partition_offset: u64   # sectors of the disk before the volume; 0: not told
    volume_length: u64      # sectors of the volume
    fat_offset: u32         # sector of the (first) FAT
    fat_length: u32         # sectors of one FAT
    heap_offset: u32        # sector of cluster 2
    clusters: u32           # in the heap
    root_cluster: u32       # first of the root directory
    serial: u32             # of the volume
    revision: u16           # of the format: major << 8 | minor
    flags: u16              # FLAG_*
    sector_shift: u8        # a sector has 1 << this bytes: 9 to 12
    cluster_shift: u8       # a cluster has 1 << this sectors: at most 25 - sector_shift
    fats: u8                # 1; TexFAT: 2, each with a bitmap
    drive: u8               # the BIOS's number
    percent: u8             # of the clusters in use, rounded down; 255: not known
    reserved: b7
    boot_code: b390
    signature: u16          # 0xAA55


BOOT_JUMP = b"\xeb\x76\x90"
BOOT_NAME = b"EXFAT   "
BOOT_SIGNATURE = 0xAA55
EXTENDED_SIGNATURE = 0xAA550000     # the last four bytes of sectors 1 to 8
REVISION = 0x0100
PERCENT_UNKNOWN = 255

# Sectors of a boot region.  The checksum's is filled with the four bytes of it, over and over.
BOOT_SECTORS = 12
EXTENDED_SECTORS = range(1, 9)
OEM_SECTOR = 9                      # ten parameter structures of 48 bytes, each beginning with a GUID
RESERVED_SECTOR = 10
CHECKSUM_SECTOR = 11
BACKUP_SECTOR = BOOT_SECTORS        # where the backup of the region begins
FAT_OFFSET_MIN = 2 * BOOT_SECTORS

FLAG_SECOND_FAT = 0x1               # the second FAT and bitmap are in use
FLAG_DIRTY = 0x2                    # the volume may not be consistent
FLAG_MEDIA_FAILURE = 0x4            # the medium has failed; what failed is marked bad
FLAG_CLEAR_TO_ZERO = 0x8            # to be cleared by whoever writes

SECTOR_SHIFTS = range(9, 13)
CLUSTER_BYTES_MAX = 1 << 25
CLUSTERS_MAX = 0xFFFFFFF5
DIRECTORY_MAX = 1 << 28             # bytes
BITMAP_UNIT = 8                     # clusters in a byte of the bitmap, the first in bit 0

FIRST_CLUSTER = 2
FAT_MEDIA = 0xFFFFFFF8              # FAT entry 0
FAT_BAD = 0xFFFFFFF7                # a cluster that nobody can use
FAT_END = 0xFFFFFFFF                # the last cluster of a chain; also entry 1

ENTRY_SIZE = 32

# Types of entries: code, importance (TYPE_BENIGN), category (TYPE_SECONDARY), in use (TYPE_IN_USE).
TYPE_END = 0x00                     # nothing but unused entries from here on
TYPE_BENIGN = 0x20                  # may be passed over by who does not know it
TYPE_SECONDARY = 0x40               # belongs to the primary entry before it
TYPE_IN_USE = 0x80
TYPE_BITMAP = 0x81
TYPE_UPCASE = 0x82
TYPE_LABEL = 0x83                   # without TYPE_IN_USE: no label
TYPE_FILE = 0x85
TYPE_GUID = 0xA0
TYPE_TEXFAT = 0xA1                  # padding of TexFAT
TYPE_STREAM = 0xC0
TYPE_NAME = 0xC1
TYPE_VENDOR = 0xE0                  # vendor extension
TYPE_VENDOR_SPACE = 0xE1            # vendor allocation: with clusters

BITMAP_SECOND = 0x1                 # flags of a BitmapEntry: it goes with the second FAT

# Flags of secondary entries.
SPACE_POSSIBLE = 0x1                # first_cluster and length mean something
NO_FAT_CHAIN = 0x2                  # the clusters follow one another; the FAT says nothing of them

ATTR_READ_ONLY = 0x01
ATTR_HIDDEN = 0x02
ATTR_SYSTEM = 0x04
ATTR_DIRECTORY = 0x10
ATTR_ARCHIVE = 0x20                 # changed since the last backup

UTC_VALID = 0x80                    # the other seven bits are the offset from UTC: signed, in quarters of an hour
NAME_UNITS = 15                     # UTF-16 units in a NameEntry
NAME_MAX = 255                      # in a name
LABEL_MAX = 11                      # in a label
SECONDARY_MAX = 18                  # secondary entries of the longest name: the stream, 17 pieces
SET_MAX = 256                       # entries in a set, at most

# What no name may have in it (section 7.7.3), beside the controls below U+0020.
NAME_INVALID = '"*/:<>?\\|'


class BitmapEntry(Structure, order="<", size=32):
    """Where the bitmap of the clusters in use is; in the root directory."""

    type: u8                # TYPE_BITMAP
    flags: u8               # BITMAP_SECOND
    reserved: b18
    first_cluster: u32
    length: u64             # bytes: clusters / 8, rounded up


class UpcaseEntry(Structure, order="<", size=32):
    """Where the up-case table is; in the root directory."""

    type: u8                # TYPE_UPCASE
    reserved1: b3
    checksum: u32           # `checksum.checksum32` of the table
    reserved2: b12
    first_cluster: u32
    length: u64             # bytes


class LabelEntry(Structure, order="<", size=32):
    """The volume's label; in the root directory."""

    type: u8                # TYPE_LABEL
    count: u8               # UTF-16 units, at most LABEL_MAX
    label: b22
    reserved: b8


class GuidEntry(Structure, order="<", size=32):
    """The volume's GUID; in the root directory.  A set of one entry."""

    type: u8                # TYPE_GUID
    secondaries: u8         # 0
    checksum: u16           # `checksum.set_checksum`
    flags: u16              # 0
    guid: b16               # not all zeros
    reserved: b10


class FileEntry(Structure, order="<", size=32):
    """The first entry of a file's set."""

    type: u8                # TYPE_FILE
    secondaries: u8         # entries that follow
    checksum: u16           # of all the set but this field: `checksum.set_checksum`
    attributes: u16         # ATTR_*
    reserved1: u16
    created: u32            # date << 16 | time, as on FAT: years since 1980, two seconds
    modified: u32
    accessed: u32
    created_10ms: u8        # hundredths of a second to be added, 0 to 199
    modified_10ms: u8
    created_utc: u8         # UTC_VALID, and the offset that the time has
    modified_utc: u8
    accessed_utc: u8
    reserved2: b7


class StreamEntry(Structure, order="<", size=32):
    """The second entry: where the contents are."""

    type: u8                # TYPE_STREAM
    flags: u8               # SPACE_POSSIBLE, NO_FAT_CHAIN
    reserved1: u8
    name_length: u8         # UTF-16 units
    name_hash: u16          # `checksum.name_hash` of the up-cased name
    reserved2: u16
    valid_length: u64       # bytes that were written; the rest of `length` reads as zeros
    reserved3: u32
    first_cluster: u32      # 0: no clusters
    length: u64             # bytes; of a directory, a multiple of the cluster size


class NameEntry(Structure, order="<", size=32):
    """A piece of the name."""

    type: u8                # TYPE_NAME
    flags: u8               # 0
    name: b30               # UTF-16, filled up with zeros


class VendorSpace(Structure, order="<", size=32):
    """Secondary, benign: something a vendor keeps with a file, in clusters of its own."""

    type: u8                # TYPE_VENDOR_SPACE
    flags: u8               # as of any secondary entry
    guid: b16               # whose it is
    vendor: u16
    first_cluster: u32
    length: u64


class VendorEntry(Structure, order="<", size=32):
    """Secondary, benign: something a vendor keeps with a file, in the entry."""

    type: u8                # TYPE_VENDOR
    flags: u8
    guid: b16
    vendor: b14
