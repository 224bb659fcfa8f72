# SPDX-License-Identifier: BSD-2-Clause
"""The shell on a terminal: prompt, line editing, history, completion, and commands that only people need."""

from __future__ import annotations

import os
import signal

from rump.fsutils.errors import UsageError, reason
from rump.fsutils.names import shown
from rump.fsutils.shelling.interpreter import Exit, Interpreter
from rump.fsutils.shelling.words import Scanner, Unfinished, quoted, unfinished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, ModuleType
    from typing import TypeVar

    from rump.fsutils.command import Command
    from rump.fsutils.shelling.place import Place
    from rump.fsutils.shelling.words import Word

    T = TypeVar("T")

CONTINUED = "> "
_HISTORY_LENGTH = 10_000


class Shell:
    """One shell, until its user leaves it."""

    def __init__(self, command: Command, place: Place, keep_history: bool) -> None:
        self.command = command
        self.place = place
        self._editing = LineEditing(self, _history_file() if keep_history else None)

    def run(self) -> int:
        """Read and carry out lines; the exit status."""
        command = self.command
        with Interpreter(command, self.place, sync=True) as interpreter:
            interpreter.history = self._editing.history
            try:
                while True:
                    words = self._read()
                    command.session.interrupted = False
                    for command_words in words:
                        interpreter.run(command_words)
            except EOFError:
                command.out.write(b"exit\n")
                command.out.flush()
            except Exit as end:
                if end.args[0] is not None:
                    return int(end.args[0])
            finally:
                self._editing.save()
            command.session.interrupted = False
            return interpreter.status

    def _read(self) -> list[list[Word]]:
        """The commands of one input; [] if it was given up or makes no sense.  Errors: EOFError."""
        text = ""
        prompt = self.prompt
        while True:
            try:
                text += _input(prompt)
            except KeyboardInterrupt:
                print()
                return []
            try:
                return [words for _, words in Scanner(text).commands()]
            except Unfinished:
                text += "\n"
                prompt = CONTINUED
            except UsageError as error:
                self.command.say(reason(error))
                return []

    @property
    def prompt(self) -> str:
        """``IMAGE[@PARTITION]:/DIRECTORY> ``."""
        place = self.place
        if place.image is None:
            return "fsu> "
        partition = "" if place.partition is None else "@" + place.partition
        where = os.fsencode(os.path.basename(place.image) + partition) + b":" + place.directory
        return f"{shown(where)}> "


def _input(prompt: str) -> str:
    """A line from the terminal, while ^C interrupts.  Errors: EOFError, KeyboardInterrupt."""
    return _with_interrupts(signal.default_int_handler, lambda: input(prompt))


def _with_interrupts(handler: Callable[[int, FrameType | None], object], do: Callable[[], T]) -> T:
    """Do something while ^C does what `handler` does."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        return do()
    finally:
        signal.signal(signal.SIGINT, before)


def _history_file() -> str | None:
    """Where the history is kept."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(home, "fsu", "history") if os.path.isabs(home) else None


class LineEditing:
    """Line editing with readline, or without where there is none."""

    def __init__(self, shell: Shell, file: str | None) -> None:
        self._shell = shell
        self._file = file
        self._found: list[str] = []
        self._readline: ModuleType | None = None
        try:
            import readline
        except ImportError:
            return
        self._readline = readline
        self._load()
        readline.set_completer(self._complete)
        readline.set_completer_delims(" \t\n")
        is_libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")

    def _load(self) -> None:
        assert self._readline is not None
        self._readline.clear_history()
        self._readline.set_history_length(_HISTORY_LENGTH)
        if self._file is not None:
            try:
                self._readline.read_history_file(self._file)
            except (OSError, UnicodeError):
                pass

    def save(self) -> None:
        """Keep the history for the next time, if that is possible."""
        if self._readline is None or self._file is None:
            return
        try:
            os.makedirs(os.path.dirname(self._file), 0o700, exist_ok=True)
            self._readline.write_history_file(self._file)
        except (OSError, UnicodeError):
            pass

    def history(self) -> list[str]:
        """What has been typed, oldest first."""
        readline = self._readline
        if readline is None:
            return []
        return [readline.get_history_item(index + 1) or "" for index in range(readline.get_current_history_length())]

    def _complete(self, text: str, state: int) -> str | None:
        """What readline asks for: the next candidate for the word at the cursor."""
        if state == 0:
            self._found = _with_interrupts(self._give_up, self._candidates_or_none)
        return self._found[state] if state < len(self._found) else None

    def _give_up(self, *_: object) -> None:
        """^C while candidates are looked for: the kernel must not be left in the middle of a call."""
        self._shell.command.session.interrupted = True

    def _candidates_or_none(self) -> list[str]:
        session = self._shell.command.session
        session.interrupted = False
        try:
            found = self._candidates()
        except Exception:           # a terminal in the middle of a line is no place for messages
            return []
        return [] if session.interrupted else found

    def _candidates(self) -> list[str]:
        """All candidates, as they are to be typed from where readline thinks the word begins."""
        from rump.fsutils.completing.candidates import Completer

        assert self._readline is not None
        line = self._readline.get_line_buffer()[: self._readline.get_endidx()]
        words, last, start, quote = unfinished(line)
        skip = self._readline.get_begidx() - start
        typed = line[start:]
        completer = Completer(self._shell.command.session, self._shell.place)
        found = []
        for text, final, _ in completer.line(words, last):
            end = (quote if quote != "\\" else "") + " " if final else ""
            found.append((typed + quoted(text[len(last) :], quote) + end)[skip:])
        return found
