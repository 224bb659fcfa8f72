# SPDX-License-Identifier: BSD-2-Clause
"""Locks where there is one thread: who would have to wait has nobody to wait for."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EDEADLK, HostError
from rump.rumpuser.interface.hypercalls import Condition, Mutex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class FlagMutex(Mutex):
    """Errors of acquire: EDEADLK - it is taken, and its holder is ourselves."""

    def __init__(self) -> None:
        self.held = False

    def acquire(self) -> object:
        if self.held:
            raise HostError(EDEADLK, "Mutex.acquire")
        self.held = True
        return True

    def release(self) -> None:
        self.held = False


class LonelyCondition(Condition):
    """Nobody can signal a waiter, so waiting is letting the time go by: `sleep` does, for nanoseconds."""

    def __init__(self, mutex: Mutex, sleep: Callable[[int], None]) -> None:
        self._mutex = mutex
        self._sleep = sleep

    def wait(self, timeout: int | None) -> bool:
        if timeout is None:
            raise HostError(EDEADLK, "Condition.wait")
        self._mutex.release()
        try:
            self._sleep(timeout)
        finally:
            self._mutex.acquire()
        return False

    def signal(self) -> None:
        """Nobody waits."""

    def broadcast(self) -> None:
        """Nobody waits."""
