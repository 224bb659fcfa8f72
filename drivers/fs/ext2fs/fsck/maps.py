# SPDX-License-Identifier: BSD-2-Clause
"""All blocks that a file has: those of its data, beyond its size too, and those of its map."""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.indirect import DIRECT
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import DATA, UNWRITTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.ops import Ext2Volume

    Found: TypeAlias = tuple[int, int, int, int]

NODE = -1           # kind of a run: blocks of the map itself

_HEADER = disk_files.ExtentHeader.narrow("magic", "entries", "max", "depth")
_ENTRY = disk_files.Extent.struct
_INDEX = disk_files.ExtentIndex.struct
_ITEM = 12
_WORDS = Struct("<15I")
BLOCKS_MAX = 1 << 32


class Walk:
    """The blocks of one file.

    problems   what is wrong with its map; the walk goes on where it can
    """

    def __init__(self, volume: Ext2Volume, inode: Inode) -> None:
        self._volume = volume
        self._inode = inode
        self._seen: set[int] = set()
        self.problems: list[str] = []

    def runs(self) -> Iterator[Found]:
        """(kind, first block of the file, count, first block of the volume); for nodes the second means nothing."""
        if self._inode.flags & disk_files.INODE_EXTENTS:
            yield from self._extents()
        else:
            yield from self._indirect()

    # ---- extents -----------------------------------------------------------------------------------------------------

    def _extents(self) -> Iterator[Found]:
        data = self._inode.block
        magic, entries, most, depth = _HEADER.unpack_from(data)
        if magic != disk_files.EXTENT_MAGIC or entries > most or most > 4 or depth > disk_files.EXTENT_DEPTH_MAX:
            self.problems.append(f"extent header {data[:8].hex()}")
            return
        yield from self._node(data, depth, entries, 0, BLOCKS_MAX)

    def _node(self, data: bytes, depth: int, entries: int, bound: int, limit: int) -> Iterator[Found]:
        """The runs below a node that speaks of the file's blocks `bound` to `limit`."""
        if not depth:
            yield from self._leaf(data, entries, bound, limit)
            return
        for index in range(entries):
            block, low, high, _ = _INDEX.unpack_from(data, _ITEM + index * _ITEM)
            stop = _INDEX.unpack_from(data, _ITEM + (index + 1) * _ITEM)[0] if index + 1 < entries else limit
            child = low | high << 32
            if not bound <= block < stop <= limit:
                self.problems.append(f"extent index of block {block} is out of order")
                continue
            if child in self._seen:
                self.problems.append(f"extent node at block {child} is in its tree twice")
                continue
            self._seen.add(child)
            try:
                below, count = self._volume.maps.child(self._inode, child, depth - 1)
            except Fault as error:
                self.problems.append(_without(self._inode, error))
                continue
            yield NODE, 0, 1, child
            if not count:
                self.problems.append(f"extent node at block {child} is empty")
            yield from self._node(below, depth - 1, count, block, stop)

    def _leaf(self, data: bytes, entries: int, bound: int, limit: int) -> Iterator[Found]:
        has_data = self._volume.medium.geometry.has_data
        for index in range(entries):
            block, count, high, low = _ENTRY.unpack_from(data, _ITEM + index * _ITEM)
            kind = DATA
            if count > disk_files.EXTENT_UNWRITTEN:
                kind, count = UNWRITTEN, count - disk_files.EXTENT_UNWRITTEN
            target = low | high << 32
            if not count or not bound <= block < block + count <= limit or not has_data(target, count):
                self.problems.append(f"extent of {count} blocks {block} at {target}")
                continue
            bound = block + count
            yield kind, block, count, target

    # ---- block numbers -----------------------------------------------------------------------------------------------

    def _indirect(self) -> Iterator[Found]:
        words = _WORDS.unpack(self._inode.block)
        yield from self._numbers(words[:DIRECT], 0)
        per_block, start = self._volume.medium.geometry.block_size // 4, DIRECT
        for depth in (1, 2, 3):
            if words[DIRECT + depth - 1]:
                yield from self._tree(words[DIRECT + depth - 1], depth, start)
            start += per_block**depth

    def _tree(self, block: int, depth: int, start: int) -> Iterator[Found]:
        medium = self._volume.medium
        geometry = medium.geometry
        if not geometry.has_data(block, 1) or block in self._seen:
            self.problems.append(f"indirect block {block} is outside the volume or there twice")
            return
        self._seen.add(block)
        try:
            data = medium.read(block << geometry.shift, geometry.block_size, lambda: "indirect block")
        except Fault as error:
            self.problems.append(error.detail or str(error))
            return
        yield NODE, 0, 1, block
        per_block = geometry.block_size // 4
        words = Struct(f"<{per_block}I").unpack(data)
        if depth == 1:
            yield from self._numbers(words, start)
            return
        span = per_block ** (depth - 1)
        for index, word in enumerate(words):
            if word:
                yield from self._tree(word, depth - 1, start + index * span)

    def _numbers(self, words: tuple[int, ...], start: int) -> Iterator[Found]:
        """Runs of neighbours among block numbers."""
        blocks = self._volume.medium.geometry.blocks
        first = self._volume.medium.geometry.first_data_block
        begin = count = 0
        for index, word in enumerate(words):
            if word and not first < word < blocks:
                self.problems.append(f"block {start + index} is {word}, outside the volume")
                word = 0
            if count and word == words[begin] + count:
                count += 1
                continue
            if count:
                yield DATA, start + begin, count, words[begin]
            begin, count = index, int(word > 0)
        if count:
            yield DATA, start + begin, count, words[begin]


def _without(inode: Inode, error: Fault) -> str:
    """The text of an error that begins with the inode, which the finding names already."""
    return (error.detail or str(error)).removeprefix(f"inode {inode.number}: ")


