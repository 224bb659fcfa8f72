# SPDX-License-Identifier: BSD-2-Clause
"""Options of one letter as getopt(3) reads them: up to the first word that is no option."""

from __future__ import annotations

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    # letter, what its value is ("" if it has none), the words it is for the verb of fsu, help
    Flag: TypeAlias = tuple[str, str, tuple[str, ...], str]


class Given:
    """What a command line says.

    flags     (letter, value) in their order
    long      words that begin with two dashes, which are options of the verb
    operands  the rest
    """

    __slots__ = ("flags", "long", "operands")

    def __init__(self) -> None:
        self.flags: list[tuple[str, str]] = []
        self.long: list[str] = []
        self.operands: list[str] = []

    def has(self, letter: str) -> bool:
        """Whether an option was given."""
        return any(letter == given for given, _ in self.flags)

    def last(self, letters: str) -> str:
        """The last given one of several options; "" if none was."""
        return next((given for given, _ in reversed(self.flags) if given in letters), "")


def read(words: list[str], flags: Iterable[Flag], stop: str = "") -> Given:
    """Read a command line.  A word with one of the letters of `stop` is no option but the first operand.

    >>> flags = ("l", "", (), ""), ("a", "", (), ""), ("m", "mode", (), "")
    >>> given = read(["-la", "-m", "755", "--", "-x", "y"], flags)
    >>> given.flags, given.operands
    ([('l', ''), ('a', ''), ('m', '755')], ['-x', 'y'])

    Errors: UsageError - an unknown letter, a value that is missing.
    """
    given = Given()
    valued = {letter: bool(value) for letter, value, _, _ in flags}
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if word.startswith("--"):
            given.long.append(word)
            at += 1
            continue
        if len(word) < 2 or word[0] != "-" or any(letter in stop for letter in word[1:]):
            break
        at += 1
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter not in valued:
                raise UsageError(f"unknown option -{letter}")
            if not valued[letter]:
                given.flags.append((letter, ""))
                continue
            if not letters:
                if at == len(words):
                    raise UsageError(f"option -{letter} needs a value")
                letters = words[at]
                at += 1
            given.flags.append((letter, letters))
            break
    given.operands = words[at:]
    return given
