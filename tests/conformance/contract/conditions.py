# SPDX-License-Identifier: BSD-2-Clause
"""Mutexes and condition variables."""

from __future__ import annotations

from rump.conformance.contract.scenario import MS, SECOND, ContractScenario
from rump.rumpuser.interface.errno import EDEADLK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def a_mutex_can_be_taken_again(t: ContractScenario) -> None:
    mutex = t.host.mutex_create()
    for _ in range(2):
        mutex.acquire()
        mutex.release()
    other = t.host.mutex_create()
    t.true(other is not mutex, "there is but one")
    mutex.acquire()
    other.acquire()


def one_thread_does_not_wait_for_itself(t: ContractScenario) -> None:
    if t.traits.threads:
        t.without("one_thread")
    mutex = t.host.mutex_create()
    mutex.acquire()
    with t.refused(EDEADLK):
        mutex.acquire()
    with t.refused(EDEADLK):
        t.host.condition_create(mutex).wait(None)
    mutex.release()


def the_time_is_up(t: ContractScenario) -> None:
    mutex = t.host.mutex_create()
    condition = t.host.condition_create(mutex)
    mutex.acquire()
    for timeout in (-1, 0, MS, 15 * MS):
        start = t.now()
        t.true(condition.wait(timeout) is False, "somebody woke us")
        took = t.now() - start
        t.true(max(0, timeout) <= took < 10 * SECOND, f"{took} ns instead of {timeout}")
    mutex.release()     # which would be an error if wait had not taken it again


def signals_without_waiters_are_lost(t: ContractScenario) -> None:
    mutex = t.host.mutex_create()
    condition = t.host.condition_create(mutex)
    mutex.acquire()
    condition.signal()
    condition.broadcast()
    t.true(condition.wait(0) is False, "a signal was kept")


class _Waiters:
    """Threads that wait on one condition, numbered in the order in which they came."""

    def __init__(self, t: ContractScenario, count: int, timeout: int | None = None) -> None:
        self.t = t
        self.mutex = t.host.mutex_create()
        self.condition = t.host.condition_create(self.mutex)
        self.waiting: list[int] = []
        self.woken: list[int] = []
        self.threads = []
        for _ in range(count):
            self.threads.append(t.start(lambda: self._wait(timeout)))
            self.until(lambda: len(self.waiting) == len(self.threads))

    def _wait(self, timeout: int | None) -> None:
        self.t.cpu.unschedule()
        self.mutex.acquire()
        number = len(self.waiting)
        self.waiting.append(number)
        if self.condition.wait(timeout):
            self.woken.append(number)
        self.mutex.release()
        self.t.cpu.schedule()

    def until(self, ready: Callable[[], bool]) -> None:
        """Looks with the mutex held, which is to be had once the others wait."""
        self.t.until(lambda: self.locked(ready), "a waiter")

    def locked(self, call: Callable[[], object]) -> object:
        self.mutex.acquire()
        try:
            return call()
        finally:
            self.mutex.release()

    def end(self) -> None:
        self.locked(self.condition.broadcast)
        for thread in self.threads:
            thread.join()


def a_signal_wakes_the_first(t: ContractScenario) -> None:
    waiters = _Waiters(t, 3)
    waiters.locked(waiters.condition.signal)
    waiters.until(lambda: waiters.woken == [0])
    waiters.locked(waiters.condition.signal)
    waiters.until(lambda: waiters.woken == [0, 1])
    waiters.end()
    t.equal(waiters.woken, [0, 1, 2], "woken")


def two_signals_wake_two(t: ContractScenario) -> None:
    waiters = _Waiters(t, 3)

    def twice() -> None:
        waiters.condition.signal()
        waiters.condition.signal()

    waiters.locked(twice)
    waiters.until(lambda: len(waiters.woken) == 2)
    t.equal(sorted(waiters.woken), [0, 1], "woken")
    waiters.end()


def a_broadcast_wakes_all(t: ContractScenario) -> None:
    waiters = _Waiters(t, 3)
    waiters.locked(waiters.condition.broadcast)
    waiters.until(lambda: sorted(waiters.woken) == [0, 1, 2])
    waiters.end()


def a_signal_before_the_time_is_up(t: ContractScenario) -> None:
    waiters = _Waiters(t, 1, timeout=600 * SECOND)
    start = t.now()
    waiters.locked(waiters.condition.signal)
    waiters.until(lambda: waiters.woken == [0])
    t.true(t.now() - start < 300 * SECOND, "woken only when the time was up")
    waiters.end()


def who_gave_up_is_not_woken(t: ContractScenario) -> None:
    """The signal is for one who still waits."""
    waiters = _Waiters(t, 1, timeout=MS)
    for thread in waiters.threads:
        thread.join()
    late = t.start(lambda: waiters._wait(None))
    waiters.until(lambda: len(waiters.waiting) == 2)
    waiters.locked(waiters.condition.signal)
    late.join()
    t.equal(waiters.woken, [1], "woken")


def a_wait_gives_up_the_mutex_only(t: ContractScenario) -> None:
    """The kernel's conditions are bound to the mutex that is the virtual CPU; no upcall is made."""
    mutex = t.host.mutex_create()
    condition = t.host.condition_create(mutex)
    mutex.acquire()
    t.equal(t.gave_up(condition.wait, MS), 0, "the virtual CPU given up")
    mutex.release()
