# SPDX-License-Identifier: BSD-2-Clause
"""The hash tree of a big directory: from a name's hash to the few blocks that can hold it.

The first block is the root; it and the nodes below look like blocks without entries to whoever does not know them.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.drivers.fs.ext2fs.dirent import record_length
from rump.drivers.fs.ext2fs.dx_hash import TEA, UNSIGNED, name_hash
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Buffer

    from rump.drivers.fs.ext2fs.dirent import Directories
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.superblock import Geometry

INFO_AT = 24            # bytes into the root: behind the entries "." and ".."
INFO_LENGTH = 8
DOTDOT_AT = 12          # bytes into the root: the entry "..", which covers the rest of the block
NODE_AT = 8             # bytes into a node: behind a void entry that covers the block
BLOCK_MASK = 0x0FFFFFFF  # the upper bits of a block number are reserved

_LIMITS = Struct("<HH")     # room for entries, entries - in place of the first one's hash
_ENTRY = Struct("<II")      # least hash, block of the directory
_WORD = Struct("<I")


def _items_at(data: bytes, number: int) -> int:
    """Where a root's (block 0) or node's entries begin, or 0 if it is none."""
    if number == 0:
        info = disk_files.TreeInfo(data, INFO_AT)
        dot, dotdot = disk_files.Dirent(data), disk_files.Dirent(data, DOTDOT_AT)
        covers = dot.rec_len == DOTDOT_AT and record_length(dotdot.rec_len, len(data)) == len(data) - DOTDOT_AT
        return INFO_AT + INFO_LENGTH if covers and info.info_length == INFO_LENGTH and not info.zero else 0
    void = disk_files.Dirent(data)
    return NODE_AT if not void.inode and record_length(void.rec_len, len(data)) == len(data) else 0


def _limits(data: bytes, at: int) -> tuple[int, int] | None:
    """(room, entries) of a node, or None if they cannot be."""
    room, count = _LIMITS.unpack_from(data, at)
    return (room, count) if 0 < count <= room and at + room * _ENTRY.size <= len(data) else None


def node_fault(crc32c: Callable[[int, Buffer], int], seed: int, data: bytes, number: int) -> str | None:
    """What is wrong with the checksum of a root or node, "" if nothing is; None if the block is a leaf.

    It covers all entries in use and lies behind all there is room for, after a word that counts too.
    """
    at = _items_at(data, number)
    if not at:
        return None
    limits = _limits(data, at)
    if limits is None:
        return "hash tree node: its counts cannot be"
    tail = at + limits[0] * _ENTRY.size
    if tail + 8 > len(data):
        return "no room for a checksum"
    found = crc32c(seed, data[: at + limits[1] * _ENTRY.size])
    found = crc32c(found, data[tail : tail + 4] + b"\0\0\0\0")
    return "" if found == _WORD.unpack_from(data, tail + 4)[0] else "checksum is wrong"


class Tree:
    """The hash tree of one directory.

    version   of its hash, with `UNSIGNED` where bytes are
    blocks    of the directory
    nodes     blocks that `entries` has seen to be nodes of the tree
    """

    def __init__(self, directories: Directories, geometry: Geometry, inode: Inode) -> None:
        """Errors: Corrupt - the root is not one."""
        self._directories = directories
        self._inode = inode
        self.blocks = directories.count(inode)
        self.nodes: set[int] = set()
        self._root = directories.block(inode, 0)
        if not _items_at(self._root, 0):
            raise Corrupt(f"directory {inode.number}: hash tree root is damaged")
        info = disk_files.TreeInfo(self._root, INFO_AT)
        self._levels = info.indirect_levels
        if self._levels > (2 if geometry.large_directories else 1):
            raise Corrupt(f"directory {inode.number}: hash tree has {self._levels + 1} levels")
        version = info.hash_version
        if version <= TEA and geometry.raw.flags & disk.FLAG_UNSIGNED_HASH:
            version += UNSIGNED
        self.version = version
        self._seed = geometry.raw.hash_seed

    def leaves(self, name: bytes) -> Iterator[int]:
        """The blocks of the directory that can hold a name; more than one only if many names have its hash.

        Errors: Corrupt - a damaged node, an unknown hash.
        """
        value = name_hash(name, self.version, self._seed)
        if value is None:
            raise Corrupt(f"directory {self._inode.number}: hash version {self.version}")
        for visits, leaf in enumerate(self._below(self._root, INFO_AT + INFO_LENGTH, self._levels, value)):
            if visits >= self.blocks:
                raise Corrupt(f"directory {self._inode.number}: hash tree has more leaves than blocks")
            yield leaf

    def entries(self) -> Iterator[tuple[int, int]]:
        """(least hash, block) of all leaves in the order of the tree.  Errors: Corrupt - a damaged node."""
        yield from self._all(self._root, INFO_AT + INFO_LENGTH, self._levels, 0)

    def _all(self, data: bytes, at: int, levels: int, least: int) -> Iterator[tuple[int, int]]:
        """The leaves below a node whose first entry has no hash of its own."""
        limits = _limits(data, at)
        if limits is None:
            raise Corrupt(f"directory {self._inode.number}: hash tree node counts are damaged")
        for index in range(limits[1]):
            value, block = _ENTRY.unpack_from(data, at + index * _ENTRY.size)
            value, block = value if index else least, block & BLOCK_MASK
            if not levels:
                yield value, block
                continue
            node = self._directories.block(self._inode, block)
            if block in self.nodes or not block or not _items_at(node, block):
                raise Corrupt(f"directory {self._inode.number}: block {block} is no hash tree node, or is one twice")
            self.nodes.add(block)
            yield from self._all(node, NODE_AT, levels - 1, value)

    def _below(self, data: bytes, at: int, levels: int, value: int) -> Iterator[int]:
        """The leaves below a node."""
        limits = _limits(data, at)
        if limits is None:
            raise Corrupt(f"directory {self._inode.number}: hash tree node counts are damaged")
        count = limits[1]
        low, high = 0, count
        while high - low > 1:
            middle = (low + high) // 2
            if _WORD.unpack_from(data, at + middle * 8)[0] <= value:
                low = middle
            else:
                high = middle
        while True:
            block = _ENTRY.unpack_from(data, at + low * 8)[1] & BLOCK_MASK
            if not levels:
                yield block
            else:
                node = self._directories.block(self._inode, block)
                if not block or not _items_at(node, block):
                    raise Corrupt(f"directory {self._inode.number}: block {block} is no hash tree node")
                yield from self._below(node, NODE_AT, levels - 1, value)
            low += 1
            # The lowest bit of a hash says that the names of the hash before go on here.
            if low >= count or _WORD.unpack_from(data, at + low * 8)[0] != value | 1:
                return
