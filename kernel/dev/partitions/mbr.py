# SPDX-License-Identifier: BSD-2-Clause
"""Master boot records, with logical partitions in a chain of extended boot records.

The layout is the one the UEFI specification repeats in section 5.2 ("LBA 0 format"): code, a disk signature at 440,
four entries of 16 bytes at 446, and 55 AA at 510.  An extended partition begins with a sector of the same form, whose
first entry is a logical partition, counted from that sector, and whose second leads to the next such sector, counted
from the start of the extended partition.

The same 55 AA ends boot sectors of file systems, so a sector counts as an MBR only if all its entries make sense.
"""

from __future__ import annotations

from itertools import pairwise

from rump.kernel.dev.partitions.table import (
    Partition,
    PartitionTable,
    bounds_warnings,
    overlap_warnings,
    read_piece,
    sector_sizes,
)
from rump.kernel.dev.partitions.types import MBR
from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.structure import b3, u8, u32

ENTRIES = 446               # where the four entries begin
SIGNATURE = 440             # the disk's signature
MAGIC = b"\x55\xaa"
ACTIVE = 0x80
PROTECTIVE = 0xEE
EXTENDED = (0x05, 0x0F, 0x85)
LOGICAL_MAX = 256           # logical partitions read at most


class Entry(Structure, order="<", size=16):
    """A partition record (UEFI specification, table 5-2)."""

    status: u8              # 0x80 active, 0 not, all else is no MBR
    first_chs: b3           # cylinder, head, sector: not used
    type: u8                # 0: not used
    last_chs: b3            # not used
    start: u32              # first sector
    sectors: u32            # how many


def read(device: BlockDevice) -> PartitionTable | None:
    """The MBR of a device, or None if sector 0 is none."""
    sector = read_piece(device, 0, 512)
    if not sector or sector[510:] != MAGIC:
        return None
    entries = _entries(sector)
    used = [entry for entry in entries if entry.sectors and (entry.type or _is_hybrid(entry))]
    if any(entry.status & ~ACTIVE for entry in entries) or (_is_volume(sector) and not _fit(device, used)):
        return None
    signature = int.from_bytes(sector[SIGNATURE : SIGNATURE + 4], "little")
    if not used and (not signature or _is_volume(sector)):
        return None
    unit = _unit(device, used)
    warnings: list[str] = []
    rows = [_row(number, entry, 0, unit, signature) for number, entry in enumerate(entries, 1) if entry in used]
    warnings += overlap_warnings(rows)
    for row in [row for row in rows if int(row.type, 16) in EXTENDED]:
        rows += _logicals(device, row, max(5, rows[-1].number + 1), unit, signature, warnings)
    if not any(row.type == f"0x{PROTECTIVE:02x}" for row in rows):
        warnings += bounds_warnings(device, rows)
    return PartitionTable(
        "mbr", tuple(rows), sector_size=unit, warnings=tuple(warnings), disk_id=f"{signature:08x}"
    )


def is_protective(table: PartitionTable) -> bool:
    """Whether an MBR only stands guard before a GPT."""
    return any(row.type == f"0x{PROTECTIVE:02x}" for row in table.partitions)


def _entries(sector: bytes) -> list[Entry]:
    return [Entry(sector, ENTRIES + 16 * index) for index in range(4)]


def _is_hybrid(entry: Entry) -> bool:
    """Whether an entry stands for all of an ISO 9660 image that is a disk image as well: xorriso gives it type 0."""
    return entry.status == ACTIVE and not entry.start


def _is_volume(sector: bytes) -> bool:
    """Whether the sector looks like the boot sector of a FAT, exFAT or NTFS volume: a jump, and a sector size."""
    jumps = sector[0] == 0xE9 or (sector[0] == 0xEB and sector[2] == 0x90)
    sized = int.from_bytes(sector[11:13], "little") in (512, 1024, 2048, 4096) and sector[16] in (1, 2)
    return jumps and (sized or sector[3:11] in (b"NTFS    ", b"EXFAT   "))


def _fit(device: BlockDevice, used: list[Entry]) -> bool:
    """Whether entries beside a BPB are partitions all the same: apart, behind the first sector, on the device."""
    ends = sorted((entry.start, entry.start + entry.sectors) for entry in used)
    apart = all(a[1] <= b[0] for a, b in pairwise(ends))
    return apart and all(start > 0 and end * 512 <= device.size for start, end in ends)


def _unit(device: BlockDevice, used: list[Entry]) -> int:
    """What the entries count in: the first sector size that keeps all of them on the device, else the device's."""
    end = max((entry.start + entry.sectors for entry in used if entry.type != PROTECTIVE), default=0)
    return next((unit for unit in sector_sizes(device) if end * unit <= device.size), device.sector_size)


def _row(number: int, entry: Entry, base: int, unit: int, signature: int) -> Partition:
    """The plain row of an entry whose start counts from sector `base`."""
    active = entry.status == ACTIVE
    return Partition(
        number,
        "mbr",
        (base + entry.start) * unit,
        entry.sectors * unit,
        f"0x{entry.type:02x}",
        MBR.get(entry.type, f"type 0x{entry.type:02x}"),
        uuid=f"{signature:08x}-{number:02x}" if signature else "",
        bootable=active,
        flags=("active",) if active else (),
    )


def _logicals(
    device: BlockDevice, extended: Partition, number: int, unit: int, signature: int, warnings: list[str]
) -> list[Partition]:
    """The logical partitions of an extended one.  The chain ends at its first oddity, with a warning."""
    base, size = extended.start // unit, extended.size // unit
    seen: set[int] = set()
    rows: list[Partition] = []
    at = 0
    while at not in seen and len(seen) < LOGICAL_MAX:
        seen.add(at)
        sector = read_piece(device, (base + at) * unit, 512)
        if not sector or sector[510:] != MAGIC:
            warnings.append(f"extended partition {extended.number}: no boot record at sector {base + at}")
            return rows
        logical, link, *_ = _entries(sector)
        if logical.type and logical.sectors and logical.type not in EXTENDED:
            rows.append(_row(number + len(rows), logical, base + at, unit, signature))
            if at + logical.start + logical.sectors > size:
                warnings.append(f"partition {rows[-1].number} reaches out of extended partition {extended.number}")
        if link.type not in EXTENDED or not link.sectors:
            return rows
        at = link.start
        if not 0 < at < size:
            warnings.append(f"extended partition {extended.number}: its chain leaves it")
            return rows
    why = "its chain runs in a circle" if at in seen else f"more than {LOGICAL_MAX} boot records"
    warnings.append(f"extended partition {extended.number}: {why}")
    return rows
