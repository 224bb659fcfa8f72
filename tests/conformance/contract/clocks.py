# SPDX-License-Identifier: BSD-2-Clause
"""clock_gettime and clock_sleep: their units above all."""

from __future__ import annotations

from rump.conformance.contract.scenario import MS, SECOND, ContractScenario
from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, CLOCK_RELWALL

_EARLIEST = 1_500_000_000 * SECOND      # 2017
_LATEST = 4_000_000_000 * SECOND        # 2096


def readings_are_integers(t: ContractScenario) -> None:
    for clock in (CLOCK_ABSMONO, CLOCK_RELWALL):
        t.true(type(t.host.clock_gettime(clock)) is int, "no integer")


def wall_clock_is_nanoseconds_since_1970(t: ContractScenario) -> None:
    now = t.host.clock_gettime(CLOCK_RELWALL)
    t.true(_EARLIEST < now < _LATEST, f"{now} ns is in no year of ours")


def monotonic_clock_never_goes_back(t: ContractScenario) -> None:
    readings = [t.now() for _ in range(1000)]
    t.equal(readings, sorted(readings), "readings")


def resolution_is_plausible(t: ContractScenario) -> None:
    t.true(1 <= t.traits.clock_resolution < SECOND, f"{t.traits.clock_resolution} ns")


def sleeping_takes_its_time(t: ContractScenario) -> None:
    """As long as asked for, in the unit of the clock; and the same on both clocks."""
    before, wall, start = t.now(), t.host.clock_gettime(CLOCK_RELWALL), t.now()
    t.host.clock_sleep(CLOCK_RELWALL, 20 * MS)
    end, passed, after = t.now(), t.host.clock_gettime(CLOCK_RELWALL) - wall, t.now()
    t.true(end - start >= 20 * MS, f"back after {end - start} ns")
    t.true(end - start < 10 * SECOND, f"back only after {end - start} ns")
    allowed = SECOND // 2       # somebody may be setting the wall clock right
    t.true(end - start - allowed <= passed <= after - before + allowed, f"{passed} ns by the other clock")


def sleeping_until(t: ContractScenario) -> None:
    until = t.now() + 5 * MS
    t.host.clock_sleep(CLOCK_ABSMONO, until)
    t.true(t.now() >= until, "back too early")
    t.true(t.now() < until + 10 * SECOND, "back too late")


def many_short_sleeps(t: ContractScenario) -> None:
    for nanoseconds in (1, 999, 1000, 1001, 50_000, MS):
        start = t.now()
        t.host.clock_sleep(CLOCK_RELWALL, nanoseconds)
        t.true(t.now() - start >= nanoseconds, f"back too early from {nanoseconds} ns")


def times_gone_by_return_at_once(t: ContractScenario) -> None:
    start = t.now()
    for time in (0, -1, -5 * SECOND):
        t.host.clock_sleep(CLOCK_RELWALL, time)
        t.host.clock_sleep(CLOCK_ABSMONO, time)
    t.true(t.now() - start < SECOND, "it took its time")


def no_such_clock(t: ContractScenario) -> None:
    for clock in (-1, 2):
        with t.refused(EINVAL):
            t.host.clock_gettime(clock)
        with t.refused(EINVAL):
            t.host.clock_sleep(clock, 0)
