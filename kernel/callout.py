# SPDX-License-Identifier: BSD-2-Clause
"""Callouts: calls to be made at a time of the monotonic clock.

The kernel has no clock thread.  What is due runs when an lwp leaves the kernel or waits in it, on that lwp's virtual
CPU; a program that wants callouts to run on time while nobody is in the kernel calls `Kernel.tick`.  Tests move the
clock instead of waiting for it.
"""

from __future__ import annotations

from heapq import heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Callout:
    """One scheduled call.  `cancel` it, or let it happen once."""

    __slots__ = ("function", "when")

    def __init__(self, when: int, function: Callable[[], object] | None) -> None:
        self.when = when
        self.function = function

    def cancel(self) -> None:
        """It shall not happen any more."""
        self.function = None


class Callouts:
    """All callouts of a kernel, in order of time and, at the same time, of scheduling.

    scheduled   the heap of them: empty is the cheap answer whenever an lwp leaves
    """

    def __init__(self, monotonic: Callable[[], int]) -> None:
        """`monotonic` gives the time in nanoseconds."""
        self._monotonic = monotonic
        self.scheduled: list[tuple[int, int, Callout]] = []
        self._count = 0

    @property
    def pending(self) -> bool:
        """Whether anything is scheduled at all."""
        return bool(self.scheduled)

    def schedule(self, delay: int, function: Callable[[], object]) -> Callout:
        """Call `function` once, `delay` nanoseconds from now, with the virtual CPU held."""
        callout = Callout(self._monotonic() + delay, function)
        self._count += 1
        heappush(self.scheduled, (callout.when, self._count, callout))
        return callout

    def next(self) -> int | None:
        """When the next one is due, or None."""
        while self.scheduled and self.scheduled[0][2].function is None:
            heappop(self.scheduled)
        return self.scheduled[0][0] if self.scheduled else None

    def run(self) -> int:
        """Make the calls that are due; how many.  What they schedule for at once waits for the next run."""
        now = self._monotonic()
        due: list[Callout] = []
        while self.scheduled and self.scheduled[0][0] <= now:
            due.append(heappop(self.scheduled)[2])
        made = 0
        for callout in due:
            function, callout.function = callout.function, None
            if function is not None:
                function()
                made += 1
        return made
