# SPDX-License-Identifier: BSD-2-Clause
"""Threads, mutexes and condition variables by the interpreter's own threads, for a host whose interpreter has them.

A mutex is a plain lock of the interpreter itself: acquiring it costs no call of ours.  (The module `threading` has
conditions too, but importing it costs a fifth of a small command's start.)
"""

from __future__ import annotations

import _thread
from _thread import TIMEOUT_MAX, allocate_lock, get_ident

from rump.rumpuser.interface.errno import EAGAIN, EDEADLK, HostError
from rump.rumpuser.interface.hypercalls import Condition, Mutex, Thread
from rump.rumpuser.pure.upcalls import Handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable
    from typing import Any

_set_name = getattr(_thread, "set_name", None)      # of 3.14


class Threads(Handshake):
    """Threads that run, and locks that really wait."""

    def thread_create(self, function: Callable[[], object], name: str) -> Thread:
        return InterpreterThread(self, function, name)

    def _name_thread(self, name: str) -> None:
        """Have the host call the running thread so, as far as it can."""
        if _set_name is not None:
            _set_name(name)

    def mutex_create(self) -> Mutex:
        lock: Any = allocate_lock()
        mutex: Mutex = lock
        return mutex

    def condition_create(self, mutex: Mutex) -> Condition:
        return WaitingCondition(mutex)


class InterpreterThread(Thread):
    """A thread, and a lock that it holds for as long as it runs."""

    def __init__(self, host: Threads, function: Callable[[], object], name: str) -> None:
        self._host = host
        self._ident = 0
        self._running = allocate_lock()
        self._running.acquire()
        try:
            _thread.start_new_thread(self._run, (function, name))
        except RuntimeError:
            raise HostError(EAGAIN, "thread_create") from None

    def _run(self, function: Callable[[], object], name: str) -> None:
        self._ident = get_ident()
        try:
            self._host._name_thread(name)
            function()
        finally:
            self._ident = 0         # the interpreter gives the number to later threads
            self._running.release()

    def join(self) -> None:
        if self._ident == get_ident():
            raise HostError(EDEADLK, "Thread.join")
        self._host._unschedule()
        try:
            with self._running:
                pass
        finally:
            self._host._schedule()


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
