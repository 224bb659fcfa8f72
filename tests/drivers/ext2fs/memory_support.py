# SPDX-License-Identifier: BSD-2-Clause
"""A device in memory that is written to, and a keeper that writes every block into its place."""

from __future__ import annotations

from ext2_support import Bytes

from rump.kernel.errors import fault
from rump.kernel.vfs.transaction import Keeper, Store


class Memory(Bytes):
    """A device of bytes that can be written.

    syncs       how often it was synced
    discarded   the ranges nobody needs
    refusal     errno that discarding fails with, or 0
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(bytearray(data))
        self.read_only = False
        self.syncs = 0
        self.discarded: list[tuple[int, int]] = []
        self.refusal = 0

    def read(self, offset: int, length: int) -> bytes:
        return bytes(super().read(offset, length))

    def write(self, offset: int, data) -> None:
        assert 0 <= offset <= offset + len(data) <= self.size
        self.data[offset : offset + len(data)] = data

    def sync(self, barrier: bool = False) -> None:
        self.syncs += 1

    def discard(self, offset: int, length: int) -> None:
        if self.refusal:
            raise fault(self.refusal)
        self.discarded.append((offset, length))


class InPlace(Keeper):
    """Writes all blocks into their places, in no order; counts what transactions were like."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self.limit = limit
        self.largest = self.commits = 0

    def commit(self, store: Store) -> bool:
        store.write({block: store.blocks[block] for block in store.running})
        self.largest = max(self.largest, len(store.running))
        self.commits += 1
        return True
