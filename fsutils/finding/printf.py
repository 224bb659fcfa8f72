# SPDX-License-Identifier: BSD-2-Clause
"""-printf and -ls: what is known of a file, as the user wants it."""

from __future__ import annotations

import os
from time import time_ns

from rump.fsutils.attributes import letters
from rump.fsutils.dates import Dates, broken
from rump.fsutils.names import escape
from rump.kernel.abi import S_IFBLK, S_IFCHR, S_IFMT, major, minor
from rump.kernel.vfs.volume import (
    ALLOCATED,
    ATIME,
    BIRTHTIME,
    CTIME,
    FILEID,
    GID,
    MODE,
    MTIME,
    NLINK,
    RDEV,
    SIZE,
    UID,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.finding.found import Found

    Show: TypeAlias = Callable[[Found], bytes | int | str]

SECOND = 10**9
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_TYPES = {0o100000: "f", 0o040000: "d", 0o120000: "l", 0o010000: "p", 0o140000: "s", 0o020000: "c", 0o060000: "b"}
_TIMES = {"A": ATIME, "T": MTIME, "C": CTIME, "B": BIRTHTIME}
_FLAGS = "-+ #0"


def kind(mode: int) -> str:
    """The letter of a type."""
    return _TYPES.get(mode & S_IFMT, "U")


def fraction(ns: int) -> str:
    """The part of a second, with the ten digits that find shows."""
    return f"{ns % SECOND:09d}0"


def ctime(ns: int) -> str:
    """``Tue Nov 14 22:13:20.0000000000 2023``"""
    from datetime import date

    t = broken(ns)
    day = date(t[0], t[1], t[2]).strftime("%a %b") if 0 < t[0] < 10000 else f"{t[0]}-{t[1]:02d}"
    return f"{day} {t[2]:2d} {t[3]:02d}:{t[4]:02d}:{t[5]:02d}.{fraction(ns)} {t[0]}"


def moment(ns: int, how: str) -> str:
    """A time as ``%Tk`` shows it, `how` being the ``k``.  Errors: ValueError."""
    t = broken(ns)
    if how == "@":
        return f"{ns // SECOND}.{fraction(ns)}"
    if how == "+":
        return f"{t[0]:04d}-{t[1]:02d}-{t[2]:02d}+{t[3]:02d}:{t[4]:02d}:{t[5]:02d}.{fraction(ns)}"
    if how == "S":
        return f"{t[5]:02d}.{fraction(ns)}"
    if how in "TX":
        return f"{t[3]:02d}:{t[4]:02d}:{t[5]:02d}.{fraction(ns)}"
    from time import localtime, strftime

    try:
        return strftime("%" + how, localtime(ns // SECOND))
    except (OverflowError, OSError):
        return str(ns // SECOND)


def _below(found: Found) -> bytes:
    """The path without the operand."""
    rest = found.path[len(found.start):]
    return rest[1:] if rest[:1] == b"/" else rest


def _directory(found: Found) -> bytes:
    head, slash, _ = found.path.rstrip(b"/").rpartition(b"/")
    return head if slash else b"."


_FIELDS: dict[str, Show] = {
    "p": lambda found: found.path,
    "P": _below,
    "f": lambda found: found.name,
    "h": _directory,
    "H": lambda found: found.start,
    "l": lambda found: found.target(),
    "s": lambda found: found.row[SIZE],
    "k": lambda found: -(-found.row[ALLOCATED] // 1024),
    "b": lambda found: -(-found.row[ALLOCATED] // 512),
    "m": lambda found: f"{found.row[MODE] & 0o7777:o}",
    "M": lambda found: letters(found.row[MODE]),
    "n": lambda found: found.row[NLINK],
    "i": lambda found: found.row[FILEID],
    "u": lambda found: found.row[UID],
    "U": lambda found: found.row[UID],
    "g": lambda found: found.row[GID],
    "G": lambda found: found.row[GID],
    "d": lambda found: found.depth,
    "y": lambda found: kind(found.row[MODE]),
    "Y": lambda found: kind(found.followed()) if found.followed() else "N",
    "a": lambda found: ctime(found.row[ATIME]),
    "t": lambda found: ctime(found.row[MTIME]),
    "c": lambda found: ctime(found.row[CTIME]),
}


class Format:
    """A -printf format.  Errors: ValueError."""

    def __init__(self, text: str) -> None:
        self._pieces: list[bytes | tuple[str, Show]] = []
        at = 0
        while at < len(text):
            at = self._read(text, at)

    def __call__(self, found: Found) -> bytes:
        """What it makes of a file."""
        return b"".join(
            [piece if isinstance(piece, bytes) else _fit(piece[0], piece[1](found)) for piece in self._pieces]
        )

    def _read(self, text: str, at: int) -> int:
        """Read one piece; where the next one is."""
        letter = text[at]
        if letter == "\\" and at + 1 < len(text):
            return self._escape(text, at + 1)
        if letter == "%" and at + 1 < len(text):
            return self._directive(text, at + 1)
        self._pieces.append(os.fsencode(letter))
        return at + 1

    def _escape(self, text: str, at: int) -> int:
        letter = text[at]
        digits = text[at : at + 3]
        digits = digits[: len(digits) - len(digits.lstrip("01234567"))]
        if digits:
            self._pieces.append(bytes([int(digits, 8) & 0xFF]))
            return at + len(digits)
        if letter not in _ESCAPES:
            raise ValueError(f"\\{letter}: unknown escape")
        self._pieces.append(_ESCAPES[letter].encode())
        return at + 1

    def _directive(self, text: str, at: int) -> int:
        if text[at] == "%":
            self._pieces.append(b"%")
            return at + 1
        rest = text[at:].lstrip(_FLAGS + "0123456789.")
        width = text[at : len(text) - len(rest)]
        letter = rest[:1]
        if letter in _FIELDS and letter:
            self._pieces.append((width, _FIELDS[letter]))
            return len(text) - len(rest) + 1
        if letter and letter in _TIMES and len(rest) > 1:
            field, how = _TIMES[letter], rest[1]
            self._pieces.append((width, lambda found: moment(found.row[field], how)))
            return len(text) - len(rest) + 2
        raise ValueError(f"%{letter}: unknown directive")


def _fit(width: str, value: bytes | int | str) -> bytes:
    """A value in its width, as printf pads it."""
    data = value if isinstance(value, bytes) else str(value).encode()
    if not width:
        return data
    flags = width[: len(width) - len(width.lstrip(_FLAGS))]
    least, _, most = width[len(flags):].partition(".")
    if most and isinstance(value, bytes | str):
        data = data[: int(most)]
    size = int(least or "0")
    return data.ljust(size) if "-" in flags else data.rjust(size)


class LongLines:
    """-ls: inode, space in KiB, mode, links, owners, size, date, path."""

    def __init__(self) -> None:
        self._dates = Dates(time_ns())

    def __call__(self, found: Found) -> bytes:
        row = found.row
        size = str(row[SIZE])
        if row[MODE] & S_IFMT in (S_IFCHR, S_IFBLK):
            size = f"{major(row[RDEV]):3d}, {minor(row[RDEV]):3d}"
        head = (
            f"{row[FILEID]:9d} {-(-row[ALLOCATED] // 1024):6d} {letters(row[MODE])} {row[NLINK]:3d} "
            f"{row[UID]!s:8} {row[GID]!s:8} {size:>8} "
        )
        line = head.encode() + self._dates[row[MTIME] // self._dates.step] + b" " + escape(found.path, also=b"\\ ")
        target = found.target()
        return line + (b" -> " + escape(target, also=b"\\ ") if target else b"") + b"\n"
