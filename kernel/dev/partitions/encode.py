# SPDX-License-Identifier: BSD-2-Clause
"""Partition tables as bytes: GPT (UEFI specification, chapter 5) and MBR with logical partitions (section 5.2).

Both take `Partition` rows and give pieces, (offset on the disk, bytes), in the order in which they are to be written.
Where a row has no place in a table the error says which, and why.
"""

from __future__ import annotations

from binascii import crc32
from itertools import pairwise
from struct import pack

from rump.kernel.dev.partitions.gpt import LEGACY_BOOT, SIGNATURE
from rump.kernel.dev.partitions.mbr import ACTIVE, ENTRIES, EXTENDED, MAGIC, PROTECTIVE
from rump.kernel.dev.partitions.mbr import SIGNATURE as DISK_SIGNATURE
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from rump.kernel.dev.partitions.table import Partition

    Piece: TypeAlias = tuple[int, bytes]

ENTRY_SIZE = 128            # bytes of a GPT entry
ENTRIES_USUAL = 128         # what every system makes room for
NAME_MAX = 36               # UTF-16 units
CODE_MAX = 440              # bytes of boot code before the disk's signature
HEADS, SECTORS = 255, 63    # the geometry that everybody claims
NOWHERE = b"\xfe\xff\xff"   # cylinder, head and sector of what lies behind the reach of such numbers


def gpt_bounds(size: int, unit: int, entries: int = ENTRIES_USUAL) -> tuple[int, int]:
    """The first byte that partitions may have, and the first behind the last, on a disk of `size` bytes whose sectors
    have `unit`.  Errors: ENOSPC - too small a disk for the tables."""
    array = -(-entries * ENTRY_SIZE // unit)
    first, behind = 2 + array, size // unit - 1 - array
    if behind <= first:
        raise fault(e.ENOSPC, f"a disk of {size} bytes has no room for a GPT")
    return first * unit, behind * unit


def gpt(
    size: int,
    unit: int,
    disk_id: str,
    rows: Sequence[Partition],
    *,
    entries: int = ENTRIES_USUAL,
    hybrid: Sequence[tuple[Partition, int]] = (),
    code: bytes = b"",
) -> tuple[Piece, ...]:
    """A GPT with its backup and its protective MBR: the backup first, for the primary makes it valid.

    `hybrid` rows, three at most, are in the MBR as well, with the MBR type beside them; `code` is what the MBR boots.
    Errors: EINVAL - a GUID, a name, a place or a number that does not do; ENOSPC.
    """
    first, behind = gpt_bounds(size, unit, entries)
    array = _array(rows, unit, entries, first, behind)
    last = size // unit - 1
    sectors = -(-len(array) // unit)
    padded = array + bytes(sectors * unit - len(array))
    common = (guid_bytes(disk_id), first // unit, behind // unit - 1, entries, crc32(array))
    backup = _header(unit, last, 1, behind // unit, common)
    primary = _header(unit, 1, last, 2, common)
    return (
        (behind, padded + backup),
        (0, _protective(size // unit, hybrid, unit, code)),
        (unit, primary + padded),
    )


def _array(rows: Sequence[Partition], unit: int, entries: int, first: int, behind: int) -> bytes:
    """The array of entries."""
    _apart(rows, first, behind)
    array = bytearray(entries * ENTRY_SIZE)
    for row in rows:
        if not 1 <= row.number <= entries:
            raise fault(e.EINVAL, f"partition {row.number}: numbers are 1 to {entries}")
        _aligned(row, unit)
        name = row.name.encode("utf-16-le", "surrogatepass")
        if len(name) > NAME_MAX * 2:
            raise fault(e.EINVAL, f"partition {row.number}: a name has at most {NAME_MAX} characters")
        attributes = row.attributes | (LEGACY_BOOT if row.bootable else 0)
        at = (row.number - 1) * ENTRY_SIZE
        array[at : at + 56] = pack(
            "<16s16sQQQ", guid_bytes(row.type), guid_bytes(row.uuid), row.start // unit,
            (row.start + row.size) // unit - 1, attributes,
        )  # fmt: skip
        array[at + 56 : at + 56 + len(name)] = name
    return bytes(array)


def _header(unit: int, lba: int, other: int, array: int, common: tuple[bytes, int, int, int, int]) -> bytes:
    guid, first, last, entries, checksum = common
    fields = (lba, other, first, last, guid, array, entries, ENTRY_SIZE, checksum)
    header = SIGNATURE + pack("<IIIIQQQQ16sQIII", 0x10000, 92, 0, 0, *fields)
    header = header[:16] + pack("<I", crc32(header)) + header[20:]
    return header + bytes(unit - len(header))


def _protective(sectors: int, hybrid: Sequence[tuple[Partition, int]], unit: int, code: bytes) -> bytes:
    """The MBR that keeps others off; it ends where the first partition of a hybrid one begins."""
    if len(hybrid) > 3:
        raise fault(e.EINVAL, "beside the protective entry an MBR has room for three partitions")
    starts = [row.start // unit for row, _ in hybrid]
    covered = min([sectors, *starts]) - 1
    guard = pack("<B3sB3sII", 0, _place(1), PROTECTIVE, _place(covered), 1, min(covered, 0xFFFFFFFF))
    others = [_entry(row, kind, row.start, unit) for row, kind in hybrid]
    return _sector([guard, *others], 0, code)


def mbr(
    size: int, unit: int, signature: int, rows: Sequence[Partition], *, gap: int = 1 << 20, code: bytes = b""
) -> tuple[Piece, ...]:
    """An MBR.  Rows numbered from 5 on are logical partitions, in an extended one that takes the lowest free number:
    the record before each is `gap` bytes in front of it.

    Errors: EINVAL - a type, a place or a number that does not do; EFBIG - a partition that 32 bits cannot place.
    """
    _apart(rows, unit, size)
    slots: list[bytes] = [bytes(16)] * 4
    primary, logical = [row for row in rows if row.number < 5], [row for row in rows if row.number >= 5]
    for row in primary:
        if not 1 <= row.number <= 4:
            raise fault(e.EINVAL, f"partition {row.number}: numbers begin with 1")
        slots[row.number - 1] = _entry(row, mbr_type(row), row.start, unit)
    records: tuple[Piece, ...] = ()
    if logical:
        number = next((index for index in range(4) if slots[index] == bytes(16)), None)
        if number is None:
            raise fault(e.EINVAL, "logical partitions need one of the four entries for themselves")
        slots[number], records = _extended(sorted(logical, key=lambda row: row.number), primary, unit, gap)
    return (*records, (0, _sector(slots, signature, code)))


def _extended(
    rows: Sequence[Partition], primary: Sequence[Partition], unit: int, gap: int
) -> tuple[bytes, tuple[Piece, ...]]:
    """The entry of the extended partition that holds logical ones, and the records in it."""
    if [row.number for row in rows] != [*range(5, 5 + len(rows))]:
        raise fault(e.EINVAL, "logical partitions are numbered 5, 6 and so on, without gaps")
    if any(a.start > b.start for a, b in pairwise(rows)):
        raise fault(e.EINVAL, "logical partitions lie in the order of their numbers")
    begin, end = rows[0].start - gap, rows[-1].start + rows[-1].size
    ends = [begin, *(row.start + row.size for row in rows)]
    for row, before in zip(rows, ends, strict=False):
        if row.start - gap < max(before, unit):
            raise fault(e.EINVAL, f"partition {row.number}: {gap} bytes before it are needed for its record")
    for row in primary:
        if row.start < end and row.start + row.size > begin:
            raise fault(e.EINVAL, f"partition {row.number} lies among logical ones")
    pieces = []
    for index, row in enumerate(rows):
        entries = [_entry(row, mbr_type(row), gap, unit, row.start)]
        if index + 1 < len(rows):
            after = rows[index + 1].start - gap
            entries.append(_numbers(0, EXTENDED[0], after - begin, rows[index + 1].size + gap, unit, after))
        pieces.append((row.start - gap, _sector(entries, 0, b"")))
    return _numbers(0, EXTENDED[1], begin, end - begin, unit, begin), tuple(pieces)


def mbr_type(row: Partition) -> int:
    """The type of a row of an MBR.  Errors: EINVAL - it is none."""
    try:
        kind = int(row.type, 16)
    except ValueError:
        kind = 0
    if not 0 < kind < 256:
        raise fault(e.EINVAL, f"partition {row.number}: {row.type} is no MBR type")
    return kind


def _entry(row: Partition, kind: int, start: int, unit: int, place: int | None = None) -> bytes:
    """An entry whose start, bytes, counts from wherever the record has it; it is at `place` on the disk."""
    _aligned(row, unit)
    return _numbers(ACTIVE if row.bootable else 0, kind, start, row.size, unit, row.start if place is None else place)


def _numbers(status: int, kind: int, start: int, size: int, unit: int, place: int) -> bytes:
    first, count = start // unit, size // unit
    if first > 0xFFFFFFFF or count > 0xFFFFFFFF:
        raise fault(e.EFBIG, f"an MBR with sectors of {unit} bytes cannot say where {place} bytes and more are")
    return pack("<B3sB3sII", status, _place(place // unit), kind, _place((place + size) // unit - 1), first, count)


def _place(sector: int) -> bytes:
    """Cylinder, head and sector, for those who still ask."""
    cylinder, rest = divmod(sector, HEADS * SECTORS)
    head, number = divmod(rest, SECTORS)
    if cylinder > 1023:
        return NOWHERE
    return bytes((head, number + 1 | cylinder >> 2 & 0xC0, cylinder & 0xFF))


def _sector(entries: Sequence[bytes], signature: int, code: bytes) -> bytes:
    """A sector 0 of 512 bytes: larger sectors end in zeros, which are there already."""
    if len(code) > CODE_MAX:
        raise fault(e.EINVAL, f"boot code of {len(code)} bytes: there is room for {CODE_MAX}")
    head = code.ljust(DISK_SIGNATURE, b"\0") + pack("<I", signature)
    return head.ljust(ENTRIES, b"\0") + b"".join(entries).ljust(64, b"\0") + MAGIC


def _aligned(row: Partition, unit: int) -> None:
    if row.start % unit or row.size % unit or row.size <= 0:
        raise fault(e.EINVAL, f"partition {row.number}: {row.size} bytes at {row.start} are not whole sectors")


def _apart(rows: Sequence[Partition], first: int, behind: int) -> None:
    """No two partitions share bytes or a number, and all lie in [first, behind)."""
    ends, last = first, 0
    if len({row.number for row in rows}) != len(rows):
        raise fault(e.EINVAL, "two partitions have the same number")
    for row in sorted(rows, key=lambda row: row.start):
        if row.start < ends:
            where = f"partition {last}" if last else "the partition table"
            raise fault(e.EINVAL, f"partition {row.number} begins at {row.start}, where {where} still is")
        ends, last = row.start + row.size, row.number
        if ends > behind:
            raise fault(e.ENOSPC, f"partition {row.number} ends at {ends}; there is room up to {behind}")


def guid_bytes(text: str) -> bytes:
    """A GUID as it is stored (`gpt.guid_text` the other way round).  Errors: EINVAL.

    >>> guid_bytes("c12a7328-f81f-11d2-ba4b-00a0c93ec93b").hex()
    '28732ac11ff8d211ba4b00a0c93ec93b'
    """
    parts = text.split("-")
    try:
        raw = bytes.fromhex("".join(parts))
    except ValueError:
        raw = b""
    if [len(part) for part in parts] != [8, 4, 4, 4, 12] or len(raw) != 16:
        raise fault(e.EINVAL, f"{text!r} is no GUID")
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
