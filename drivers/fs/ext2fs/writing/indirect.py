# SPDX-License-Identifier: BSD-2-Clause
"""Block maps of ext2 and ext3 that change: block numbers in the inode, and blocks of them, up to three deep.

A leaf - the inode's direct block numbers, or a block of numbers of data - changes at once, with what leads to it.
"""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.ext2fs.indirect import DIRECT
from rump.drivers.fs.ext2fs.writing.releases import free_node, take_node
from rump.kernel.errors import Corrupt, fault
from rump.kernel.vfs.transaction import NEW, STRUCTURE
from rump.kernel.vfs.volume import DATA
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.inode import Draft
    from rump.drivers.fs.ext2fs.writing.releases import Releases
    from rump.drivers.fs.ext2fs.writing.state import State

TARGETS_MAX = 1 << 32       # blocks of a volume that can be named
LEAVES_MAX = 16             # filled in one go
_INODE = Struct("<15I")


class IndirectMaps:
    """The block maps of a volume that is written to, of files without extents.

    blocks_max   that a map can hold
    step_max     that may be mapped in one go
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._per_block = per_block = state.geometry.block_size // 4
        self._words = Struct(f"<{per_block}I")
        self.step_max = LEAVES_MAX * per_block
        self.blocks_max = min(DIRECT + per_block + per_block**2 + per_block**3, (1 << 32) - 1)

    # ---- changes -------------------------------------------------------------------------------------------------

    def add(self, draft: Draft, block: int, target: int, count: int) -> None:
        """Map a hole's blocks.  Errors: Corrupt - part of it is no hole; ENOSPC; EFBIG - a number does not fit."""
        if target + count > TARGETS_MAX or block + count > self.blocks_max:
            raise fault(e.EFBIG, f"inode {draft.number}: blocks {target} to {target + count} at {block}")
        root = list(_INODE.unpack(draft.block))
        while count:
            slots = self._slots(block)
            part = min(count, (self._per_block if len(slots) > 1 else DIRECT) - slots[-1])
            self._fill(draft, root, slots, target, part)
            block, target, count = block + part, target + part, count - part
        draft.block = _INODE.pack(*root)

    def _fill(self, draft: Draft, words: list[int], slots: list[int], target: int, count: int) -> None:
        """Enter block numbers in the leaf that `slots` lead to from `words`."""
        at = slots[0]
        if len(slots) == 1:
            if any(words[at : at + count]):
                raise Corrupt(f"inode {draft.number}: {count} blocks for {target} are mapped already")
            words[at : at + count] = range(target, target + count)
            return
        node, phase = words[at], STRUCTURE
        if node:
            below = self._read(draft, node)
        else:
            below, phase = [0] * self._per_block, NEW
            node = words[at] = take_node(self._state, draft, target + count)
            if node >= TARGETS_MAX:
                raise fault(e.ENOSPC, f"inode {draft.number}: no block below {TARGETS_MAX} is free")
        self._fill(draft, below, slots[1:], target, count)
        self._state.store.put(node, self._words.pack(*below), phase)

    def remove(self, draft: Draft, first: int, end: int, releases: Releases) -> None:
        """Unmap blocks `first` to `end`, from the end backwards.  Errors: Corrupt."""
        end = min(end, self.blocks_max)
        while first < end:
            end = self._cut(draft, first, end, releases)
            releases.pause()

    def _cut(self, draft: Draft, first: int, end: int, releases: Releases) -> int:
        """Unmap what one leaf has of `first` to `end`, or the last part of it; where the rest ends."""
        slots = self._slots(end - 1)
        chain = [(0, list(_INODE.unpack(draft.block)))]
        for level, at in enumerate(slots[:-1]):
            words = chain[-1][1]
            if not words[at]:
                return max(first, self._hole(words, slots, level, end - 1))
            chain.append((words[at], self._read(draft, words[at])))
        start = end - 1 - slots[-1]
        low = self._release(draft, max(first, start), end, releases)
        words = chain[-1][1]
        words[low - start : end - start] = [0] * (end - low)
        self._settle(draft, chain, slots)
        return low

    def _hole(self, words: list[int], slots: list[int], level: int, block: int) -> int:
        """Where the hole that a block lies in begins, as far as one node tells: `slots[level]` of `words` is 0."""
        span = self._per_block ** (len(slots) - 1 - level)
        for depth, at in enumerate(slots[level + 1 :], level + 1):
            block -= at * self._per_block ** (len(slots) - 1 - depth)
        at = slots[level]
        while level and at and not words[at - 1]:
            at -= 1
            block -= span
        return block

    def _release(self, draft: Draft, first: int, end: int, releases: Releases) -> int:
        """Give up the data of a leaf's blocks `first` to `end`, or of the last of them; the first that went."""
        releases.leaf()
        for kind, block, count, target in reversed(list(self._state.block_maps.runs(draft, first, end))):
            if kind == DATA:
                if releases.full:
                    return block + count
                releases.data(target, count)
        return first

    def _settle(self, draft: Draft, chain: list[tuple[int, list[int]]], slots: list[int]) -> None:
        """The last node of a chain has changed; those without any block are freed."""
        for level in range(len(chain) - 1, 0, -1):
            node, words = chain[level]
            if any(words):
                self._state.store.put(node, self._words.pack(*words), STRUCTURE)
                return
            free_node(self._state, draft, node)
            chain[level - 1][1][slots[level - 1]] = 0
        draft.block = _INODE.pack(*chain[0][1])

    # ---- nodes -----------------------------------------------------------------------------------------------------

    def _slots(self, block: int) -> list[int]:
        """Which word of the inode, and then of each node, leads to a block of a file."""
        if block < DIRECT:
            return [block]
        block -= DIRECT
        size = self._per_block
        for depth in (1, 2, 3):
            span = size**depth
            if block < span:
                return [DIRECT + depth - 1] + [block // size**power % size for power in range(depth - 1, -1, -1)]
            block -= span
        raise fault(e.EFBIG, f"block {block + self.blocks_max} of a file")

    def _read(self, inode: Inode, block: int) -> list[int]:
        """The block numbers in a node.  Errors: Corrupt."""
        medium = self._state.medium
        geometry = medium.geometry
        if not geometry.has_data(block, 1):
            raise Corrupt(f"inode {inode.number}: indirect block {block} is outside the volume")
        data = medium.read(
            block << geometry.shift, geometry.block_size, lambda: f"inode {inode.number}: indirect block"
        )
        return list(self._words.unpack(data))
