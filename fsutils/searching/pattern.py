# SPDX-License-Identifier: BSD-2-Clause
"""What lines are searched for: all patterns of a command line as one, over bytes."""

from __future__ import annotations

import re

from rump.fsutils.searching.expressions import Translator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BASIC, EXTENDED, FIXED, PERL = range(4)
_WORD = rb"[\w\x80-\xff]"
_TOO_BIG = (re.error, OverflowError, RecursionError)


class Pattern:
    """Patterns, any of which may match.  Errors: ValueError - one is none.

    search    finds the first match at or behind a place of some lines; None if there is none
    by_line   it must be given one line at a time: it might match across the ends of lines
    """

    def __init__(
        self, texts: list[str], dialect: int, *, fold: bool = False, words: bool = False, lines: bool = False,
        end: str = "\n",
    ) -> None:  # fmt: skip
        self._fold = fold
        self._end = end
        self._around = (b"^(?:", b")$" if end == "\n" else rb")\Z") if lines else (
            (b"(?<!%b)(?:" % _WORD, b")(?!%b)" % _WORD) if words else (b"(?:", b")"))  # fmt: skip
        self.by_line = dialect == PERL or end != "\n"
        choices, apart = self._choices(texts, dialect)
        try:
            compiled = self._compile(b"|".join(choices)) if texts else re.compile(b"(?!)")
            self._choices_apart = [self._compile(choice) for choice in choices] if apart and len(choices) > 1 else []
        except _TOO_BIG as error:
            raise ValueError(str(error)) from None
        self.search = compiled.search

    def _compile(self, text: bytes) -> re.Pattern[bytes]:
        flags = (re.IGNORECASE if self._fold else 0) | (re.MULTILINE if self._end == "\n" else 0)
        return re.compile(self._around[0] + text + self._around[1], flags)

    def _choices(self, texts: list[str], dialect: int) -> tuple[list[bytes], bool]:
        """The patterns' alternatives, and whether each can be compiled alone."""
        if dialect == PERL:
            if len(texts) > 1:
                raise ValueError("-P takes one pattern")
            return [text.encode("utf-8", "surrogateescape") for text in texts], False
        if dialect == FIXED:
            plain = Translator("", extended=False, fold=self._fold, end=self._end)
            texts = sorted(texts, key=len, reverse=True)
            return [b"".join(map(plain.literal, text)) for text in texts], False
        found: list[bytes] = []
        groups, references = 0, False
        for text in texts:
            translator = Translator(
                text, extended=dialect == EXTENDED, fold=self._fold, end=self._end, groups=groups)  # fmt: skip
            found += translator.alternatives()
            groups, references = translator.groups, references or translator.has_references
        return found, not references

    def spans(self, line: bytes) -> Iterator[tuple[int, int]]:
        """Where a line has matches that are not empty: the first, of those the longest alternative, and so on."""
        at = 0
        while at <= len(line) and (match := self.search(line, at)) is not None:
            start, end = match.span()
            for other in self._choices_apart:
                longer = other.match(line, start)
                if longer is not None:
                    end = max(end, longer.end())
            if end > start:
                yield start, end
                at = end
            else:
                at = start + 1
