# SPDX-License-Identifier: BSD-2-Clause
"""Partition tables in the sectors before the volume descriptors, for media other than CDs.

MBR: an entry for the UEFI image and, with boot code, one for the volume as a whole, as isohybrid makes them.  GPT (UEFI
specification, chapter 5): an EFI system partition that is the image.  Sectors have 512 bytes here.
"""

from __future__ import annotations

from binascii import crc32
from struct import pack

from rump.drivers.fs.cd9660.disk import SECTOR
from rump.drivers.fs.cd9660.writing.boot import file_of
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.newfs.options import Wanted
    from rump.drivers.fs.cd9660.writing.boot import Boot
    from rump.drivers.fs.cd9660.writing.tree import Node, Tree
    from rump.kernel.dev.block import BlockDevice

    # Active, type, first sector, sectors.
    Row: TypeAlias = tuple[bool, int, int, int]

BLOCK = 512
RATIO = SECTOR // BLOCK
CODE_MAX = 440              # bytes of boot code; then come the disk's signature and the table
IMAGE_AT = 432              # isohybrid's code finds the number of the BIOS image's first sector here
TABLE_AT = 446
SIGNATURE = b"\x55\xaa"
TYPE_EFI, TYPE_GPT, TYPE_HIDDEN_NTFS = 0xEF, 0xEE, 0x17     # the last is what isohybrid calls a volume
ENTRIES, ENTRY_SIZE = 128, 128
ARRAY_SECTORS = ENTRIES * ENTRY_SIZE // BLOCK
FIRST_USABLE = 2 + ARRAY_SECTORS
BACKUP = 1 + ARRAY_SECTORS  # sectors at the end: the array and the header
EFI_SYSTEM = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")
CHS_NONE = b"\xfe\xff\xff"  # cylinder, head and sector of what has none


class PartitionTables:
    """The tables that are wanted.

    backup_sectors      of 2048 bytes at the end of the volume, for the GPT's second copy
    """

    def __init__(self, tree: Tree, wanted: Wanted, boot: Boot | None, device: BlockDevice) -> None:
        """Errors: ENOENT, ENOTDIR, EINVAL - a file is not there; EINVAL - there is no image to be a partition."""
        self._wanted = wanted
        self._efi = boot.efi if boot is not None else None
        self._bios = boot.bios if boot is not None else None
        self._code = file_of(tree, "mbr", wanted.mbr) if wanted.mbr else None
        self._device = device
        if wanted.gpt and self._efi is None:
            raise fault(e.EINVAL, "cd9660: option hybrid: a GPT needs efi")
        self.backup_sectors = -(-BACKUP // RATIO) if wanted.gpt else 0

    def encode(self, sectors: int) -> tuple[bytes, bytes]:
        """What the first sectors of a volume of so many are, and the last."""
        total = sectors * RATIO
        disk = self._guid(b"disk", total)
        head = self._boot_code() + disk[:4] + bytes(2) + self._table(total) + SIGNATURE
        if not self._wanted.gpt:
            return head, b""
        array = self._array(total)
        first = self._header(array, disk, 1, total - 1, 2, total)
        last = self._header(array, disk, total - 1, 1, total - BACKUP, total)
        backup = (array + last).rjust(self.backup_sectors * SECTOR, b"\0")
        return head + first + array, backup

    def _boot_code(self) -> bytes:
        """The first 440 bytes."""
        if self._code is None:
            return bytes(CODE_MAX)
        code: bytes = self._device.read(self._code.extents[0][0] * SECTOR, BLOCK)[: min(self._code.size, CODE_MAX)]
        if self._bios is None:
            return code.ljust(CODE_MAX, b"\0")
        return code[:IMAGE_AT].ljust(IMAGE_AT, b"\0") + pack("<Q", _place(self._bios)[0])

    # ---- MBR ---------------------------------------------------------------------------------------------------------

    def _table(self, total: int) -> bytes:
        rows = self._rows(total)
        return b"".join([
            pack("<B3sB3sII", 0x80 * active, CHS_NONE, kind, CHS_NONE, start, min(count, 0xFFFFFFFF))
            for active, kind, start, count in rows
        ]).ljust(64, b"\0")  # fmt: skip

    def _rows(self, total: int) -> list[Row]:
        wanted, efi = self._wanted, self._efi
        rows: list[Row] = []
        if wanted.gpt:
            end = _place(efi)[0] if wanted.mbr_table and efi is not None else total
            rows.append((False, TYPE_GPT, 1, end - 1))
        elif self._code is not None:
            rows.append((True, TYPE_HIDDEN_NTFS, 0, total))
        if wanted.mbr_table and efi is not None:
            rows.append((False, TYPE_EFI, *_place(efi)))
        return rows

    # ---- GPT ---------------------------------------------------------------------------------------------------------

    def _guid(self, what: bytes, total: int) -> bytes:
        """A GUID that depends on what the volume is, and on nothing else: of version 8 (RFC 9562, 5.8)."""
        seed = b"%s:%d:%d:" % (what, total, self._wanted.time or 0) + self._wanted.label.encode("utf-8", "replace")
        guid = bytearray(b"".join([crc32(seed, number).to_bytes(4, "little") for number in range(4)]))
        guid[7] = guid[7] & 0x0F | 0x80     # the upper byte of the third field, which is little-endian
        guid[8] = guid[8] & 0x3F | 0x80
        return bytes(guid)

    def _array(self, total: int) -> bytes:
        assert self._efi is not None
        start, count = _place(self._efi)
        name = "EFI System".encode("utf-16-le")
        entry = EFI_SYSTEM + self._guid(b"efi", total) + pack("<QQQ72s", start, start + count - 1, 0, name)
        return entry.ljust(ENTRIES * ENTRY_SIZE, b"\0")

    @staticmethod
    def _header(array: bytes, disk: bytes, mine: int, other: int, at: int, total: int) -> bytes:
        def made(crc: int) -> bytes:
            return pack(
                "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, mine, other, FIRST_USABLE, total - BACKUP - 1,
                disk, at, ENTRIES, ENTRY_SIZE, crc32(array),
            )  # fmt: skip

        return made(crc32(made(0))).ljust(BLOCK, b"\0")


def _place(image: Node) -> tuple[int, int]:
    """First sector of a file, and how many it takes, of 512 bytes."""
    return image.extents[0][0] * RATIO, -(-image.size // SECTOR) * RATIO
