# SPDX-License-Identifier: BSD-2-Clause
"""The virtual CPU and sleep locks, with real threads; callouts on a virtual clock."""

import signal
import threading
import time

import pytest

from rump.kernel.callout import Callouts
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import Hypercalls
from rump.rumpuser.pure.threads import Threads

PATIENCE = 30


class Threaded(Threads, Hypercalls):
    """A host of nothing but threads."""


class Interrupted(Threads, Bare):
    """The memory host with real threads."""

    def __init__(self):
        Bare.__init__(self, Memory())


class Crew:
    """Threads that run one after the other, each started when the one before waits or has ended."""

    def __init__(self, cpu):
        self.cpu = cpu
        self.log = []
        self.threads = []

    def start(self, lock, name, writing, waits):
        """A thread takes the lock, says so, and leaves it; with `waits` it is queued when this returns."""
        queued = len(lock._queue)

        def body():
            lock.exclusive() if writing else lock.shared()
            self.log.append(name)
            lock.unlock()

        thread = threading.Thread(target=self.cpu.run, args=(body,), daemon=True)
        thread.start()
        self.threads.append(thread)
        while waits and len(lock._queue) == queued and thread.is_alive():
            pass

    def join(self):
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def cpu():
    return VirtualCPU(Threaded())


def test_first_come_first_served(cpu):
    """Readers behind a writer wait for it, in order, though they could share with who holds the lock."""
    lock, crew = SleepLock(cpu), Crew(cpu)

    def hold():
        lock.shared()
        cpu.release()
        for number, writing in enumerate((True, False, True, True, False)):
            crew.start(lock, number, writing, waits=True)
        assert crew.log == []
        cpu.acquire()
        lock.unlock()

    cpu.run(hold)
    crew.join()
    assert crew.log == [0, 1, 2, 3, 4]
    assert (lock.readers, lock.writer, lock._queue) == (0, False, [])


def test_readers_share(cpu):
    lock, crew = SleepLock(cpu), Crew(cpu)
    cpu.acquire()
    lock.shared()
    cpu.release()
    crew.start(lock, "reader", False, waits=False)
    crew.join()
    assert crew.log == ["reader"]


def test_writers_exclude_one_another(cpu):
    """Many threads add to a counter, giving the CPU up in the middle; nothing is lost."""
    lock, rounds, threads = SleepLock(cpu), 50, 8
    counter = [0]

    def add():
        lock.exclusive()
        before = counter[0]
        cpu.release()
        cpu.acquire()
        counter[0] = before + 1
        lock.unlock()

    def body():
        for _ in range(rounds):
            cpu.run(add)

    crew = [threading.Thread(target=body, daemon=True) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(PATIENCE)
    assert counter == [rounds * threads]


def test_without_threads_contention_is_a_deadlock(refused):
    cpu = VirtualCPU(Bare(Memory()))
    lock = SleepLock(cpu)
    cpu.acquire()
    lock.exclusive()
    with refused(e.EDEADLK):
        lock.shared()
    assert lock._queue == []
    lock.unlock()
    lock.shared()


def test_callouts_run_in_order_of_time_then_of_scheduling():
    now, log = [0], []
    callouts = Callouts(lambda: now[0])
    for name, delay in (("c", 30), ("a", 10), ("b", 10), ("never", 10)):
        callout = callouts.schedule(delay, lambda name=name: log.append(name))
    callout.cancel()
    assert (callouts.next(), callouts.run()) == (10, 0)
    now[0] = 10
    assert (callouts.run(), log) == (2, ["a", "b"])
    now[0] = 100
    assert (callouts.run(), log, callouts.next(), callouts.pending) == (1, ["a", "b", "c"], None, False)


def test_a_callout_may_schedule_another():
    now, log = [0], []
    callouts = Callouts(lambda: now[0])

    def again():
        log.append(now[0])
        callouts.schedule(0, again)

    callouts.schedule(5, again)
    for now[0] in (5, 6, 7):
        assert callouts.run() == 1
    assert log == [5, 6, 7]


def test_callouts_run_when_an_lwp_leaves_the_kernel_or_waits_in_it(lab, kernel):
    log = []
    kernel.callouts.schedule(10, lambda: log.append("leaving"))
    kernel.lwp.getpid()
    assert log == []
    lab.platform.time += 10
    kernel.lwp.getpid()
    assert log == ["leaving"]
    start = kernel.monotonic()
    kernel.callouts.schedule(50, lambda: log.append(kernel.monotonic() - start))
    assert kernel.lwp.poll((), 100) == ()
    assert (log, kernel.monotonic() - start) == (["leaving", 50], 100)
    kernel.callouts.schedule(0, lambda: log.append("tick"))
    assert (kernel.tick(), log[-1]) == (1, "tick")


# ---- locks that nobody will give up ----------------------------------------------------------------------------------


def _forgotten(cpu):
    """A lock whose holder has left the kernel without giving it up."""
    lock = SleepLock(cpu)
    cpu.run(lock.exclusive)
    return lock


def test_a_lock_whose_holder_is_gone_is_a_deadlock(cpu, refused):
    lock = _forgotten(cpu)
    for take in (lock.shared, lock.exclusive):
        with refused(e.EDEADLK):
            cpu.run(take)
    assert (cpu.inside, cpu.sleepers, lock._queue) == (0, {}, [])
    cpu.run(lock.unlock)
    cpu.run(lock.exclusive)


def test_who_waits_hears_of_it_when_the_last_other_leaves(cpu, refused):
    """As long as somebody else is inside he might give the lock up; not any more when he has left."""
    lock, errors = _forgotten(cpu), []

    def take():
        try:
            cpu.run(lock.exclusive)
        except OSError as error:
            errors.append(error.errno)

    def others():
        crew = [threading.Thread(target=take, daemon=True) for _ in range(3)]
        for thread in crew:
            thread.start()
        cpu.release()
        while len(cpu.sleepers) < 3:
            pass
        cpu.acquire()
        assert errors == []
        return crew

    for thread in cpu.run(others):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert errors == [e.EDEADLK] * 3
    assert (cpu.inside, cpu.sleepers, lock._queue) == (0, {}, [])


def test_two_who_wait_for_one_another(cpu):
    """One of them gets EDEADLK, and the other what it waited for."""
    first, second, said = SleepLock(cpu), SleepLock(cpu), []
    both = threading.Barrier(2)

    def take(mine, other):
        mine.exclusive()
        cpu.release()
        both.wait(PATIENCE)
        cpu.acquire()
        try:
            other.exclusive()
            said.append("both")
            other.unlock()
        except OSError as error:
            said.append(e.NAMES[error.errno])
        finally:
            mine.unlock()

    crew = [
        threading.Thread(target=cpu.run, args=(lambda pair=pair: take(*pair),), daemon=True)
        for pair in ((first, second), (second, first))
    ]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert sorted(said) == ["EDEADLK", "both"]


def test_interrupts_leave_nothing_locked(lab):
    """KeyboardInterrupt at any moment of a system call: the next one finds the virtual CPU free."""
    kernel = lab.boot(Interrupted())
    interrupted = 0

    def interrupt(number, frame):
        """Inside a system call only: what is outside is the test's own."""
        while frame is not None:
            if frame.f_code.co_name == "enter":
                raise KeyboardInterrupt
            frame = frame.f_back

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    deadline = time.monotonic() + 0.5
    try:
        while time.monotonic() < deadline:
            try:
                kernel.lwp.getpid()
            except KeyboardInterrupt:
                interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    thread = threading.Thread(target=kernel.lwp.getpid, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert interrupted > 10
    assert kernel.cpu.inside == 0
