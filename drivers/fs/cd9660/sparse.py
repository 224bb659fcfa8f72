# SPDX-License-Identifier: BSD-2-Clause
"""Sparse files of Rock Ridge 1.12 (SF): the extent begins with a table, which leads to tables or to blocks of data.

A table has 256 block numbers, counted from the start of the extent; 0, where the first table is, stands for a hole.
With a depth of 1 they are of data.  Files of Rock Ridge 1.10 do not say how they are laid out and cannot be read.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.cd9660 import disk_susp as s
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.volume import DATA, HOLE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.cd9660.inode import File
    from rump.drivers.fs.cd9660.medium import Medium
    from rump.kernel.vfs.volume import Run

ENTRIES = 256               # of a table
TABLE_SIZE = ENTRIES * 8    # bytes
RUNS_MAX = 4096             # of one call

_TABLE = Struct("<" + "I4x" * ENTRIES)


def runs(medium: Medium, file: File, entry: bytes, offset: int, end: int) -> tuple[Run, ...]:
    """The runs of the bytes from `offset` to `end`.  Errors: EOPNOTSUPP - not laid out as it should; Corrupt."""
    if len(entry) < s.SparseFile.struct.size or len(file.extents) != 1 or file.extents[0][2]:
        raise fault(e.EOPNOTSUPP, "a sparse file of Rock Ridge 1.10, or in several extents")
    depth = entry[20]
    block = medium.block_size
    if not 1 <= depth <= s.SF_DEPTH_MAX or file.size > block * ENTRIES**depth:
        raise Corrupt(f"SF: {file.size} bytes, tables of depth {depth}")
    found: list[Run] = []
    for kind, at, count, place in _pieces(medium, file, depth, offset, end):
        last = found[-1] if found else None
        if last and last[0] == kind and (kind == HOLE or last[3] + last[2] == place):
            found[-1] = (kind, last[1], last[2] + count, last[3])
        elif len(found) == RUNS_MAX:
            break
        else:
            found.append((kind, at, count, place))
    return tuple(found)


def _pieces(medium: Medium, file: File, depth: int, offset: int, end: int) -> Iterator[Run]:
    """Block by block, and holes as long as a table knows of them."""
    start, stored = file.extents[0][:2]
    block = medium.block_size
    while offset < end:
        table, span, number = 0, block * ENTRIES ** (depth - 1), 0
        for level in range(depth):
            span = block * ENTRIES ** (depth - 1 - level)
            number = _table(medium, start, stored, table)[offset // span % ENTRIES]
            if not number:
                break
            table = number * block
        count = min(span - offset % span, end - offset)
        if number and table + offset % block + count > stored:
            raise Corrupt(f"block {start // block + number}: behind the end of a sparse file")
        yield (DATA, offset, count, start + table + offset % block) if number else (HOLE, offset, count, 0)
        offset += count


def _table(medium: Medium, start: int, stored: int, at: int) -> tuple[int, ...]:
    """The table at byte `at` of an extent of `stored` bytes."""
    if at + TABLE_SIZE > stored:
        raise Corrupt(f"block {(start + at) // medium.block_size}: a table behind the end of a sparse file")
    numbers: tuple[int, ...] = _TABLE.unpack(medium.read(start + at, TABLE_SIZE, "table of a sparse file"))
    return numbers
