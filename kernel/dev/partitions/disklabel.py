# SPDX-License-Identifier: BSD-2-Clause
"""BSD disklabels, of either byte order.

The layout is that of disklabel(5) and sys/disklabel.h of NetBSD; FreeBSD's is the same, OpenBSD's version 1 keeps the
upper 16 bits of starts and sizes where the others keep the fragment size.  The label is in the first or second sector
of a disk, or of the MBR partition that is the system's own, at an offset that depends on the port.

Starts count from the start of the disk; FreeBSD also writes labels that count from the start of the MBR partition, to
be known by their partition `c` beginning at 0.
"""

from __future__ import annotations

from struct import unpack

from rump.kernel.dev.partitions.table import Partition, PartitionTable, bounds_warnings, read_piece, sector_sizes
from rump.kernel.dev.partitions.types import BSD, BSD_FREE, BSD_OPEN, FREEBSD_DISKLABEL
from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.structure import b8, b16, b20, u8, u16, u32

MAGIC = 0x82564557
PARTITIONS_MAX = 52         # OpenBSD's a-z and A-Z; elsewhere 8, 16 or 22
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OFFSETS = (0, 64, 128)      # of the label in its sector
HOLDERS = {"0xa5": "freebsd", "0xa6": "openbsd", "0xa9": "netbsd", FREEBSD_DISKLABEL: "freebsd"}
RAW = (2, 3)                # c, or d on some ports of NetBSD: the whole disk


class Label(Structure, order="<", size=148):
    """struct disklabel, without its partitions."""

    magic: u32              # MAGIC
    type: u16               # kind of drive
    subtype: u16            # what the kind adds
    type_name: b16          # of the drive
    pack_name: b16          # of the disk
    sector_size: u32        # bytes
    sectors_per_track: u32
    tracks: u32             # per cylinder
    cylinders: u32
    sectors_per_cylinder: u32
    sectors: u32            # of the whole disk
    uid: b8                 # OpenBSD: the disk's identifier; elsewhere spare sectors and cylinders
    geometry: b16           # speeds and skews; OpenBSD: the bounds it may use
    flags: u32
    drive_data: b20
    sectors_high: u16       # OpenBSD: bits 32 to 47 of `sectors`
    version: u16            # OpenBSD: 1; elsewhere zero
    spare: b16
    magic2: u32             # MAGIC again
    checksum: u16           # makes the exclusive or of all 16-bit words up to the last partition zero
    partitions: u16         # how many follow
    boot_size: u32          # bytes
    super_size: u32         # largest superblock, bytes


class Slot(Structure, order="<", size=16):
    """struct partition."""

    size: u32               # sectors
    start: u32              # sectors
    start_high: u16         # OpenBSD version 1: bits 32 to 47; elsewhere the fragment size
    size_high: u16
    fstype: u8              # FS_*
    fragments: u8           # per block
    cylinders: u16          # per group


def read(device: BlockDevice, start: int = 0, system: str = "") -> PartitionTable | None:
    """The disklabel of a disk, or of the MBR partition of a `system` at `start`; or None."""
    for unit in sector_sizes(device):
        for sector in (0, 1):
            data = read_piece(device, start + sector * unit, 1024) or read_piece(device, start + sector * unit, 512)
            for offset in OFFSETS:
                table = _parse(device, data[offset:], start, system)
                if table is not None:
                    return table
    return None


def add_nested(device: BlockDevice, table: PartitionTable) -> PartitionTable:
    """`table` with the disklabels inside its partitions."""
    found = []
    for row in table.partitions:
        if row.type in HOLDERS:
            inner = read(device, row.start, HOLDERS[row.type])
            if inner is not None:
                found.append((row.number, inner))
                table.warnings += inner.warnings
    table.nested = tuple(found)
    return table


def _parse(device: BlockDevice, data: bytes, start: int, system: str) -> PartitionTable | None:
    """The label that `data` begins with, or None if that is not one."""
    swapped = data[:4] == MAGIC.to_bytes(4, "big")
    if len(data) < Label.struct.size or not (swapped or data[:4] == MAGIC.to_bytes(4, "little")):
        return None
    label = Label(data, swapped=swapped)
    end = Label.struct.size + label.partitions * Slot.struct.size
    if label.magic2 != MAGIC or not 0 < label.partitions <= PARTITIONS_MAX or end > len(data) or _checksum(data[:end]):
        return None
    slots = [
        Slot(data, Label.struct.size + Slot.struct.size * index, swapped=swapped)
        for index in range(label.partitions)
    ]
    if label.version == 1:
        system = "openbsd"
    unit = label.sector_size if label.sector_size in (512, 1024, 2048, 4096) else device.sector_size
    relative = system == "freebsd" and len(slots) > RAW[0] and slots[RAW[0]].start == 0
    rows = _rows(label, slots, unit, start if relative else 0, system)
    return PartitionTable(
        "bsd",
        tuple(rows),
        sector_size=unit,
        warnings=tuple(bounds_warnings(device, rows)),
        disk_id=label.uid.hex() if label.version == 1 else "",
    )


def _checksum(data: bytes) -> int:
    """The exclusive or of all 16-bit words; the byte order does not matter to whether it is zero."""
    total = 0
    for word in unpack(f"<{len(data) // 2}H", data):
        total ^= word
    return total


def _rows(label: Label, slots: list[Slot], unit: int, base: int, system: str) -> list[Partition]:
    """The partitions that have a size; those of type "unused" may be the whole disk, or in use after all."""
    high = label.version == 1
    disk = label.sectors | label.sectors_high << 32 if high else label.sectors
    rows = []
    for index, slot in enumerate(slots):
        first = slot.start | slot.start_high << 32 if high else slot.start
        count = slot.size | slot.size_high << 32 if high else slot.size
        raw = index in RAW and slot.fstype == 0 and (index == RAW[0] or (first == 0 and count >= disk))
        if not count:
            continue
        rows.append(_row(index, base + first * unit, count * unit, "whole disk" if raw else "", slot.fstype, system))
    return rows


def _row(index: int, start: int, size: int, raw: str, fstype: int, system: str) -> Partition:
    kind = _fstype_name(fstype, system)
    return Partition(
        index + 1, "bsd", start, size, kind, raw or kind, letter=LETTERS[index], flags=("raw",) if raw else ()
    )


def _fstype_name(fstype: int, system: str) -> str:
    """The name of a file-system type, as the system that wrote the label numbers them."""
    own = {"openbsd": BSD_OPEN, "freebsd": BSD_FREE}.get(system, {}).get(fstype)
    return own or (BSD[fstype] if fstype < len(BSD) else f"type {fstype}")
