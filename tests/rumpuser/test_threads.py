# SPDX-License-Identifier: BSD-2-Clause
"""Mutexes and condition variables, on every host."""

import threading
import time

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface.errno import EDEADLK
from rump.rumpuser.interface.hypercalls import (
    CLOCK_ABSMONO,
)

MS = 10**6


def test_mutex(host):
    mutex = host.mutex_create()
    for _ in range(2):
        mutex.acquire()
        mutex.release()
    assert host.mutex_create() is not mutex


def test_mutex_of_one_thread(refused):
    mutex = Bare(Memory()).mutex_create()
    mutex.acquire()
    with refused(EDEADLK):
        mutex.acquire()


def test_condition_times_out(host):
    mutex = host.mutex_create()
    condition = host.condition_create(mutex)
    mutex.acquire()
    for timeout in (0, MS):
        start = host.clock_gettime(CLOCK_ABSMONO)
        assert condition.wait(timeout) is False
        assert host.clock_gettime(CLOCK_ABSMONO) - start >= timeout
    mutex.release()     # which would be an error if wait had not taken it again


def test_condition_for_ever_without_threads(host, refused):
    if host.traits.threads:
        pytest.skip("a host with threads")
    mutex = host.mutex_create()
    mutex.acquire()
    with refused(EDEADLK):
        host.condition_create(mutex).wait(None)
    mutex.release()


def test_signals_without_waiters_are_lost(host):
    mutex = host.mutex_create()
    condition = host.condition_create(mutex)
    mutex.acquire()
    condition.signal()
    condition.broadcast()
    assert condition.wait(0) is False


class Waiters:
    """Threads that wait on one condition, numbered in the order in which they came."""

    def __init__(self, host, count, timeout=None):
        self.mutex = host.mutex_create()
        self.condition = host.condition_create(self.mutex)
        self.waiting = 0
        self.woken = []
        self.threads = []
        for number in range(count):
            thread = threading.Thread(target=self._wait, args=(number, timeout))
            self.threads.append(thread)
            thread.start()
            self._until(lambda wanted=number + 1: self.waiting == wanted)

    def _wait(self, number, timeout):
        self.mutex.acquire()
        self.waiting += 1
        if self.condition.wait(timeout):
            self.woken.append(number)
        self.mutex.release()

    def _until(self, ready):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self.mutex.acquire()        # only to be had once the waiter waits
            done = ready()
            self.mutex.release()
            if done:
                return
        raise AssertionError("waited in vain")

    def wake(self, how):
        self.mutex.acquire()
        how()
        self.mutex.release()

    def until_woken(self, numbers):
        self._until(lambda: self.woken == numbers)


@pytest.fixture
def waiters(host):
    if not host.traits.threads:
        pytest.skip("a host without threads")
    waiters = Waiters(host, 3)
    yield waiters
    waiters.wake(waiters.condition.broadcast)
    for thread in waiters.threads:
        thread.join(10)


def test_signal_wakes_the_first(waiters):
    waiters.wake(waiters.condition.signal)
    waiters.until_woken([0])
    waiters.wake(waiters.condition.signal)
    waiters.until_woken([0, 1])


def test_broadcast_wakes_all(waiters):
    waiters.wake(waiters.condition.broadcast)
    waiters._until(lambda: sorted(waiters.woken) == [0, 1, 2])


def test_signal_before_the_time_is_up(host):
    if not host.traits.threads:
        pytest.skip("a host without threads")
    waiters = Waiters(host, 1, timeout=60 * 10**9)
    waiters.wake(waiters.condition.signal)
    waiters.until_woken([0])
    waiters.threads[0].join(10)
