# SPDX-License-Identifier: BSD-2-Clause
"""The tests of find.  Each function takes what follows its word and makes a function of a `Found`."""

from __future__ import annotations

from rump.fsutils.finding.bsd import table as bsd
from rump.fsutils.finding.modes import parse_mode
from rump.fsutils.finding.patterns import glob, regex
from rump.kernel.abi import S_IFDIR, S_IFMT, S_IFREG
from rump.kernel.vfs.volume import ATIME, BIRTHTIME, CTIME, FILEID, GID, MODE, MTIME, NLINK, SIZE, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.finding.expression import Primary, Words
    from rump.fsutils.finding.found import Found, Test

SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 86400 * SECOND
TYPES = {"f": 0o100000, "d": 0o040000, "l": 0o120000, "p": 0o010000, "s": 0o140000, "c": 0o020000, "b": 0o060000}
UNITS = {"c": 1, "w": 2, "b": 512, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
DIALECTS = {
    "python": None, "posix-basic": False, "basic": False, "ed": False, "grep": False, "sed": False,
    "posix-extended": True, "extended": True, "egrep": True,
}  # fmt: skip
TIMES = {"a": ATIME, "m": MTIME, "c": CTIME, "B": BIRTHTIME}


def _pattern(words: Words, make: Callable[[str, bool], Callable[[bytes], bool]], fold: bool) -> Callable[[bytes], bool]:
    text = words.argument()
    try:
        return make(text, fold)
    except ValueError as error:
        raise words.wrong(text, str(error)) from None


def _name(fold: bool) -> Primary:
    def make(words: Words) -> Test:
        match = _pattern(words, glob, fold)
        return lambda found: match(found.name)

    return make


def _path(kind: Callable[[str, bool], Callable[[bytes], bool]], fold: bool) -> Primary:
    """The path as printed, or as it is inside the image."""

    def make(words: Words) -> Test:
        match = _pattern(words, kind, fold)
        return lambda found: match(found.path) or match(found.inside)

    return make


def _link(fold: bool) -> Primary:
    def make(words: Words) -> Test:
        match = _pattern(words, glob, fold)
        return lambda found: bool(target := found.target()) and match(target)

    return make


def _number(words: Words, unit: int = 1) -> tuple[str, int]:
    """(sign, number) of ``+5``, ``-5`` or ``5``."""
    text = words.argument()
    sign = text[:1] if text[:1] in ("+", "-") else ""
    digits = text[len(sign):]
    if not (digits.isascii() and digits.isdigit()):
        raise words.wrong(text, "not a number")
    return sign, int(digits) * unit


def _compare(sign: str, wanted: int, value: Callable[[Found], int]) -> Test:
    if sign == "+":
        return lambda found: value(found) > wanted
    if sign == "-":
        return lambda found: value(found) < wanted
    return lambda found: value(found) == wanted


def _field(field: int) -> Primary:
    def make(words: Words) -> Test:
        sign, wanted = _number(words)
        return _compare(sign, wanted, lambda found: found.row[field])

    return make


def _type(behind_links: bool) -> Primary:
    def make(words: Words) -> Test:
        text = words.argument()
        letters = text.split(",")
        if not all(letter in TYPES for letter in letters):
            raise words.wrong(text, f"unknown type; there are {', '.join(TYPES)}")
        wanted = frozenset(TYPES[letter] for letter in letters)
        if behind_links:
            return lambda found: (found.followed() or found.row[MODE]) & S_IFMT in wanted
        return lambda found: found.row[MODE] & S_IFMT in wanted

    return make


def _size(words: Words) -> Test:
    text = words.argument()
    unit = UNITS.get(text[-1:], 0)
    digits = (text[:-1] if unit else text).lstrip("+-")
    if not (digits.isascii() and digits.isdigit()):
        raise words.wrong(text, f"not a size; units are {', '.join(UNITS)}")
    unit = unit or 512
    return _compare(text[0] if text[0] in "+-" else "", int(digits), lambda found: -(-found.row[SIZE] // unit))


def _perm(words: Words) -> Test:
    text = words.argument()
    how = text[:1] if text[:1] in ("-", "/") else ""
    mode = parse_mode(text[len(how):])
    if mode is None:
        raise words.wrong(text, "not a mode")
    bits = mode
    if how == "-":
        return lambda found: found.row[MODE] & bits == bits
    if how == "/":
        return lambda found: not bits or bool(found.row[MODE] & bits)
    return lambda found: found.row[MODE] & 0o7777 == bits


def _empty(words: Words) -> Test:
    def empty(found: Found) -> bool:
        kind = found.row[MODE] & S_IFMT
        if kind == S_IFREG:
            return not found.row[SIZE]
        return kind == S_IFDIR and not found.has_entries()

    return empty


def _age(field: int, unit: int, now: int) -> Primary:
    """How long ago: whole days count, and begun minutes."""

    def make(words: Words) -> Test:
        sign, wanted = _number(words)
        if unit == DAY:
            return _compare(sign, wanted, lambda found: (now - found.row[field]) // DAY)
        if sign:
            return _compare(sign, wanted * unit, lambda found: now - found.row[field])
        return _compare(sign, wanted, lambda found: -((found.row[field] - now) // unit))

    return make


def _is(answer: bool) -> Primary:
    return lambda words: lambda found: answer


class Dialect:
    """Whose regular expressions those of -regex are: Python's, until -regextype says otherwise."""

    def __init__(self) -> None:
        self._extended: bool | None = None

    def choose(self, words: Words) -> Test:
        """-regextype."""
        name = words.argument()
        if name not in DIALECTS:
            raise words.wrong(name, f"unknown; there are {', '.join(DIALECTS)}")
        self._extended = DIALECTS[name]
        return lambda found: True

    def compile(self, pattern: str, fold: bool) -> Callable[[bytes], bool]:
        """Whether bytes match.  Errors: ValueError."""
        if self._extended is None:
            return regex(pattern, fold)
        from rump.fsutils.searching.pattern import BASIC, EXTENDED, Pattern

        whole = Pattern([pattern], EXTENDED if self._extended else BASIC, fold=fold, lines=True, end="\0").search
        return lambda name: whole(name) is not None


def _prune(words: Words) -> Test:
    def prune(found: Found) -> bool:
        found.pruned = True
        return True

    return prune


def newer(field: int, reference: int) -> Test:
    """The test for files changed later than a time."""
    return lambda found: found.row[field] > reference


def table(now: int) -> dict[str, Primary]:
    """Word -> what makes its test.  `now`: nanoseconds since 1970."""
    dialect = Dialect()
    primaries: dict[str, Primary] = {
        "-name": _name(False), "-iname": _name(True),
        "-path": _path(glob, False), "-wholename": _path(glob, False),
        "-ipath": _path(glob, True), "-iwholename": _path(glob, True),
        "-regex": _path(dialect.compile, False), "-iregex": _path(dialect.compile, True), "-regextype": dialect.choose,
        "-lname": _link(False), "-ilname": _link(True),
        "-type": _type(False), "-xtype": _type(True),
        "-size": _size, "-perm": _perm, "-empty": _empty, "-prune": _prune,
        "-links": _field(NLINK), "-inum": _field(FILEID),
        "-uid": _field(UID), "-gid": _field(GID), **bsd(_field),
        "-true": _is(True), "-false": _is(False),
    }  # fmt: skip
    for letter, field in (("a", ATIME), ("m", MTIME), ("c", CTIME)):
        primaries[f"-{letter}time"] = _age(field, DAY, now)
        primaries[f"-{letter}min"] = _age(field, MINUTE, now)
    return primaries
