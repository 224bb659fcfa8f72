# SPDX-License-Identifier: BSD-2-Clause
"""POSIX regular expressions, basic and extended with GNU's additions, as Python's over bytes.

See POSIX.1-2017, chapter 9 of the base definitions.  Text is UTF-8 whatever the host's locale; a byte that is not
matches as a character.
"""

from __future__ import annotations

import re

from rump.fsutils.searching.characters import CLASSES, LAST, WORD, expression, folded, joined, others

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.searching.characters import Ranges

_WORD = rb"[\w\x80-\xff]"
_EDGES = {
    "<": b"(?<!%b)(?=%b)" % (_WORD, _WORD),
    ">": b"(?<=%b)(?!%b)" % (_WORD, _WORD),
    "b": b"(?:(?<!%b)(?=%b)|(?<=%b)(?!%b))" % (_WORD, _WORD, _WORD, _WORD),
    "B": b"(?:(?<!%b)(?!%b)|(?<=%b)(?=%b))" % (_WORD, _WORD, _WORD, _WORD),
}
_REPEAT_MOST = 32767        # RE_DUP_MAX
_DEEPEST = 200


class Translator:
    """Translates one expression.  Errors of all its methods: ValueError - it is none.

    fold    upper and lower case are the same
    end     what no character of a line is: a newline, or NUL
    groups  how many groups there are before this expression's own
    """

    def __init__(self, text: str, *, extended: bool, fold: bool, end: str, groups: int = 0) -> None:
        self._text = text
        self._at = 0
        self._extended = extended
        self._fold = fold
        self._end = end
        self._before = self._groups = groups
        self._closed: set[int] = set()
        self._depth = 0
        self.has_references = False

    @property
    def groups(self) -> int:
        """How many groups there are, with those before this expression."""
        return self._groups

    def alternatives(self) -> list[bytes]:
        """The expression as Python has it, its alternatives apart."""
        found = self._alternatives()
        if self._at < len(self._text):
            raise ValueError("Unmatched ) or \\)")
        return found

    def _alternatives(self) -> list[bytes]:
        found = [self._branch()]
        while self._took("|"):
            found.append(self._branch())
        return found

    def _operator(self, name: str) -> str:
        """How an operator is written here: with a backslash in basic expressions."""
        return name if self._extended else "\\" + name

    def _took(self, name: str) -> bool:
        """Go on if an operator is next."""
        written = self._operator(name)
        if self._text.startswith(written, self._at):
            self._at += len(written)
            return True
        return False

    def _ends(self, at: int) -> bool:
        """Whether a branch ends at `at`: there, a bar or a closing parenthesis follows, or nothing."""
        rest = self._text[at : at + 2]
        return not rest or rest.startswith((self._operator("|"), self._operator(")")))

    def _branch(self) -> bytes:
        """What stands between bars, repetitions included."""
        pieces: list[bytes] = []
        anchored = True             # nothing before but anchors: a star stands for itself in a basic expression
        while not self._ends(self._at):
            piece = self._anchor(anchored)
            if piece is not None:
                pieces.append(piece)
                continue
            if anchored and self._quantifier_is_plain():
                continue
            piece, anchored = self._atom(), False
            while (times := self._quantifier()) is not None:
                piece = b"(?:" + piece + times + b")"
            pieces.append(piece)
        return b"".join(pieces)

    def _anchor(self, first: bool) -> bytes | None:
        letter = self._text[self._at]
        if letter == "^" and (self._extended or first):
            self._at += 1
            return b"^"
        if letter == "$" and (self._extended or self._ends(self._at + 1)):
            self._at += 1
            return b"$" if self._end == "\n" else rb"\Z"
        return None

    def _quantifier_is_plain(self) -> bool:
        """A repetition of nothing: dropped in extended expressions; a basic one's star is a character."""
        if not self._extended:
            return False
        if self._text[self._at] in "*+?":
            self._at += 1
            return True
        return False

    def _quantifier(self) -> bytes | None:
        """The repetition that is next, if one is."""
        if self._text.startswith("*", self._at):
            self._at += 1
            return b"*"
        for name in "+?":
            if self._took(name):
                return name.encode()
        start = self._at
        if self._took("{"):
            interval = self._interval()
            if interval is not None:
                return interval
            self._at = start
        return None

    def _interval(self) -> bytes | None:
        """``{2}``, ``{2,}``, ``{,3}``, ``{2,3}``; None if it is none and so stands for itself."""
        close = self._text.find(self._operator("}"), self._at)
        numbers = self._text[self._at : close] if close >= 0 else ""
        low, comma, high = numbers.partition(",")
        fits = all(part == "" or (part.isascii() and part.isdigit()) for part in (low, high)) and (low or comma)
        if not fits:
            if self._extended:
                return None
            raise ValueError("Invalid content of \\{\\}" if close >= 0 else "Unmatched \\{")
        least = int(low or "0")
        most = least if not comma else int(high) if high else None
        if max(least, most or 0) > _REPEAT_MOST:
            raise ValueError("Regular expression too big")
        if most is not None and most < least:
            raise ValueError("Invalid content of \\{\\}")
        self._at = close + len(self._operator("}"))
        return b"{%d,%s}" % (least, b"" if most is None else b"%d" % most)

    def _is_repeated(self) -> bool:
        """Whether any number of what was just read is asked for, or any but none."""
        text, at = self._text, self._at
        return text.startswith("*", at) or text.startswith(self._operator("+"), at)

    def _atom(self) -> bytes:
        """A character, a set of them, a group, a back-reference, an edge of a word."""
        if self._took("("):
            return self._group()
        letter = self._text[self._at]
        self._at += 1
        if letter == ".":
            return self._set(others([(ord(self._end),) * 2]))
        if letter == "[":
            return self._set(self._brackets())
        if letter == "\\":
            return self._escaped()
        return self.literal(letter)

    def _group(self) -> bytes:
        self._groups += 1
        self._depth += 1
        number = self._groups
        if self._depth > _DEEPEST:
            raise ValueError("Regular expression too big")
        inside = b"|".join(self._alternatives())
        if not self._took(")"):
            raise ValueError("Unmatched ( or \\(")
        self._depth -= 1
        self._closed.add(number)
        return b"(" + inside + b")"

    def _escaped(self) -> bytes:
        if self._at >= len(self._text):
            raise ValueError("Trailing backslash")
        letter = self._text[self._at]
        self._at += 1
        if letter in "wWsS":
            ranges = WORD if letter in "wW" else CLASSES["space"]
            return self._set(self._without_end(others(ranges) if letter in "WS" else ranges))
        if letter in _EDGES:
            return _EDGES[letter]
        if letter in "`'":
            return rb"^" if letter == "`" else rb"$" if self._end == "\n" else rb"\Z"
        if letter in "123456789":
            number = int(letter) + self._before
            if number not in self._closed:
                raise ValueError("Invalid back reference")
            self.has_references = True
            return rb"(?:\%d)" % number
        return self.literal(letter)

    def literal(self, letter: str) -> bytes:
        """A character that stands for itself, in both cases if they are the same."""
        if letter.isascii():
            return re.escape(letter.encode())
        forms = [letter]
        if self._fold:
            forms += [form for form in (letter.lower(), letter.upper()) if form != letter and len(form) == 1]
        found = [re.escape(form.encode("utf-8", "surrogateescape")) for form in forms]
        return found[0] if len(found) == 1 and len(found[0]) == 1 else b"(?:" + b"|".join(found) + b")"

    def _set(self, ranges: Ranges) -> bytes:
        return expression(folded(ranges) if self._fold else ranges, repeated=self._is_repeated())

    def _without_end(self, ranges: Ranges) -> Ranges:
        """A set without what ends a line."""
        return others(joined([*others(joined(ranges)), (ord(self._end),) * 2]))

    def _brackets(self) -> Ranges:
        """What stands between brackets; a backslash is itself there."""
        negated = self._text.startswith("^", self._at)
        self._at += negated
        ranges: Ranges = []
        first = True
        while first or not self._text.startswith("]", self._at):
            first = False
            ranges += self._member()
        self._at += 1
        found = joined(ranges)
        if negated:
            found = others(folded(found) if self._fold else found)
            if self._fold:
                found = _drop_cases(found, ranges)
        return self._without_end(found)

    def _member(self) -> Ranges:
        """A character, a range, or a class."""
        if self._text.startswith("[:", self._at):
            name = self._delimited(":")
            if name not in CLASSES:
                raise ValueError("Invalid character class name")
            return CLASSES["alpha"] if self._fold and name in ("lower", "upper") else CLASSES[name]
        low = self._character()
        if not self._text.startswith("-", self._at) or self._text.startswith("-]", self._at):
            return [(low, low)]
        self._at += 1
        high = self._character()
        if high < low or high > LAST:
            raise ValueError("Invalid range end")
        return [(low, high)]

    def _character(self) -> int:
        """One character, perhaps as ``[.x.]`` or ``[=x=]``."""
        for mark in ".=":
            if self._text.startswith("[" + mark, self._at):
                name = self._delimited(mark)
                if len(name) != 1:
                    raise ValueError("Invalid collation character")
                return ord(name)
        if self._at >= len(self._text):
            raise ValueError("Unmatched [, [^, [:, [., or [=")
        self._at += 1
        return ord(self._text[self._at - 1])

    def _delimited(self, mark: str) -> str:
        """What stands between ``[:`` and ``:]``."""
        close = self._text.find(mark + "]", self._at + 2)
        if close < 0:
            raise ValueError("Unmatched [, [^, [:, [., or [=")
        name = self._text[self._at + 2 : close]
        self._at = close + 2
        return name


def _drop_cases(found: Ranges, excluded: Ranges) -> Ranges:
    """The complement of a set without the other cases of its ASCII letters, which case folding would let in."""
    cases = [(ord(other),) * 2 for first, last in excluded for code in range(first, min(last, 0x7F) + 1)
             for other in (chr(code).swapcase(),) if other.isascii()]  # fmt: skip
    return others(joined([*others(found), *cases]))
