# SPDX-License-Identifier: BSD-2-Clause
"""Changes of permissions as people write them: ``644``, ``u+rwX,go-w``."""

from __future__ import annotations

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    # who (bits of 0o7777), operator, letters of what, whether nobody was named
    Clause: TypeAlias = tuple[int, str, str, bool]

_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_WHAT = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}
_ALIKE = {"u": 6, "g": 3, "o": 0}
_SET_ID = 0o6000


class ModeChange:
    """What a mode becomes.

    >>> change = ModeChange("u+rwX,go-w")
    >>> [oct(change(0o466, False)), oct(change(0o020, True)), oct(change(0o011, False))]
    ['0o644', '0o700', '0o711']
    """

    __slots__ = ("_clauses", "_octal", "_umask")

    def __init__(self, text: str, umask: int = 0) -> None:
        """`umask` holds back what a clause that names nobody would give.  Errors: ValueError - it is no mode."""
        self._umask = umask
        self._octal: str | None = None
        self._clauses: list[Clause] = []
        if text.isdigit():
            if not set(text) <= set("01234567") or int(text, 8) > 0o7777:
                raise ValueError(f"{text}: not a mode")
            self._octal = text
        else:
            for clause in text.split(","):
                self._clauses += _parse(clause, text)

    def __call__(self, mode: int, is_directory: bool) -> int:
        """The new permissions; those set-id bits of a directory that an octal mode does not spell out stay."""
        mode &= 0o7777
        if self._octal is not None:
            kept = mode & _SET_ID if is_directory and len(self._octal) < 5 else 0
            return int(self._octal, 8) | kept
        for clause in self._clauses:
            mode = self._apply(clause, mode, is_directory)
        return mode

    def _apply(self, clause: Clause, mode: int, is_directory: bool) -> int:
        who, operator, letters, nobody = clause
        bits = 0
        for letter in letters:
            if letter == "X":
                bits |= 0o111 if is_directory or mode & 0o111 else 0
            elif letter in _WHAT:
                bits |= _WHAT[letter]
            else:
                bits |= (mode >> _ALIKE[letter] & 7) * 0o111
        bits &= who
        if nobody:
            bits &= ~self._umask
        if operator == "+":
            return mode | bits
        if operator == "-":
            return mode & ~bits
        kept = mode & _SET_ID & who if is_directory and not bits & _SET_ID else 0
        return mode & ~who | bits | kept


def given_mode(text: str | None, usual: int) -> int | None:
    """The mode that -m says for something new that usually has another; None if it was not given.

    >>> oct(given_mode("g-w,o=", 0o666)), given_mode(None, 0o666)
    ('0o640', None)

    Errors: UsageError.
    """
    if text is None:
        return None
    try:
        return ModeChange(text)(usual, False)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _parse(clause: str, text: str) -> list[Clause]:
    """The operations of one clause: ``go=r+x``.  Errors: ValueError."""
    rest = clause.lstrip("ugoa")
    who = 0
    for letter in clause[: len(clause) - len(rest)]:
        who |= _WHO[letter]
    operations: list[Clause] = []
    while rest:
        operator, rest = rest[0], rest[1:]
        letters = rest[: len(rest) - len(rest.lstrip("rwxXstugo"))]
        rest = rest[len(letters):]
        if operator not in "+-=":
            raise ValueError(f"{text}: not a mode")
        operations.append((who or 0o7777, operator, letters, not who))
    if not operations:
        raise ValueError(f"{text}: not a mode")
    return operations
