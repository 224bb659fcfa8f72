# SPDX-License-Identifier: BSD-2-Clause
"""Validators, conditions and ranges (RFC 9110, sections 8.8, 13 and 14)."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import Message
    from typing import TypeAlias

    from rump.kernel.stat import Stat

    Headers: TypeAlias = Message[str, str] | dict[str, str]

_NANOSECONDS = 1_000_000_000
_DATES = range(253402300800)         # seconds of the years that HTTP can write, from 1970 on


class Unsatisfiable(Exception):
    """A range that begins behind the end: 416."""


def etag_of(stat: Stat) -> str:
    """A strong validator: another one whenever the file's status or data changed, or another file has its name."""
    return f'"{stat.st_ino:x}-{stat.st_gen:x}-{stat.st_size:x}-{stat.st_mtime_ns:x}-{stat.st_ctime_ns:x}"'


def http_date(time: int) -> str:
    """A time in nanoseconds as HTTP writes it, in whole seconds.

    >>> http_date(784111777_900_000_000), http_date(-5)
    ('Sun, 06 Nov 1994 08:49:37 GMT', 'Thu, 01 Jan 1970 00:00:00 GMT')
    """
    return formatdate(min(max(time // _NANOSECONDS, _DATES[0]), _DATES[-1]), usegmt=True)


def _seconds(date: str) -> int | None:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


def _matches(header: str, etag: str, weak: bool) -> bool:
    """Whether a list of validators has one.

    >>> _matches('W/"a", "b"', '"a"', True), _matches('W/"a"', '"a"', False), _matches("*", '"a"', False)
    (True, False, True)
    """
    if header.strip() == "*":
        return True
    tags = [tag.strip() for tag in header.split(",")]
    return any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)


def refusal(headers: Headers, stat: Stat) -> int:
    """304 or 412 where a condition says so, else 0; in the order of section 13.2.2."""
    etag, changed = etag_of(stat), stat.st_mtime_ns // _NANOSECONDS
    if "If-Match" in headers:
        if not _matches(headers["If-Match"], etag, weak=False):
            return 412
    elif "If-Unmodified-Since" in headers:
        since = _seconds(headers["If-Unmodified-Since"])
        if since is not None and changed > since:
            return 412
    if "If-None-Match" in headers:
        return 304 if _matches(headers["If-None-Match"], etag, weak=True) else 0
    if "If-Modified-Since" in headers:
        since = _seconds(headers["If-Modified-Since"])
        return 304 if since is not None and changed <= since else 0
    return 0


def span(headers: Headers, stat: Stat) -> tuple[int, int] | None:
    """The part that is asked for: [start, end); None: all of it, as where several are.  Errors: Unsatisfiable."""
    unit, equals, text = headers.get("Range", "").partition("=")
    if unit.strip() != "bytes" or not equals or "," in text:
        return None
    guard = headers.get("If-Range")
    if guard is not None and guard not in (etag_of(stat), http_date(stat.st_mtime_ns)):
        return None
    return _span(text.strip(), stat.st_size)


def _span(text: str, size: int) -> tuple[int, int] | None:
    """One range of so many bytes.

    >>> _span("0-4", 10), _span("5-", 10), _span("-3", 10), _span("8-99", 10), _span("4-3", 10), _span("x", 10)
    ((0, 5), (5, 10), (7, 10), (8, 10), None, None)
    """
    first, dash, last = text.partition("-")
    if not dash or not all(word == "" or (word.isascii() and word.isdigit() and len(word) < 20) for word in (
            first, last)):  # fmt: skip
        return None
    if not first:
        if not last:
            return None
        if not int(last) or not size:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    start, end = int(first), int(last) + 1 if last else size
    if last and end <= start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(end, size)
