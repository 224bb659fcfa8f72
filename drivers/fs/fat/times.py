# SPDX-License-Identifier: BSD-2-Clause
"""Dates and times of MS-DOS, from 1980 to 2107, without a time zone: to the nanoseconds since 1970 and back.

    date     (year - 1980) << 9 | month << 5 | day
    time     hours << 11 | minutes << 5 | seconds / 2
    units    of 10 ms, 0-199, on top of it, where the format has them

`tz` is how many minutes the clock that wrote a time was ahead of UTC.
"""

from __future__ import annotations

from rump.kernel.calendar import iso8601
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

SECOND = 10**9
UNIT = 10**7
DAY = 86400 * SECOND
TIME_STEP = 2 * SECOND
TIME_MIN = 315532800 * SECOND       # 1980-01-01
TIME_MAX = 4354819198 * SECOND      # 2107-12-31 23:59:58
MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MARCH_1976 = 1401                   # days from there to 1980-01-01: years of 365.25 days, the odd day at their end
MARCH_2100 = 43889                  # days from 1980-01-01 to where a year of the four has no such day


def decode(date: int, time: int, tz: int) -> int:
    """The moment; fields out of range count as the nearest in range.  0 for a date that is none."""
    year, month, day = 1980 + (date >> 9), min(date >> 5 & 15, 12), date & 31
    if not month or not day:
        return 0
    leap = year % 4 == 0 and year != 2100
    day = min(day, MONTHS[month - 1] + (leap and month == 2))
    days = sum(MONTHS[: month - 1]) + (leap and month > 2) + day - 1
    days += (year - 1970) * 365 + (year - 1969) // 4 - (year > 2100)
    minutes = min(time >> 11, 23) * 60 + min(time >> 5 & 63, 59) - tz
    return (days * 86400 + minutes * 60 + min(time & 31, 29) * 2) * SECOND


def encode(moment: int, tz: int) -> tuple[int, int, int]:
    """(date, time, units) of a moment, rounded down.  Errors: EINVAL - the format has no such year."""
    local = moment + tz * 60 * SECOND
    day, rest = divmod(local, DAY)
    date = _dates.get(day)
    if date is None or local > TIME_MAX:
        date = _date(moment, local)
    pairs, rest = divmod(rest, TIME_STEP)
    return date, pairs // 1800 << 11 | pairs // 30 % 60 << 5 | pairs % 30, rest // UNIT


def _date(moment: int, local: int) -> int:
    """The date of a moment, which is remembered."""
    if not TIME_MIN <= local <= TIME_MAX:
        raise fault(e.EINVAL, f"time {iso8601(moment)}: only years from 1980 to 2107 can be kept")
    day = (local - TIME_MIN) // DAY
    year, left = divmod((day + MARCH_1976 + (day >= MARCH_2100)) * 4 + 3, 1461)
    month, left = divmod(left // 4 * 5 + 2, 153)
    year, month = (year - 4, month + 3) if month < 10 else (year - 3, month - 9)
    date = _dates[local // DAY] = year << 9 | month << 5 | left // 5 + 1
    return date


_dates: dict[int, int] = {}     # day since 1970 -> date; there are less than 50,000
