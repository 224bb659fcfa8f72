# SPDX-License-Identifier: BSD-2-Clause
"""The boot catalog of El Torito, and boot images as files.

How long an image is the catalog says only of floppies.  Of a hard disk, its own partition table does.  Of an image
without emulation the catalog has how much the firmware is to load, which often is only its start; it is as long as the
file that begins at the same block, or as the FAT volume it holds, or else as the catalog says.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk_boot as b
from rump.drivers.fs.cd9660.disk import SECTOR
from rump.kernel.errors import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.medium import Medium

ENTRIES_MAX = 256
PLATFORMS = {b.PLATFORM_X86: "bios", b.PLATFORM_POWERPC: "powerpc", b.PLATFORM_MAC: "mac", b.PLATFORM_EFI: "efi"}
MEDIA = {
    b.MEDIA_NONE: "", b.MEDIA_1200K: "1.2M", b.MEDIA_1440K: "1.44M", b.MEDIA_2880K: "2.88M", b.MEDIA_HARD_DISK: "hd"
}  # fmt: skip
FAT_SECTORS = range(512, 4097)


class BootImage:
    """An entry of the catalog.

    number     from 1
    platform   b.PLATFORM_*
    media      b.MEDIA_*
    bootable   whether it is marked so
    start      byte of the device where the image begins
    loaded     bytes that the firmware loads
    """

    __slots__ = ("bootable", "loaded", "media", "number", "platform", "start")

    def __init__(self, number: int, platform: int, entry: b.BootEntry) -> None:
        self.number = number
        self.platform = platform
        self.media = entry.media & b.MEDIA_MASK
        self.bootable = entry.indicator == b.BOOTABLE
        self.start = entry.start * SECTOR
        self.loaded = entry.sectors * b.SECTOR

    @property
    def kind(self) -> str:
        """The platform and, if one is emulated, the medium: "bios", "bios-1.44M"."""
        platform = PLATFORMS.get(self.platform, f"platform{self.platform}")
        media = MEDIA.get(self.media, f"media{self.media}")
        return f"{platform}-{media}" if media else platform

    @property
    def name(self) -> bytes:
        """What it is called as a file: "1-bios.img"."""
        return f"{self.number}-{self.kind}.img".encode()


def catalog(medium: Medium, start: int) -> tuple[list[BootImage], int]:
    """The entries of the catalog at a byte, and its length in bytes; none and 0 if there is none to be read."""
    if not start:
        return [], 0
    try:
        data = medium.read(start, max(0, min(ENTRIES_MAX * b.ENTRY_SIZE, medium.device.size - start)), "boot catalog")
    except Fault:
        return [], 0
    head = data[: b.ENTRY_SIZE]
    if len(data) < 2 * b.ENTRY_SIZE or head[0] != b.VALIDATION or head[30:] != b.KEY or b.checksum(head):
        return [], 0
    images = [BootImage(1, head[1], b.BootEntry(data, b.ENTRY_SIZE))]
    at, last = 2 * b.ENTRY_SIZE, False
    while not last and at + b.ENTRY_SIZE <= len(data) and data[at] in (b.SECTION_MORE, b.SECTION_LAST):
        header = b.SectionHeader(data, at)
        last = header.indicator == b.SECTION_LAST
        at = _section(data, at + b.ENTRY_SIZE, header, images)
    return images, -(-at // SECTOR) * SECTOR


def _section(data: bytes, at: int, header: b.SectionHeader, images: list[BootImage]) -> int:
    """Take the entries of a section, which begin at `at`; where they end."""
    for _ in range(header.entries):
        if at + b.ENTRY_SIZE > len(data) or data[at] not in (b.BOOTABLE, b.NOT_BOOTABLE):
            break
        entry = b.BootEntry(data, at)
        images.append(BootImage(len(images) + 1, header.platform, entry))
        at += b.ENTRY_SIZE
        more = entry.media & b.MEDIA_CONTINUES
        while more and at + b.ENTRY_SIZE <= len(data) and data[at] == b.EXTENSION:
            more = data[at + 1] & b.EXTENSION_CONTINUES
            at += b.ENTRY_SIZE
    return at


def size(medium: Medium, image: BootImage, of_file: int) -> int:
    """How many bytes an image has; `of_file` is the size of the file at the same place, 0 if there is none."""
    room = max(0, medium.device.size - image.start)
    found = b.FLOPPY_SIZES.get(image.media, 0)
    if image.media == b.MEDIA_HARD_DISK:
        found = _hard_disk(medium, image.start) or of_file
    elif not found:
        found = of_file or _fat(medium, image.start)
    return min(found or image.loaded or SECTOR, room)


def _hard_disk(medium: Medium, start: int) -> int:
    """The size of a disk by its partition table; 0 if that says nothing."""
    head = medium.sector(start, "boot image")[:512]
    if head[510:] != b.KEY:
        return 0
    ends = [
        int.from_bytes(head[at + 8 : at + 12], "little") + int.from_bytes(head[at + 12 : at + 16], "little")
        for at in range(446, 510, 16)
        if head[at + 4]
    ]
    return max(ends, default=0) * 512


def _fat(medium: Medium, start: int) -> int:
    """The size of a FAT volume by its boot sector; 0 if there is none."""
    head = medium.sector(start, "boot image")[:512]
    if head[510:] != b.KEY or head[0] not in (0xEB, 0xE9):
        return 0
    sector = int.from_bytes(head[11:13], "little")
    sectors = int.from_bytes(head[19:21], "little") or int.from_bytes(head[32:36], "little")
    return sectors * sector if sector in FAT_SECTORS else 0
