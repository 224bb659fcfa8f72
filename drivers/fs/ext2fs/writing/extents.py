# SPDX-License-Identifier: BSD-2-Clause
"""Extent trees that change: extents come and go, nodes fill, split and empty, the tree grows and shrinks.

Everything is one step, `_splice`: entries of a node become others.  What does not fit splits the node, which splices
its parent; what is left empty is freed, which does too.  An index entry's block is always that of the first entry
below it.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.bmap import Maps
from rump.drivers.fs.ext2fs.writing.releases import free_node, take_node
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import NEW, STRUCTURE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.releases import Releases
    from rump.drivers.fs.ext2fs.writing.state import State

    Extent: TypeAlias = tuple[int, int, int, bool]      # first block of the file, count, of the volume, unwritten

BLOCKS_MAX = (1 << 32) - 1                              # of a file, as Linux has it: a count of them fits 32 bits
WRITTEN_MAX = disk_files.EXTENT_UNWRITTEN               # blocks of an extent
UNWRITTEN_MAX = disk_files.EXTENT_UNWRITTEN - 1
ROOT_ENTRIES = 4
EMPTY = pack("<HHHHI", disk_files.EXTENT_MAGIC, 0, ROOT_ENTRIES, 0, 0).ljust(60, b"\0")
"""The block map of an inode without blocks."""

_FIRST = pack("<HHHHI", disk_files.EXTENT_MAGIC, 1, ROOT_ENTRIES, 0, 0)

_ITEM = 12              # bytes of a header, an extent, an index
_HEADER = disk_files.ExtentHeader.struct
_EXTENT = disk_files.Extent.struct
_INDEX = disk_files.ExtentIndex.struct


class Node:
    """A node on the way to a leaf.

    block           of the volume; 0 for the root, which is in the inode
    data            all its bytes
    count, most     entries there are, and there could be
    depth           0 for a leaf
    low, limit      the file's blocks it may speak of
    index           the last entry that begins at or before the block looked for; in a leaf -1 if none does
    """

    __slots__ = ("block", "count", "data", "depth", "index", "limit", "low", "most")

    def __init__(self, block: int, data: bytes, low: int, limit: int, wanted: int) -> None:
        self.block = block
        self.data = data
        _, self.count, self.most, self.depth, _ = _HEADER.unpack_from(data)
        self.low = low
        self.limit = limit
        self.index = _last(data, self.count, wanted)

    def extent(self, index: int) -> Extent:
        """An entry of a leaf."""
        block, count, high, low = _EXTENT.unpack_from(self.data, _ITEM + index * _ITEM)
        if count > WRITTEN_MAX:
            return block, count - WRITTEN_MAX, low | high << 32, True
        return block, count, low | high << 32, False

    def start(self, index: int) -> int:
        """The first block of an entry; behind the last entry the node's limit."""
        if index == self.count:
            return self.limit
        at = _ITEM + index * _ITEM
        return int.from_bytes(self.data[at : at + 4], "little")


class ExtentTrees(Maps):
    """The extent trees of a volume that is written to."""

    def __init__(self, state: State) -> None:
        super().__init__(state.medium)
        self._state = state
        self._size = state.geometry.block_size
        self._most = (self._size - _ITEM) // _ITEM

    # ---- changes -------------------------------------------------------------------------------------------------

    def add(self, draft: Draft, block: int, target: int, count: int, unwritten: bool) -> None:
        """Map a hole's blocks.  Errors: Corrupt - part of it is no hole; ENOSPC, EFBIG - no room for a node."""
        most = UNWRITTEN_MAX if unwritten else WRITTEN_MAX
        if count <= most and draft.block[:_ITEM] == EMPTY[:_ITEM]:      # nearly every file: its first extent, and last
            draft.block = _FIRST + _encode([(block, count, target, unwritten)]) + EMPTY[2 * _ITEM :]
            return
        while count:
            part = min(count, most)
            path = self._path(draft, block)
            leaf = path[-1]
            at = leaf.index + 1
            start, length, _, _ = leaf.extent(at - 1) if at else (block, 0, 0, False)
            if start + length > block or leaf.start(at) < block + part:
                raise Corrupt(f"inode {draft.number}: blocks {block} to {block + part} are mapped already")
            self._replace(draft, path, at, at, [(block, part, target, unwritten)])
            block, target, count = block + part, target + part, count - part

    def mark_written(self, draft: Draft, block: int, count: int) -> None:
        """Unwritten blocks are written.  Errors: Corrupt - there is a hole; ENOSPC, EFBIG - no room for a node."""
        end = block + count
        while block < end:
            path = self._path(draft, block)
            leaf = path[-1]
            at = leaf.index
            start, length, target, unwritten = leaf.extent(at) if at >= 0 else (block, 0, 0, False)
            if start + length <= block or start + length > leaf.start(at + 1):
                raise Corrupt(f"inode {draft.number}: block {block} is not mapped")
            stop = min(start + length, end)
            if unwritten:
                parts = [
                    (start, block - start, target, True),
                    (block, stop - block, target + block - start, False),
                    (stop, start + length - stop, target + stop - start, True),
                ]
                self._replace(draft, path, at, at + 1, [part for part in parts if part[1]])
            block = stop

    def remove(self, draft: Draft, first: int, end: int, releases: Releases) -> None:
        """Unmap blocks `first` to `end`, from the end backwards.  Errors: Corrupt; ENOSPC - no room for a node."""
        while first < end:
            end = self._cut(draft, first, end, releases)
            releases.pause()
        self._shrink(draft)

    def _cut(self, draft: Draft, first: int, end: int, releases: Releases) -> int:
        """Unmap what one leaf has of `first` to `end`, or the last part of it; where the rest ends."""
        path = self._path(draft, end - 1)
        leaf = path[-1]
        at = stop = leaf.index + 1
        bound = leaf.start(stop)
        before: list[Extent] = []
        after: list[Extent] = []
        releases.leaf()
        while at and end > first and not releases.full:
            block, count, target, unwritten = leaf.extent(at - 1)
            if not leaf.low <= block < block + count <= bound or not self._medium.geometry.has_data(target, count):
                raise Corrupt(f"inode {draft.number}: extent of {count} blocks {block} at {target}")
            if block + count <= first:
                end = first
                break
            if block + count > end:
                after = [(end, block + count - end, target + end - block, unwritten)]
            if block < first:
                before = [(block, first - block, target, unwritten)]
            start, stop_at = max(block, first), min(block + count, end)
            releases.data(target + start - block, stop_at - start)
            bound = block
            end = start
            at -= 1
        if at < stop:
            self._splice(draft, path, at, stop, _encode(before) + _encode(after))
        return end if at else max(first, min(end, leaf.low))

    def _shrink(self, draft: Draft) -> None:
        """Pull a root's only child up while its entries fit."""
        while True:
            root = Node(0, draft.block, 0, BLOCKS_MAX + 1, 0)
            if not root.depth or root.count != 1:
                return
            block = self._pointer(root.data, 0)
            data, count = self.child(draft, block, root.depth - 1)
            if count > ROOT_ENTRIES:
                return
            stop = _ITEM + count * _ITEM
            header = _HEADER.pack(disk_files.EXTENT_MAGIC, count, ROOT_ENTRIES, root.depth - 1, 0)
            draft.block = (header + data[_ITEM:stop]).ljust(60, b"\0")
            free_node(self._state, draft, block)

    # ---- the way to a leaf ---------------------------------------------------------------------------------------

    def _path(self, draft: Draft, block: int) -> list[Node]:
        """The nodes from the root to the leaf that has, or would have, a block.  Errors: Corrupt."""
        magic, entries, most, depth, _ = _HEADER.unpack_from(draft.block)
        if (
            magic != disk_files.EXTENT_MAGIC or entries > most or not 0 < most <= ROOT_ENTRIES
            or depth > disk_files.EXTENT_DEPTH_MAX
        ):  # fmt: skip
            raise Corrupt(f"inode {draft.number}: extent header {draft.block[:8].hex()}")
        node = Node(0, draft.block, 0, BLOCKS_MAX + 1, block)
        path = [node]
        while node.depth:
            index = node.index = max(node.index, 0)
            low, limit = node.start(index), node.start(index + 1) if index < node.count else 0
            if not node.low <= low < limit <= node.limit:
                raise Corrupt(f"inode {draft.number}: extent index of block {low} is out of order")
            child = self._pointer(node.data, index)
            data, _ = self.child(draft, child, node.depth - 1)
            node = Node(child, data, low if index else node.low, limit, block)
            path.append(node)
        return path

    def _pointer(self, data: bytes, index: int) -> int:
        """The block of the child that an index entry leads to."""
        _, low, high, _ = _INDEX.unpack_from(data, _ITEM + index * _ITEM)
        return int(low | high << 32)

    # ---- entries ---------------------------------------------------------------------------------------------------

    def _replace(self, draft: Draft, path: list[Node], at: int, stop: int, extents: list[Extent]) -> None:
        """Extents `at` to `stop` of a leaf become others, joined with their neighbours where they fit."""
        leaf = path[-1]
        if at and _joins(left := leaf.extent(at - 1), extents[0]):
            extents.insert(0, left)
            at -= 1
        if stop < leaf.count and _joins(extents[-1], right := leaf.extent(stop)):
            extents.append(right)
            stop += 1
        self._splice(draft, path, at, stop, _encode(extents))

    def _splice(self, draft: Draft, path: list[Node], at: int, stop: int, entries: bytes) -> None:
        """Entries `at` to `stop` of the last node of a path become `entries`."""
        node = path[-1]
        data, end = node.data, _ITEM + node.count * _ITEM
        body = data[_ITEM : _ITEM + at * _ITEM] + entries + data[_ITEM + stop * _ITEM : end]
        count = len(body) // _ITEM
        if count > node.most:
            if node.block:
                self._split(draft, path, body, stop == node.count)
            else:
                self._grow(draft, body)
        elif count or not node.block:
            self._write(draft, path, body)
        else:
            free_node(self._state, draft, node.block)
            parent = path[-2]
            self._splice(draft, path[:-1], parent.index, parent.index + 1, b"")

    def _write(self, draft: Draft, path: list[Node], body: bytes) -> None:
        """A node has these entries; its parents know the first one's block."""
        node = path[-1]
        node.count = len(body) // _ITEM
        if not node.block:
            depth = node.depth if body else 0
            header = _HEADER.pack(disk_files.EXTENT_MAGIC, node.count, node.most, depth, 0)
            node.data = draft.block = (header + body).ljust(60, b"\0")
            return
        self._put(draft, node, body, STRUCTURE)
        parent = path[-2]
        at, end = _ITEM + parent.index * _ITEM, _ITEM + parent.count * _ITEM
        if parent.data[at : at + 4] != body[:4]:
            self._write(draft, path[:-1], parent.data[_ITEM:at] + body[:4] + parent.data[at + 4 : end])

    def _put(self, draft: Draft, node: Node, body: bytes, phase: int) -> None:
        """The contents of a node's block."""
        stop = _ITEM + node.most * _ITEM
        header = _HEADER.pack(disk_files.EXTENT_MAGIC, len(body) // _ITEM, node.most, node.depth, 0)
        data = (header + body).ljust(stop, b"\0")
        medium = self._medium
        if medium.geometry.checksums:
            seed = medium.inode_seed(draft.number, draft.generation)
            data += medium.services.crc32c(seed, data).to_bytes(4, "little")
        node.data = data.ljust(self._size, b"\0")
        self._state.store.put(node.block, node.data, phase)

    # ---- nodes -----------------------------------------------------------------------------------------------------

    def _new(self, draft: Draft, goal: int, depth: int, body: bytes) -> bytes:
        """A new node with these entries; the index entry that leads to it."""
        block = take_node(self._state, draft, goal)
        header = _HEADER.pack(disk_files.EXTENT_MAGIC, 0, self._most, depth, 0)
        self._put(draft, Node(block, header, 0, 0, 0), body, NEW)
        return _INDEX.pack(int.from_bytes(body[:4], "little"), block & 0xFFFFFFFF, block >> 32, 0)

    def _grow(self, draft: Draft, body: bytes) -> None:
        """The root is full: what was to be in it goes into a node below it."""
        _, _, most, depth, _ = _HEADER.unpack_from(draft.block)
        if depth == disk_files.EXTENT_DEPTH_MAX:
            raise fault(e.EFBIG, f"inode {draft.number}: its extent tree is full")
        entry = self._new(draft, self._state.alloc.goal(draft, 0), depth, body)
        header = _HEADER.pack(disk_files.EXTENT_MAGIC, 1, most, depth + 1, 0)
        draft.block = (header + entry).ljust(60, b"\0")

    def _split(self, draft: Draft, path: list[Node], body: bytes, at_end: bool) -> None:
        """A node is full: part of what was to be in it goes into a new one.  The last node of a file stays full, for
        most files grow at their end; any other is halved."""
        node, parents = path[-1], path[:-1]
        count = len(body) // _ITEM
        last = at_end and all(parent.index == parent.count - 1 for parent in parents)
        cut = min(node.most if last else count // 2, node.most)
        if not cut or count - cut > self._most:
            raise Corrupt(f"inode {draft.number}: extent node at block {node.block} has room for {node.most}")
        entry = self._new(draft, node.block + 1, node.depth, body[cut * _ITEM :])
        self._write(draft, path, body[: cut * _ITEM])
        at = parents[-1].index + 1
        self._splice(draft, parents, at, at, entry)


def _last(data: bytes, count: int, block: int) -> int:
    """The last entry that begins at or before a block, -1 if none does.  The very last is tried first: files grow."""
    at = count * _ITEM
    if not count or int.from_bytes(data[at : at + 4], "little") <= block:
        return count - 1
    low, high = -1, count - 1
    while high - low > 1:
        middle = (low + high) // 2
        at = _ITEM + middle * _ITEM
        if int.from_bytes(data[at : at + 4], "little") <= block:
            low = middle
        else:
            high = middle
    return low


def _joins(left: Extent, right: Extent) -> bool:
    """Whether one extent goes on where another ends."""
    return left[0] + left[1] == right[0] and left[2] + left[1] == right[2] and left[3] == right[3]


def _encode(extents: list[Extent]) -> bytes:
    """Extents as they lie in a leaf: neighbours joined, none too long."""
    parts: list[bytes] = []
    index = 0
    while index < len(extents):
        block, count, target, unwritten = extents[index]
        index += 1
        while index < len(extents) and _joins((block, count, target, unwritten), extents[index]):
            count += extents[index][1]
            index += 1
        most, mark = (UNWRITTEN_MAX, WRITTEN_MAX) if unwritten else (WRITTEN_MAX, 0)
        while count:
            part = min(count, most)
            parts.append(_EXTENT.pack(block, part + mark, target >> 32, target & 0xFFFFFFFF))
            block, target, count = block + part, target + part, count - part
    return b"".join(parts)
