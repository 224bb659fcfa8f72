# SPDX-License-Identifier: BSD-2-Clause
"""Volumes without a journal: a transaction is written in phases, each on stable storage before the next begins.

A crash between them leaves what a checker can mend without loss: space that is taken and belongs to nobody, counters
that are off, never a name without a file or a block with two owners.
"""

from __future__ import annotations

from rump.kernel.vfs.transaction import NEW, PHASES, STRUCTURE, Keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.transaction import Store

BLOCKS_MAX = 4096
BYTES_MAX = 16 << 20        # of one transaction; it is in memory


class OrderedKeeper(Keeper):
    """An order of writing."""

    def __init__(self, device: BlockDevice, shift: int, before: Callable[[], None]) -> None:
        """`before` is called before a commit writes anything, and may write; its writes are on stable storage before
        anything that is in use changes."""
        self._device = device
        self._before = before
        self.limit = min(BLOCKS_MAX, BYTES_MAX >> shift)

    def commit(self, store: Store) -> bool:
        """Write the running transaction.  Errors: of the device."""
        if store.running:
            self._before()      # it may change the superblock, which may be in the transaction
        phases: list[dict[int, bytes]] = [{} for _ in range(PHASES)]
        for block, phase in store.running.items():
            phases[phase][block] = store.blocks[block]
        for block, data in store.early.items():
            phases[STRUCTURE].setdefault(block, data)
        # With the first barrier go the data of files, and what `before` has written.
        for phase, blocks in enumerate(phases):
            if blocks or phase == NEW:
                store.write(blocks)
                self._device.sync(barrier=True)
        return True
