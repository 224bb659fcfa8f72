# SPDX-License-Identifier: BSD-2-Clause
"""The Gregorian calendar, before its time and after ours, too."""

from __future__ import annotations

NANO = 10**9
DAY = 86400                 # seconds


def civil(days: int) -> tuple[int, int, int]:
    """The (year, month, day), so many days after 1970-01-01.

    >>> civil(0), civil(-1), civil(11016), civil(2932897)
    ((1970, 1, 1), (1969, 12, 31), (2000, 2, 29), (10000, 1, 1))
    """
    era, day = divmod(days + 719468, 146097)            # eras of 400 years from 0000-03-01
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153                        # from March: 153 days each five months
    return year + era * 400 + (month > 9), month + 3 if month < 10 else month - 9, day - (153 * month + 2) // 5 + 1


def iso8601(moment: int) -> str:
    """Nanoseconds since 1970 as UTC, in whole seconds.

    >>> iso8601(157766400000000000), iso8601(-1)
    ('1975-01-01T00:00:00Z', '1969-12-31T23:59:59Z')
    """
    days, rest = divmod(moment // NANO, DAY)
    year, month, day = civil(days)
    return f"{year:04}-{month:02}-{day:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"
