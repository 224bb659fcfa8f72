# SPDX-License-Identifier: BSD-2-Clause
"""thread_create and Thread.join, mutexes among threads."""

from __future__ import annotations

from rump.conformance.contract.scenario import MS, ContractScenario
from rump.rumpuser.interface.errno import EDEADLK
from rump.rumpuser.interface.hypercalls import CLOCK_RELWALL, Thread


def a_thread_runs_and_ends(t: ContractScenario) -> None:
    done: list[int] = []
    thread = t.start(lambda: done.append(1))
    thread.join()
    t.equal(done, [1], "what it did")
    thread.join()       # it may be asked again


def joining_waits(t: ContractScenario) -> None:
    done: list[int] = []

    def slowly() -> None:
        t.host.clock_sleep(CLOCK_RELWALL, 30 * MS)
        done.append(1)

    t.start(slowly).join()
    t.equal(done, [1], "what it did")


def joining_gives_up_the_virtual_cpu(t: ContractScenario) -> None:
    """Else the thread, which needs it, could never end."""
    thread = t.start(lambda: t.host.clock_sleep(CLOCK_RELWALL, MS))
    t.true(t.gave_up(thread.join) >= 1, "the virtual CPU was kept")


def a_thread_cannot_wait_for_itself(t: ContractScenario) -> None:
    made: list[Thread] = []

    def join() -> None:
        t.until(lambda: made, "the thread's own name")
        with t.refused(EDEADLK):
            made[0].join()

    thread = t.start(join)
    made.append(thread)
    thread.join()


def many_threads(t: ContractScenario) -> None:
    """And names of any length and kind."""
    done: list[int] = []
    names = ("", "x", "a name much longer than a host has room for", "\N{SNOWMAN} \udc80", "a\0b", *("worker",) * 15)
    numbers = iter(range(len(names)))
    threads = [t.start(lambda: done.append(next(numbers)), name) for name in names]
    for thread in reversed(threads):
        thread.join()
    t.equal(sorted(done), list(range(len(names))), "who ran")


def others_may_join(t: ContractScenario) -> None:
    order: list[str] = []

    def first() -> None:
        t.host.clock_sleep(CLOCK_RELWALL, 5 * MS)
        order.append("first")

    thread = t.start(first)

    def second() -> None:
        thread.join()
        order.append("second")

    others = [t.start(second) for _ in range(3)]
    for other in others:
        other.join()
    t.equal(order, ["first", "second", "second", "second"], "the order")


def it_begins_without_the_virtual_cpu(t: ContractScenario) -> None:
    """As long as we keep it a thread that wants it does not come to anything."""
    done: list[int] = []
    thread = t.start(lambda: done.append(1))
    end = t.now() + 20 * MS
    while t.now() < end:
        t.equal(done, [], "what was done without the virtual CPU")
    thread.join()
    t.equal(done, [1], "what it did")


def a_mutex_is_taken_by_one(t: ContractScenario) -> None:
    """Its holder gives up the virtual CPU when all want to come in, and nobody does."""
    mutex = t.host.mutex_create()
    arrived: list[int] = []
    inside: list[int] = []
    found: list[int] = []

    def work() -> None:
        arrived.append(1)
        t.cpu.unschedule()      # a mutex does not touch it
        mutex.acquire()
        t.cpu.schedule()
        inside.append(1)
        t.until(lambda: len(arrived) == 4, "the others")
        t.host.clock_sleep(CLOCK_RELWALL, 5 * MS)
        found.append(len(inside))
        inside.pop()
        mutex.release()

    for thread in [t.start(work) for _ in range(4)]:
        thread.join()
    t.equal(found, [1] * 4, "how many were inside")


def a_mutex_is_handed_over(t: ContractScenario) -> None:
    mutex = t.host.mutex_create()
    order: list[str] = []
    mutex.acquire()

    arrived: list[int] = []

    def wait() -> None:
        arrived.append(1)
        t.cpu.unschedule()
        mutex.acquire()
        t.cpu.schedule()
        order.append("taken")
        mutex.release()

    thread = t.start(wait)
    t.until(lambda: arrived, "the other thread")
    t.host.clock_sleep(CLOCK_RELWALL, 20 * MS)
    order.append("released")
    mutex.release()
    thread.join()
    t.equal(order, ["released", "taken"], "the order")
