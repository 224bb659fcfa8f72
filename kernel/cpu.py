# SPDX-License-Identifier: BSD-2-Clause
"""The virtual CPU, and locks for what must hold still while it is given up.

There is one (RUMP_NCPU=1).  Whoever runs kernel code holds it, so in-memory state needs no other lock; it is given up
only in a hypercall that may block and in `Condition.wait`.  What must not change across such a call is guarded by a
`SleepLock`.  Nothing here relies on the interpreter's own lock.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from rump.rumpuser.interface.hypercalls import Condition, Hypercalls, Mutex

    R = TypeVar("R")


class VirtualCPU:
    """The one virtual CPU: a mutex of the host.  `acquire` and `release` are the host's own calls, for speed.

    guard      the mutex as a context manager: a KeyboardInterrupt that comes between taking and giving it up cannot
               leave it taken
    inside     how many lwps have entered the kernel and not left it, whether they hold the CPU, wait for it, sleep
               or have a hypercall under way
    sleepers   those of them who wait for a `SleepLock` and have not been woken: ticket -> condition

    Who enters does so by `run`, or as `run` does where a call more is too dear.
    """

    __slots__ = ("_host", "acquire", "guard", "inside", "mutex", "release", "sleepers")

    def __init__(self, host: Hypercalls) -> None:
        self._host = host
        self.mutex = host.mutex_create()
        self.acquire = self.mutex.acquire
        self.release = self.mutex.release
        guard: AbstractContextManager[object] = (
            self.mutex if hasattr(self.mutex, "__enter__") else _Guard(self.mutex)  # type: ignore[assignment]
        )
        self.guard = guard
        self.inside = 0
        self.sleepers: dict[object, Condition] = {}

    def run(self, call: Callable[[], R]) -> R:
        """Enter the kernel, make a call there, leave."""
        with self.guard:
            self.inside += 1
            try:
                return call()
            finally:
                self.inside -= 1
                if self.sleepers:
                    self.wake_the_stuck()

    def monotonic(self) -> int:
        """Nanoseconds that never go back."""
        return self._host.clock_gettime(CLOCK_ABSMONO)

    def condition(self) -> Condition:
        """A condition variable whose waiters give up the virtual CPU."""
        return self._host.condition_create(self.mutex)

    def stuck(self) -> bool:
        """Whether all who are inside wait for locks: none of them will ever get one."""
        return len(self.sleepers) >= self.inside

    def wake_the_stuck(self) -> None:
        """If only those who wait for locks are left inside, let them find out."""
        if self.stuck():
            sleepers, self.sleepers = self.sleepers, {}
            for condition in sleepers.values():
                condition.broadcast()


class _Guard:
    """A mutex that is no context manager, as one."""

    __slots__ = ("_mutex",)

    def __init__(self, mutex: Mutex) -> None:
        self._mutex = mutex

    def __enter__(self) -> object:
        return self._mutex.acquire()

    def __exit__(self, *exception: object) -> None:
        self._mutex.release()


class SleepLock:
    """A lock for many readers or one writer, held across calls that may block.  First come, first served.

    Only contention makes a hypercall.  Not recursive.  Where nobody is left who could give it up, waiting for it ends
    in EDEADLK: on a host without threads, when lwps wait for one another, and when its holder was thrown out of the
    kernel (KeyboardInterrupt) before it could see to it.  Without contention CPython takes no signals between the
    moment the lock is taken and a `try` on the next line.
    """

    __slots__ = ("_condition", "_cpu", "_queue", "readers", "writer")

    def __init__(self, cpu: VirtualCPU) -> None:
        self._cpu = cpu
        self._condition: Condition | None = None
        self._queue: list[object] = []
        self.readers = 0
        self.writer = False

    def shared(self) -> None:
        """Take it for reading.  Errors: EDEADLK."""
        if self.writer or self._queue:
            self._wait(False)
        self.readers += 1

    def exclusive(self, within: int | None = None) -> None:
        """Take it for writing.  Errors: EDEADLK; ETIMEDOUT - it was not free within so many nanoseconds."""
        if self.writer or self.readers or self._queue:
            self._wait(True, within)
        self.writer = True

    def unlock(self) -> None:
        """Give it up, however it is held."""
        if self.writer:
            self.writer = False
        else:
            self.readers -= 1
        if self._queue:
            self._wake()

    def _wake(self) -> None:
        """Let those who wait look again."""
        for ticket in self._queue:
            self._cpu.sleepers.pop(ticket, None)
        if self._condition is not None:
            self._condition.broadcast()

    def _wait(self, writing: bool, within: int | None = None) -> None:
        """Until it is free, in the order of arrival."""
        if self._condition is None:
            self._condition = self._cpu.condition()
        cpu, ticket, left = self._cpu, object(), within
        until = None if within is None else cpu.monotonic() + within
        self._queue.append(ticket)
        try:
            while self.writer or (writing and self.readers) or self._queue[0] is not ticket:
                cpu.sleepers[ticket] = self._condition
                if cpu.stuck():
                    raise fault(e.EDEADLK, "a lock that nobody will give up")
                if until is not None and (left := until - cpu.monotonic()) <= 0:
                    raise fault(e.ETIMEDOUT, "a lock that was not given up in time")
                self._condition.wait(left)
        finally:
            cpu.sleepers.pop(ticket, None)
            self._queue.remove(ticket)
            self._wake()
