# SPDX-License-Identifier: BSD-2-Clause
"""The boot sector: what it says of the volume, and code that says that there is nothing to boot.

The code is loaded at 0000:7C00.  It prints the message behind it, waits for a key and has the BIOS go on booting.
"""

from __future__ import annotations

from struct import pack, pack_into

from rump.drivers.fs.msdosfs import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.newfs.layout import Layout
    from rump.drivers.fs.msdosfs.newfs.options import Wanted

OEM_NAME = b"mkfs.fat"
"""Some readers believe only boot sectors that DOS, or a formatter they know, wrote."""
LOADED = 0x7C00
CODE = bytes.fromhex(
    "31c0"      # xor ax, ax
    "8ed8"      # mov ds, ax
    "be0000"    # mov si, message       (patched)
    "fc"        # cld
    # next:
    "ac"        # lodsb
    "84c0"      # test al, al
    "7409"      # jz end
    "b40e"      # mov ah, 0Eh           print a character
    "bb0700"    # mov bx, 7
    "cd10"      # int 10h
    "ebf2"      # jmp next
    # end:
    "30e4"      # xor ah, ah            wait for a key
    "cd16"      # int 16h
    "cd19"      # int 19h               boot again
    "f4"        # hlt
)
MESSAGE_AT = 5          # in the code: where the message is
MESSAGE = b"There is no system on this disk.\r\nInsert another one and press a key.\r\n"

SIGNED = 0x29           # serial number, label and type are valid
TABLE = 0x1B8           # the disk's signature, and behind it the partition table
CODE_END = 510
PART_FAT12, PART_FAT16_SMALL, PART_FAT16, PART_FAT32_LBA, PART_FAT16_LBA = 0x01, 0x04, 0x06, 0x0C, 0x0E
CYLINDERS, HEADS, TRACK = 1024, 254, 63     # what a partition table can say of a geometry
UNSAID = b"\xfe\xff\xff"


def boot_sector(wanted: Wanted, layout: Layout) -> bytes:
    """The first 512 bytes of the volume."""
    wide = layout.bits == 32
    head = disk.BootSector.struct.size
    code_at = head + disk.BootTail.struct.size + (disk.Boot32.struct.size if wide else 0)
    jump = pack("<BBB", 0xEB, code_at - 2, 0x90)
    sector = _parameters(wanted, layout, jump)
    if wide:
        sector += disk.Boot32.encode(
            fat_sectors=layout.fat, root_cluster=disk.FIRST_CLUSTER, info_sector=layout.info,
            backup_sector=layout.backup,
        )  # fmt: skip
    sector += disk.BootTail.encode(
        drive=layout.drive, signature=SIGNED, serial=wanted.serial, label=wanted.label,
        type=b"FAT%d   " % layout.bits,
    )  # fmt: skip
    table = _partition_table(wanted, layout) if wanted.mbr else b""
    sector += _code(code_at, (TABLE if table else CODE_END) - code_at, wanted.message) + table
    return sector + disk.BOOT_SIGNATURE


def _parameters(wanted: Wanted, layout: Layout, jump: bytes) -> bytes:
    wide, small = layout.bits == 32, layout.sectors <= 0xFFFF
    return disk.BootSector.encode(
        jump=jump, oem_name=OEM_NAME, sector_size=wanted.sector_size, cluster_sectors=layout.cluster,
        reserved=layout.reserved, fats=wanted.fats, root_entries=0 if wide else layout.root_entries,
        sectors16=layout.sectors if small else 0, media=layout.media, fat_sectors16=0 if wide else layout.fat,
        track_sectors=layout.track, heads=layout.heads, hidden=wanted.hidden_sectors,
        sectors32=0 if small else layout.sectors,
    )  # fmt: skip


def _code(at: int, room: int, message: bytes | None) -> bytes:
    """The code and what it prints, in `room` bytes; a message that is too long is cut."""
    code = bytearray(CODE)
    pack_into("<H", code, MESSAGE_AT, LOADED + at + len(code))
    text = MESSAGE if message is None else message
    return (bytes(code) + text[: room - len(code) - 1]).ljust(room, b"\0")


def _partition_table(wanted: Wanted, layout: Layout) -> bytes:
    """A disk's signature and partition table: one partition that is the whole volume, itself included."""
    end = _chs(layout, layout.sectors)
    row = pack("<BBBBB3sII", 0x80, 0, 1, 0, _kind(layout, end), end, 0, layout.sectors)
    return pack("<IH", wanted.serial, 0) + row + bytes(48)


def _kind(layout: Layout, end: bytes) -> int:
    """The partition's type, by what a BIOS can reach of it."""
    if layout.bits == 32:
        return PART_FAT32_LBA
    large = layout.sectors > 0xFFFF
    if layout.heads > HEADS or layout.track > TRACK or (large and end == UNSAID):
        return PART_FAT16_LBA
    return PART_FAT16 if large else PART_FAT12 if layout.bits == 12 else PART_FAT16_SMALL


def _chs(layout: Layout, sector: int) -> bytes:
    """A sector by head, sector and cylinder."""
    track, number = divmod(sector, layout.track)
    cylinder, head = divmod(track, layout.heads)
    if cylinder >= CYLINDERS or layout.heads > HEADS or layout.track > TRACK:
        return UNSAID
    return bytes((head, (number + 1) & 63 | cylinder >> 2 & 0xC0, cylinder & 0xFF))
