# SPDX-License-Identifier: BSD-2-Clause
"""Path tables: that of each byte order, their copies, and the directories there are."""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.cd9660 import disk
from rump.drivers.fs.cd9660.fsck.trees import ROOT, shown
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.volume import ERROR, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.fsck.trees import Tree
    from rump.kernel.vfs.volume import Finding

    Row: TypeAlias = tuple[bytes, int, int, int]        # name, blocks of extended attributes, extent, parent's number

TOLD_MAX = 64               # differences of each kind that are told of
PARENTS_MAX = 0xFFFF        # numbers of parents have 16 bits
LITTLE = disk.PathTableRecord.struct
BIG = Struct(LITTLE.format.replace("<", ">"))


class PathTables:
    """Those of a tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._medium = tree.state.medium
        self._descriptor = tree.descriptor

    def run(self) -> Iterator[Finding]:
        """What is found."""
        kind, found = self._tree.kind, self._descriptor
        yield PROGRESS, f"{kind}: path tables"
        try:
            data = self._read(found.path_table)
            other = self._read(int.from_bytes(found.path_table_be, "big"))
            rows, twins = parse(data, LITTLE), parse(other, BIG)
            copies = (found.path_table_copy, data), (int.from_bytes(found.path_table_copy_be, "big"), other)
            for block, original in copies:
                if block and self._read(block) != original:
                    yield ERROR, f"{kind}: path table at block {block} is no copy of the first one"
        except Fault as error:
            yield ERROR, f"{kind}: {error.detail or error}"
            return
        if rows != twins:
            number = next((at for at, (a, b) in enumerate(zip(rows, twins, strict=False)) if a != b), -1)
            where = f"from record {number + 1} on" if number >= 0 else f"{len(rows)} and {len(twins)} records"
            yield ERROR, f"{kind}: the path tables of the two byte orders differ: {where}"
        for told, text in enumerate(self._against_tree(rows)):
            if told == TOLD_MAX:
                yield ERROR, f"{kind}: path table: and more"
                return
            yield ERROR, f"{kind}: path table: {text}"

    def _read(self, block: int) -> bytes:
        medium = self._medium
        return medium.read(block * medium.block_size, self._descriptor.path_table_size, "path table")

    def _against_tree(self, rows: list[Row]) -> Iterator[str]:
        """What the table and the directories do not agree upon."""
        directories = self._tree.directories
        places = {row[2]: place for place, row in enumerate(directories)}
        seen: set[int] = set()
        for number, (name, xar, extent, parent) in enumerate(rows, 1):
            place = places.get(extent)
            if place is None:
                yield f"record {number}: no directory begins at block {extent}"
                continue
            seen.add(place)
            above, raw, _, _, own_xar = directories[place]
            if place == ROOT:
                if number != 1 or name != b"\0" or parent != 1:
                    yield f"record {number} is not the root's"
            elif name != raw:
                yield f"record {number}: {shown(name)}, but the directory's name is {shown(raw)}"
            elif not 1 <= parent < number:
                yield f"record {number}: its parent is record {parent}"
            elif number <= PARENTS_MAX and rows[parent - 1][2] != directories[above][2]:
                yield f"record {number}: its parent is not the directory that {self._tree.path(place)} is in"
            if xar != own_xar:
                yield f"record {number}: {xar} blocks of extended attributes, the directory has {own_xar}"
        for place in range(len(directories)):
            if place not in seen:
                yield f"{self._tree.path(place)} is not in it"


def parse(data: bytes, form: Struct) -> list[Row]:
    """The records of a path table.  Errors: Corrupt."""
    rows: list[Row] = []
    at, end = 0, len(data)
    while at < end:
        if at + form.size > end or not data[at] or at + form.size + data[at] > end:
            raise Corrupt(f"path table: byte {at}: no record")
        length, xar, extent, parent = form.unpack_from(data, at)
        at += form.size
        rows.append((data[at : at + length], xar, extent, parent))
        at += length + length % 2
    return rows
