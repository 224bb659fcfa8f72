# SPDX-License-Identifier: BSD-2-Clause
"""Times as the commands write them, held against strftime in many time zones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from rump.fsutils import dates

NOW = 1_800_000_000 * dates.SECOND
ZONES = ("UTC0", "EST5EDT,M3.2.0,M11.1.0", "IST-5:30", "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "XXX3:30:15")


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A time zone of the host."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def moments(count: int) -> list[int]:
    """Seconds: long ago, of late, and around the hours when clocks change."""
    chance = random.Random(2)
    spring, autumn = 1_773_558_000, 1_793_512_800
    return (
        [chance.randrange(-(2**33), 2**34) for _ in range(count)]
        + [chance.randrange(NOW // dates.SECOND - 10**7, NOW // dates.SECOND + 10**6) for _ in range(count)]
        + [moment + 60 * step for moment in (spring, autumn) for step in range(-1500, 1500, 7)]
    )


def test_locale_style(zone: str) -> None:
    if zone.startswith("XXX"):
        pytest.skip("ls rounds to minutes, this zone does not")
    show = dates.in_style("locale", NOW)
    for second in moments(500):
        recent = NOW - dates.HALF_YEAR < second // 60 * 60 * dates.SECOND <= NOW
        local = time.localtime(second)
        expected = f"{dates.MONTHS[local[1] - 1]} {local[2]:2d} "
        expected += f"{local[3]:02d}:{local[4]:02d}" if recent else f" {local[0]:4d}"
        assert show[second * dates.SECOND // show.step] == expected.encode(), second


def test_iso_styles(zone: str) -> None:
    long, complete = dates.in_style("long-iso", NOW), dates.in_style("full-iso", NOW)
    for second in moments(200):
        local = time.localtime(second)
        ns = second * dates.SECOND + 123_456_789
        day = f"{local[0]:04d}-{local[1]:02d}-{local[2]:02d}"
        if not zone.startswith("XXX"):
            assert long[ns // long.step].decode() == f"{day} {local[3]:02d}:{local[4]:02d}"
        clock = f"{local[3]:02d}:{local[4]:02d}:{local[5]:02d}.123456789"
        assert complete[ns].decode().startswith(f"{day} {clock} ")


def test_years_that_no_host_knows() -> None:
    assert dates.full(1 << 90).endswith("+0000") and dates.full(-(1 << 90)).endswith("+0000")
    assert dates.in_style("locale", NOW)[1 << 60]


def test_memory_is_bounded() -> None:
    show = dates.in_style("full-iso", NOW)
    for ns in range(dates.LIMIT * 2 + 10):
        show[ns]
    assert len(show) <= dates.LIMIT + 2
