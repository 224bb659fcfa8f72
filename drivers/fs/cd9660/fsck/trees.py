# SPDX-License-Identifier: BSD-2-Clause
"""Every directory of a tree, and what its records say."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk
from rump.drivers.fs.cd9660.fsck.uses import Uses
from rump.kernel.errors import Fault
from rump.kernel.vfs.operation import UNFORESEEN
from rump.kernel.vfs.volume import ERROR, NOTE, PROGRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rump.drivers.fs.cd9660.fsck.state import State
    from rump.drivers.fs.cd9660.mount import NameSpace
    from rump.kernel.vfs.volume import Finding

EVERY = 1024                # directories between two words of progress
READ_MAX = 1 << 20          # bytes of a directory read at once
ROOT = 0
SELF, PARENT = b"\0", b"\1"
_DOTS = ('"."', '".."')
_record = disk.DirectoryRecord.struct.unpack_from


class Tree:
    """The directories of a tree.

    state        the volume
    kind         "primary", "joliet", "enhanced"
    descriptor   the volume descriptor it is from
    directories  (place of the one it is in, raw name, first block, bytes, blocks of extended attributes), each once
    files        records that are no directories'
    """

    def __init__(self, state: State, space: NameSpace) -> None:
        self.state = state
        self.kind = "primary" if space.kind in ("plain", "rockridge") else space.kind
        self.descriptor = found = space.descriptor
        self.directories: list[tuple[int, bytes, int, int, int]] = [
            (ROOT, SELF, found.root_extent, found.root_size, found.root_xar_length)
        ]
        self.files = 0
        self._block = state.medium.block_size
        # Some say how large a session is, others where it ends.
        end = state.start * disk.SECTOR + found.space_size * found.block_size
        self._end = min(end, state.medium.device.size)
        self._name = space.decode_name
        self._astray = 0        # directories whose ".." is not where they are
        self._starts = {found.root_extent: ROOT}
        self._uses = Uses(state.medium, space.use) if space.use is not None else None
        state.trees.append(self)

    def path(self, place: int, name: bytes = b"") -> str:
        """What a directory is called, or a raw name in it."""
        parts = [name] if name else []
        while place != ROOT:
            place, part = self.directories[place][:2]
            parts.append(part)
        names = b"/".join([self._name(part) for part in reversed(parts)])
        return f"{self.kind}: /{names.decode('utf-8', 'backslashreplace')}"

    def run(self) -> Iterator[Finding]:
        """What is found."""
        place = ROOT
        while place < len(self.directories):
            if place % EVERY == 0:
                yield PROGRESS, f"{self.kind}: directories: {place} of {len(self.directories)} that are known"
            try:
                yield from self._one(place)
            except (Fault, *UNFORESEEN) as error:
                yield ERROR, f"{self.path(place)}: {getattr(error, 'detail', '') or error}"
            place += 1
        if self._astray > 1:
            yield NOTE, f'{self.kind}: the ".." of {self._astray - 1} more directories lead astray'
        if self._uses is not None:
            for name, where, block in self._uses.moved:
                if block not in self._starts:
                    yield ERROR, f"{self.path(where, name)}: CL: no directory begins at block {block}"

    # ---- directories -------------------------------------------------------------------------------------------------

    def _one(self, place: int) -> Iterator[Finding]:
        number, unordered = 0, False
        latest: tuple[bytes, int] = (b"", 0)
        for record, fields, text in self._records(place):
            if text:
                yield ERROR, f"{self.path(place)}: {text}"
                continue
            raw = record[disk.RECORD_SIZE : disk.RECORD_SIZE + fields[12]]
            texts = self._dot(place, number, raw, fields) if number < 2 else self._entry(place, raw, fields, latest)
            if number >= 2:
                unordered |= self.kind == "primary" and _key(raw) < _key(latest[0])
                latest = raw, fields[7]
            if self._uses is not None:
                first = place == ROOT and number == 0
                texts += self._uses.check(record, raw, place, fields[7], first)
            if texts:
                path = self.path(place, raw if number >= 2 else b"")
                for each in texts:
                    yield ERROR, f"{path}: {each}"
            if number == 1 and raw == PARENT:
                yield from self._parent(place, fields)
            number += 1
        if latest[1] & disk.FILE_MULTI_EXTENT:
            yield ERROR, f"{self.path(place, latest[0])}: its last extent is missing"
        if number < 2:
            yield ERROR, f'{self.path(place)}: it does not begin with "." and ".."'
        if unordered:
            yield NOTE, f"{self.path(place)}: its records are not in order"

    def _records(self, place: int) -> Iterator[tuple[bytes, Any, str]]:
        """(record, its fields, "") of those that make sense, (b"", (), what is wrong) of others.  Errors: EIO."""
        _, _, extent, size, xar = self.directories[place]
        start = (extent + xar) * self._block
        self.state.budget -= size
        if self.state.budget < 0:
            yield b"", (), "directories overlap too much to be looked at"
            return
        at = start
        while at < start + size:
            stop = min(start + size, at - at % disk.SECTOR + READ_MAX)
            data = self.state.medium.read(at, stop - at, "directory")
            if data.count(0) != len(data):
                yield from _split(data, at)
            at = stop

    def _dot(self, place: int, number: int, raw: bytes, fields: Any) -> list[str]:
        """What is wrong with one of the first two records."""
        word = _DOTS[number]
        if raw != (SELF, PARENT)[number]:
            return [f"record {number} is not {word}"]
        texts = self._both(fields)
        if not fields[7] & disk.FILE_DIRECTORY:
            texts.append(f"{word} is not marked as a directory")
        if not number:
            _, _, extent, size, _ = self.directories[place]
            if (fields[2], fields[4]) != (extent, size):
                said = f"{fields[4]} bytes from block {fields[2]} on"
                texts.append(f"{word} is {said}, the directory {size} from {extent}")
        return texts

    def _parent(self, place: int, fields: Any) -> Iterator[Finding]:
        """Where ".." leads to; makers get that wrong (genisoimage below level 6, libisofs with Joliet) and all go by
        the way they came."""
        _, _, extent, size, _ = self.directories[self.directories[place][0]]
        if (fields[2], fields[4]) == (extent, size):
            return
        text = f'".." is {fields[4]} bytes from block {fields[2]} on, that directory {size} from {extent}'
        if fields[2] not in self._starts:
            yield ERROR, f"{self.path(place)}: {text}"
            return
        self._astray += 1
        if self._astray == 1:
            yield NOTE, f"{self.path(place)}: {text}"

    # ---- records -----------------------------------------------------------------------------------------------------

    def _both(self, fields: Any) -> list[str]:
        """Numbers that are there in both byte orders."""
        texts = []
        for name, little, big in (("extent", 2, 3), ("size", 4, 5), ("sequence", 10, 11)):
            other = int.from_bytes(fields[big], "big")
            if fields[little] != other:
                texts.append(f"{name} is {fields[little]} in the one byte order, {other} in the other")
        return texts

    def _entry(self, place: int, raw: bytes, fields: Any, latest: tuple[bytes, int]) -> list[str]:
        """What is wrong with a record that is neither "." nor ".."; its extent is remembered."""
        texts = self._both(fields)
        _, xar, extent, _, size, _, _, flags, unit, gap = fields[:10]
        if raw in (SELF, PARENT):
            return [*texts, '"." or ".." where it is not to be']
        more = latest[1] & disk.FILE_MULTI_EXTENT
        if more and raw != latest[0]:
            texts.append(f"the last extent of {shown(latest[0])} is missing")
        if raw == latest[0] and not more and not (flags | latest[1]) & disk.FILE_ASSOCIATED:
            texts.append("it is there twice")
        first, end = extent * self._block, (extent + xar) * self._block + size
        if unit and gap and size:
            end += (size - 1) // (unit * self._block) * gap * self._block
        if (size or flags & disk.FILE_DIRECTORY) and not disk.SYSTEM_SECTORS * disk.SECTOR <= first < end <= self._end:
            return [*texts, f"blocks {extent} to {(end - 1) // self._block} of {self._end // self._block}"]
        if not flags & disk.FILE_DIRECTORY:
            self.files += not more
            if size and not (unit and gap):
                self.state.extents.setdefault((first, end), (self, place, raw))
            return texts
        if extent in self._starts:
            return [*texts, f"the directory at block {extent} is somewhere else, too"]
        self._starts[extent] = len(self.directories)
        self.state.extents.setdefault((first, end), (self, len(self.directories), None))
        self.directories.append((place, raw, extent, size, xar))
        return texts


def _split(data: bytes, place: int) -> Iterator[tuple[bytes, Any, str]]:
    """The records in bytes of a directory, which are at byte `place` of the volume; they do not cross sectors."""
    at, end = 0, len(data)
    while at < end:
        room = min(disk.SECTOR - (place + at) % disk.SECTOR, end - at)
        length = data[at]
        if not length:
            if any(data[at : at + room]):
                yield b"", (), f"sector {(place + at) // disk.SECTOR}: something behind the last record"
            at += room
            continue
        where = f"sector {(place + at) // disk.SECTOR}, byte {(place + at) % disk.SECTOR}"
        if length < disk.RECORD_SIZE + 1 or length > room:
            yield b"", (), f"{where}: a record of {length} bytes"
            at += room
            continue
        fields = _record(data, at)
        if not 0 < fields[12] <= length - disk.RECORD_SIZE:
            yield b"", (), f"{where}: a record of {length} bytes with a name of {fields[12]}"
        else:
            if length % 2:
                yield b"", (), f"{where}: a record of {length} bytes"
            yield data[at : at + length], fields, ""
        at += length


def _key(raw: bytes) -> tuple[bytes, bytes]:
    """What records are in order of: name, then extension, each as if filled up with spaces."""
    base, _, extension = raw.partition(b";")[0].partition(b".")
    return base.rstrip(b" "), extension.rstrip(b" ")


def shown(raw: bytes) -> str:
    """A raw name, for people."""
    return repr(raw)[1:]
