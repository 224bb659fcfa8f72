# SPDX-License-Identifier: BSD-2-Clause
"""Where a file's blocks are: extents (here) or block numbers (`indirect`), as runs of neighbours.

Runs are made by a `Collector`, which joins neighbours, fills gaps with holes, cuts at the range asked for and ends
the walk when there are very many runs or nodes: one call is bounded whatever the image says.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.medium import EXTENTS, KINDS, NO_FAULTS
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import DATA, HOLE, UNWRITTEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.medium import Faults, Medium
    from rump.kernel.vfs.volume import Run

RUNS_MAX = 4096         # of one call
NODES_MAX = 1024        # visited by one call
BLOCKS_MAX = 1 << 32    # of a file: its block numbers have 32 bits

_HEADER = disk_files.ExtentHeader.narrow("magic", "entries", "max", "depth")
_ENTRY = disk_files.Extent.struct
_ITEM = 12              # bytes of a header, an extent, an index


class Collector:
    """Runs of one file, in blocks: (kind, first block of the file, count, first block of the volume).

    next    the first block not yet covered
    end     the block behind the range asked for
    nodes   how many more may be visited
    """

    __slots__ = ("_count", "_kind", "_start", "_target", "end", "next", "nodes", "runs")

    def __init__(self, first: int, end: int) -> None:
        self.next = first
        self.end = end
        self.nodes = NODES_MAX
        self.runs: list[Run] = []
        self._kind = self._start = self._count = self._target = 0

    def add(self, kind: int, count: int, target: int) -> bool:
        """The next `count` blocks of the file are of `kind`, from `target`.  False when no more is wanted."""
        start = self.next
        count = min(count, self.end - start)
        if self._count and kind == self._kind and (kind == HOLE or target == self._target + self._count):
            self._count += count
        else:
            if self._count:
                self.runs.append((self._kind, self._start, self._count, self._target))
            self._kind, self._start, self._count, self._target = kind, start, count, target
        self.next = start + count
        return self.next < self.end and len(self.runs) < RUNS_MAX

    def visit(self) -> bool:
        """Another node is to be read.  False when there were very many; the first blocks are always found."""
        self.nodes -= 1
        return self.nodes >= 0 or not self._count

    def finish(self) -> list[Run]:
        """All runs."""
        if self._count:
            self.runs.append((self._kind, self._start, self._count, self._target))
            self._count = 0
        return self.runs


class Maps:
    """The block maps of a volume's files."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium

    def blocks(self, inode: Inode, first: int, end: int) -> list[Run]:
        """The runs of blocks `first` to `end` of a file, in blocks; a prefix of them if there are very many.

        Errors: Corrupt, naming inode and node.
        """
        if end > BLOCKS_MAX:
            raise Corrupt(f"inode {inode.number}: size is {inode.size}")
        if first >= end:
            return []
        if inode.flags & disk_files.INODE_EXTENTS:
            magic, entries, most, depth = _HEADER.unpack_from(inode.block)
            if magic != disk_files.EXTENT_MAGIC or entries > most or most > 4 or depth > disk_files.EXTENT_DEPTH_MAX:
                raise Corrupt(f"inode {inode.number}: extent header {inode.block[:8].hex()}")
            if entries == 1 and not depth:      # nearly every file: one extent, all of it
                block, count, high, low = _ENTRY.unpack_from(inode.block, _ITEM)
                target = low | high << 32
                if (
                    block <= first and end <= block + count and count <= disk_files.EXTENT_UNWRITTEN
                    and self._medium.geometry.has_data(target, count)
                ):  # fmt: skip
                    return [(DATA, first, end - first, target + first - block)]
            collector = Collector(first, end)
            more = self._node(inode, inode.block, depth, entries, (0, BLOCKS_MAX), collector)
            if more:
                collector.add(HOLE, end - collector.next, 0)
        else:
            from rump.drivers.fs.ext2fs.indirect import walk

            collector = Collector(first, end)
            walk(self._medium, inode, collector)
        return collector.finish()

    def runs(self, inode: Inode, offset: int, end: int) -> tuple[Run, ...]:
        """The runs of a part of a file that is not empty, in bytes; as `blocks` otherwise."""
        shift = self._medium.geometry.shift
        runs = []
        for kind, block, count, target in self.blocks(inode, offset >> shift, -(-end >> shift)):
            start, stop, place = block << shift, block + count << shift, target << shift
            if start < offset:
                if kind != HOLE:
                    place += offset - start
                start = offset
            runs.append((kind, start, (stop if stop < end else end) - start, place))
        return tuple(runs)

    # ---- extents -------------------------------------------------------------------------------------------------

    def _node(
        self, inode: Inode, data: bytes, depth: int, entries: int, span: tuple[int, int], collector: Collector
    ) -> bool:
        """Collect what a node says of the range; `span` are the file's blocks it may speak of.  False: no more."""
        if not depth:
            return self._leaf(inode, data, entries, span, collector)
        unpack = _ENTRY.unpack_from
        index = _search(data, entries, collector.next)
        bound, limit = span
        while index < entries:
            block, low, high, _ = disk_files.ExtentIndex.struct.unpack_from(data, _ITEM + index * _ITEM)
            index += 1
            stop = unpack(data, _ITEM + index * _ITEM)[0] if index < entries else limit
            if not bound <= block < stop <= limit:
                raise Corrupt(f"inode {inode.number}: extent index of block {block} is out of order")
            if block >= collector.end:
                break
            if not collector.visit():
                return False
            child, count = self.child(inode, low | high << 32, depth - 1)
            if not self._node(inode, child, depth - 1, count, (block, stop), collector):
                return False
            if collector.next < stop and not collector.add(HOLE, stop - collector.next, 0):
                return False
        return True

    def child(self, inode: Inode, block: int, depth: int) -> tuple[bytes, int]:
        """(the bytes, the number of entries) of the node in a block, which must be of that depth."""
        medium = self._medium
        geometry = medium.geometry
        if not geometry.has_data(block, 1):
            raise Corrupt(f"inode {inode.number}: extent node at block {block} is outside the volume")
        size = geometry.block_size
        _, data, _ = medium.piece(
            block << geometry.shift,
            size,
            inode.number * KINDS + EXTENTS,
            lambda: f"inode {inode.number}: extent node",
            lambda data: self._check(inode, block, data),
        )
        _, entries, _, found = _HEADER.unpack_from(data)
        if found != depth:
            raise Corrupt(f"inode {inode.number}: extent node at block {block} has depth {found}, not {depth}")
        return data, entries

    def _check(self, inode: Inode, block: int, data: bytes) -> Faults:
        """A node as it comes in: its header, and its checksum, which lies behind all entries there is room for."""
        magic, entries, most, _depth = _HEADER.unpack_from(data)
        if magic != disk_files.EXTENT_MAGIC or entries > most or _ITEM + most * _ITEM > len(data):
            raise Corrupt(f"inode {inode.number}: extent node at block {block}: header {data[:8].hex()}")
        if self._medium.geometry.checksums:
            stop = _ITEM + most * _ITEM
            seed = self._medium.inode_seed(inode.number, inode.generation)
            if data[stop : stop + 4] != self._medium.services.crc32c(seed, data[:stop]).to_bytes(4, "little"):
                raise Corrupt(f"inode {inode.number}: extent node at block {block}: checksum is wrong")
        return NO_FAULTS

    def _leaf(
        self, inode: Inode, data: bytes, entries: int, span: tuple[int, int], collector: Collector
    ) -> bool:
        """Collect a leaf's extents.  False: no more wanted."""
        geometry = self._medium.geometry
        unpack = _ENTRY.unpack_from
        bound, limit = span
        for index in range(_search(data, entries, collector.next), entries):
            block, count, high, low = unpack(data, _ITEM + index * _ITEM)
            kind = DATA
            if count > disk_files.EXTENT_UNWRITTEN:
                count -= disk_files.EXTENT_UNWRITTEN
                kind = UNWRITTEN
            target = low | high << 32
            if not bound <= block < block + count <= limit or not geometry.has_data(target, count):
                raise Corrupt(f"inode {inode.number}: extent of {count} blocks {block} at {target}")
            bound = block + count
            if block > collector.next and not collector.add(HOLE, block - collector.next, 0):
                return False
            skip = collector.next - block
            if skip < count and not collector.add(kind, count - skip, target + skip):
                return False
        return True


def _search(data: bytes, entries: int, block: int) -> int:
    """The last of a node's entries that begins at or before a block; 0 if none does."""
    low, high = 0, entries
    unpack = _ENTRY.unpack_from
    while high - low > 1:
        middle = (low + high) // 2
        if unpack(data, _ITEM + middle * _ITEM)[0] <= block:
            low = middle
        else:
            high = middle
    return low
