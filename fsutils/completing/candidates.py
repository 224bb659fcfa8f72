# SPDX-License-Identifier: BSD-2-Clause
"""The candidates for a word that is being typed: commands, options, their values, partitions, paths.

A candidate is (text, final, what it is): the whole word, and whether it is complete as it stands; its text begins with
what was typed.
"""

from __future__ import annotations

import os

from rump.fsutils.completing.paths import Paths
from rump.fsutils.main import VERBS, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import TypeAlias

    from rump.fsutils.main import Verb
    from rump.fsutils.session import Session
    from rump.fsutils.shelling.place import Place

    Candidate: TypeAlias = tuple[str, bool, str]

_GLOBAL = (("-t", "the file system's type"), ("-o", "options for its driver"), ("--help", "show the commands"),
           ("--version", "show the version"), ("--trace", "show every call to the host"),
           ("--record", "record the run"), ("--host", "run on a machine with no operating system"),
           ("--no-glob", "take * ? [ as they are"))  # fmt: skip
_TAKE_VALUES = {"-t": "TYPE", "--fs-type": "TYPE", "-o": "LIST", "--fs-options": "LIST", "--record": "FILE",
                "--host": "MACHINE"}  # fmt: skip
_NO_PATHS = frozenset((
    "A:B[:COUNT]", "BYTES", "CHANGES", "COMMANDS", "COUNT", "DATE", "FORMAT", "LABEL", "LIST", "MODE", "N",
    "NAME=VALUE", "PATTERN", "PERCENT", "SECONDS", "SIZE", "STAMP", "STYLE", "UID[:GID]", "UUID",
))  # fmt: skip


class Completer:
    """Completes one word."""

    def __init__(self, session: Session, place: Place | None = None) -> None:
        """`place`: where a shell is; without, it is a command line of the host."""
        self.paths = Paths(session, place)
        self._place = place

    def line(self, words: list[str], last: str) -> list[Candidate]:
        """Candidates for `last`, behind the words of ``fsu``'s own command line, or of a line of its shell."""
        index = 0
        while index < len(words) and words[index].startswith("-"):
            index += 2 if words[index] in _TAKE_VALUES else 1
        if index > len(words):
            return self._value(_TAKE_VALUES[words[-1]], last)
        if index == len(words):
            return self._options(_GLOBAL, last) if last.startswith("-") else self._verbs(last)
        return self._verb(words[index], words[index + 1 :], last)

    def program(self, name: str, words: list[str], last: str) -> list[Candidate]:
        """Candidates behind the name of a program of the original's, ``fsu_ls``: first an image, then paths in it."""
        from rump.fsutils.shelling.place import ALWAYS, Place

        image = os.environ.get("FSU_DEVICE")
        index = 0
        while image is None and index < len(words):
            if words[index] in ("-o", "-s", "-t", "-p"):
                index += 1
            elif words[index] == "-f" or not words[index].startswith("-"):
                image = next(iter(words[index + (words[index] == "-f") :]), None)
            index += 1
        if image is None:
            return self._value("TYPE", last) if words[-1:] == ["-t"] else self.paths.of_the_host(last)
        if last.startswith("-"):
            return []
        place = Place(ALWAYS)
        place.image = os.path.abspath(image)
        return Paths(self.paths.session, place).any(last)

    def _verbs(self, last: str) -> list[Candidate]:
        rows = [(name, summary) for name, (_, summary) in VERBS.items()]
        if self._place is not None:
            from rump.fsutils.shelling.builtins import BUILTINS

            rows = [(name, found.summary) for name, found in BUILTINS.items()] + [
                row for row in rows if row[0] not in BUILTINS]  # fmt: skip
        return [(name, True, text) for name, text in sorted(rows) if name.startswith(last)]

    def _verb(self, verb: str, words: list[str], last: str) -> list[Candidate]:
        """Candidates behind a verb or a built-in command."""
        if self._place is not None:
            from rump.fsutils.shelling.builtins import BUILTINS

            if verb in BUILTINS:
                return self._builtin(verb, words, last)
        if verb not in VERBS:
            return []
        module = load(verb)
        actions = options_of(verb, module, words)
        if "--" not in words:
            if words and (action := actions.get(words[-1])) is not None and _takes_value(action):
                return self._action(action, last)
            if last.startswith("-"):
                return self._option(module, actions, last)
        return self._operands(verb, module, actions, words, last)

    def _option(self, module: Verb, actions: dict[str, argparse.Action], last: str) -> list[Candidate]:
        """An option, or its value behind ``=``."""
        import argparse

        name, equals, value = last.partition("=")
        if equals:
            action = actions.get(name)
            found = [] if action is None or action.nargs == 0 else self._action(action, value)
            return [(f"{name}={text}", final, what) for text, final, what in found]
        rows = []
        for option, action in sorted(actions.items()):
            if action.help is not argparse.SUPPRESS:
                joined = "=" if option.startswith("--") and _takes_value(action) else ""
                rows.append((option + joined, " ".join((action.help or "").split())))
        return self._options(rows + _expression(module), last)

    @staticmethod
    def _options(rows: Iterable[tuple[str, str]], last: str) -> list[Candidate]:
        return [(text, not text.endswith("="), what) for text, what in rows if text.startswith(last)]

    def _action(self, action: argparse.Action, last: str) -> list[Candidate]:
        """An option's value."""
        if action.choices is not None:
            return [(str(each), True, "") for each in action.choices if str(each).startswith(last)]
        kind = action.metavar if isinstance(action.metavar, str) else ""
        if kind == "TYPE" and action.dest != "fs_type":
            kind = "MADE"
        return self._value(kind, last)

    def _value(self, kind: str, last: str) -> list[Candidate]:
        """A value of a kind that its name in the usage tells."""
        if kind in ("TYPE", "MADE"):
            from rump.fsutils.making import KINDS
            from rump.kernel.component import ALIASES, BUILT_IN

            names = {*BUILT_IN, *ALIASES} if kind == "TYPE" else KINDS
            return [(name, True, "") for name in sorted(names) if name.startswith(last)]
        if kind == "MACHINE":
            from rump.servers.machine.description import KINDS as MACHINES

            return [(name, True, "") for name in MACHINES if name.startswith(last)]
        return [] if kind in _NO_PATHS else self.paths.any(last)

    def _operands(
        self, verb: str, module: Verb, actions: dict[str, argparse.Action], words: list[str], last: str
    ) -> list[Candidate]:
        """An operand: one of a few words, or a path."""
        for action in actions.values():
            if not action.option_strings and action.choices is not None:
                return self._action(action, last)
        if verb == "batch":
            return self.paths.of_the_host(last)
        if verb in ("help", "manual"):
            return self._verbs(last)
        from rump.fsutils.shelling.interpreter import is_whole

        return self.paths.images(last) if is_whole(module) else self.paths.any(last)

    def _builtin(self, name: str, words: list[str], last: str) -> list[Candidate]:
        """What follows a built-in command of the shell."""
        assert self._place is not None
        if name in ("lcd", "lls", "!"):
            return self.paths.of_the_host(last, directories=name == "lcd")
        if name == "umount":
            return [(each, True, "") for each in sorted(self._place.images) if each.startswith(last)]
        if name == "help":
            return self._verbs(last)
        if name == "mount":
            return self.paths.images(last) if words else []
        if name == "put":
            return self.paths.of_the_host(last)
        if name == "get" and words:
            return [*self.paths.any(last), *self.paths.of_the_host(last)]
        found = self.paths.any(last) if name in ("cd", "get", "less", "more", "sync") else []
        return [row for row in found if not row[1]] if name == "cd" else found


def _expression(module: Verb) -> list[tuple[str, str]]:
    """What `find` takes besides options, which its help lists."""
    if not module.__name__.endswith(".find"):
        return []
    words = {word.strip("().,[]:") for word in (module.__doc__ or "").split() if word.startswith("-")}
    return [(word, "") for word in sorted(words) if word[1:].isalnum()]


def _takes_value(action: argparse.Action) -> bool:
    return bool(action.option_strings) and action.nargs is None


def options_of(verb: str, module: Verb, words: list[str]) -> dict[str, argparse.Action]:
    """A verb's options, by their names, with those that hang on what was typed; its operands, by what the parsed ones
    are called."""
    from rump.fsutils.options import make_parser

    special = getattr(module, "parser_of", None)
    if special is not None:
        parser = special(words[words.index("-t") + 1] if "-t" in words[:-1] else None)
    else:
        parser = make_parser(verb, "", "")
        module.add_arguments(parser)
    return {name: action for action in parser._actions for name in action.option_strings or [action.dest]}
