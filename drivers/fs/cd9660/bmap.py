# SPDX-License-Identifier: BSD-2-Clause
"""Where a file's data is: extents, one after the other, perhaps interleaved with something else's."""

from __future__ import annotations

from rump.drivers.fs.cd9660.susp import find
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.cd9660.inode import File
    from rump.drivers.fs.cd9660.medium import Medium
    from rump.kernel.vfs.volume import Run

RUNS_MAX = 4096             # of one call


def runs(medium: Medium, file: File, offset: int, length: int) -> tuple[Run, ...]:
    """The runs of a file that is stored byte for byte; see `Volume.map`."""
    end = min(offset + length, file.size)
    if offset >= end:
        return ()
    entry = find(file.others, b"SF")
    if entry:
        from rump.drivers.fs.cd9660 import sparse

        return sparse.runs(medium, file, entry, offset, end)
    return stored(medium, file, offset, end)


def stored(medium: Medium, file: File, offset: int, end: int) -> tuple[Run, ...]:
    """The runs of the bytes from `offset` to `end` of a file's extents, whatever they mean.

    Errors: Corrupt - the first of them is behind the end of the device.
    """
    found: list[Run] = []
    for at, place, count in _pieces(file, offset, end):
        count = min(count, medium.device.size - place)
        if count <= 0:
            if found:
                break
            raise Corrupt(f"block {place // medium.block_size} is behind the end of {medium.device.name}")
        if found and found[-1][1] + found[-1][2] != at:
            break
        if found and found[-1][3] + found[-1][2] == place:
            found[-1] = (DATA, found[-1][1], found[-1][2] + count, found[-1][3])
        elif len(found) == RUNS_MAX:
            break
        else:
            found.append((DATA, at, count, place))
    return tuple(found)


def _pieces(file: File, offset: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(byte of the file, byte of the device, how many) for what lies together."""
    begin = 0
    for start, size, unit, gap in file.extents:
        stop = min(begin + size, end)
        at = max(begin, offset)
        if not unit:
            if at < stop:
                yield at, start + at - begin, stop - at
        else:
            while at < stop:
                number, within = divmod(at - begin, unit)
                count = min(unit - within, stop - at)
                yield at, start + number * (unit + gap) + within, count
                at += count
        begin += size
        if begin >= end:
            break


def read(medium: Medium, file: File, offset: int, length: int) -> bytes:
    """Bytes of a file's extents, whatever they mean.  Errors: Corrupt - there are not as many."""
    parts: list[bytes] = []
    end = offset + length
    while offset < end:
        pieces = stored(medium, file, offset, end)
        if not pieces:
            raise Corrupt(f"block {file.extents[0][0] // medium.block_size}: a file ends before byte {end} of it")
        for _, _, count, place in pieces:
            parts.append(medium.device.read(place, count))
            offset += count
    return b"".join(parts)
