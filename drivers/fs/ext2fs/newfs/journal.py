# SPDX-License-Identifier: BSD-2-Clause
"""The journal of a new volume: an empty log of jbd2 (the Linux kernel's documentation, "Journal (jbd2)")."""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk_files as d
from rump.drivers.fs.ext2fs.newfs_files import extent_node
from rump.drivers.fs.ext2fs.newfs_layout import FLEX_GROUPS
from rump.drivers.fs.ext2fs.newfs_space import joined
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.newfs_files import Files
    from rump.drivers.fs.ext2fs.newfs_layout import Layout
    from rump.drivers.fs.ext2fs.newfs_options import Wanted
    from rump.drivers.fs.ext2fs.newfs_space import Range, Space

JOURNAL_INO = 8
MAGIC = 0xC03B3998
SUPERBLOCK_V2 = 4
LEAST = 1024                # blocks
MOST = 10_240_000
TOO_SMALL = 2048            # a volume of fewer blocks has none
EXTENT_MAX = 32768          # blocks

# A volume of fewer blocks -> blocks of the journal.
_SIZES = (
    (32768, 1024), (256 << 10, 4096), (512 << 10, 8192), (4096 << 10, 16384), (8192 << 10, 32768), (16384 << 10, 65536),
    (32768 << 10, 131072),
)  # fmt: skip
_LARGEST = 262144


def journal_blocks(wanted: Wanted, layout: Layout, free: int) -> int:
    """How many blocks the journal has; 0 for none.  Errors: EINVAL, ENOSPC - the size asked for does not do."""
    if "has_journal" not in layout.features or wanted.journal_size == 0:
        return 0
    if wanted.journal_size is None:
        if layout.blocks < TOO_SMALL:
            return 0
        return next((size for limit, size in _SIZES if layout.blocks < limit), _LARGEST)
    blocks = wanted.journal_size // layout.block_size
    if not LEAST <= blocks <= MOST:
        raise fault(e.EINVAL, f"a journal of {blocks} blocks: it can have {LEAST} to {MOST}")
    if blocks > free // 2:
        raise fault(e.ENOSPC, f"a journal of {blocks} blocks is too large for this volume")
    return blocks


class Journal:
    """Lays the journal out.

    runs     its blocks, in order
    tree     the inode's block map, which the superblock keeps a copy of
    """

    def __init__(self, files: Files, count: int) -> None:
        self._files = files
        self._space: Space = files.space
        self.count = count
        layout = files.layout
        flags, self.tree, taken = self._extents() if files.extents else self._indirect()
        files.file(JOURNAL_INO, count * layout.block_size, (flags, self.tree), taken)
        head = pack(">12I", MAGIC, SUPERBLOCK_V2, 0, layout.block_size, count, 1, 1, 0, 0, 0, 0, 0)
        head += files.wanted.uuid + pack(">I", 1)
        files.blocks[self.runs[0][0]] = head.ljust(layout.block_size, b"\0")

    def _goal(self) -> int:
        """The middle of the volume: there the way is short from everywhere."""
        layout, space = self._files.layout, self._space
        group = layout.group_of(layout.blocks - layout.first_data_block >> 1)
        if layout.unit > 1 and group > FLEX_GROUPS:
            group -= group % FLEX_GROUPS
            while group < layout.groups - 1 and not space.free(group):
                group += 1
            first = group
        else:
            first = max(group - 1, 0)
        choice = range(first, min(group + 1, layout.groups - 1) + 1)
        return layout.start(max(choice, key=space.free))

    def _extents(self) -> tuple[int, bytes, int]:
        files, space = self._files, self._space
        goal = self._goal()
        pieces = _split(space.take(goal, self.count))
        self.runs = [(low, high) for low, high in pieces]
        if len(pieces) <= 4:
            return *files.extent_root(pieces), self.count
        leaf = self._leaf_block(pieces)
        room = (files.layout.block_size - 12) // 12
        if len(self.runs) > room:
            raise fault(e.ENOSPC, f"the journal is in {len(self.runs)} pieces, more than {room}")
        node = extent_node(self.runs, room, files.layout.block_size)
        if files.sums.on:
            end = 12 + 12 * room
            value = files.sums.of(node[:end], files.sums.inode_seed(JOURNAL_INO))
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
