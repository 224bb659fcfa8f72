# SPDX-License-Identifier: BSD-2-Clause
"""Splitting lines into words, as a shell does.

Blanks separate words; a newline or ``;`` ends a command.  ``'...'`` takes everything as it is, ``"..."`` all but
``${NAME}`` and ``\\`` before what is special there; elsewhere a backslash takes the next character as it is, and one
before a newline continues the line.  ``#`` where a word may begin starts a comment.  ``${NAME}`` is the value of a
variable, and never splits.  A command that begins with ``!`` is the host's: the rest of its line, as it is.
"""

from __future__ import annotations

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST_COMMAND = "!"
BLANKS = " \t\r"
ENDS = "\n;"                  # of commands
_MAGIC = "*?["
_QUOTABLE = '"\\$`\n'         # what a backslash quotes within double quotes


class Unfinished(UsageError):
    """The text ends inside quotes or behind a backslash: there should be more of it."""


class Word:
    """A word.

    text     what it says
    pattern  the same as a pattern of paths, in which quoted ``*``, ``?`` and ``[`` mean themselves; None if it is none
    start    where in the text it begins
    """

    __slots__ = ("pattern", "start", "text")

    def __init__(self, text: str, pattern: str | None = None, start: int = 0) -> None:
        self.text = text
        self.pattern = pattern
        self.start = start

    def __repr__(self) -> str:
        return f"Word({self.text!r})" if self.pattern is None else f"Word({self.text!r}, {self.pattern!r})"


class Scanner:
    """Goes through a text.

    at     the next character
    quote  the quote that is open, "" if none is
    line   the number of the line, from 1
    """

    def __init__(self, text: str, variables: Mapping[str, str] | None = None) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.quote = ""
        self._variables = variables
        self._said: list[str] = []
        self._pattern: list[str] = []
        self._magic = False

    def commands(self) -> Iterator[tuple[int, list[Word]]]:
        """The commands that are not empty: the number of the line where each begins, and its words.

        Errors: UsageError - a variable is not set; Unfinished.
        """
        while self.at < len(self.text):
            self._skip_blanks()
            line = self.line
            words = self.command()
            if words:
                yield line, words

    def command(self) -> list[Word]:
        """The words up to the end of the command, which is passed over."""
        words: list[Word] = []
        while self._skip_blanks() and (letter := self.text[self.at]) not in ENDS:
            if letter == HOST_COMMAND and not words:
                return [Word(HOST_COMMAND), self._rest_of_line()]
            words.append(self.word())
        self.line += self.text.startswith("\n", self.at)
        self.at += 1
        return words

    def _skip_blanks(self) -> bool:
        """Pass over blanks, continuations and a comment; whether there is more text."""
        text = self.text
        while self.at < len(text):
            if text[self.at] in BLANKS:
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
                self.line += 1
            elif text[self.at] == "#":
                end = text.find("\n", self.at)
                self.at = end if end >= 0 else len(text)
            else:
                return True
        return False

    def _rest_of_line(self) -> Word:
        start = self.at + 1
        end = self.text.find("\n", start)
        self.at = len(self.text) if end < 0 else end + 1
        self.line += 1
        return Word(self.text[start : self.at].strip(), start=start)

    def word(self) -> Word:
        """The word that begins here.  Errors: Unfinished - `quote` says what is open, and what there is was read."""
        self._said, self._pattern, self._magic = [], [], False
        start = self.at
        while self.at < len(self.text) and (letter := self.text[self.at]) not in BLANKS + ENDS:
            self.at += 1
            if letter in "'\"":
                self._quoted(letter)
            elif letter == "\\":
                self._escaped()
            elif letter == "$" and self.text.startswith("{", self.at):
                self._variable()
            else:
                self._magic = self._magic or letter in _MAGIC
                self._said.append(letter)
                self._pattern.append(letter)
        return self.so_far(start)

    def so_far(self, start: int) -> Word:
        """The word as far as it was read."""
        return Word("".join(self._said), "".join(self._pattern) if self._magic else None, start)

    def _take(self, text: str) -> None:
        """Add what means itself."""
        self._said.append(text)
        self._pattern += [f"[{letter}]" if letter in _MAGIC else letter for letter in text]

    def _escaped(self) -> None:
        if self.at == len(self.text):
            self.quote = "\\"
            raise Unfinished("a backslash at the end")
        letter = self.text[self.at]
        self.at += 1
        if letter == "\n":
            self.line += 1
        else:
            self._take(letter)

    def _quoted(self, quote: str) -> None:
        """What is between quotes, the first of which has been read."""
        text, self.quote = self.text, quote
        while self.at < len(text) and (letter := text[self.at]) != quote:
            self.at += 1
            if quote == '"' and letter == "\\" and text[self.at : self.at + 1] in tuple(_QUOTABLE):
                self._escaped()
            elif quote == '"' and letter == "$" and text.startswith("{", self.at):
                self._variable()
            else:
                self.line += letter == "\n"
                self._take(letter)
        if self.at == len(text):
            raise Unfinished(f"{quote} without its end")
        self.at += 1
        self.quote = ""

    def _variable(self) -> None:
        """``{NAME}``: the value of a variable, where there are variables at all."""
        end = self.text.find("}", self.at)
        name = self.text[self.at + 1 : end] if end > 0 else ""
        if self._variables is None or not name.isidentifier():
            self._take("$")
            return
        if name not in self._variables:
            raise UsageError(f"${{{name}}}: not set")
        self._take(self._variables[name])
        self.at = end + 1


def unfinished(text: str) -> tuple[list[str], str, int, str]:
    """The last command of a text that goes up to a cursor: its words before the one at the cursor, that one, where it
    begins, and the quote that is open in it.

    >>> unfinished("ls -l 'a b' x\\\\ y"), unfinished("ls "), unfinished("cat 'a b")
    ((['ls', '-l', 'a b'], 'x y', 12, ''), (['ls'], '', 3, ''), (['cat'], 'a b', 4, "'"))
    """
    scanner = Scanner(text)
    words: list[str] = []
    while scanner._skip_blanks():
        start = scanner.at
        if text[start] in ENDS:
            words, scanner.at = [], start + 1
            continue
        try:
            word = scanner.word()
        except Unfinished:
            return words, scanner.so_far(start).text, start, scanner.quote
        if scanner.at == len(text):
            return words, word.text, start, ""
        words.append(word.text)
    return words, "", len(text), ""


def quoted(text: str, quote: str) -> str:
    """What is to be typed for `text` where `quote` is open: "" for none, a quote, or a backslash that stands there.

    >>> print(quoted("it's $5", ""), quoted("it's", "'"), quoted('a "b" $c', '"'), quoted(" x", "\\\\"))
    it\\'s\\ \\$5 it'\\''s a \\"b\\" \\$c  x
    """
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote == "\\":
        return text[:1] + quoted(text[1:], "")
    special = '"\\$`' if quote else " \t'\"\\$`&|;<>()*?[]{}!#~"
    return "".join("\\" + letter if letter in special else letter for letter in text)
