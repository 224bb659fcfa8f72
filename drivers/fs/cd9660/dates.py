# SPDX-License-Identifier: BSD-2-Clause
"""The two forms of dates: 7 bytes (ECMA-119, 9.1.5) and 17 bytes (8.4.26.1), to and from nanoseconds since 1970.

Both say the local time and how far it is ahead of UTC, in quarters of an hour.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660.disk import Date7
from rump.kernel.calendar import civil

NANO = 10**9
HUNDREDTH = 10**7           # nanoseconds
QUARTER = 15 * 60           # seconds
OFFSET_MIN = -48            # quarters of an hour ahead of UTC
OFFSET_MAX = 56             # the standard has 52; there is land beyond
NO_DATE17 = b"0" * 16 + b"\0"

_unpack7 = Date7.struct.unpack
_YEAR_DAYS = [(year - 1970) * 365 + (year - 1969) // 4 - (year - 1901) // 100 + (year - 1601) // 400
              for year in range(1900, 2157)]  # fmt: skip
_MONTH_DAYS = (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def days_before(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date of the Gregorian calendar."""
    earlier = year - 1
    days = earlier * 365 + earlier // 4 - earlier // 100 + earlier // 400 - 719162
    return days + _MONTH_DAYS[month] + (month > 2 and _leap(year)) + day - 1


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def decode7(date: bytes) -> int:
    """The time of a date of 7 bytes; 0 where none is given or there is no such."""
    fields: tuple[int, int, int, int, int, int, int] = _unpack7(date)
    year, month, day, hour, minute, second, offset = fields
    if not (0 < month < 13 and 0 < day < 32 and hour < 24 and minute < 60 and second < 61):
        return 0
    days = _YEAR_DAYS[year] + _MONTH_DAYS[month] + day - 1
    if month > 2 and year % 4 == 0 and year not in (0, 200):
        days += 1
    if not OFFSET_MIN <= offset <= OFFSET_MAX:
        offset = 0
    return (days * 86400 + hour * 3600 + minute * 60 + second - offset * QUARTER) * NANO


def encode7(nanoseconds: int, offset: int = 0) -> bytes:
    """A time as 7 bytes, in whole seconds, in local time `offset` quarters of an hour ahead of UTC.

    Times outside of 1900 to 2155 become the nearest in range.
    """
    days, seconds = divmod(nanoseconds // NANO + offset * QUARTER, 86400)
    year, month, day = civil(days)
    if not 1900 <= year <= 2155:
        year, month, day, seconds = (1900, 1, 1, 0) if year < 1900 else (2155, 12, 31, 86399)
    return Date7.struct.pack(
        year - 1900, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60, offset
    )  # fmt: skip


def decode17(date: bytes) -> int | None:
    """The time of a date of 17 bytes; None where none is given or there is no such."""
    digits = date[:16]
    if not digits.isdigit() or digits == NO_DATE17[:16]:
        return None
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second, hundredths = (int(digits[at : at + 2]) for at in (8, 10, 12, 14))
    if not (year and 0 < month < 13 and 0 < day < 32 and hour < 24 and minute < 60 and second < 61):
        return None
    offset = date[16] - (date[16] > 127) * 256
    if not OFFSET_MIN <= offset <= OFFSET_MAX:
        offset = 0
    seconds = days_before(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset * QUARTER
    return seconds * NANO + hundredths * HUNDREDTH


def encode17(nanoseconds: int | None, offset: int = 0) -> bytes:
    """A time as 17 bytes, in hundredths of a second, in local time `offset` quarters of an hour ahead of UTC.
    None: no time.  Years outside of 1 to 9999 become the nearest in range."""
    if nanoseconds is None:
        return NO_DATE17
    hundredths = nanoseconds // HUNDREDTH + offset * QUARTER * 100
    days, hundredths = divmod(hundredths, 86400 * 100)
    year, month, day = civil(days)
    if not 1 <= year <= 9999:
        year, month, day, hundredths = (1, 1, 1, 0) if year < 1 else (9999, 12, 31, 8639999)
    seconds, hundredths = divmod(hundredths, 100)
    text = f"{year:04}{month:02}{day:02}{seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}{hundredths:02}"
    return text.encode() + (offset & 255).to_bytes(1, "little")
