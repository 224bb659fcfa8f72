# SPDX-License-Identifier: BSD-2-Clause
"""Mutexes and condition variables for a host with threads, from the interpreter's plain locks.

The mutex is such a lock itself: acquiring it costs no call of ours.  (The module `threading` has conditions too, but
importing it costs a fifth of a small command's start.)
"""

from __future__ import annotations

from _thread import TIMEOUT_MAX, allocate_lock

from rump.rumpuser.interface.hypercalls import Condition, Hypercalls, Mutex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from typing import Any


class Threads(Hypercalls):
    """Locks that really wait."""

    def mutex_create(self) -> Mutex:
        lock: Any = allocate_lock()
        mutex: Mutex = lock
        return mutex

    def condition_create(self, mutex: Mutex) -> Condition:
        return WaitingCondition(mutex)


class WaitingCondition(Condition):
    """Waiters queue in order of arrival, each on a lock of its own that a signal releases."""

    def __init__(self, mutex: Mutex) -> None:
        self._mutex = mutex
        self._waiters: list[LockType] = []      # guarded by the mutex

    def wait(self, timeout: int | None) -> bool:
        waiter = allocate_lock()
        waiter.acquire()
        self._waiters.append(waiter)
        self._mutex.release()
        try:
            waiter.acquire(True, -1 if timeout is None else _seconds(timeout))
        finally:
            self._mutex.acquire()
            # Still queued: nobody signalled, even if the time was up just before somebody would have.
            signalled = waiter not in self._waiters
            if not signalled:
                self._waiters.remove(waiter)
        return signalled

    def signal(self) -> None:
        if self._waiters:
            self._waiters.pop(0).release()

    def broadcast(self) -> None:
        while self._waiters:
            self._waiters.pop(0).release()


def _seconds(nanoseconds: int) -> float:
    return min(max(nanoseconds, 0) / 1e9, TIMEOUT_MAX)
