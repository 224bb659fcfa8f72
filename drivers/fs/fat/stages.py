# SPDX-License-Identifier: BSD-2-Clause
"""What reaches the device before what, on volumes without a journal.

A transaction is written in stages, a barrier after each.  A block that changes in several of them is written in
several versions, each with the changes up to its stage: sectors of a table or a bitmap hold both what must be there
first and what must come last.

A crash between stages leaves, beside the mark that the volume was in use, at worst clusters that are taken and belong
to nobody, chains that are longer than their files, and a file with its old and its new name.
"""

from __future__ import annotations

from rump.kernel.vfs.transaction import Keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.buffer import BufferCache
    from rump.kernel.vfs.transaction import Store

    Versions: TypeAlias = tuple[bytes | None, ...]

MARK = 0            # that the volume is in use
NEW = 1             # what was free and nothing leads to: chains of new clusters, new directories; data is there before
LINK = 2            # chains in use go on to new clusters
NAMES = 3           # entries of directories come, change and go
CUT = 4             # old names of what has moved go; chains end earlier
RELEASE = 5         # clusters are free; and that the volume is not in use any more
STAGES = 6

BLOCKS_MAX = 8192
BYTES_MAX = 16 << 20        # of one transaction; it is in memory


class StagedKeeper(Keeper):
    """Commits in stages."""

    def __init__(self, device: BlockDevice, shift: int) -> None:
        self._device = device
        self.limit = min(BLOCKS_MAX, BYTES_MAX >> shift)
        self.stages: Stages | None = None

    def commit(self, store: Store) -> bool:
        """Write the running transaction.  Errors: of the device."""
        rows: list[dict[int, bytes]] = [{} for _ in range(STAGES)]
        layered = self.stages.versions if self.stages is not None else {}
        for block, stage in store.running.items():
            versions = layered.get(block)
            if versions is None:
                rows[stage][block] = store.blocks[block]
                continue
            for number, data in enumerate(versions):
                if data is not None:
                    rows[number][block] = data
        for stage, blocks in enumerate(rows):
            if blocks or stage == NEW:      # with which the data of files goes
                store.write(blocks)
                self._device.sync(barrier=True)
        return True


class Stages:
    """The blocks of a volume as the running transaction has them.

    versions   block -> its contents at each stage, None where they are those of the stage before; of blocks that
               change in more than one
    """

    def __init__(self, store: Store, keeper: StagedKeeper, cache: BufferCache) -> None:
        """`cache` is of single blocks of the device; the store's `drop` drops them."""
        keeper.stages = self
        self.store = store
        self.shift = store.shift
        self.versions: dict[int, Versions] = {}
        self._before: dict[int, bytes] = {}     # what the running transaction found
        self._cache = cache
        store.committed.append(self._committed)

    def _committed(self) -> None:
        self.versions.clear()
        self._before.clear()

    # ---- reading -------------------------------------------------------------------------------------------------

    def read(self, block: int) -> bytes:
        """A block as it is now.  Errors: EIO."""
        data = self.store.blocks.get(block)
        if data is None:
            kept = self._cache.read(block << self.shift, 1 << self.shift)
            assert isinstance(kept, bytes)
            return kept
        return data

    def read_range(self, offset: int, length: int) -> bytes:
        """Bytes of the device as they are now, in one piece.  Errors: EIO."""
        shift, blocks = self.shift, self.store.blocks
        data = self.store.device.read(offset, length)
        first, last = offset >> shift, offset + length - 1 >> shift
        if len(blocks) > last - first:
            changed = [block for block in range(first, last + 1) if block in blocks]
        else:
            changed = [block for block in blocks if first <= block <= last]
        if changed:
            whole = bytearray(data)
            for block in changed:
                start = (block << shift) - offset
                low, high = max(start, 0), min(start + (1 << shift), length)
                whole[low:high] = blocks[block][low - start : high - start]
            data = bytes(whole)
        return data

    def read_short(self, offset: int, length: int) -> bytes:
        """As `read_range`, of a few bytes, by way of the cache."""
        shift = self.shift
        first, last = offset >> shift, offset + length - 1 >> shift
        start = offset - (first << shift)
        if first == last:
            return self.read(first)[start : start + length]
        return b"".join([self.read(block) for block in range(first, last + 1)])[start : start + length]

    # ---- changing ------------------------------------------------------------------------------------------------

    def write(self, offset: int, data: bytes, stage: int) -> None:
        """Change bytes at a device offset."""
        shift = self.shift
        at = 0
        while at < len(data):
            block, within = offset + at >> shift, offset + at & (1 << shift) - 1
            count = min(len(data) - at, (1 << shift) - within)
            self.patch(block, within, data[at : at + count], stage)
            at += count

    def patch(self, block: int, at: int, data: bytes, stage: int) -> None:
        """Change bytes of a block."""
        store = self.store
        if len(data) == 1 << self.shift and block not in store.running:
            store.put(block, data, stage)
            store.set(self._before, block, data)    # whatever was there, nobody wants it back
            return
        end = at + len(data)
        old = self.read(block)
        last = store.running.get(block)
        if last is None or (last == stage and block not in self.versions):
            if last is None:
                store.set(self._before, block, old)
            store.put(block, old[:at] + data + old[end:], stage)
        else:
            self.edit(block, lambda version: version[:at] + data + version[end:], stage)

    def edit(self, block: int, change: Callable[[bytes], bytes], stage: int) -> None:
        """Change a block by a function of what it holds; it is called for the block's versions from `stage` on."""
        store = self.store
        old = self.read(block)
        last = store.running.get(block)
        if last is None:
            store.set(self._before, block, old)
        if last is None or (last == stage and block not in self.versions):
            store.put(block, change(old), stage)
            return
        versions = list(self.versions.get(block) or [old if number == last else None for number in range(STAGES)])
        if versions[stage] is None:
            earlier = [data for data in versions[:stage] if data is not None]
            versions[stage] = earlier[-1] if earlier else self._before[block]
        for number in range(stage, STAGES):
            data = versions[number]
            if data is not None:
                versions[number] = final = change(data)
        store.set(self.versions, block, tuple(versions))
        store.put(block, final)
        if stage > last:
            store.set(store.running, block, stage)

    def copy(self, block: int, other: int) -> None:
        """Another block becomes what this one is, stage by stage."""
        store = self.store
        store.put(other, store.blocks[block], store.running[block])
        store.set(store.running, other, store.running[block])
        store.set(self.versions, other, self.versions.get(block))
