# SPDX-License-Identifier: BSD-2-Clause
"""The two clocks, and sleeping by them."""

from __future__ import annotations

import time

from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.pure.arguments import check_clock
from rump.rumpuser.pure.upcalls import Handshake

LONGEST_SLEEP = 86_400 * 10**9      # nanoseconds at a stretch; longer ones overflow some hosts' types


def resolution() -> int:
    """The step of CLOCK_ABSMONO in nanoseconds."""
    return max(1, round(time.clock_getres(time.CLOCK_MONOTONIC) * 1e9))


class Clock(Handshake):
    """Clocks of the host's C library, whole nanoseconds throughout."""

    def clock_gettime(self, clock: int) -> int:
        check_clock(clock)
        return time.monotonic_ns() if clock == CLOCK_ABSMONO else time.time_ns()

    @blocking
    def clock_sleep(self, clock: int, nanoseconds: int) -> None:
        check_clock(clock)
        sleep_until(nanoseconds if clock == CLOCK_ABSMONO else time.monotonic_ns() + nanoseconds)


def sleep_until(until: int) -> None:
    """Sleep until CLOCK_ABSMONO says so."""
    # The host may wake a little early by its other clock, so look again.
    while (left := until - time.monotonic_ns()) > 0:
        time.sleep(min(left, LONGEST_SLEEP) / 1e9)
