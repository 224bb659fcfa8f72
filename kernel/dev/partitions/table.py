# SPDX-License-Identifier: BSD-2-Clause
"""What a partition table says, in plain rows, whatever its scheme."""

from __future__ import annotations

from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice


def human_size(size: int) -> str:
    """A size for people: "512 bytes", "1.5 GiB"."""
    if size < 1024:
        return f"{size} bytes"
    exponent = min((size.bit_length() - 1) // 10, 6)
    return f"{size / (1 << 10 * exponent):.4g} {'KMGTPE'[exponent - 1]}iB"


class Partition:
    """One partition.

    number       1, 2 ... as other systems number it: the slot in the table; logical partitions of an MBR from 5 on
    scheme       "gpt", "mbr" or "bsd"
    start, size  in bytes, on the device whose table was read; size as recorded, even if the device ends before
    type         in one spelling: a GUID in lower case (gpt), "0x83" (mbr), the name of a file-system type (bsd)
    type_name    the type in words
    name         the name a GPT entry carries, else ""
    uuid         the entry's GUID (gpt), "signature-number" (mbr: "2fe05a1b-01"), else ""
    bootable     marked for booting (mbr: active; gpt: legacy BIOS bootable)
    attributes   the 64 attribute bits of a GPT entry, else 0
    flags        bootable and attributes in words; "raw" for the BSD partition that means the whole disk
    letter       "a" ... of a BSD disklabel, else ""
    """

    __slots__ = (
        "attributes", "bootable", "flags", "letter", "name", "number", "scheme", "size", "start", "type", "type_name",
        "uuid",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        scheme: str,
        start: int,
        size: int,
        type: str,
        type_name: str,
        *,
        name: str = "",
        uuid: str = "",
        bootable: bool = False,
        attributes: int = 0,
        flags: tuple[str, ...] = (),
        letter: str = "",
    ) -> None:
        self.number = number
        self.scheme = scheme
        self.start = start
        self.size = size
        self.type = type
        self.type_name = type_name
        self.name = name
        self.uuid = uuid
        self.bootable = bootable
        self.attributes = attributes
        self.flags = flags
        self.letter = letter

    def __str__(self) -> str:
        """For messages: ``2 "home" (Linux filesystem, 20 GiB)``."""
        name = f' "{self.name}"' if self.name else ""
        return f"{self.letter or self.number}{name} ({self.type_name}, {human_size(self.size)})"

    def __repr__(self) -> str:
        return f"<Partition {self} at {self.start}>"


class PartitionTable:
    """A partition table.

    scheme       "gpt", "mbr" or "bsd"
    partitions   its `Partition` rows, by number
    warnings     what is not as it should be, yet does not stand in the way
    disk_id      the disk's GUID (gpt), signature "2fe05a1b" (mbr), OpenBSD's DUID (bsd), or ""
    sector_size  what the table counts in, bytes
    nested       tables inside partitions: (the partition's number, the table); their starts count from the same zero
    """

    __slots__ = ("disk_id", "nested", "partitions", "scheme", "sector_size", "warnings")

    def __init__(
        self,
        scheme: str,
        partitions: tuple[Partition, ...],
        *,
        sector_size: int,
        warnings: tuple[str, ...] = (),
        disk_id: str = "",
        nested: tuple[tuple[int, PartitionTable], ...] = (),
    ) -> None:
        self.scheme = scheme
        self.partitions = partitions
        self.sector_size = sector_size
        self.warnings = warnings
        self.disk_id = disk_id
        self.nested = nested

    def all_partitions(self) -> tuple[Partition, ...]:
        """The partitions and those of nested tables, each of these behind the one it lies in."""
        inside = dict(self.nested)
        found: list[Partition] = []
        for row in self.partitions:
            found.append(row)
            if row.number in inside:
                found += inside[row.number].partitions
        return tuple(found)


def read_piece(device: BlockDevice, offset: int, length: int) -> bytes:
    """`length` bytes at `offset`, or b"" where the device does not reach that far."""
    if offset < 0 or offset + length > device.size:
        return b""
    return device.read(offset, length)


def sector_sizes(device: BlockDevice) -> tuple[int, ...]:
    """The sector sizes to try, the device's own first: an image does not tell what it was copied from."""
    return tuple(dict.fromkeys((device.sector_size, 512, 4096)))


def bounds_warnings(device: BlockDevice, partitions: list[Partition]) -> list[str]:
    """Partitions that begin or end behind the device, and those that overlap."""
    said = []
    for row in partitions:
        if row.start >= device.size:
            said.append(f"partition {row.letter or row.number} begins behind the end of the device")
        elif row.start + row.size > device.size:
            said.append(
                f"partition {row.letter or row.number} ends {human_size(row.start + row.size - device.size)} "
                "behind the end of the device"
            )
    return said


def overlap_warnings(partitions: list[Partition]) -> list[str]:
    """Neighbours, by start, that share bytes."""
    rows = sorted(partitions, key=lambda row: (row.start, row.number))
    return [
        f"partitions {a.letter or a.number} and {b.letter or b.number} overlap"
        for a, b in pairwise(rows)
        if a.start + a.size > b.start
    ]
