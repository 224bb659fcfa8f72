# SPDX-License-Identifier: BSD-2-Clause
"""Clocks: their units above all."""

import time

import pytest

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface.errno import EINVAL
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, CLOCK_RELWALL

MS = 10**6


def test_wall_clock_is_nanoseconds_since_1970(host, backend):
    if backend == "bare-memory":
        assert host.clock_gettime(CLOCK_RELWALL) == 1_700_000_000_000_000_000
        return
    before = time.time_ns()
    now = host.clock_gettime(CLOCK_RELWALL)
    after = time.time_ns()
    assert before <= now <= after


def test_monotonic_clock_is_nanoseconds(host):
    start = host.clock_gettime(CLOCK_ABSMONO)
    wall = host.clock_gettime(CLOCK_RELWALL)
    host.clock_sleep(CLOCK_RELWALL, 2 * MS)
    took = host.clock_gettime(CLOCK_ABSMONO) - start
    assert took >= 2 * MS
    assert abs(host.clock_gettime(CLOCK_RELWALL) - wall - took) < 100 * MS


def test_monotonic_clock_never_goes_back(host):
    readings = [host.clock_gettime(CLOCK_ABSMONO) for _ in range(1000)]
    assert readings == sorted(readings)


def test_readings_are_integers(host):
    assert type(host.clock_gettime(CLOCK_ABSMONO)) is int
    assert type(host.clock_gettime(CLOCK_RELWALL)) is int


def test_resolution(host):
    assert 1 <= host.traits.clock_resolution < 10**9


def test_sleep_until(host):
    until = host.clock_gettime(CLOCK_ABSMONO) + MS
    host.clock_sleep(CLOCK_ABSMONO, until)
    assert host.clock_gettime(CLOCK_ABSMONO) >= until


@pytest.mark.parametrize("clock, nanoseconds", [(CLOCK_RELWALL, 0), (CLOCK_RELWALL, -1), (CLOCK_ABSMONO, -5 * 10**9)])
def test_time_gone_by(host, clock, nanoseconds):
    start = time.monotonic()
    host.clock_sleep(clock, nanoseconds)
    assert time.monotonic() - start < 1


def test_no_such_clock(host, refused):
    for clock in (-1, 2):
        with refused(EINVAL):
            host.clock_gettime(clock)
        with refused(EINVAL):
            host.clock_sleep(clock, 0)


def test_the_memory_clock_stands_still():
    platform = Memory(now=5)
    host = Bare(platform)
    assert host.clock_gettime(CLOCK_ABSMONO) == host.clock_gettime(CLOCK_ABSMONO) == 0
    platform.time += 10
    assert host.clock_gettime(CLOCK_RELWALL) == 15
    platform.wall = 0
    host.clock_sleep(CLOCK_RELWALL, 7)
    assert host.clock_gettime(CLOCK_RELWALL) == 17
