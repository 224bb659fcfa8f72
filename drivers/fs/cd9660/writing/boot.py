# SPDX-License-Identifier: BSD-2-Clause
"""El Torito: boot images, which are files of the tree, and the catalog of them.

What ISOLINUX and GRUB want to know of themselves is written into the image: the boot information table (mkisofs(8),
-boot-info-table), and the number of their sixth sector (xorrisofs(1), --grub2-boot-info).
"""

from __future__ import annotations

from struct import pack, unpack

from rump.drivers.fs.cd9660 import disk_boot as torito
from rump.drivers.fs.cd9660.disk import SECTOR, SYSTEM_SECTORS
from rump.drivers.fs.cd9660.writing.descriptors import packed
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.cd9660.newfs.options import Wanted
    from rump.drivers.fs.cd9660.writing.contents import Contents
    from rump.drivers.fs.cd9660.writing.tree import Node, Tree
    from rump.kernel.dev.block import BlockDevice

TABLE_AT, TABLE_END = 8, 64         # bytes of an image that the table takes
GRUB_AT = 2548                      # where GRUB has the number of the sector it goes on with
GRUB_SKIPPED = 5                    # sectors of 512 bytes before that one
PARTITION_TYPE_AT = 450             # of the first partition, in the first sector of a hard disk
PIECE = 1 << 20
LOAD_MAX = 0xFFFF


def file_of(tree: Tree, option: str, path: bytes) -> Node:
    """A regular file that an option names.  Errors: ENOENT, ENOTDIR, EINVAL."""
    shown = path.decode("utf-8", "replace")
    try:
        node = tree.find(path)
    except OSError as error:
        raise fault(error.errno or e.ENOENT, f"cd9660: option {option}={shown}") from None
    if node.mode & abi.S_IFMT != abi.S_IFREG or not node.size:
        raise fault(e.EINVAL, f"cd9660: option {option}={shown}: not a regular file with something in it")
    return node


class Boot:
    """What a volume is booted from.

    bios, efi   the images; None: there is none
    """

    def __init__(self, tree: Tree, contents: Contents, wanted: Wanted, device: BlockDevice) -> None:
        """Errors: ENOENT, ENOTDIR, EINVAL - an image is not there, or is none; ENOSPC."""
        self._wanted = wanted
        self._device = device
        self.bios = file_of(tree, "boot", wanted.boot) if wanted.boot else None
        self.efi = file_of(tree, "efi", wanted.efi) if wanted.efi else None
        for image in (self.bios, self.efi):
            if image is not None:
                contents.unite(image)
        self._check_sizes()

    def __bool__(self) -> bool:
        return self.bios is not None or self.efi is not None

    def _check_sizes(self) -> None:
        wanted, bios = self._wanted, self.bios
        if bios is None:
            return
        needs = max(TABLE_END * wanted.boot_info_table, (GRUB_AT + 8) * wanted.grub2_boot_info)
        if bios.size < needs:
            raise fault(e.EINVAL, f"cd9660: the boot image has {bios.size} bytes, not {needs}")
        if wanted.emulation == "floppy" and bios.size not in torito.FLOPPY_SIZES.values():
            raise fault(e.EINVAL, f"cd9660: {bios.size} bytes are no floppy disk of 1200, 1440 or 2880 KiB")
        if wanted.emulation == "none" and not wanted.load_size and bios.size > LOAD_MAX * torito.SECTOR:
            raise fault(e.EINVAL, "cd9660: the boot image is too large to be loaded in full")

    # ---- the catalog -------------------------------------------------------------------------------------------------

    def catalog(self) -> bytes:
        """The boot catalog, a sector."""
        entries: list[bytes] = []
        if self.bios is not None:
            entries += [torito.validation(torito.PLATFORM_X86, b""), self._bios_entry(self.bios)]
        if self.efi is not None:
            if entries:
                entries.append(packed(torito.SectionHeader, indicator=torito.SECTION_LAST,
                                      platform=torito.PLATFORM_EFI, entries=1))  # fmt: skip
            else:
                entries.append(torito.validation(torito.PLATFORM_EFI, b""))
            entries.append(self._efi_entry(self.efi))
        return b"".join(entries).ljust(SECTOR, b"\0")

    def _bios_entry(self, image: Node) -> bytes:
        wanted = self._wanted
        media, system, sectors = torito.MEDIA_NONE, 0, wanted.load_size or -(-image.size // torito.SECTOR)
        if wanted.emulation == "floppy":
            sizes = {size: kind for kind, size in torito.FLOPPY_SIZES.items()}
            media, sectors = sizes[image.size], 1
        elif wanted.emulation == "hd":
            first = self._device.read(image.extents[0][0] * SECTOR, torito.SECTOR)
            media, system, sectors = torito.MEDIA_HARD_DISK, first[PARTITION_TYPE_AT], 1
        return packed(torito.BootEntry, indicator=torito.BOOTABLE, media=media, segment=wanted.load_segment,
                      system_type=system, sectors=sectors, start=image.extents[0][0])  # fmt: skip

    @staticmethod
    def _efi_entry(image: Node) -> bytes:
        """0 sectors, of an image too large to be counted: up to the end of the medium (UEFI, 13.3.2.1)."""
        sectors = -(-image.size // torito.SECTOR)
        return packed(torito.BootEntry, indicator=torito.BOOTABLE, sectors=sectors if sectors <= LOAD_MAX else 0,
                      start=image.extents[0][0])  # fmt: skip

    # ---- what images know of themselves ------------------------------------------------------------------------------

    def patch(self) -> None:
        """Write into the BIOS image where it is, if that is wanted."""
        if self.bios is None:
            return
        sector, size = self.bios.extents[0][0], self.bios.size
        if self._wanted.grub2_boot_info:
            number = sector * (SECTOR // torito.SECTOR) + GRUB_SKIPPED
            self._overwrite(sector, GRUB_AT, pack("<Q", number))
        if self._wanted.boot_info_table:
            table = pack("<4I", SYSTEM_SECTORS, sector, size, self._sum(sector, size))
            self._overwrite(sector, TABLE_AT, table.ljust(TABLE_END - TABLE_AT, b"\0"))

    def _overwrite(self, sector: int, at: int, data: bytes) -> None:
        """Whole sectors are written."""
        sector, at = sector + at // SECTOR, at % SECTOR
        length = SECTOR if at + len(data) <= SECTOR else 2 * SECTOR
        old = self._device.read(sector * SECTOR, length)
        self._device.write(sector * SECTOR, old[:at] + data + old[at + len(data) :])

    def _sum(self, sector: int, size: int) -> int:
        """Of the image's 32-bit words behind the table."""
        total = 0
        where, end = sector * SECTOR + TABLE_END, sector * SECTOR + size
        while where < end:
            data = self._device.read(where, min(PIECE, end - where))
            where += len(data)
            data += bytes(-len(data) % 4)
            total += sum(unpack(f"<{len(data) // 4}I", data))
        return total & 0xFFFFFFFF
