# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for any of several files: what poll(2) sleeps on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.callout import Callouts
    from rump.kernel.cpu import VirtualCPU
    from rump.rumpuser.interface.hypercalls import Condition


class Wakeups:
    """One condition for all who poll.  Made when first waited on; a change nobody waits for costs nothing."""

    def __init__(self, cpu: VirtualCPU, callouts: Callouts, monotonic: Callable[[], int]) -> None:
        self._cpu = cpu
        self._callouts = callouts
        self._monotonic = monotonic
        self._condition: Condition | None = None
        self._waiters = 0

    def broadcast(self) -> None:
        """Something a poll might wait for has changed."""
        if self._waiters and self._condition is not None:
            self._condition.broadcast()

    def wait(self, deadline: int | None) -> None:
        """Until something changed, a callout is due, or the monotonic clock has reached `deadline`."""
        if self._condition is None:
            self._condition = self._cpu.condition()
        due = self._callouts.next()
        times = [time for time in (deadline, due) if time is not None]
        self._waiters += 1
        try:
            self._condition.wait(max(0, min(times) - self._monotonic()) if times else None)
        finally:
            self._waiters -= 1
        self._callouts.run()
