# SPDX-License-Identifier: BSD-2-Clause
"""Structures on the medium: ECMA-119 (ISO 9660), 4th edition, with what Joliet and ISO 9660:1999 make of them.

A volume is: 16 sectors of 2048 bytes that are not looked at, volume descriptors of a sector each up to a terminator;
path tables, directories and files in logical blocks.  Most numbers are there twice, little-endian and then big-endian
("both-endian", 7.2.3 and 7.3.3); of these the first is a field of its own here and the second, ``..._be``, is bytes.
`both16` and `both32` make the two together.
"""

from __future__ import annotations

from struct import pack

from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import (
        b2,
        b4,
        b5,
        b7,
        b8,
        b17,
        b32,
        b37,
        b64,
        b128,
        b512,
        b653,
        b1960,
        b1973,
        b2041,
        s8,
        u8,
        u16,
        u32,
    )

SECTOR = 2048
SYSTEM_SECTORS = 16         # before the first volume descriptor
STANDARD_ID = b"CD001"
RECORD_SIZE = 33            # a directory record without name and system use field
PATH_RECORD_SIZE = 8        # a path table record without its name

# Types of volume descriptors (8.1.1).
BOOT_RECORD = 0
PRIMARY = 1
SUPPLEMENTARY = 2           # of version 2: an enhanced volume descriptor (ISO 9660:1999)
PARTITION = 3
TERMINATOR = 255

# Escape sequences of a supplementary descriptor by which Joliet is known: UCS-2 levels 1, 2, 3 (ISO 2022).
JOLIET_ESCAPES = (b"%/@", b"%/C", b"%/E")

# Flags of a directory record (9.1.6).
FILE_HIDDEN = 0x01
FILE_DIRECTORY = 0x02
FILE_ASSOCIATED = 0x04      # holds what belongs to the file of the same name: a resource fork
FILE_RECORD = 0x08          # its extended attribute record says how it is made of records
FILE_PROTECTION = 0x10      # its extended attribute record has owner and permissions
FILE_MULTI_EXTENT = 0x80    # not the last extent of the file; the next record goes on with it

# Permissions in an extended attribute record (9.5.3): a bit that is set denies; those between are one.
XAR_OWNER_READ = 0x0010
XAR_OWNER_EXECUTE = 0x0040
XAR_GROUP_READ = 0x0100
XAR_GROUP_EXECUTE = 0x0400
XAR_OTHER_READ = 0x1000
XAR_OTHER_EXECUTE = 0x4000
XAR_ONES = 0xAAAA


def both16(number: int) -> bytes:
    """A 16-bit number in both byte orders (7.2.3)."""
    return pack("<H", number) + pack(">H", number)


def both32(number: int) -> bytes:
    """A 32-bit number in both byte orders (7.3.3)."""
    return pack("<I", number) + pack(">I", number)


class DescriptorHead(Structure, order="<", size=2048):
    """What all volume descriptors begin with (8.1); of a terminator (8.3) the rest is zero."""

    type: u8                # BOOT_RECORD ...
    identifier: b5          # STANDARD_ID
    version: u8             # 1
    data: b2041


class BootRecord(Structure, order="<", size=2048):
    """Boot record (8.2); of El Torito, figure 7 there."""

    type: u8                # BOOT_RECORD
    identifier: b5
    version: u8             # 1
    boot_system: b32        # "EL TORITO SPECIFICATION", filled with zeros
    boot_identifier: b32
    catalog: u32            # El Torito: sector of the boot catalog
    boot_use: b1973


class VolumeDescriptor(Structure, order="<", size=2048):
    """Primary (8.4), supplementary (8.5) or enhanced volume descriptor (ISO 9660:1999, 8.5)."""

    type: u8                # PRIMARY, SUPPLEMENTARY
    identifier: b5          # STANDARD_ID
    version: u8             # 1; 2: enhanced
    flags: u8               # supplementary: bit 0: escape sequences that are not registered
    system: b32             # who may act on sectors 0 to 15; filled with spaces, as all names here
    volume: b32             # the volume's name
    unused1: b8
    space_size: u32         # logical blocks in the volume
    space_size_be: b4
    escapes: b32            # supplementary: escape sequences of its character sets, filled with zeros
    set_size: u16           # volumes in the set
    set_size_be: b2
    sequence: u16           # which of these this is, from 1
    sequence_be: b2
    block_size: u16         # bytes of a logical block: 512, 1024, 2048
    block_size_be: b2
    path_table_size: u32    # bytes
    path_table_size_be: b4
    path_table: u32         # block of the path table in little-endian form
    path_table_copy: u32    # and of another, or 0
    path_table_be: b4       # block of the one in big-endian form, big-endian
    path_table_copy_be: b4
    root_length: u8         # from here on the root directory's record, see DirectoryRecord: 34 bytes
    root_xar_length: u8
    root_extent: u32
    root_extent_be: b4
    root_size: u32
    root_size_be: b4
    root_date: b7
    root_flags: u8
    root_unit: u8
    root_gap: u8
    root_sequence: u16
    root_sequence_be: b2
    root_name_length: u8
    root_name: u8           # 0
    volume_set: b128        # name of the set
    publisher: b128         # or "_" and the name of a file in the root directory that says it; likewise the next two
    preparer: b128
    application: b128
    copyright_file: b37     # names of files in the root directory
    abstract_file: b37
    bibliography_file: b37
    created: b17            # see dates.py
    modified: b17
    expires: b17
    effective: b17
    structure_version: u8   # 1; 2: enhanced
    reserved1: u8
    application_use: b512
    reserved2: b653


class PartitionDescriptor(Structure, order="<", size=2048):
    """Volume partition descriptor (8.6)."""

    type: u8                # PARTITION
    identifier: b5
    version: u8             # 1
    unused: u8
    system: b32
    partition: b32          # its name
    location: u32           # first logical block
    location_be: b4
    size: u32               # logical blocks
    size_be: b4
    system_use: b1960


class DirectoryRecord(Structure, order="<", size=RECORD_SIZE):
    """A directory record (9.1), as far as it has a fixed size.  Then come the name, a byte of zero if the name's length
    is even, and the system use field.  Records do not cross sectors; a length of 0: the next sector goes on."""

    length: u8              # of the record, all in all; even
    xar_length: u8          # logical blocks of the extended attribute record, which precedes the data
    extent: u32             # first logical block
    extent_be: b4
    size: u32               # bytes of data, without the extended attribute record
    size_be: b4
    date: b7                # when the data was recorded, see dates.py
    flags: u8               # FILE_*
    unit: u8                # blocks of a file unit, of files that are interleaved
    gap: u8                 # blocks between file units
    sequence: u16           # volume of the set that the extent is on
    sequence_be: b2
    name_length: u8         # bytes


class PathTableRecord(Structure, order="<", size=PATH_RECORD_SIZE):
    """A path table record (9.4), as far as it has a fixed size; then come the name and, if its length is odd, a zero.
    The root comes first, then by depth, parent and name."""

    name_length: u8
    xar_length: u8
    extent: u32             # first logical block of the directory
    parent: u16             # number of the parent's record, from 1


class ExtendedAttributes(Structure, order="<", size=250):
    """An extended attribute record (9.5), as far as it has a fixed size."""

    owner: u16
    owner_be: b2
    group: u16
    group_be: b2
    permissions: b2         # XAR_*, big-endian
    created: b17
    modified: b17
    expires: b17
    effective: b17
    record_format: u8
    record_attributes: u8
    record_length: u16
    record_length_be: b2
    system: b32
    system_use: b64
    version: u8             # 1
    escapes_length: u8
    reserved: b64
    application_length: u16
    application_length_be: b2


class Date7(Structure, order="<", size=7):
    """A time in a directory record (9.1.5)."""

    year: u8                # since 1900
    month: u8               # from 1
    day: u8                 # from 1
    hour: u8
    minute: u8
    second: u8
    offset: s8              # quarters of an hour ahead of UTC: -48 to 52
