# SPDX-License-Identifier: BSD-2-Clause
"""Carries out commands one after the other, in one session: verbs of ``fsu`` and the built-in ones.

Images stay mounted between commands.  A command that writes to an image which is mounted for reading has it mounted
again; verbs that make whole images, or check them, find nothing mounted at all.
"""

from __future__ import annotations

import os

from rump.fsutils.command import Command, OutputClosed, OutputFailed
from rump.fsutils.errors import UsageError
from rump.fsutils.main import VERBS, explain, load, reader
from rump.fsutils.names import shown
from rump.fsutils.operand import HOST, relative_to
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import of_the_session
from rump.fsutils.shelling.builtins import BUILTINS
from rump.fsutils.shelling.place import ALWAYS, NEVER, spelled
from rump.fsutils.shelling.words import Word

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from rump.fsutils.main import Verb
    from rump.fsutils.shelling.place import Place

ALONE = frozenset(("example", "fsck", "mkfs", "mkimage"))       # verbs that work on images nobody has mounted
HERE = frozenset(("df", "du", "find", "fsck", "info", "ls", "part", "tree"))   # that take where we are if told nothing
_readers: dict[str, Callable[[list[str]], argparse.Namespace]] = {}     # of the verbs that were met
_ELSEWHERE = frozenset(("shell",))                              # that make no sense in a line


class Exit(Exception):
    """``exit``: no more commands; the argument is the status, None for that of the last one."""


class Interpreter:
    """Carries out lines.

    command  the verb that reads the lines: output, errors and session are its
    place    where we are
    status   of the last command
    history  gives the lines that were typed
    """

    def __init__(self, command: Command, place: Place, *, sync: bool) -> None:
        """`sync`: what a command wrote is on stable storage before the next one."""
        self.command = command
        self.place = place
        self.status = 0
        self.history: Callable[[], list[str]] = list
        self._sync = sync
        self._leave = relative_to(self.place.find)
        self._directory = os.getcwd()
        command.session.options.glob = False        # patterns are expanded here, where quotes are known

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(self, *exc: object) -> None:
        self._leave()
        try:
            os.chdir(self._directory)
        except OSError:
            pass                    # it was removed meanwhile

    def run(self, words: Sequence[Word]) -> int:
        """Carry out one command; its status.  Errors: Exit, OutputClosed, OutputFailed."""
        command = Command(f"fsu {words[0].text}", self.command.session, self.command.out, self.command.errors)
        command.session.log = lambda line: command.say(shown(line))
        try:
            self.status = self._run(command, words) or command.status
            command.out.flush()
        except (Exit, OutputClosed, OutputFailed):
            raise
        except KeyboardInterrupt:
            command.session.interrupted = True
        except Exception as error:
            self.status = explain(command, error)
        self._settle(command)
        return self.status

    def _run(self, command: Command, words: Sequence[Word]) -> int:
        name, rest = words[0].text, words[1:]
        builtin = BUILTINS.get(name)
        if builtin is not None and not (name in VERBS and rest and builtin.alone):
            return builtin.run(self, command, self._expanded(rest, builtin.patterns)) or 0
        module = find(name)
        self.place.plain, before = (NEVER if is_whole(module) else self.place.plain), self.place.plain
        try:
            return self.verb(command, name, module, self._expanded(rest, works_inside(module), mixed=True))
        finally:
            self.place.plain = before

    def verb(self, command: Command, name: str, module: Verb, words: list[str]) -> int:
        """Carry out a verb."""
        try:
            parsed = self._parse(name, module, words)
        except SystemExit:
            return 0                # --help
        return self.perform(command, name, module, parsed)

    def perform(self, command: Command, name: str, module: Verb, parsed: argparse.Namespace) -> int:
        """Carry out a verb whose words have been read."""
        session = command.session
        options, force = session.options, session.options.force
        options.force = force or getattr(parsed, "force_image", False)
        try:
            if name in ALONE:
                session.release()
            return module.run(command, parsed) or command.status
        finally:
            options.force = force
            if name in ALONE:
                session.release()

    def _parse(self, name: str, module: Verb, words: list[str]) -> argparse.Namespace:
        """Read a verb's words; it gets where we are if it is one for that and nothing was said."""
        if name not in HERE or self.place.image is None:
            return check(name, module, words)
        return check_here(name, module, words, self.place.volume if is_whole(module) else ".")

    def _expanded(self, words: Sequence[Word], inside: bool | None, mixed: bool = False) -> list[str]:
        """The words with what patterns match in their place; what matches nothing stays as it is.

        `inside`: plain ones match what is in images, else files of the host; None: nothing is matched at all.
        `mixed`: operands may say that they mean the other.
        """
        if inside is None or any(word.text == "--no-glob" for word in words):
            return [word.text for word in words]
        return [text for word in words for text in self._matches(word, inside, mixed)]

    def _matches(self, word: Word, inside: bool, mixed: bool) -> list[str]:
        if word.pattern is None or word.text.startswith("-"):
            return [word.text]
        if not inside and not mixed:
            return _host_matches(word.pattern, "") or [word.text]
        operand = parse_operand(word.pattern, image_by_default=inside)
        if operand.image is None:
            prefix = HOST if self.place.plain == ALWAYS else ""
            return _host_matches(os.fsdecode(operand.path), prefix) or [word.text]
        from rump.fsutils.expansion import matched

        try:
            found = matched(self.command.session.resolve(operand)[0], operand)
        except OSError:
            found = []              # who uses it will say what is wrong
        typed = operand.name is not None and operand.start > 0 and not word.text.startswith(":")
        return [os.fsdecode(spelled(hit.shown) if typed else hit.shown) for hit in found] or [word.text]

    def _settle(self, command: Command) -> None:
        """A command is over."""
        session = command.session
        session.forget()
        if self._sync:
            try:
                session.sync()
            except OSError as error:
                command.fail("", error)
                self.status = command.status


def _host_matches(pattern: str, prefix: str) -> list[str]:
    """What a pattern of the host's paths matches, with a prefix."""
    from glob import glob

    return sorted(prefix + hit for hit in glob(os.path.expanduser(pattern)))


def find(name: str) -> Verb:
    """A verb.  Errors: UsageError - there is none of that name."""
    if name not in VERBS or name in _ELSEWHERE:
        from rump.fsutils.hints import unknown_command

        raise UsageError("not here") if name in VERBS else unknown_command(name, [*VERBS, *BUILTINS])
    return load(name)


def check(name: str, module: Verb, words: list[str]) -> argparse.Namespace:
    """Read a verb's words.  Errors: UsageError - with an option that is for all that is done in a session, too."""
    read = _readers.get(name)
    if read is None:
        read = _readers[name] = reader(name, module)
    parsed = read(words)
    for option in of_the_session(parsed):
        if option not in ("--force", "--no-glob"):
            raise UsageError(f"{option} is for all commands together; it goes before the first of them")
    return parsed


def check_here(name: str, module: Verb, words: list[str], here: str) -> argparse.Namespace:
    """The same for a verb that has `here` for its operand if there is none."""
    try:
        parsed = check(name, module, words)
    except UsageError as error:
        try:
            return check(name, module, [here, *words])
        except UsageError:
            raise error from None
    parsed.operands = parsed.operands or [here]
    return parsed


def is_whole(module: Verb) -> bool:
    """Whether a verb's operands are images, not paths in them."""
    operands = getattr(module, "OPERANDS", "")
    return "IMAGE" in operands and ":/" not in operands


def works_inside(module: Verb) -> bool:
    """Whether a verb works inside images only."""
    return ":/" in getattr(module, "OPERANDS", "")
