# SPDX-License-Identifier: BSD-2-Clause
"""The virtual CPU, and locks for what must hold still while it is given up.

There is one (RUMP_NCPU=1).  Whoever runs kernel code holds it, so in-memory state needs no other lock; it is given up
only in a hypercall that may block and in `Condition.wait`.  What must not change across such a call is guarded by a
`SleepLock`.  Nothing here relies on the interpreter's own lock.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.interface.hypercalls import Condition, Hypercalls


class VirtualCPU:
    """The one virtual CPU: a mutex of the host.  `acquire` and `release` are the host's own calls, for speed."""

    __slots__ = ("_host", "acquire", "mutex", "release")

    def __init__(self, host: Hypercalls) -> None:
        self._host = host
        self.mutex = host.mutex_create()
        self.acquire = self.mutex.acquire
        self.release = self.mutex.release

    def condition(self) -> Condition:
        """A condition variable whose waiters give up the virtual CPU."""
        return self._host.condition_create(self.mutex)


class SleepLock:
    """A lock for many readers or one writer, held across calls that may block.  First come, first served.

    Only contention makes a hypercall.  Not recursive.  On a host without threads contention is a bug of the kernel
    and ends in EDEADLK.
    """

    __slots__ = ("_condition", "_cpu", "_queue", "readers", "writer")

    def __init__(self, cpu: VirtualCPU) -> None:
        self._cpu = cpu
        self._condition: Condition | None = None
        self._queue: list[object] = []
        self.readers = 0
        self.writer = False

    def shared(self) -> None:
        """Take it for reading."""
        if self.writer or self._queue:
            self._wait(False)
        self.readers += 1

    def exclusive(self) -> None:
        """Take it for writing."""
        if self.writer or self.readers or self._queue:
            self._wait(True)
        self.writer = True

    def unlock(self) -> None:
        """Give it up, however it is held."""
        if self.writer:
            self.writer = False
        else:
            self.readers -= 1
        if self._queue and self._condition is not None:
            self._condition.broadcast()

    def _wait(self, writing: bool) -> None:
        """Until it is free, in the order of arrival."""
        if self._condition is None:
            self._condition = self._cpu.condition()
        ticket = object()
        self._queue.append(ticket)
        try:
            while self.writer or (writing and self.readers) or self._queue[0] is not ticket:
                self._condition.wait(None)
        finally:
            self._queue.remove(ticket)
            self._condition.broadcast()
