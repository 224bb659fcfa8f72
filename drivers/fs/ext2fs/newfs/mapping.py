# SPDX-License-Identifier: BSD-2-Clause
"""Where the blocks of a new volume's larger files are: extents, or trees of block numbers.

Structures as in the Linux kernel's documentation "ext4 Data Structures and Algorithms" (extents, block map).
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk_files as d
from rump.drivers.fs.ext2fs.newfs.files import extent_node
from rump.drivers.fs.ext2fs.newfs.space import joined
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.newfs.files import Files
    from rump.drivers.fs.ext2fs.newfs.space import Range, Space

EXTENT_MAX = 32768          # blocks


class Mapping:
    """Lays a file out.

    runs          its blocks, in order
    flags, tree   of its inode, and the block map there
    taken         how many blocks it has, those of the map among them
    """

    def __init__(self, files: Files, number: int, count: int, goal: int) -> None:
        self._files = files
        self._space: Space = files.space
        self._number = number
        self.count = count
        self.runs: list[Range] = []
        self.flags, self.tree, self.taken = self._extents(goal) if files.extents else self._indirect()

    def save(self, size: int) -> None:
        """Make the inode; the file has `size` bytes."""
        self._files.file(self._number, size, (self.flags, self.tree), self.taken)

    def _extents(self, goal: int) -> tuple[int, bytes, int]:
        files, space = self._files, self._space
        pieces = _split(space.take(goal, self.count))
        self.runs = [(low, high) for low, high in pieces]
        if len(pieces) <= 4:
            return *files.extent_root(pieces), self.count
        leaf = self._leaf_block(pieces)
        room = (files.layout.block_size - 12) // 12
        if len(self.runs) > room:
            raise fault(e.ENOSPC, f"inode {self._number} is in {len(self.runs)} pieces, more than {room}")
        node = extent_node(self.runs, room, files.layout.block_size)
        if files.sums.on:
            end = 12 + 12 * room
            value = files.sums.of(node[:end], files.sums.inode_seed(self._number))
            node = node[:end] + pack("<I", value) + node[end + 4 :]
        files.blocks[leaf] = node
        root = pack("<HHHHIIIHH", d.EXTENT_MAGIC, 1, 4, 1, 0, 0, leaf & 0xFFFFFFFF, leaf >> 32, 0)
        # Behind the root's one entry there is what it was made of, as after any such split.
        return d.INODE_EXTENTS, root + extent_node(self.runs[:4], 4, 60)[len(root) :], self.count + 1

    def _leaf_block(self, pieces: list[Range]) -> int:
        """A block for the extents that do not fit into the inode: right before the journal, or behind its fifth piece;
        the others then move on by one."""
        space = self._space
        before = pieces[0][0] - 1
        if space.is_free(before):
            space.take(before, 1)
            return before
        last = space.take(pieces[-1][1] - 1, 1)[0]
        rest = joined([*pieces[5:], last])
        leaf = rest[0][0]
        rest[0] = leaf + 1, rest[0][1]
        self.runs = _split([*pieces[:5], *[run for run in rest if run[0] < run[1]]])
        return leaf

    def _indirect(self) -> tuple[int, bytes, int]:
        """Block numbers in a tree of blocks, each laid out before what it points to."""
        words = self._files.layout.block_size // 4
        taken = self.count + _tree_blocks(self.count, words)
        ranges = self._space.take(self._files.layout.first_data_block, taken)
        supply = (block for low, high in ranges for block in range(low, high))
        self.runs = []
        self._left = self.count
        pointers = [self._subtree(level, words, supply) for level in (0,) * 12 + (1, 2, 3)]
        return 0, pack("<15I", *pointers), taken

    def _subtree(self, level: int, words: int, supply: Iterator[int]) -> int:
        """The root of a subtree of that level, with all below it that the journal needs; 0 if it needs nothing."""
        if not self._left:
            return 0
        block = next(supply)
        if level == 0:
            self._left -= 1
            low = self.runs.pop()[0] if self.runs and self.runs[-1][1] == block else block
            self.runs.append((low, block + 1))
            return block
        rows = [self._subtree(level - 1, words, supply) for _ in range(words)]
        self._files.blocks[block] = pack(f"<{words}I", *rows)
        return block


def _split(runs: list[Range]) -> list[Range]:
    """Ranges no longer than an extent can be."""
    return [(start, min(start + EXTENT_MAX, high)) for low, high in joined(runs)
            for start in range(low, high, EXTENT_MAX)]  # fmt: skip


def _tree_blocks(count: int, words: int) -> int:
    """How many blocks of pointers a file of so many blocks needs."""
    total, left, reach = 0, count - 12, 1
    for level in (1, 2, 3):
        reach *= words
        part = min(left, reach)
        for _ in range(level):
            part = -(-part // words)
            total += max(part, 0)
        left -= reach
        if left <= 0:
            break
    return total
