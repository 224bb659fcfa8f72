# SPDX-License-Identifier: BSD-2-Clause
"""Caches of what was derived from blocks - extents, indexes - on a volume that changes.

An operation that is rolled back takes blocks back to what they were.  A cache need not follow step by step: it is
cleared when that has happened, and made anew from the blocks.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.vfs.transaction import Store


class Revision:
    """What a cache goes by."""

    def __init__(self, store: Store, clear: Callable[[], None]) -> None:
        """`clear` empties the cache."""
        self._store = store
        self._clear = clear
        self._kept = {0: 0}     # goes back when an operation is rolled back
        self._seen = 0
        self._count = 0

    def check(self) -> None:
        """To be called before the cache is used."""
        if self._kept[0] != self._seen:
            self._clear()
            self._seen = self._kept[0]

    def advance(self) -> None:
        """To be called within an operation, before the cache is changed along with the blocks."""
        self.check()
        self._count += 1
        self._store.set(self._kept, 0, self._count)
        self._seen = self._count
