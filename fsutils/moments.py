# SPDX-License-Identifier: BSD-2-Clause
"""Times as people write them: ``@SECONDS``, ISO 8601, ``now``; in the host's time zone unless they say which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

SECOND = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(text: str, now: int) -> int:
    """A time in nanoseconds since 1970; `now` is what ``now`` means.  Errors: ValueError.

    >>> parse("@1.5", 0), parse("1970-01-01 00:00:01.000000001Z", 0), parse("2001-09-09T01:46:40+00:00", 0)
    (1500000000, 1000000001, 1000000000000000000)
    >>> parse("now", 7)
    7
    """
    text = text.strip()
    if text == "now":
        return now
    if text.startswith("@"):
        return decimal(text[1:])
    text, fraction = _fraction(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text}: not a date; write 2001-09-09T01:46:40, 2001-09-09 or @1000000000") from None
    if moment.tzinfo is None:
        moment = moment.astimezone()
    return (moment - _EPOCH) // timedelta(seconds=1) * SECOND + fraction


def _fraction(text: str) -> tuple[str, int]:
    """A date without the fraction of its second, and that in nanoseconds: `datetime` knows no more than six digits."""
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if not dot or not digits:
        return text, 0
    return head + rest[len(digits):], int(digits[:9].ljust(9, "0"))


def decimal(text: str) -> int:
    """A number of seconds in nanoseconds.  Errors: ValueError.

    >>> decimal("-1.5"), decimal("3"), decimal("0.000000001999")
    (-1500000000, 3000000000, 1)
    """
    digits = text.removeprefix("-")
    whole, _, part = digits.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or not whole or len(whole) > 15:
        raise ValueError(f"@{text}: not a number of seconds")
    ns = int(whole) * SECOND + int(part[:9].ljust(9, "0") or 0)
    return -ns if text.startswith("-") else ns


def stamp(text: str, now: int) -> int:
    """The time of ``touch -t``: ``[[CC]YY]MMDDhhmm[.ss]``.  Errors: ValueError.

    >>> import os, time; os.environ["TZ"] = "UTC"; time.tzset()
    >>> stamp("200109090146.40", 0), stamp("7001010000.01", 0), stamp("6812312359", 0) // SECOND
    (1000000000000000000, 1000000000, 3124223940)
    """
    digits, _, seconds = text.partition(".")
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (8, 10, 12) or (seconds and (
            len(seconds) != 2 or not seconds.isdigit())):  # fmt: skip
        raise ValueError(f"{text}: not a time; write [[CC]YY]MMDDhhmm[.ss]")
    if len(digits) == 8:
        year = datetime.fromtimestamp(now // SECOND).year
    elif len(digits) == 10:
        year = int(digits[:2]) + (1900 if int(digits[:2]) >= 69 else 2000)
    else:
        year = int(digits[:4])
    month, day, hour, minute = (int(digits[-8:][at : at + 2]) for at in (0, 2, 4, 6))
    try:
        moment = datetime(year, month, day, hour, minute, min(int(seconds or 0), 59)).astimezone()
    except ValueError as error:
        raise ValueError(f"{text}: {error}") from None
    return (moment - _EPOCH) // timedelta(seconds=1) * SECOND
