# SPDX-License-Identifier: BSD-2-Clause
"""Modes as people write them: ``644``, ``u+rw,g=r``."""

from __future__ import annotations

_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_WHAT = {"r": 0o444, "w": 0o222, "x": 0o111, "X": 0o111, "s": 0o6000, "t": 0o1000}
_ALIKE = {"u": 6, "g": 3, "o": 0}


def parse_mode(text: str) -> int | None:
    """The mode that text stands for, starting from none; None if it stands for nothing.

    >>> [parse_mode(t) for t in ("644", "u+rw,g=r", "+x", "a=rwx,o-w", "u+s", "g=u", "9", "u~x")]
    [420, 416, 73, 509, 2048, 0, None, None]
    """
    if text.isdigit():
        return int(text, 8) if set(text) <= set("01234567") and int(text, 8) <= 0o7777 else None
    mode = 0
    for clause in text.split(","):
        changed = _clause(clause, mode)
        if changed is None:
            return None
        mode = changed
    return mode


def _clause(clause: str, mode: int) -> int | None:
    """One clause applied to a mode: who, then operators with what."""
    rest = clause.lstrip("ugoa")
    who = 0
    for letter in clause[: len(clause) - len(rest)]:
        who |= _WHO[letter]
    who = who or 0o7777
    if not rest or rest[0] not in "+-=":
        return None
    while rest:
        operator, rest = rest[0], rest[1:]
        letters = rest[: len(rest) - len(rest.lstrip("rwxXstugo"))]
        rest = rest[len(letters):]
        if rest and rest[0] not in "+-=":
            return None
        bits = _bits(letters, mode) & who
        mode = mode | bits if operator == "+" else mode & ~bits if operator == "-" else mode & ~who | bits
    return mode


def _bits(letters: str, mode: int) -> int:
    bits = 0
    for letter in letters:
        bits |= _WHAT[letter] if letter in _WHAT else (mode >> _ALIKE[letter] & 7) * 0o111
    return bits
