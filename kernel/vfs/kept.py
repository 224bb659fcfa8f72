# SPDX-License-Identifier: BSD-2-Clause
"""What drivers keep decoded, bounded: the things used last."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any


class Kept:
    """The things used last, up to a total cost; at least the last one."""

    __slots__ = ("_things", "cost", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.cost = 0
        self._things: dict[Hashable, tuple[Any, int]] = {}

    def get(self, key: Hashable) -> Any:
        """The thing kept under `key`, or None."""
        found = self._things.pop(key, None)
        if found is None:
            return None
        self._things[key] = found
        return found[0]

    def put(self, key: Hashable, thing: object, cost: int = 1) -> None:
        """Keep a thing; others go."""
        things = self._things
        self.cost += cost - things.pop(key, (None, 0))[1]
        things[key] = (thing, cost)
        while self.cost > self.limit and len(things) > 1:
            self.cost -= things.pop(next(iter(things)))[1]

    def drop(self, key: Hashable) -> None:
        """Do not keep what is under `key`."""
        self.cost -= self._things.pop(key, (None, 0))[1]

    def clear(self) -> None:
        """Keep nothing."""
        self._things.clear()
        self.cost = 0
