# SPDX-License-Identifier: BSD-2-Clause
"""GUID partition tables: UEFI specification, chapter 5 ("GUID Partition Table disk layout").

A header in sector 1 and another in the last sector, each with a CRC of itself and of its own copy of the array of
entries.  One good copy is enough; that the other is not is worth a warning.
"""

from __future__ import annotations

from binascii import crc32
from struct import unpack

from rump.kernel.dev.partitions.table import (
    Partition,
    PartitionTable,
    bounds_warnings,
    overlap_warnings,
    read_piece,
    sector_sizes,
)
from rump.kernel.dev.partitions.types import GPT
from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.structure import b8, b16, b72, u32, u64

SIGNATURE = b"EFI PART"
ENTRIES_MAX = 1024          # entries read at most; 128 are usual
ENTRY_SIZE_MAX = 4096       # bytes; 128 are usual

REQUIRED = 1 << 0           # attributes of every type
NO_BLOCK_IO = 1 << 1
LEGACY_BOOT = 1 << 2
_ATTRIBUTES = (
    (REQUIRED, "required"),
    (NO_BLOCK_IO, "no-block-io"),
    (LEGACY_BOOT, "legacy-boot"),
    (1 << 59, "grow-file-system"),      # 59 to 63 are the types' own: Microsoft's and Linux's meanings
    (1 << 60, "read-only"),
    (1 << 61, "shadow-copy"),
    (1 << 62, "hidden"),
    (1 << 63, "no-auto"),
)


class Header(Structure, order="<", size=92):
    """The header (table 5-5).  The rest of its sector is zero."""

    signature: b8           # "EFI PART"
    revision: u32           # 0x00010000
    size: u32               # of the header, bytes: 92 to a sector
    crc: u32                # CRC-32 of the header, this field zero
    reserved: u32           # zero
    my_lba: u64             # the sector this header is in
    alternate_lba: u64      # the sector of the other one
    first_usable: u64       # first sector partitions may have
    last_usable: u64        # last one
    disk_guid: b16          # the disk's name
    entries_lba: u64        # where this header's array begins, sectors
    entries: u32            # how many
    entry_size: u32         # bytes: 128 times a power of two
    entries_crc: u32        # CRC-32 of the array


class Entry(Structure, order="<", size=128):
    """A partition entry (table 5-6)."""

    type_guid: b16          # what is in it; all zero: not used
    unique_guid: b16        # its name among all partitions
    first_lba: u64          # first sector
    last_lba: u64           # last sector, part of it
    attributes: u64         # see _ATTRIBUTES
    name: b72               # UTF-16, up to a zero


class _Copy:
    """A header that was found good, and its array of entries; or what was wrong, in `problem`."""

    def __init__(self, device: BlockDevice, unit: int, lba: int) -> None:
        self.unit = unit
        self.array = b""
        sector = read_piece(device, lba * unit, unit) if lba > 0 else b""
        self.present = sector[:8] == SIGNATURE
        self.problem = "missing"
        if self.present:
            self.header = Header(sector)
            self.problem = self._judge(device, sector, lba)

    def _judge(self, device: BlockDevice, sector: bytes, lba: int) -> str:
        """Check all there is to check; "" if it is good."""
        header = self.header
        if not 92 <= header.size <= len(sector):
            return f"header size {header.size}"
        if crc32(sector[:16] + bytes(4) + sector[20 : header.size]) != header.crc:
            return "bad header checksum"
        if header.my_lba != lba:
            return f"says it is in sector {header.my_lba}"
        if not 128 <= header.entry_size <= ENTRY_SIZE_MAX or header.entries > ENTRIES_MAX:
            return f"{header.entries} entries of {header.entry_size} bytes"
        self.array = read_piece(device, header.entries_lba * self.unit, header.entries * header.entry_size)
        if len(self.array) != header.entries * header.entry_size:
            return "entries behind the end of the device"
        return "" if crc32(self.array) == header.entries_crc else "bad checksum of the entries"


def present(device: BlockDevice) -> bool:
    """Whether there is something like a primary header."""
    return any(read_piece(device, unit, 8) == SIGNATURE for unit in sector_sizes(device))


def read(device: BlockDevice, protective: bool) -> PartitionTable | None:
    """The GPT of a device, or None.  The backup is looked for if a protective MBR or a damaged primary calls for it."""
    found: PartitionTable | None = None
    for unit in sector_sizes(device):
        primary = _Copy(device, unit, 1)
        if not (primary.present or protective):
            continue
        table = _from_copies(device, primary, unit)
        if table is not None and not primary.problem:
            return table
        found = found or table
    return found


def _from_copies(device: BlockDevice, primary: _Copy, unit: int) -> PartitionTable | None:
    """The table from the better of the two copies."""
    last = device.size // unit - 1
    backup = _Copy(device, unit, primary.header.alternate_lba if not primary.problem else last)
    if backup.problem and not primary.problem and primary.header.alternate_lba != last:
        moved = _Copy(device, unit, last)
        backup = backup if moved.problem else moved
    if primary.problem and backup.problem:
        return None
    warnings = []
    if primary.problem:
        warnings.append(f"the primary GPT is damaged ({primary.problem}); the backup is used")
    elif backup.problem:
        warnings.append(f"the backup GPT is damaged ({backup.problem})")
    elif primary.array != backup.array or primary.header.disk_guid != backup.header.disk_guid:
        warnings.append("the primary and the backup GPT differ; the primary is used")
    return _table(device, primary if not primary.problem else backup, warnings)


def _table(device: BlockDevice, copy: _Copy, warnings: list[str]) -> PartitionTable:
    step = copy.header.entry_size
    rows: list[Partition] = []
    for number, at in enumerate(range(0, len(copy.array), step), 1):
        entry = Entry(copy.array, at)
        if entry.type_guid == bytes(16):
            continue
        if entry.first_lba == 0 or entry.last_lba < entry.first_lba:
            warnings.append(f"partition {number} ends before it begins")
            continue
        rows.append(_row(number, entry, copy.unit))
    warnings += bounds_warnings(device, rows) + overlap_warnings(rows)
    return PartitionTable(
        "gpt",
        tuple(rows),
        sector_size=copy.unit,
        warnings=tuple(warnings),
        disk_id=guid_text(copy.header.disk_guid),
    )


def _row(number: int, entry: Entry, unit: int) -> Partition:
    kind = guid_text(entry.type_guid)
    return Partition(
        number,
        "gpt",
        entry.first_lba * unit,
        (entry.last_lba - entry.first_lba + 1) * unit,
        kind,
        GPT.get(kind, "unknown type"),
        name=entry.name.decode("utf-16-le", "replace").split("\0", 1)[0],
        uuid=guid_text(entry.unique_guid),
        bootable=bool(entry.attributes & LEGACY_BOOT),
        attributes=entry.attributes,
        flags=tuple(word for bit, word in _ATTRIBUTES if entry.attributes & bit),
    )


def guid_text(raw: bytes) -> str:
    """A GUID in its usual spelling: three little-endian numbers, then bytes as they are (appendix A)."""
    first, second, third = unpack("<IHH", raw[:8])
    return f"{first:08x}-{second:04x}-{third:04x}-{raw[8:10].hex()}-{raw[10:].hex()}"
