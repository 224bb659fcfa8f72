# SPDX-License-Identifier: BSD-2-Clause
"""Names for people and for programs: escaped where they could harm a terminal, as they are where nobody looks."""

from __future__ import annotations

import os

_LETTERS = {7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r", 92: b"\\\\"}


def text(name: bytes) -> str:
    """A name as text; bytes that are not UTF-8 survive as lone surrogates."""
    return name.decode("utf-8", "surrogateescape")


def is_plain(name: bytes) -> bool:
    """Whether a terminal may see the name as it is.

    >>> is_plain("Grüße".encode()), is_plain(b"a\\x1b[2J"), is_plain(b"\\xff")
    (True, False, False)
    """
    return text(name).isprintable()


def escape(name: bytes, also: bytes = b"\\") -> bytes:
    """A name in one line of printable characters: C escapes, octal for the rest; the bytes of `also` get a backslash.

    >>> escape(b"two\\nlines"), escape(b"back\\\\slash"), escape(b"\\xff\\x1b"), escape(b"a b", also=b"\\\\ ")
    (b'two\\\\nlines', b'back\\\\\\\\slash', b'\\\\377\\\\033', b'a\\\\ b')
    """
    if is_plain(name) and not any(byte in also for byte in name):
        return name
    pieces = []
    for character in text(name):
        raw = character.encode("utf-8", "surrogateescape")
        if raw in also:
            pieces.append(b"\\" + raw)
        elif character.isprintable():
            pieces.append(raw)
        else:
            pieces.append(b"".join(_LETTERS.get(byte) or b"\\%03o" % byte for byte in raw))
    return b"".join(pieces)


def question(name: bytes) -> bytes:
    """A name with ``?`` for each character that does not print.

    >>> question(b"a\\nb\\xff")
    b'a?b?'
    """
    if is_plain(name):
        return name
    return "".join(c if c.isprintable() else "?" for c in text(name)).encode("utf-8", "surrogateescape")


def shown(name: bytes | str) -> str:
    """A name for a message: nothing in it can move the cursor or start a line."""
    raw = os.fsencode(name) if isinstance(name, str) else name
    return escape(raw, also=b"").decode("utf-8", "replace")


def width(name: bytes) -> int:
    """How many columns a name takes on a terminal."""
    if name.isascii():
        return len(name)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text(name))
