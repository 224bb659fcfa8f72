# SPDX-License-Identifier: BSD-2-Clause
"""Structures on the medium: the boot catalog of "El Torito" Bootable CD-ROM Format Specification, version 1.0.

A boot record (disk.py) says in which sector the catalog is.  It has entries of 32 bytes: a validation entry, the
default entry, and sections: a header, its entries, each perhaps with extensions.
"""

from __future__ import annotations

from struct import pack, unpack

from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import b2, b19, b24, b28, u8, u16, u32

BOOT_SYSTEM = b"EL TORITO SPECIFICATION"
ENTRY_SIZE = 32
SECTOR = 512                # what boot images are counted in: sectors as the BIOS sees them

VALIDATION = 1              # header of a validation entry
KEY = b"\x55\xaa"           # its last bytes

# First byte of other entries.
BOOTABLE = 0x88
NOT_BOOTABLE = 0x00
SECTION_MORE = 0x90         # header of a section; others follow
SECTION_LAST = 0x91         # of the last
EXTENSION = 0x44

# Platforms.
PLATFORM_X86 = 0
PLATFORM_POWERPC = 1
PLATFORM_MAC = 2
PLATFORM_EFI = 0xEF

# Media: what a boot image is to look like.  Lower four bits.
MEDIA_NONE = 0              # no emulation: so many sectors are loaded
MEDIA_1200K = 1
MEDIA_1440K = 2
MEDIA_2880K = 3
MEDIA_HARD_DISK = 4
MEDIA_MASK = 0x0F
MEDIA_CONTINUES = 0x20      # of a section's entry: an extension follows
EXTENSION_CONTINUES = 0x20  # of an extension: another one follows

FLOPPY_SIZES = {MEDIA_1200K: 1200 << 10, MEDIA_1440K: 1440 << 10, MEDIA_2880K: 2880 << 10}


class Validation(Structure, order="<", size=ENTRY_SIZE):
    """The first entry: the catalog is one."""

    header: u8              # VALIDATION
    platform: u8            # PLATFORM_*, of the default entry
    reserved: u16
    identifier: b24         # who made it
    checksum: u16           # makes the sum of all sixteen 16-bit words 0
    key: b2                 # KEY


class BootEntry(Structure, order="<", size=ENTRY_SIZE):
    """The default entry, or one of a section: a boot image."""

    indicator: u8           # BOOTABLE, NOT_BOOTABLE
    media: u8               # MEDIA_*
    segment: u16            # where it is loaded: 0 means 0x7C0
    system_type: u8         # byte 4 of the partition table, of hard disks
    unused: u8
    sectors: u16            # of 512 bytes to be loaded
    start: u32              # sector of 2048 bytes where the image begins
    criteria_type: u8       # of a section's entry; 0: none
    criteria: b19


class SectionHeader(Structure, order="<", size=ENTRY_SIZE):
    """The entries for a platform."""

    indicator: u8           # SECTION_MORE, SECTION_LAST
    platform: u8            # PLATFORM_*
    entries: u16            # how many follow
    identifier: b28


def checksum(entry: bytes) -> int:
    """The sum of an entry's 16-bit words, modulo 65536: 0 for a validation entry that is right."""
    words: tuple[int, ...] = unpack("<16H", entry)
    return sum(words) & 0xFFFF


def validation(platform: int, identifier: bytes) -> bytes:
    """A validation entry."""
    head = pack("<BBH24s", VALIDATION, platform, 0, identifier)
    return head + pack("<H", -checksum(head + b"\0\0" + KEY) & 0xFFFF) + KEY
