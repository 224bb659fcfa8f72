# SPDX-License-Identifier: BSD-2-Clause
"""The expression of find: from words to one test.

    list  :=  or { "," or }
    or    :=  and { ("-o" | "-or") and }
    and   :=  not { ["-a" | "-and"] not }
    not   :=  { "!" | "-not" } primary
"""

from __future__ import annotations

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.finding.found import Test

    Primary = Callable[["Words"], Test]

NOT_HERE = {"-execdir", "-ok", "-okdir", "-fprint", "-fprint0", "-fprintf", "-fls"}
_AND = ("-a", "-and")
_OR = ("-o", "-or")
_NOT = ("!", "-not")
DEEPEST = 200


class Words:
    """The words of an expression, one after the other.

    current  the primary that is being read, for messages
    """

    __slots__ = ("_at", "_words", "current")

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0
        self.current = ""

    def peek(self) -> str | None:
        """The next word; None at the end."""
        return self._words[self._at] if self._at < len(self._words) else None

    def take(self) -> str:
        """The next word, and go on."""
        word = self._words[self._at]
        self._at += 1
        return word

    def argument(self) -> str:
        """The word that belongs to the current primary."""
        if self._at >= len(self._words):
            raise UsageError(f"{self.current}: needs an argument")
        return self.take()

    def wrong(self, text: str, what: str) -> UsageError:
        """The error of an argument that makes no sense."""
        return UsageError(f"{self.current} {text}: {what}")


class Parser:
    """Reads an expression.  `primaries` makes the test of each word that begins with ``-``."""

    def __init__(self, words: list[str], primaries: dict[str, Primary], other: Callable[[str], Primary | None]) -> None:
        self._words = Words(words)
        self._primaries = primaries
        self._other = other
        self._depth = 0

    def parse(self) -> Test | None:
        """The whole expression; None if there are no words.  Errors: UsageError."""
        if self._words.peek() is None:
            return None
        test = self._list()
        word = self._words.peek()
        if word is not None:
            raise UsageError(f"{word}: too many closing parentheses" if word == ")" else f"{word}: not expected here")
        return test

    def _list(self) -> Test:
        tests = [self._or()]
        while self._words.peek() == ",":
            self._words.take()
            tests.append(self._or())
        return tests[0] if len(tests) == 1 else _last(tests)

    def _or(self) -> Test:
        tests = [self._and()]
        while self._words.peek() in _OR:
            self._words.take()
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else _any(tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while (word := self._words.peek()) is not None and word not in (*_OR, ",", ")"):
            if word in _AND:
                self._words.take()
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else _all(tests)

    def _not(self) -> Test:
        negated = False
        while self._words.peek() in _NOT:
            self._words.current = self._words.take()
            negated = not negated
        test = self._primary()
        return (lambda found: not test(found)) if negated else test

    def _primary(self) -> Test:
        word = self._words.peek()
        if word is None or word in (*_AND, *_OR, ",", ")"):
            before = f" behind {self._words.current}" if self._words.current else ""
            raise UsageError(f"an expression is missing{before}" + (f" before {word}" if word else ""))
        self._words.current = self._words.take()
        if word == "(":
            return self._parenthesis()
        if word in NOT_HERE:
            raise UsageError(f"{word}: not here; there are -exec and -print, to be redirected")
        primary = self._primaries.get(word) or self._other(word)
        if primary is None:
            raise UsageError(f"{word}: unknown test or action" if word[:1] == "-" else f"{word}: paths come first")
        return primary(self._words)

    def _parenthesis(self) -> Test:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UsageError("too many parentheses in one another")
        test = self._list()
        if self._words.peek() != ")":
            raise UsageError("a closing parenthesis is missing")
        self._words.current = self._words.take()
        self._depth -= 1
        return test


def _all(tests: list[Test]) -> Test:
    if len(tests) == 2:
        one, other = tests
        return lambda found: one(found) and other(found)

    return lambda found: all(test(found) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda found: any(test(found) for test in tests)


def _last(tests: list[Test]) -> Test:
    return lambda found: [test(found) for test in tests][-1]
