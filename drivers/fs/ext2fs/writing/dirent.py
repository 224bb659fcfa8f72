# SPDX-License-Identifier: BSD-2-Clause
"""The blocks of directories while they change: read one by one, put without their checksums, summed before a commit.

A block that forty names enter is summed once.  Until then nobody needs the sum: what is in the transaction was made
here.
"""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.dirent import SHORTEST, Directories
from rump.drivers.fs.ext2fs.htree import INFO_AT, INFO_LENGTH, NODE_AT
from rump.drivers.fs.ext2fs.medium import DIRECTORY, KINDS
from rump.kernel.errors import Corrupt
from rump.kernel.vfs.transaction import NAMES, NEW
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.state import State
    from rump.kernel.vfs.transaction import Store

ROOT_ITEMS_AT = INFO_AT + INFO_LENGTH   # bytes into a hash tree's root

LEAF = 0                                # how a block is summed: entries and a tail ...
ROOT = ROOT_ITEMS_AT                    # ... or as a node of a hash tree: where its items begin
NODE = NODE_AT

_EXTENT = disk_files.Extent.struct
_TAIL = disk_files.DirentTail.struct


class DirectoryBlocks(Directories):
    """Directory blocks as they are in the running transaction, and changed in it.

    unsummed   block of the volume -> (where its checksum starts, LEAF, ROOT or NODE), of those put without one
    """

    def __init__(self, state: State) -> None:
        super().__init__(state.medium, state.maps)
        self._window = 1                    # block: pieces are single
        self._state = state
        self._store: Store = state.store
        self._shift = state.geometry.shift
        self._crc32c = state.services.crc32c
        self._summing = state.geometry.checksums
        self._seed = (0, 0, 0)              # the last one made: number, generation, seed
        self.unsummed: dict[int, tuple[int, int]] = {}
        state.store.prepare.append(self.prepare)
        state.store.committed.append(self.committed)

    # ---- reading -------------------------------------------------------------------------------------------------

    def target(self, inode: Inode, number: int) -> int:
        """Where block `number` of a directory is.  Errors: Corrupt - nowhere."""
        if inode.flags & disk_files.INODE_EXTENTS and not inode.block[6]:      # all extents are in the inode
            for at in range(12, 12 + min(inode.block[2], 4) * 12, 12):
                first, count, high, low = _EXTENT.unpack_from(inode.block, at)
                if first <= number < first + count <= first + disk_files.EXTENT_UNWRITTEN:
                    place = (low | high << 32) + number - first
                    if self._state.geometry.has_data(place, 1):
                        return int(place)
        for kind, _, _, place in self._maps.blocks(inode, number, number + 1):
            if kind == DATA:
                return place
        raise Corrupt(f"directory {inode.number}: block {number} is a hole")

    def fetch(self, inode: Inode, number: int) -> tuple[int, bytes]:
        """(place on the volume, contents) of a block.  Errors: Corrupt - its checksum is wrong, or there is none."""
        if not 0 <= number < inode.size >> self._shift:
            raise Corrupt(f"directory {inode.number}: no block {number}")
        place = self.target(inode, number)
        data = self._store.blocks.get(place)
        return place, self._incoming(inode, number, place) if data is None else data

    def block(self, inode: Inode, number: int) -> bytes:
        """As of any directories."""
        return self.fetch(inode, number)[1]

    def each(self, inode: Inode, first: int = 0) -> Iterator[tuple[int, int, bytes]]:
        """(number, place, contents) of a directory's blocks from `first` on.  Errors: as `fetch`."""
        total = self.count(inode)
        blocks = self._store.blocks
        while first < total:
            for kind, number, count, place in self._maps.blocks(inode, first, total):
                if kind != DATA:
                    raise Corrupt(f"directory {inode.number}: block {number} is a hole")
                for index in range(count):
                    data = blocks.get(place + index)
                    if data is None:
                        data = self._incoming(inode, number + index, place + index)
                    yield number + index, place + index, data
                first = number + count

    def _incoming(self, inode: Inode, number: int, place: int) -> bytes:
        """A block that is not in the transaction."""
        _, data, bad = self._medium.piece(
            place << self._shift,
            self.block_size,
            inode.number * KINDS + DIRECTORY,
            lambda: f"directory {inode.number}",
            lambda data: self._check(inode, number, data),
        )
        if bad:
            raise Corrupt(f"directory {inode.number}: block {number}: {bad[0]}")
        return data

    # ---- changing ------------------------------------------------------------------------------------------------

    def put(self, inode: Inode, place: int, data: bytes, kind: int = LEAF, phase: int = NAMES) -> None:
        """New contents of the block at `place` of the volume, which is summed as its `kind` is."""
        if self._summing:
            wanted = self._seed_of(inode), kind
            if self.unsummed.get(place) != wanted:
                self._store.set(self.unsummed, place, wanted)
        self._store.put(place, data, phase)

    def append(self, draft: Draft) -> tuple[int, int]:
        """A directory's next block: (number in the directory, place on the volume); its contents are to be put.

        Errors: ENOSPC.
        """
        return self._state.block_maps.append(draft)

    def is_new(self, place: int) -> bool:
        """Whether nothing on the device leads to a block yet, so that it may change in any way."""
        return self._store.running.get(place) == NEW

    def _seed_of(self, inode: Inode) -> int:
        number, generation, seed = self._seed
        if number != inode.number or generation != inode.generation:
            seed = self._medium.inode_seed(inode.number, inode.generation)
            self._seed = inode.number, inode.generation, seed
        return seed

    # ---- commit --------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Give every block put its checksum."""
        store = self._store
        for place, (seed, kind) in self.unsummed.items():
            if place in store.running:          # else it was freed
                data = store.blocks[place]
                store.put(place, self._summed_node(data, seed, kind) if kind else self._summed_leaf(data, seed))

    def committed(self) -> None:
        """All blocks are summed."""
        self.unsummed.clear()

    def _summed_leaf(self, data: bytes, seed: int) -> bytes:
        end = self.block_size - SHORTEST
        body = data[:end]
        return body + _TAIL.pack(0, SHORTEST, 0, disk_files.TAIL_TYPE, self._crc32c(seed, body))

    def _summed_node(self, data: bytes, seed: int, at: int) -> bytes:
        room, count = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        tail = at + room * 8
        checksum = self._crc32c(seed, data[: at + count * 8])
        checksum = self._crc32c(checksum, data[tail : tail + 4] + b"\0\0\0\0")
        return data[: tail + 4] + checksum.to_bytes(4, "little") + data[tail + 8 :]
