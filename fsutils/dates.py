# SPDX-License-Identifier: BSD-2-Clause
"""Times for people, in the host's time zone, worked out by the day and the minute, not by the file."""

from __future__ import annotations

from time import localtime, strftime, time_ns

from rump.fsutils.attributes import UNKNOWN_TIME
from rump.kernel.calendar import civil

SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 86400 * SECOND
HALF_YEAR = 31556952 * SECOND // 2      # of the mean Gregorian year: older dates show their year
UNKNOWN = UNKNOWN_TIME
LIMIT = 20000           # texts kept
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Dates(dict[int, bytes]):
    """Shows times: ``dates[ns // dates.step]``.

    step  how many nanoseconds share one text
    """

    step = MINUTE

    def __init__(self, now: int) -> None:
        super().__init__()
        self._oldest, self._newest = (now - HALF_YEAR) // MINUTE, now // MINUTE
        self._offsets: dict[int, int] = {}
        self._days: dict[int, tuple[bytes, bytes]] = {}
        self[UNKNOWN // self.step] = b"?".rjust(len(self._text(0)))

    def __missing__(self, key: int) -> bytes:
        if len(self) > LIMIT:
            for old in list(self)[1:]:
                del self[old]
            self._offsets.clear()
            self._days.clear()
        text = self[key] = self._text(key)
        return text

    def _text(self, minute: int) -> bytes:
        """A minute; one of the last half year with its time of day."""
        offset = self._offsets.get(minute // 1440)
        if offset is None:
            offset = self._offset(minute)
        local = minute + offset
        day = self._days.get(local // 1440)
        if day is None:
            day = self._days[local // 1440] = self._day(*civil(local // 1440))
        if self._oldest < minute <= self._newest:
            return b"%b %02d:%02d" % (day[0], local // 60 % 24, local % 60)
        return day[1]

    def _day(self, year: int, month: int, day: int) -> tuple[bytes, bytes]:
        """A day as it goes before a time of day, and as it stands alone."""
        short = f"{MONTHS[month - 1]} {day:2d}"
        return short.encode(), f"{short}  {year:4d}".encode()

    def _offset(self, minute: int) -> int:
        """Minutes east of Greenwich; kept where all of the day has the same."""
        day = minute // 1440
        first, last = (broken(ns)[6] for ns in (day * DAY, day * DAY + DAY - 1))
        if first == last and first % 60 == 0:
            self._offsets[day] = first // 60
            return first // 60
        return broken(minute * MINUTE)[6] // 60


class IsoDates(Dates):
    """``11-23 09:34``, and ``2001-09-09`` for what is longer ago."""

    def _day(self, year: int, month: int, day: int) -> tuple[bytes, bytes]:
        return b"%02d-%02d" % (month, day), b"%04d-%02d-%02d " % (year, month, day)


class LongIsoDates(Dates):
    """``2001-09-09 01:46``"""

    def _text(self, minute: int) -> bytes:
        return long_iso(minute * MINUTE).encode()


class FullDates(Dates):
    """``2001-09-09 01:46:40.000000000 +0000``"""

    step = 1

    def _text(self, ns: int) -> bytes:
        return full(ns).encode()


class FormattedDates(Dates):
    """As strftime has it."""

    step = SECOND

    def __init__(self, now: int, form: str) -> None:
        self._form = form
        super().__init__(now)

    def _text(self, second: int) -> bytes:
        try:
            return strftime(self._form, localtime(second)).encode("utf-8", "surrogateescape")
        except (OverflowError, OSError, ValueError):
            return full(second * SECOND).encode()


STYLES: dict[str, type[Dates]] = {
    "locale": Dates, "iso": IsoDates, "long-iso": LongIsoDates, "full-iso": FullDates,
}  # fmt: skip


def in_style(style: str, now: int | None = None) -> Dates:
    """Dates in a style: a key of STYLES, or + and a format of strftime."""
    now = time_ns() if now is None else now
    return FormattedDates(now, style[1:]) if style.startswith("+") else STYLES[style](now)


def broken(ns: int) -> tuple[int, int, int, int, int, int, int]:
    """(year, month, day, hour, minute, second, seconds east of Greenwich) of a time, in the host's time zone.

    What the host cannot say - years far off - is worked out in UTC.
    """
    seconds = ns // SECOND
    try:
        t = localtime(seconds)
    except (OverflowError, OSError, ValueError):
        days, rest = divmod(seconds, 86400)
        return (*civil(days), rest // 3600, rest // 60 % 60, rest % 60, 0)
    return t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, min(t.tm_sec, 59), t.tm_gmtoff


def long_iso(ns: int) -> str:
    """``2001-09-09 01:46``"""
    t = broken(ns)
    return f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d} {t[3]:02d}:{t[4]:02d}"


def full(ns: int) -> str:
    """``2001-09-09 01:46:40.000000000 +0000``"""
    t = broken(ns)
    offset = abs(t[6]) // 60
    sign = "-" if t[6] < 0 else "+"
    return f"{long_iso(ns)}:{t[5]:02d}.{ns % SECOND:09d} {sign}{offset // 60:02d}{offset % 60:02d}"
