# SPDX-License-Identifier: BSD-2-Clause
"""The block map of ext2 and ext3: twelve block numbers in the inode, then blocks of them, up to three deep."""

from __future__ import annotations

from struct import Struct

from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import DATA, HOLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.bmap import Collector
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Medium

DIRECT = 12             # block numbers in the inode that are of data
_INODE = Struct("<15I")


def walk(medium: Medium, inode: Inode, collector: Collector) -> None:
    """Collect the runs of the range the collector wants.  Errors: Corrupt, naming inode and block."""
    words = _INODE.unpack(inode.block)
    per_block = medium.geometry.block_size // 4
    start = 0
    if collector.next < DIRECT and not _leaf(medium, inode, words[:DIRECT], 0, collector):
        return
    start = DIRECT
    for depth in (1, 2, 3):
        span = per_block**depth
        if collector.next < start + span and not _tree(
            medium, inode, words[DIRECT + depth - 1], depth, start, collector
        ):
            return
        start += span
    raise Corrupt(f"inode {inode.number}: size is {inode.size}, more than its map can hold")


def _tree(medium: Medium, inode: Inode, block: int, depth: int, start: int, collector: Collector) -> bool:
    """Collect from the tree below a block number; its first data block is `start` of the file.  False: no more."""
    geometry = medium.geometry
    per_block = geometry.block_size // 4
    if not block:
        return collector.add(HOLE, start + per_block**depth - collector.next, 0)
    if not collector.visit():
        return False
    if not geometry.has_data(block, 1):
        raise Corrupt(f"inode {inode.number}: indirect block {block} is outside the volume")
    data = medium.read(block << geometry.shift, geometry.block_size, lambda: f"inode {inode.number}: indirect block")
    words = Struct(f"<{per_block}I").unpack(data)
    if depth == 1:
        return _leaf(medium, inode, words, start, collector)
    span = per_block ** (depth - 1)
    for index in range((collector.next - start) // span, per_block):
        if not _tree(medium, inode, words[index], depth - 1, start + index * span, collector):
            return False
    return True


def _leaf(medium: Medium, inode: Inode, words: tuple[int, ...], start: int, collector: Collector) -> bool:
    """Collect the data blocks `words`, the first of which is block `start` of the file.  False: no more."""
    has_data = medium.geometry.has_data
    index = collector.next - start
    total = min(len(words), collector.end - start)
    while index < total:
        target = words[index]
        count = _neighbours(words, index, total)
        if target and not has_data(target, count):
            raise Corrupt(f"inode {inode.number}: block {target} ({count}) is outside the volume")
        if not collector.add(DATA if target else HOLE, count, target):
            return False
        index += count
    return collector.next < collector.end


def _neighbours(words: tuple[int, ...], index: int, total: int) -> int:
    """How many numbers from `index` count up by one, or are all zero.  Doubles its step while whole slices fit."""
    first = words[index]
    count, step = 1, 1
    while step:
        stop = index + count + step
        expected = tuple(range(first + count, first + count + step)) if first else (0,) * step
        if stop <= total and words[index + count : stop] == expected:
            count += step
            step *= 2
        else:
            step //= 2
    return count
