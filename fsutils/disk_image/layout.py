# SPDX-License-Identifier: BSD-2-Clause
"""Where the partitions of a disk to be lie, and how large it is."""

from __future__ import annotations

from rump.fsutils.disk_image.spec import REST
from rump.fsutils.errors import UsageError
from rump.fsutils.sizes import human
from rump.kernel.dev.partitions import Partition, encode
from rump.kernel.dev.partitions.types import type_made

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.disk_image.spec import DiskSpec, PartitionSpec

TYPES = {"vfat": "fat", "msdos": "fat", "msdosfs": "fat", "ext2fs": "linux", "ext2": "linux", "ext3": "linux",
         "ext4": "linux", "cd9660": "linux", "iso9660": "linux"}  # fmt: skip
"""Format -> the word for the partition's type where none is given; others are their own."""


class Layout:
    """A disk whose parts have their places.

    size   bytes
    rows   a `Partition` for each of the specification's, in its order
    """

    def __init__(self, spec: DiskSpec, needs: Callable[[PartitionSpec], int], identify: Callable[[str], str]) -> None:
        """`needs` tells how many bytes the contents of a partition without a size take; `identify` makes a GUID.

        Errors: UsageError - it cannot be laid out so.
        """
        self._spec = spec
        self._needs = needs
        self._identify = identify
        self.rows: list[Partition] = []
        unit = spec.sector_size
        self._first = encode.gpt_bounds(1 << 40, unit)[0] if spec.table == "gpt" else unit * (spec.table == "mbr")
        if spec.size is not None and spec.size % unit:
            raise UsageError(f"size: {spec.size} bytes are not whole sectors of {unit}")
        self._place()
        end = max((row.start + row.size for row in self.rows), default=self._first)
        end = max([end, *(blob.offset + 1 for blob in spec.blobs)])
        self.size = spec.size if spec.size is not None else self._whole(end)

    def _whole(self, end: int) -> int:
        """The size of a disk whose last partition ends at `end`: room for the second table, and whole MiB."""
        spec = self._spec
        if spec.table == "gpt":
            end += (1 << 40) - encode.gpt_bounds(1 << 40, spec.sector_size)[1]
        return end if spec.table == "none" else _up(end, max(spec.alignment, spec.sector_size))

    def _place(self) -> None:
        """Give each partition its number, place and size."""
        spec, numbers = self._spec, self._numbers()
        at = self._first
        for index, (part, number) in enumerate(zip(spec.partitions, numbers, strict=True)):
            gap = spec.alignment if spec.table == "mbr" and number > 4 else 0
            start = part.start if part.start is not None else _up(at + gap, spec.alignment)
            size = self._size(part, start, index)
            if start % spec.sector_size:
                raise UsageError(f"{part.where}: start: {start} is not at a sector of {spec.sector_size} bytes")
            self.rows.append(self._row(part, number, start, _up(size, spec.sector_size)))
            at = start + size

    def _numbers(self) -> list[int]:
        """The partitions' numbers.  Those of an MBR that has more than four go on behind an extended one."""
        spec = self._spec
        taken = {part.number for part in spec.partitions if part.number is not None}
        logical = spec.table == "mbr" and len(spec.partitions) > 4
        numbers = []
        for part in spec.partitions:
            number = part.number
            if number is None:
                number = next(n for n in range(1, 1 << 16) if n not in taken and not (logical and n == 4))
                taken.add(number)
            numbers.append(number)
        return numbers

    def _size(self, part: PartitionSpec, start: int, index: int) -> int:
        """How many bytes a partition has."""
        spec = self._spec
        if part.size is None:
            need = self._needs(part)
            return need if spec.table == "none" else _up(need, max(spec.sector_size, min(spec.alignment, 1 << 20)))
        if part.size != REST:
            return part.size
        if spec.size is None:
            raise UsageError(f'{part.where}: "rest" of what? give the disk a size')
        behind = encode.gpt_bounds(spec.size, spec.sector_size)[1] if spec.table == "gpt" else spec.size
        for later in reversed(spec.partitions[index + 1 :]):
            if later.start is not None:
                behind = later.start
            elif later.size is not None and later.size != REST:
                behind = (behind - later.size) & -spec.alignment
            else:
                raise UsageError(f'{part.where}: behind "rest" there can be only partitions with a start or a size')
        size = (behind - start) & -spec.alignment or behind - start
        if size <= 0:
            raise UsageError(f'{part.where}: nothing is left of {human(spec.size)} for "rest"')
        return size

    def _row(self, part: PartitionSpec, number: int, start: int, size: int) -> Partition:
        scheme = self._spec.table
        word = part.type or TYPES.get(part.format, part.format) or "linux"
        kind = type_made(word, scheme) if scheme != "none" else ""
        if kind is None and not part.type:
            kind = type_made("linux", scheme)
        if kind is None:
            raise UsageError(f"{part.where}: type: {word!r} is no type of a partition in {scheme.upper()}")
        return Partition(
            number, scheme, start, size, kind, word, name=part.name, bootable=part.bootable,
            uuid=part.uuid.lower() or (self._identify(f"partition {number}") if scheme == "gpt" else ""),
            attributes=part.attributes,
        )  # fmt: skip


def _up(value: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-value // step) * step
