# SPDX-License-Identifier: BSD-2-Clause
"""Formats of the BSDs' stat(1): ``%[flags][width][.precision][form][part]datum``.

form   D O U X: a number, signed, octal, unsigned, hexadecimal; F: seconds with decimals; S: for people
part   H M L: the high, middle and low part of a mode or device number
datum  N name, Y target, T type, p mode, u g owners, z size, Z size or device, a m c B times, d device, i inode,
       l links, r device number, k block size, b blocks of 512, f flags, v generation; n newline, t tab, % itself,
       @ the file's number
"""

from __future__ import annotations

import re

from rump.fsutils import attributes, dates
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.subject import Subject

RAW = "%d %i %#p %l %u %g %r %z %a %m %c %B %k %b %f %N"
SHELL = (
    "st_dev=%d st_ino=%i st_mode=%#p st_nlink=%l st_uid=%u st_gid=%g st_rdev=%r st_size=%z st_atime=%a st_mtime=%m "
    "st_ctime=%c st_birthtime=%B st_blksize=%k st_blocks=%b st_flags=%f"
)
LIST = "%Sp %l %Su %Sg %Z %Sm %N%SY"
CLASSIFIED = "%Sp %l %Su %Sg %Z %Sm %N%T%SY"
LINES = (
    '  File: "%N"%n  Size: %-11z  FileType: %HT%n'
    "  Mode: (%01Mp%03OLp/%.10Sp)         Uid: (%5u/%8Su)  Gid: (%5g/%8Sg)%n"
    "Device: %Hd,%Ld   Inode: %i    Links: %l%nAccess: %Sa%nModify: %Sm%nChange: %Sc"
)

MOST_WIDTH = 4096
_DIRECTIVE = re.compile(
    r"%(?P<flags>[-#+0 ]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?"
    r"(?P<form>[DOUXFS]?)(?P<part>[HML]?)(?P<datum>[a-zA-Z%@]?)", re.S,
)
_PLAIN = {"n": b"\n", "t": b"\t", "%": b"%"}
_SUFFIXES = {abi.S_IFDIR: "/", abi.S_IFLNK: "@", abi.S_IFIFO: "|", abi.S_IFSOCK: "="}
_TIMES = {"a": "st_atime_ns", "m": "st_mtime_ns", "c": "st_ctime_ns", "B": "st_birthtime_ns"}
_NUMBERS: dict[str, Callable[[Subject], int]] = {
    "d": lambda f: f.stat.st_dev,
    "i": lambda f: f.stat.st_ino,
    "p": lambda f: f.stat.st_mode,
    "l": lambda f: f.stat.st_nlink,
    "u": lambda f: f.stat.st_uid,
    "g": lambda f: f.stat.st_gid,
    "r": lambda f: f.stat.st_rdev,
    "z": lambda f: f.stat.st_size,
    "b": lambda f: f.stat.st_blocks,
    "k": lambda f: f.stat.st_blksize,
    "f": lambda f: f.stat.st_flags,
    "v": lambda f: f.stat.st_gen,
}


class Format:
    """A format.

    `time_format` is strftime's, for %Sa and its kin; None shows times in full.
    """

    def __init__(self, text: str, time_format: str | None = None) -> None:
        self._text = text
        self._dates = None if time_format is None else dates.FormattedDates(0, time_format)
        self._count = 0

    def __call__(self, subject: Subject) -> bytes:
        """What it makes of a file.  Errors: ValueError - it is no format."""
        self._count += 1
        pieces, end = [], 0
        for match in _DIRECTIVE.finditer(self._text):
            pieces.append(self._text[end:match.start()].encode("utf-8", "surrogateescape"))
            pieces.append(self._one(match, subject))
            end = match.end()
        pieces.append(self._text[end:].encode("utf-8", "surrogateescape"))
        return b"".join(pieces)

    def _one(self, match: re.Match[str], subject: Subject) -> bytes:
        """What one directive asks for, in its width."""
        datum = match["datum"]
        if datum in _PLAIN and datum:
            return _PLAIN[datum]
        if datum == "@":
            value: bytes | int = self._count
        elif datum in _TIMES:
            value = self._time(getattr(subject.stat, _TIMES[datum]), match)
        else:
            value = self._value(match, subject)
        text = _number(value, match) if isinstance(value, int) else value
        if isinstance(value, bytes) and match["precision"] and match["form"] != "F":
            text = text[: int(match["precision"])]
        width = min(int(match["width"] or 0), MOST_WIDTH)
        if "-" in match["flags"]:
            return text.ljust(width)
        return text.rjust(width, b"0" if "0" in match["flags"] and isinstance(value, int) else b" ")

    def _time(self, ns: int, match: re.Match[str]) -> bytes | int:
        """A time: seconds, with decimals (F), for people (S)."""
        if match["form"] == "F":
            digits = int(match["precision"] or 9) if match["precision"] != "" else 0
            sign, ns = ("-", -ns) if ns < 0 else ("", ns)
            part = f"{ns % dates.SECOND:09d}".ljust(min(digits, 64), "0")[:digits]
            return f"{sign}{ns // dates.SECOND}{'.' + part if part else ''}".encode()
        if match["form"] != "S":
            return ns // dates.SECOND
        return dates.full(ns).encode() if self._dates is None else self._dates[ns // dates.SECOND]

    def _value(self, match: re.Match[str], subject: Subject) -> bytes | int:
        """All that is no time.  Errors: ValueError."""
        datum, form, part = match["datum"], match["form"], match["part"]
        if datum == "N":
            return subject.name
        if datum == "Y":
            return (b" -> " if form == "S" and subject.target else b"") + subject.target
        if datum == "T":
            return _type(subject, part)
        if datum == "Z":
            device = subject.stat.st_mode & abi.S_IFMT in (abi.S_IFCHR, abi.S_IFBLK)
            number = subject.stat.st_rdev
            return b"%d,%d" % (abi.major(number), abi.minor(number)) if device else subject.stat.st_size
        if datum not in _NUMBERS or not datum:
            raise ValueError(f"unknown directive {match[0]!r}")
        if form == "S":
            return _for_people(datum, part, subject).encode("utf-8", "surrogateescape")
        return _part(datum, part, _NUMBERS[datum](subject))


def _type(subject: Subject, part: str) -> bytes:
    """The type: what ls -F puts behind the name, or with H in words."""
    if part == "H":
        return subject.kind.replace("special file", "device").title().encode()
    mode = subject.stat.st_mode
    if mode & abi.S_IFMT == abi.S_IFREG:
        return b"*" if mode & 0o111 else b""
    return _SUFFIXES.get(mode & abi.S_IFMT, "").encode()


def _for_people(datum: str, part: str, subject: Subject) -> str:
    """Modes in letters, owners and flags by name."""
    if datum == "p":
        letters = attributes.letters(subject.stat.st_mode)
        return {"H": letters[1:4], "M": letters[4:7], "L": letters[7:]}.get(part, letters)
    if datum == "u":
        return subject.owners.user(subject.stat.st_uid)
    if datum == "g":
        return subject.owners.group(subject.stat.st_gid)
    if datum == "f":
        from rump.fsutils.file_flags import shown

        return shown(subject.stat.st_flags)
    return str(_part(datum, part, _NUMBERS[datum](subject)))


def _part(datum: str, part: str, value: int) -> int:
    """The high, middle or low part of a number."""
    if datum in "dr" and part:
        return abi.major(value) if part == "H" else abi.minor(value) if part == "L" else 0
    if datum == "p" and part:
        return value >> 12 if part == "H" else value >> 9 & 7 if part == "M" else value & 0o777
    return value


def _number(value: int, match: re.Match[str]) -> bytes:
    """A number in its form: modes are octal, all else decimal, unless it is said."""
    form = match["form"] or ("O" if match["datum"] == "p" else "D")
    digits = {"O": f"{abs(value):o}", "X": f"{abs(value):x}"}.get(form, str(abs(value)))
    digits = digits.rjust(min(int(match["precision"] or 0), MOST_WIDTH), "0")
    if "#" in match["flags"] and value:
        digits = {"O": "0", "X": "0x"}.get(form, "") + digits
    sign = "-" if value < 0 else "+" if "+" in match["flags"] else " " if " " in match["flags"] else ""
    return (sign + digits).encode()
