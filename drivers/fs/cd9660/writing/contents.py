# SPDX-License-Identifier: BSD-2-Clause
"""Where the bytes of files go: sectors in one piece as far as can be.

A file always has as many sectors as its size needs, and what its last one has behind the size reads as zeros.  What
follows on the end of a file that others have been written behind becomes a piece of its own; small files, and all
where the level of interchange allows only one piece, are moved behind the others instead.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import SECTOR
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.writing.space import Sectors
    from rump.drivers.fs.cd9660.writing.tree import Extent, Node, Tree
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Run

    Extents: TypeAlias = tuple[Extent, ...]

SMALL = 128                 # sectors of a file that is rather moved than cut
PIECE = 1 << 20             # bytes copied or cleared in one go


def sectors_of(size: int) -> int:
    """How many sectors so many bytes take."""
    return -(-size // SECTOR)


def joined(extents: Extents, start: int, count: int) -> Extents:
    """Extents, and one more behind them."""
    if not count:
        return extents
    if extents and sum(extents[-1]) == start:
        return *extents[:-1], (extents[-1][0], extents[-1][1] + count)
    return *extents, (start, count)


def runs(extents: Extents, offset: int, length: int) -> tuple[Run, ...]:
    """Where bytes of a file are."""
    end = offset + length
    result: list[Run] = []
    at = 0
    for start, count in extents:
        following = at + count * SECTOR
        begin, stop = max(at, offset), min(following, end)
        if begin < stop:
            result.append((v.DATA, begin, stop - begin, start * SECTOR + begin - at))
        at = following
    return tuple(result)


class Contents:
    """The contents of all files.

    whole   no file may be in more than one piece
    """

    def __init__(self, device: BlockDevice, sectors: Sectors, whole: bool) -> None:
        self._device = device
        self._sectors = sectors
        self._whole = whole
        self._reserved: dict[int, Extent] = {}                  # by file
        self._placed: dict[int, tuple[list[Extent], int]] = {}  # by directory: of each file, how many were taken

    # ---- writing ----------------------------------------------------------------------------------------------------

    def reserve(self, node: Node, offset: int, length: int) -> tuple[Run, ...]:
        """See `Volume.reserve`."""
        self._check_free(self._reserved, node.number)
        have, end = sectors_of(node.size), offset + length
        more = sectors_of(end) - have
        if more <= 0:
            self._reserved[node.number] = 0, 0
            return runs(node.extents, offset, length)
        start, clean = self._more(node, more)
        self._reserved[node.number] = start, more
        if not clean:       # what is between the file's end and the range, and behind it, is to be zeros
            offset, end = min(offset, have * SECTOR), (have + more) * SECTOR
        return runs(joined(node.extents, start, more), offset, end - offset)

    @staticmethod
    def _check_free(table: dict[int, Extent] | dict[int, tuple[list[Extent], int]], number: int) -> None:
        if number in table:
            raise fault(e.EINVAL, f"file {number}: something is reserved already")

    def _more(self, node: Node, count: int) -> tuple[int, bool]:
        """Sectors to go on with behind a file's last; the first, and whether they read as zeros.  Errors: ENOSPC."""
        have = sectors_of(node.size)
        if have and sum(node.extents[-1]) != self._sectors.next and (self._whole or have <= SMALL):
            return self._move(node, have, count)
        return self._sectors.take(count)

    def _move(self, node: Node, have: int, more: int) -> tuple[int, bool]:
        """Put a file's sectors, and so many more, behind all others; the first of these, as `_more`."""
        start, clean = self._sectors.take(have + more)
        try:
            self._copy(node.extents, start)
        except BaseException:
            self._sectors.give(start, have + more)
            raise
        for old in node.extents:
            self._sectors.give(*old)
        node.extents = ((start, have),)
        return start + have, clean

    def _copy(self, extents: Extents, to: int) -> None:
        device, where = self._device, to * SECTOR
        for start, count in extents:
            for at in range(start * SECTOR, (start + count) * SECTOR, PIECE):
                length = min(PIECE, (start + count) * SECTOR - at)
                device.write(where, device.read(at, length))
                where += length

    def commit(self, node: Node, offset: int, length: int) -> None:
        """See `Volume.commit_write`; size and extents of the file change."""
        start, count = self._reserved.pop(node.number, (0, 0))
        size = max(node.size, offset + length)
        keep = min(sectors_of(size) - sectors_of(node.size), count)
        node.extents = joined(node.extents, start, keep)
        node.size = size
        self._sectors.give(start + keep, count - keep)

    def abandon(self, node: Node) -> None:
        """See `Volume.abandon`."""
        placed, done = self._placed.pop(node.number, ([], 0))
        for extent in reversed(placed[done:]):
            self._sectors.give(*extent)
        reserved = self._reserved.pop(node.number, None)
        if reserved is not None:
            self._sectors.give(*reserved)
            self._clear_tail(node.extents, node.size)

    # ---- sizes -------------------------------------------------------------------------------------------------------

    def resize(self, node: Node, size: int) -> None:
        """Cut a file, or grow it with zeros.  Errors: ENOSPC."""
        have, need = sectors_of(node.size), sectors_of(size)
        if need > have:
            start, clean = self._more(node, need - have)
            try:
                if not clean:
                    self._clear(start * SECTOR, (need - have) * SECTOR)
            except BaseException:
                self._sectors.give(start, need - have)
                raise
            node.extents = joined(node.extents, start, need - have)
        elif size < node.size:
            extents = self._first(node.extents, need)
            self._clear_tail(extents, size)
            for start, count in reversed(self._rest(node.extents, need)):
                self._sectors.give(start, count)
            node.extents = extents
        node.size = size

    @staticmethod
    def _first(extents: Extents, count: int) -> Extents:
        """Extents up to so many sectors."""
        result: Extents = ()
        for start, length in extents:
            result = joined(result, start, min(length, count))
            count -= min(length, count)
        return result

    @staticmethod
    def _rest(extents: Extents, count: int) -> list[Extent]:
        """Extents behind so many sectors."""
        result: list[Extent] = []
        for start, length in extents:
            skip = min(length, count)
            if skip < length:
                result.append((start + skip, length - skip))
            count -= skip
        return result

    def _clear_tail(self, extents: Extents, size: int) -> None:
        """What is behind the size in the last sector reads as zeros."""
        for _, _, length, where in runs(extents, size, -size % SECTOR):
            self._clear(where, length)

    def _clear(self, where: int, length: int) -> None:
        zeros = bytes(min(PIECE, length))
        for at in range(0, length, PIECE):
            self._device.write(where + at, zeros[: length - at] if length - at < PIECE else zeros)

    def release(self, node: Node) -> None:
        """A file's sectors are not needed."""
        for extent in reversed(node.extents):
            self._sectors.give(*extent)
        node.extents = ()

    def unite(self, node: Node) -> None:
        """See to it that a file is in one piece.  Errors: ENOSPC."""
        if len(node.extents) > 1:
            self._move(node, sectors_of(node.size), 0)

    def shift(self, tree: Tree, first: int, count: int, by: int) -> None:
        """Move all sectors of files, from the first on so many, by some sectors to the back (or to the front)."""
        device, begin, length, distance = self._device, first * SECTOR, count * SECTOR, by * SECTOR
        pieces = range(0, length, PIECE)
        for at in reversed(pieces) if by > 0 else pieces:
            data = device.read(begin + at, min(PIECE, length - at))
            device.write(begin + at + distance, data)
        for node in tree.files():
            if node.extents:
                node.extents = tuple([(start + by, sectors) for start, sectors in node.extents])

    # ---- many new files ----------------------------------------------------------------------------------------------

    def place(self, directory: Node, sizes: tuple[int, ...]) -> tuple[tuple[Run, ...], ...]:
        """See `Volume.place`."""
        self._check_free(self._placed, directory.number)
        counts = [-(-size // SECTOR) for size in sizes]
        total = sum(counts)
        start = self._sectors.take(total)[0] if total else 0
        extents: list[Extent] = []
        result: list[tuple[Run, ...]] = []
        for count in counts:
            extents.append((start, count))
            result.append(((v.DATA, 0, count * SECTOR, start * SECTOR),) if count else ())
            start += count
        self._placed[directory.number] = extents, 0
        return tuple(result)

    def take_placed(self, directory: Node) -> Extents:
        """Where the next of the files placed for a directory is; () for one that is empty."""
        extents, done = self._placed[directory.number]
        self._placed[directory.number] = extents, done + 1
        return (extents[done],) if extents[done][1] else ()
