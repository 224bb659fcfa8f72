# SPDX-License-Identifier: BSD-2-Clause
"""Command lines read without argparse, which takes longer to load than a small image to list.

A `Reader` is filled as an `argparse.ArgumentParser` is.  Lines with nothing unusual in them - options that are known,
with their values, and operands - it reads itself, to what argparse would make of them; all else it leaves to argparse:
help, mistakes, "--", values that begin with a dash, kinds of options that few verbs have.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    Call: TypeAlias = tuple[str, tuple[str, ...], dict[str, Any]]       # group, flags, how

HIDDEN = "==SUPPRESS=="         # argparse.SUPPRESS
_SWITCHES = {"store_true": (True, False), "store_false": (False, True)}     # what they set, and what else is there
_LISTS = ("*", "+")


class Unusual(Exception):
    """A line for argparse."""


class Given:
    """What a line says, as an `argparse.Namespace` has it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Group:
    """Options under a heading."""

    def __init__(self, calls: list[Call], title: str) -> None:
        self._calls = calls
        self._title = title

    def add_argument(self, *flags: str, **how: Any) -> None:
        """As argparse has it."""
        self._calls.append((self._title, flags, how))


class Reader:
    """Reads the command lines of a verb.  `complete` makes the `argparse.ArgumentParser` without arguments; that has
    all methods that are not here."""

    def __init__(self, complete: Callable[[], argparse.ArgumentParser]) -> None:
        self._make = complete
        self._calls: list[Call] = []
        self._defaults: dict[str, Any] = {}
        self._complete: argparse.ArgumentParser | None = None

    def add_argument(self, *flags: str, **how: Any) -> None:
        """As argparse has it."""
        self._calls.append(("", flags, how))

    def add_argument_group(self, title: str) -> Group:
        """As argparse has it; of each title there is one."""
        return Group(self._calls, title)

    def set_defaults(self, **values: Any) -> None:
        """As argparse has it, for what no option sets."""
        self._defaults.update(values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.complete(), name)

    def complete(self) -> argparse.ArgumentParser:
        """The parser of argparse."""
        made = self._complete
        if made is None:
            import argparse

            made = self._complete = self._make()
            groups: dict[str, Any] = {"": made}
            for title, flags, how in self._calls:
                if title not in groups:
                    groups[title] = made.add_argument_group(title)
                if how.get("help") == HIDDEN:
                    how = how | {"help": argparse.SUPPRESS}     # the very object
                groups[title].add_argument(*flags, **how)
            made.set_defaults(**self._defaults)
        return made

    def parse_intermixed_args(self, words: Sequence[str]) -> argparse.Namespace | Given:
        """As argparse has it."""
        try:
            return Given(_Line(self._calls, self._defaults).read(list(words)))
        except Unusual:
            return self.complete().parse_intermixed_args(words)


class _Line:
    """One line being read."""

    def __init__(self, calls: list[Call], defaults: dict[str, Any]) -> None:
        self._options: dict[str, tuple[str, dict[str, Any]]] = {}
        self._operands: tuple[str, dict[str, Any]] | None = None
        self._values: dict[str, Any] = {}
        self._given: set[str] = set()
        self._needed: list[str] = []
        for _, flags, how in calls:
            self._add(flags, how)
        if any(name in self._values for name in defaults):
            raise Unusual
        self._values.update(defaults)

    def _add(self, flags: tuple[str, ...], how: dict[str, Any]) -> None:
        if flags[0][0] != "-":
            if self._operands is not None or len(flags) > 1:
                raise Unusual
            self._operands = flags[0], how
            return
        dest = how.get("dest") or next((flag for flag in flags if flag[:2] == "--"), flags[0])
        dest = dest.lstrip("-").replace("-", "_")
        for flag in flags:
            if flag[1] != "-" and len(flag) > 2:
                raise Unusual
            self._options[flag] = dest, how
        if how.get("required"):
            self._needed.append(dest)
        action = how.get("action", "store")
        default = how.get("default", _SWITCHES.get(action, (None, None))[1] if isinstance(action, str) else None)
        if action != "help" and default != HIDDEN:
            self._values.setdefault(dest, default)

    def read(self, words: list[str]) -> dict[str, Any]:
        """What the words say.  Errors: Unusual."""
        operands: list[str] = []
        rest = iter(words)
        for word in rest:
            if word[:1] != "-" or word == "-":
                operands.append(word)
            elif word[1] == "-":
                flag, equals, value = word.partition("=")
                self._option(flag, value if equals else None, rest)
            elif "=" in word:
                raise Unusual
            else:
                self._letters(word[1:], rest)
        if any(name not in self._given for name in self._needed):
            raise Unusual
        self._settle()
        self._operate(operands)
        return self._values

    def _letters(self, letters: str, rest: Any) -> None:
        """Options of one letter each; behind one with a value that is the rest of the word."""
        while letters:
            flag, letters = "-" + letters[0], letters[1:]
            if self._takes_value(flag):
                self._option(flag, letters or None, rest)
                return
            self._option(flag, None, rest)

    def _takes_value(self, flag: str) -> bool:
        return flag in self._options and self._options[flag][1].get("action", "store") in ("store", "append")

    def _option(self, flag: str, value: str | None, rest: Any) -> None:
        """An option of the line.  `value` stood with it."""
        if flag not in self._options:
            raise Unusual
        dest, how = self._options[flag]
        action = how.get("action", "store")
        if self._takes_value(flag):
            if "nargs" in how:
                raise Unusual
            value = next(rest, "-") if value is None else value
            if value[:1] == "-":
                raise Unusual
            made = _made(value, how)
            self._values[dest] = made if action == "store" else [*(self._values[dest] or ()), made]
        elif value is not None or action not in ("store_const", *_SWITCHES):
            raise Unusual
        else:
            self._values[dest] = how["const"] if action == "store_const" else _SWITCHES[action][0]
        self._given.add(dest)

    def _settle(self) -> None:
        """Defaults that are words are read like those of the line."""
        for dest, how in self._options.values():
            if dest not in self._given and isinstance(self._values.get(dest), str) and "type" in how:
                raise Unusual

    def _operate(self, words: list[str]) -> None:
        """The operands."""
        if self._operands is None:
            if words:
                raise Unusual
            return
        name, how = self._operands
        if how.get("nargs") not in _LISTS or "action" in how or (not words and how["nargs"] == "+"):
            raise Unusual
        made = [_made(word, how) for word in words]
        default = how.get("default")
        self._values[name] = made if made or default is None else default


def _made(word: str, how: dict[str, Any]) -> Any:
    """The value that a word stands for.  Errors: Unusual - it is none, and argparse says so."""
    try:
        value = how["type"](word) if "type" in how else word
    except Exception:
        raise Unusual from None
    if "choices" in how and value not in how["choices"]:
        raise Unusual
    return value
