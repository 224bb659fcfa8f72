# SPDX-License-Identifier: BSD-2-Clause
"""Directories: records decoded in bulk, to rows with all their attributes.

A directory is decoded a chunk at a time, so that memory does not depend on its size; where chunks begin is remembered.
Cookies are bytes into the directory: where the next row begins.  A file of several extents has a record for each; they
make one row, and are in one chunk.
"""

from __future__ import annotations

from bisect import bisect_right

from rump.drivers.fs.cd9660 import names, susp
from rump.drivers.fs.cd9660.disk import FILE_ASSOCIATED, FILE_DIRECTORY, FILE_MULTI_EXTENT, RECORD_SIZE, SECTOR
from rump.drivers.fs.cd9660.inode import record_at
from rump.drivers.fs.cd9660.shape import learn
from rump.kernel.abi import S_IFDIR, S_IFREG
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.kept import Kept
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.inode import Fields, Inodes
    from rump.drivers.fs.cd9660.options import Options
    from rump.drivers.fs.cd9660.shape import Shape
    from rump.kernel.vfs.volume import Attributes, Run

    # Name; place of the (first) record on the volume; where the next row begins in the directory; attributes.
    Row: TypeAlias = tuple[bytes, int, int, Attributes | None]
    # Where a chunk begins in its directory, and the name of the row before it.
    Mark: TypeAlias = tuple[int, bytes]

LATELY = 1 << 14            # files of which it is remembered where they are
CHUNK = 128 * SECTOR        # bytes of a directory that are decoded together
MARKS = 1 << 12             # directories of which it is remembered where chunks begin
DECODED = 5                 # what rows take in memory, for each byte of records
BEGINNING = (0, b"")
REGULAR = S_IFREG >> 12


class Chunk:
    """A piece of a directory.

    rows    what begins in it
    follow  where the next chunk begins, in the directory; -1: there is none
    latest  the name of the last row, for the next chunk
    """

    __slots__ = ("_index", "follow", "latest", "rows")

    def __init__(self, rows: list[Row], follow: int, latest: bytes) -> None:
        self.rows = rows
        self.follow = follow
        self.latest = latest
        self._index: dict[bytes, Row] | None = None

    def find(self, name: bytes, fold: Callable[[bytes], bytes] | None) -> Row | None:
        """The row of that name; with `fold`, of a name for which it returns the same, if it is not there as it is."""
        index = self._index
        if index is None:
            index = self._index = {row[0]: row for row in reversed(self.rows)}
            if fold:
                for row in self.rows:
                    index.setdefault(fold(row[0]), row)
        found = index.get(name)
        return index.get(fold(name)) if found is None and fold else found


class Directories:
    """The directories of a tree.

    decode_name  a record's name as people see it
    plain        whether files come in generations, the newest first
    fold         equal for names that mean the same file; None: only equal ones do
    lately       of what was decoded last, the regular files that are one extent, of which their records say nothing
                 that their attributes do not say: fileid -> all of the file
    """

    def __init__(
        self,
        inodes: Inodes,
        options: Options,
        decode_name: Callable[[bytes], bytes],
        fold: Callable[[bytes], bytes] | None,
        cache_bytes: int,
    ) -> None:
        self._inodes = inodes
        self._medium = inodes.medium
        self._name = decode_name
        self._fold = fold
        self._associated = options.associated
        self._one_generation = not options.generations and decode_name in (names.plain, names.plain_capital)
        self._chunks = Kept(cache_bytes)
        self._marks = Kept(MARKS)
        self._learning = inodes.use is not None and not inodes.altered
        self._shapes: dict[int, Shape | None] = {}      # record length << 8 | name length -> its shape, if it has one
        self.lately: dict[int, Run] = {}
        self._hint = (-1, BEGINNING)        # directory and chunk in which a name was found last

    # ---- listing -------------------------------------------------------------------------------------------------

    def rows(self, start: int, cookie: int, count: int) -> tuple[list[Row], int]:
        """At most `count` rows of the directory at byte `start` from a cookie on, and the cookie to go on with, -1 if
        there are no more."""
        if cookie < 0:
            return [], -1
        at, chunk = self._chunk_with(start, cookie, count)
        first = bisect_right(chunk.rows, cookie, key=_follow) if cookie > at else 0
        found = chunk.rows[first : first + count]
        while len(found) < count and chunk.follow >= 0:
            chunk = self._chunk(start, chunk.follow, chunk.latest)
            found = found + chunk.rows[: count - len(found)]
        if found and found[-1] is not (chunk.rows[-1] if chunk.rows else None):
            return found, found[-1][2]
        return found, chunk.follow

    def find(self, start: int, name: bytes) -> Row | None:
        """The row of that name in the directory at byte `start`, or None."""
        first = mark = self._hint[1] if self._hint[0] == start else BEGINNING
        while True:
            chunk = self._chunk(start, *mark)
            row = chunk.find(name, self._fold)
            if row is not None:
                self._hint = start, mark
                return row
            mark = (chunk.follow, chunk.latest) if chunk.follow >= 0 else BEGINNING
            if mark == first:
                return None

    # ---- chunks --------------------------------------------------------------------------------------------------

    def _chunk_with(self, start: int, cookie: int, count: int) -> tuple[int, Chunk]:
        """The chunk that a cookie leads to - the last if it is beyond all - and where that begins; `count` rows are
        wanted."""
        marks: list[Mark] = self._marks.get(start) or [BEGINNING]
        at, latest = marks[bisect_right(marks, cookie, key=_first) - 1]
        while True:
            chunk = self._chunk(start, at, latest, -1 if cookie else count)
            if chunk.follow < 0 or cookie < chunk.follow:
                return at, chunk
            at, latest = chunk.follow, chunk.latest

    def _chunk(self, start: int, at: int, latest: bytes, enough: int = -1) -> Chunk:
        """The chunk of a directory that begins at byte `at` of it, where the row before is called `latest`.  It is kept
        unless it is the whole directory, of at most `enough` rows: who gets all of them does not come back."""
        chunk: Chunk | None = self._chunks.get((start, at))
        if chunk is None:
            size = self._inodes.size(start)
            base = max(0, at - (start + at) % SECTOR)
            data = self._medium.read(start + base, min(CHUNK, size - base), "directory")
            if self._inodes.use is not None:
                self._inodes.use.budget = min(susp.BUDGET, self._medium.device.size)
            rows, stop, latest = self._decode(data, at - base, start, base, latest)
            chunk = Chunk(rows, base + stop if base + stop < size else -1, latest)
            if at or chunk.follow >= 0 or len(rows) > enough:
                self._chunks.put((start, at), chunk, len(data) * DECODED)
            if chunk.follow >= 0:
                self._remember(start, (chunk.follow, latest))
        return chunk

    def _remember(self, start: int, mark: Mark) -> None:
        """Where a chunk begins, that is behind all that are known or one of them."""
        marks: list[Mark] = self._marks.get(start) or [BEGINNING]
        if mark[0] > marks[-1][0]:
            marks.append(mark)
        self._marks.put(start, marks)

    def _decode(self, data: bytes, at: int, start: int, base: int, latest: bytes) -> tuple[list[Row], int, bytes]:
        """The rows in ``data[at:]``; where they end; the last one's name.

        The data is at byte `base` of the directory that begins at byte `start` of the volume.
        """
        rows: list[Row] = []
        place = start + base
        end = len(data)
        lately = self.lately
        if len(lately) >= LATELY:
            lately.clear()
        shapes, times_of = self._shapes, self._inodes.complete_times
        block = self._medium.block_size
        usual = end - SECTOR // 8           # up to here a record lies in the data whole, whatever its length
        while at < end:
            length = data[at]
            if not length:
                at += SECTOR - (place + at) % SECTOR
                continue
            shape = shapes.get(length << 8 | data[at + 32]) if at < usual else None
            if shape and (place + at) % SECTOR + length <= SECTOR:
                values = shape.unpack(data, at)
                if shape.order:
                    values = shape.order(values)
                xar, extent, size, flags, px, mode, links, uid, gid, tf, nm, name, al = values
                times = times_of.get(tf)
                if times and px == shape.px and nm == shape.nm and al == shape.al and not xar:
                    first = place + at
                    accessed, modified, changed, born = times
                    if not flags and links == 1 and mode >> 12 == REGULAR:
                        at += length
                        if not al:
                            lately[first] = DATA, 0, size, extent * block
                        rows.append((name, first, base + at, (
                            first, first, mode, 1, uid, gid, 0, size, (size + block - 1) // block * block,
                            accessed, modified, changed, born, 0,
                        )))  # fmt: skip
                        continue
                    if flags == FILE_DIRECTORY and size and extent:
                        at += length
                        rows.append((name, first, base + at, (
                            extent * block, 0, S_IFDIR | mode & 0o7777, links, uid, gid, 0, size,
                            (size + block - 1) // block * block, accessed, modified, changed, born, 0,
                        )))  # fmt: skip
                        continue
            row, at, latest = self._row(data, at, start, base, latest)
            if row:
                rows.append(row)
            elif at < 0:                    # the file does not end in the data: the next chunk begins with it
                return self._safe(rows), ~at, latest
        return self._safe(rows), at, latest

    def _row(self, data: bytes, at: int, start: int, base: int, latest: bytes) -> tuple[Row | None, int, bytes]:
        """The row of the record at ``data[at]``, None if there is to be none; where the next begins, ~at if all of the
        file is not in the data; the name of the latest row."""
        place = start + base
        end = len(data)
        fields = record_at(data, at, end, place + at)
        first, at = at, at + fields[0]
        raw = data[first + RECORD_SIZE : first + RECORD_SIZE + fields[8]]
        if raw == b"\0" or raw == b"\1":
            return None, at, latest
        size, flags = fields[3], fields[5]
        if flags & FILE_MULTI_EXTENT and not flags & FILE_DIRECTORY:
            more, at = self._extents(data, at, place, raw)
            if at < 0:
                if first < SECTOR:
                    raise Corrupt(f"sector {(place + first) // SECTOR}: a file of too many extents")
                return None, ~first, latest
            size += more
        if flags & FILE_ASSOCIATED and not self._associated:
            return None, at, latest
        name: bytes | None = b""
        if self._inodes.use is not None:
            name, attributes = self._inodes.rock_ridge(data, first, place + first, fields, size)
            if name is None:            # a directory that was moved here from its place
                return None, at, latest
            if name and self._learning:
                self._learn(data, first)
        else:
            attributes = self._inodes.plain(data, first, place + first, fields, size)
        if not name:
            name = self._name(raw)
            if flags & FILE_ASSOCIATED:
                name = names.ASSOCIATED + name
            elif self._one_generation and name == latest:
                return None, at, latest
            latest = name
        return (name, place + first, base + at, attributes), at, latest

    def _learn(self, data: bytes, at: int) -> None:
        """See `shape`.  Records of "." and those with short names are not worth it."""
        key = data[at] << 8 | data[at + 32]
        if key not in self._shapes and data[at + 32] > 1:
            use = self._inodes.use
            assert use is not None
            self._shapes[key] = learn(data, at, use.skip)

    def _safe(self, rows: list[Row]) -> list[Row]:
        """Rows with names that the kernel can have."""
        found = [row[0] for row in rows]
        joined = b"/".join(found)
        if joined.count(b"/") != max(0, len(found) - 1) or b"\0" in joined or b"." in found or b".." in found:
            return [(names.safe(name), place, follow, attributes) for name, place, follow, attributes in rows]
        return rows

    def _extents(self, data: bytes, at: int, place: int, raw: bytes) -> tuple[int, int]:
        """The bytes in the further extents of a file, whose records begin at `at`; where these end, -1 if they go on
        behind the data."""
        size = 0
        end = len(data)
        while True:
            if at < end and not data[at]:
                at += SECTOR - (place + at) % SECTOR
            if at >= end or not data[at]:
                return (size, -1) if end >= CHUNK else (size, min(at, end))
            fields: Fields = record_at(data, at, end, place + at)
            if data[at + RECORD_SIZE : at + RECORD_SIZE + fields[8]] != raw:
                return size, at
            size += fields[3]
            at += fields[0]
            if not fields[5] & FILE_MULTI_EXTENT:
                return size, at


def _follow(row: Row) -> int:
    return row[2]


def _first(mark: Mark) -> int:
    return mark[0]
