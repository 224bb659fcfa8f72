# SPDX-License-Identifier: BSD-2-Clause
"""Formats of `stat` as Linux has them (-c)."""

from __future__ import annotations

import re

from rump.fsutils import attributes, dates, names
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.subject import Subject

    Value: TypeAlias = str | bytes | int
    Table: TypeAlias = dict[str, Callable[[Subject], Value]]

_DIRECTIVE = re.compile(r"%(?P<flags>[-#0+ ]*)(?P<width>\d*)(?:\.(?P<precision>\d+))?(?P<key>[HL]?[a-zA-Z%]|$)", re.S)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.S)
_LETTERS = {"a": "\a", "b": "\b", "e": "\033", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
MAX_WIDTH = 4096


def _quoted(subject: Subject) -> bytes:
    name = b"'" + names.escape(subject.name) + b"'"
    return name + b" -> '" + names.escape(subject.target) + b"'" if subject.target else name


_GNU: Table = {
    "a": lambda f: f"{f.stat.st_mode & 0o7777:o}",
    "A": lambda f: attributes.letters(f.stat.st_mode),
    "b": lambda f: f.stat.st_blocks,
    "B": lambda f: attributes.SECTOR,
    "d": lambda f: f.stat.st_dev,
    "D": lambda f: f"{f.stat.st_dev:x}",
    "f": lambda f: f"{f.stat.st_mode:x}",
    "F": lambda f: f.kind,
    "g": lambda f: f.stat.st_gid,
    "G": lambda f: f.owners.group(f.stat.st_gid),
    "h": lambda f: f.stat.st_nlink,
    "i": lambda f: f.stat.st_ino,
    "m": lambda f: "/",
    "n": lambda f: f.name,
    "N": _quoted,
    "o": lambda f: f.stat.st_blksize,
    "r": lambda f: f.stat.st_rdev,
    "Hr": lambda f: abi.major(f.stat.st_rdev),
    "Lr": lambda f: abi.minor(f.stat.st_rdev),
    "s": lambda f: f.stat.st_size,
    "t": lambda f: f"{abi.major(f.stat.st_rdev):x}",
    "T": lambda f: f"{abi.minor(f.stat.st_rdev):x}",
    "u": lambda f: f.stat.st_uid,
    "U": lambda f: f.owners.user(f.stat.st_uid),
    "w": lambda f: dates.full(f.stat.st_birthtime_ns) if f.stat.st_birthtime_ns else "-",
    "x": lambda f: dates.full(f.stat.st_atime_ns),
    "y": lambda f: dates.full(f.stat.st_mtime_ns),
    "z": lambda f: dates.full(f.stat.st_ctime_ns),
}
_GNU_TIMES = {"W": "st_birthtime_ns", "X": "st_atime_ns", "Y": "st_mtime_ns", "Z": "st_ctime_ns"}


def gnu(form: str, subject: Subject) -> bytes:
    """A file in a format of Linux.  Errors: ValueError - it is none."""
    pieces, end = [], 0
    for match in _DIRECTIVE.finditer(form):
        pieces.append(form[end:match.start()].encode("utf-8", "surrogateescape"))
        pieces.append(_one(match, subject))
        end = match.end()
    pieces.append(form[end:].encode("utf-8", "surrogateescape"))
    return b"".join(pieces)


def unescape(form: str) -> str:
    """A format with its backslash escapes carried out.

    >>> unescape(r"a\\tb\\n\\101\\\\")
    'a\\tb\\nA\\\\'
    """

    def one(match: re.Match[str]) -> str:
        what = match[1]
        if what[0] in "01234567":
            return chr(int(what, 8) & 0xFF)
        return chr(int(what[1:], 16)) if what[0] == "x" and len(what) > 1 else _LETTERS.get(what, what)

    return _ESCAPE.sub(one, form)


def _one(match: re.Match[str], subject: Subject) -> bytes:
    """What one directive asks for.  Errors: ValueError."""
    key = match["key"]
    if key in ("%", ""):
        return b"%"
    if key in _GNU_TIMES:
        value: Value = _seconds(getattr(subject.stat, _GNU_TIMES[key]), match["precision"])
    else:
        show = _GNU.get(key)
        if show is None:
            raise ValueError(f"unknown directive {match[0]!r}")
        value = show(subject)
    return _padded(value, match)


def _seconds(ns: int, precision: str | None) -> str:
    """A time as seconds since 1970, with as many decimals as asked for.

    >>> _seconds(1500000000, None), _seconds(1500000000, "3"), _seconds(-1, "9")
    ('1', '1.500', '-0.000000001')
    """
    if not precision:
        return str(ns // dates.SECOND)
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    digits = f"{ns % dates.SECOND:09d}".ljust(int(precision) % 64, "0")[: int(precision) % 64]
    return f"{sign}{ns // dates.SECOND}.{digits}"


def _padded(value: Value, match: re.Match[str]) -> bytes:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    width = min(int(match["width"] or 0), MAX_WIDTH)
    if "#" in match["flags"] and match["key"] in ("a", "f"):
        raw = (b"0x" if match["key"] == "f" else b"0") + raw
    if "-" in match["flags"]:
        return raw.ljust(width)
    return raw.rjust(width, b"0") if "0" in match["flags"] else raw.rjust(width)
