# SPDX-License-Identifier: BSD-2-Clause
"""Directories as they are on the medium: names in order, records, path tables.

There is a hierarchy of ISO 9660 and another of Joliet, over the same files.  First it is found out how long everything
is, so that all directories know where the others are; then `encode` makes the bytes, a directory at a time.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.cd9660.disk import (
    FILE_DIRECTORY,
    FILE_MULTI_EXTENT,
    PATH_RECORD_SIZE,
    RECORD_SIZE,
    SECTOR,
    DirectoryRecord,
)
from rump.drivers.fs.cd9660.writing import identifiers, rockridge
from rump.drivers.fs.cd9660.writing.relocation import Directory, spread
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from rump.drivers.fs.cd9660.writing.relocation import Line
    from rump.drivers.fs.cd9660.writing.rockridge import Areas, Dates, RockRidge
    from rump.drivers.fs.cd9660.writing.tree import Node

RECORD_MAX: Final = 254         # bytes of a record: at most 255, and even
SECTION_MAX = (1 << 32) - SECTOR        # bytes of a file in one piece
PARENT_MAX = 0xFFFF             # number of a directory that path tables can name as a parent
_record = DirectoryRecord.struct.pack


class Names:
    """How a hierarchy writes names: see `identifiers`."""

    def __init__(
        self,
        shape: Callable[[bytes, bool], tuple[str, str, int]],
        encode: Callable[[str, bool], bytes],
    ) -> None:
        self.shape = shape
        self.encode = encode


class Hierarchy:
    """All directories.

    directories     in the order of the path table
    layout          in the order in which they lie on the medium
    path_size       bytes of a path table
    sectors         of all directories
    """

    def __init__(self, root: Node, names: Names, dates: Dates, rock: RockRidge | None, moved: Node | None) -> None:
        """With `rock` system use fields are written, and files of all types; else regular files and directories only.
        `moved` takes directories that are too deep; None: they stay where they are."""
        self._names = names
        self._dates = dates
        self._rock = rock
        kinds = None if rock is not None else (abi.S_IFREG, abi.S_IFDIR)
        self.directories = [spread(root, kinds, moved)]
        self._order()
        self.path_size = sum([PATH_RECORD_SIZE + len(each.identifier) + len(each.identifier) % 2
                              for each in self.directories])  # fmt: skip
        self.layout = sorted(self.directories, key=lambda directory: directory.group)
        for directory in self.directories:
            self._measure(directory)
        self.sectors = sum([directory.sectors + directory.areas for directory in self.directories])

    @property
    def root(self) -> Directory:
        """The root directory."""
        return self.directories[0]

    def _order(self) -> None:
        """Names; and directories in the order of levels, parents and names."""
        names = self._names
        for directory in self.directories:      # which grows meanwhile
            directory.number = len(self.directories)
            files = [name for name, _, _ in directory.children]
            kinds = [child is not None and child.parent is directory for _, _, child in directory.children]
            found = identifiers.unique(files, kinds, names.shape)
            for at in sorted(range(len(files)), key=found.__getitem__):
                name, node, child = directory.children[at]
                identifier = names.encode(found[at], kinds[at])
                directory.lines.append((identifier, name, node, child))
                if child is not None and kinds[at]:
                    child.identifier = identifier
                    self.directories.append(child)
            directory.children = []
        for number, directory in enumerate(self.directories, 1):
            directory.number = number

    # ---- how long everything is --------------------------------------------------------------------------------------

    def place(self, sector: int) -> None:
        """Give directories their places from a sector on."""
        for directory in self.layout:
            directory.extent = sector
            sector += directory.sectors + directory.areas

    def _measure(self, directory: Directory) -> None:
        areas, rock = rockridge.Areas(0), self._rock
        at = 0
        for identifier, name, node, child in self._with_own(directory):
            length = RECORD_SIZE + (len(identifier) | 1)
            if rock is not None:
                room = RECORD_MAX - length
                size = rock.plain_size(node, name) if name and (child is None or child.home is None) else 0
                if not 0 < size <= room:
                    size = len(self._use(directory, identifier, name, node, child, room, areas))
                    directory.is_plain = directory.is_plain and not name
                length += size
            length += length % 2
            for _ in range(1 if child is not None else _pieces(node)):
                if at % SECTOR + length > SECTOR:
                    at += -at % SECTOR
                at += length
        directory.sectors = -(-at // SECTOR)
        directory.areas = areas.sectors

    def _with_own(self, directory: Directory) -> Iterator[Line]:
        """What is in a directory, with itself and its parent."""
        yield b"\0", b"", directory.node, directory
        above = directory.home or directory.parent
        yield b"\1", b"", above.node, directory.parent
        yield from directory.lines

    def _use(
        self, directory: Directory, identifier: bytes, name: bytes, node: Node, child: Directory | None, room: int,
        areas: Areas,
    ) -> bytes:  # fmt: skip
        """A record's system use field."""
        assert self._rock is not None
        fields = self._rock.fields(node, name)
        if not name:
            if directory.parent is directory and identifier == b"\0":
                fields = [rockridge.sharing(), *fields, rockridge.reference(rockridge.ROCK_RIDGE)]
                fields += [rockridge.reference(rockridge.AAIP)] * self._rock.aaip
            elif directory.home is not None and identifier == b"\1":
                fields.append(rockridge.location(b"PL", directory.home.extent))
        elif child is not None and child.home is not None:
            moved = rockridge.relocated() if child.parent is directory else rockridge.location(b"CL", child.extent)
            fields.insert(2, moved)
        if node.xattrs and identifier != b"\1":
            fields += rockridge.extended(node.xattrs)
        return rockridge.arrange(fields, room, areas)

    # ---- the bytes ---------------------------------------------------------------------------------------------------

    def encode(self, directory: Directory) -> bytes:
        """A directory, with its continuation areas."""
        areas = rockridge.Areas(directory.extent + directory.sectors)
        rock, data = self._rock, bytearray()
        for identifier, name, node, child in self._with_own(directory):
            use = b""
            if rock is not None:
                room = RECORD_MAX - RECORD_SIZE - (len(identifier) | 1)
                plain = directory.is_plain or child is None or child.home is None
                if name and plain and (directory.is_plain or 0 < rock.plain_size(node, name) <= room):
                    use = rock.plain(node, name)
                else:
                    use = self._use(directory, identifier, name, node, child, room, areas)
            self._put(data, directory, identifier, node, child, use)
        data += bytes(-len(data) % SECTOR)
        return bytes(data + areas.data + bytes(-len(areas.data) % SECTOR))

    def _put(
        self, data: bytearray, directory: Directory, identifier: bytes, node: Node, child: Directory | None, use: bytes
    ) -> None:
        """Add a file's records, one for each of its pieces."""
        count = len(identifier)
        rest = identifier + use if count % 2 else identifier + b"\0" + use
        if not len(rest) % 2:
            rest += b"\0"
        date = self._dates(node.mtime)
        if child is not None and (child.parent is directory or count == 1):
            self._add(data, child.extent, child.sectors * SECTOR, date, FILE_DIRECTORY, count, rest)
            return
        *pieces, last = _sections(node)
        for extent, size in pieces:
            self._add(data, extent, size, date, FILE_MULTI_EXTENT, count, rest)
        self._add(data, *last, date, 0, count, rest)

    @staticmethod
    def _add(data: bytearray, extent: int, size: int, date: bytes, flags: int, count: int, rest: bytes) -> None:
        """Add a record; `rest` is all behind its fixed part, of which so many bytes are the name."""
        length = RECORD_SIZE + len(rest)
        if len(data) % SECTOR + length > SECTOR:
            data += bytes(-len(data) % SECTOR)
        data += _record(
            length, 0, extent, extent.to_bytes(4, "big"), size, size.to_bytes(4, "big"), date, flags, 0, 0, 1, b"\0\1",
            count,
        )  # fmt: skip
        data += rest

    def path_table(self, order: str) -> bytes:
        """The path table in little-endian ("<") or big-endian (">") form."""
        parts = []
        for directory in self.directories:
            identifier = directory.identifier
            parent = min(directory.parent.number, PARENT_MAX)
            parts.append(pack(order + "BBIH", len(identifier), 0, directory.extent, parent))
            parts.append(identifier + bytes(len(identifier) % 2))
        return b"".join(parts)


def _pieces(node: Node) -> int:
    """How many records a file has."""
    return 1 if len(node.extents) <= 1 and node.size <= SECTION_MAX else len(_sections(node))


def _sections(node: Node) -> list[tuple[int, int]]:
    """(first sector, bytes) of the pieces of a file; one at least."""
    if len(node.extents) == 1 and node.size <= SECTION_MAX:
        return [(node.extents[0][0], node.size)]
    result: list[tuple[int, int]] = []
    left = node.size
    for start, count in node.extents:
        length = min(count * SECTOR, left)
        left -= length
        while length:
            size = min(length, SECTION_MAX)
            result.append((start, size))
            start += size // SECTOR
            length -= size
    return result or [(0, 0)]
