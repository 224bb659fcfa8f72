# SPDX-License-Identifier: BSD-2-Clause
"""Shell patterns and regular expressions over names, which are bytes."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SPECIAL = frozenset("*?[\\")


def glob(pattern: str, fold: bool = False) -> Callable[[bytes], bool]:
    """Whether bytes match a shell pattern; ``*`` and ``?`` match slashes and leading dots too.

    >>> [glob("a*[!x]")(name) for name in (b"ab", b"a/.b", b"ax")], glob("A?", True)(b"ab"), glob("\\\\*")(b"*")
    ([True, True, False], True, True)
    """
    if not fold and _SPECIAL.isdisjoint(pattern):
        return os.fsencode(pattern).__eq__
    import re
    from fnmatch import translate

    text = _quoted(os.fsencode(pattern).decode("latin-1"))
    match = re.compile(translate(text).encode("latin-1"), re.IGNORECASE if fold else 0).match
    return lambda name: match(name) is not None


def _quoted(pattern: str) -> str:
    """A pattern with backslashes turned into the brackets that fnmatch quotes with."""
    pieces = []
    letters = iter(pattern)
    for letter in letters:
        if letter == "\\":
            letter = next(letters, "\\")
            pieces.append(f"[{letter}]" if letter in "*?[" else letter)
        else:
            pieces.append(letter)
    return "".join(pieces)


def regex(pattern: str, fold: bool = False) -> Callable[[bytes], bool]:
    """Whether all of some bytes match a regular expression of Python's.  Errors: ValueError."""
    import re

    try:
        match = re.compile(os.fsencode(pattern), re.IGNORECASE if fold else 0).fullmatch
    except re.error as error:
        raise ValueError(str(error)) from None
    return lambda name: match(name) is not None
