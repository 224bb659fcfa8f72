# SPDX-License-Identifier: BSD-2-Clause
"""Sets of characters as expressions over UTF-8 bytes."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Ranges: TypeAlias = list[tuple[int, int]]       # code points, first and last, in order and apart

LAST = 0x10FFFF
HIGH = (0x80, LAST)
_ANY_HIGH = (
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|(?<![\x80-\xff])[\x80-\xff]"
)
"""A character outside ASCII, or a lone byte that is none."""

_LENGTHS = ((0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, LAST))
_FOLDED_MOST = 1024         # characters of a range whose other cases are looked for

CLASSES: dict[str, Ranges] = {
    "alnum": [(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), HIGH],
    "alpha": [(0x41, 0x5A), (0x61, 0x7A), HIGH],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 31), (127, 127)],
    "digit": [(0x30, 0x39)],
    "graph": [(33, 126), HIGH],
    "lower": [(0x61, 0x7A)],
    "print": [(32, 126), HIGH],
    "punct": [(33, 47), (58, 64), (91, 96), (123, 126)],
    "space": [(9, 13), (32, 32)],
    "upper": [(0x41, 0x5A)],
    "xdigit": [(0x30, 0x39), (0x41, 0x46), (0x61, 0x66)],
}
"""The classes of POSIX.  What is not ASCII counts as a letter."""
WORD = [(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A), HIGH]


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges in order and apart.

    >>> joined([(5, 9), (1, 2), (3, 6)])
    [(1, 9)]
    """
    result: Ranges = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = result[-1][0], max(last, result[-1][1])
        else:
            result.append((first, last))
    return result


def others(ranges: Ranges) -> Ranges:
    """All other characters.

    >>> others([(0, 9), (11, 0x10ffff)])
    [(10, 10)]
    """
    result, at = [], 0
    for first, last in ranges:
        if first > at:
            result.append((at, first - 1))
        at = last + 1
    if at <= LAST:
        result.append((at, LAST))
    return result


def folded(ranges: Ranges) -> Ranges:
    """The same with the other cases of characters outside ASCII; those in it are left to the expression's folding."""
    more = [*ranges]
    for first, last in ranges:
        if first >= 0x80 and last - first < _FOLDED_MOST:
            for code in range(first, last + 1):
                for other in (chr(code).lower(), chr(code).upper()):
                    if len(other) == 1:
                        more.append((ord(other), ord(other)))
    return joined(more)


def expression(ranges: Ranges, *, repeated: bool) -> bytes:
    """An expression that matches one character of a set; with `repeated`, any number of which is asked for, it may
    match a byte of one where that comes to the same."""
    low = b"".join([_span(first, min(last, 0x7F)) for first, last in ranges if first < 0x80])
    high = [(max(first, 0x80), last) for first, last in ranges if last >= 0x80]
    if not high:
        return b"[" + low + b"]" if low else b"(?!)"
    if high == [HIGH]:
        if repeated:
            return b"[" + low + rb"\x80-\xff]"
        choices = [_ANY_HIGH]
    else:
        choices = [sequence for first, last in high for sequence in _sequences(first, last)]
    return b"(?>" + b"|".join([b"[" + low + b"]"] * bool(low) + choices) + b")"


def _span(first: int, last: int) -> bytes:
    """A range of bytes inside brackets."""
    return b"\\x%02x" % first if first == last else b"\\x%02x-\\x%02x" % (first, last)


def _sequences(first: int, last: int) -> list[bytes]:
    """Expressions for the UTF-8 sequences of a range of code points outside ASCII."""
    found = []
    for lower, upper in _LENGTHS:
        begin, end = max(first, lower), min(last, upper)
        if begin <= end:
            found += _same_length(_encoded(begin), _encoded(end))
    return found


def _encoded(code: int) -> bytes:
    if 0xDC80 <= code <= 0xDCFF:
        return bytes([code - 0xDC00])           # a lone byte, as names and patterns have it
    return chr(code).encode("utf-8", "surrogatepass")


def _same_length(first: bytes, last: bytes) -> list[bytes]:
    """Sequences from `first` to `last`, which are equally long."""
    if len(first) != len(last):
        return [re.escape(first), re.escape(last)]
    if len(first) == 1:
        return [b"[" + _span(first[0], last[0]) + b"]"]
    if first[0] == last[0]:
        return [b"\\x%02x" % first[0] + rest for rest in _same_length(first[1:], last[1:])]
    lowest, highest = b"\x80" * (len(first) - 1), b"\xbf" * (len(first) - 1)
    found = []
    begin, end = first[0], last[0]
    if first[1:] != lowest:
        found += [b"\\x%02x" % begin + rest for rest in _same_length(first[1:], highest)]
        begin += 1
    if last[1:] != highest:
        found += [b"\\x%02x" % end + rest for rest in _same_length(lowest, last[1:])]
        end -= 1
    if begin <= end:
        found.append(b"[" + _span(begin, end) + rb"][\x80-\xbf]{%d}" % (len(first) - 1))
    return found
