# SPDX-License-Identifier: BSD-2-Clause
"""The medium of a volume that is written to: pieces are single blocks, and come from the running transaction first."""

from __future__ import annotations

from rump.drivers.fs.ext2fs.medium import NO_FAULTS, Medium

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.drivers.fs.ext2fs.medium import Faults, Piece
    from rump.kernel.vfs.transaction import Store


class WritableMedium(Medium):
    """A device whose metadata changes through a store.  All pieces asked of it must be whole single blocks."""

    store: Store

    def drop(self, block: int) -> None:
        """Forget what the cache knows of a block."""
        self.cache.drop(block << self.geometry.shift)

    def piece(
        self,
        offset: int,
        length: int,
        owner: int,
        what: Callable[[], str],
        check: Callable[[bytes], Faults] | None,
    ) -> Piece:
        """As of any medium.  What is in the transaction was made here, and passes as anything."""
        data = self.store.blocks.get(offset >> self.geometry.shift)
        if data is not None:
            return owner, data, NO_FAULTS
        return super().piece(offset, length, owner, what, check)
