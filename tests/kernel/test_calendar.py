# SPDX-License-Identifier: BSD-2-Clause
"""The calendar: as the standard library has it, and beyond."""

from __future__ import annotations

import datetime
import doctest

from rump.kernel import calendar


def test_days() -> None:
    first = datetime.date(1970, 1, 1).toordinal()
    for day in range(-719162, 2932897, 97):
        date = datetime.date.fromordinal(first + day)
        assert calendar.civil(day) == (date.year, date.month, date.day)


def test_examples() -> None:
    failed, tried = doctest.testmod(calendar)
    assert tried and not failed
