# SPDX-License-Identifier: BSD-2-Clause
"""The commands of scripts and of the shell that are no verbs of ``fsu``."""

from __future__ import annotations

import os

from rump.fsutils.attributes import is_directory
from rump.fsutils.errors import UsageError
from rump.fsutils.names import escape, shown
from rump.fsutils.operand import HOST
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.shelling.place import ALWAYS, NEVER
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.shelling.interpreter import Interpreter

    Action: TypeAlias = Callable[[Interpreter, Command, list[str]], int | None]


class Builtin:
    """A built-in command.

    run       carries it out; its status
    operands  for its usage
    summary   what it does
    most      how many words it takes at most
    alone     with words behind it a verb of the same name is meant
    patterns  what they are matched with: True - what is in images, False - files of the host, None - nothing
    """

    __slots__ = ("_run", "alone", "most", "operands", "patterns", "summary")

    def __init__(
        self, run: Action, operands: str, summary: str, most: int, alone: bool, patterns: bool | None
    ) -> None:
        self._run = run
        self.patterns = patterns
        self.operands = operands
        self.summary = summary
        self.most = most
        self.alone = alone

    def run(self, interpreter: Interpreter, command: Command, words: list[str]) -> int | None:
        """Carry it out.  Errors: UsageError, OSError."""
        if len(words) > self.most:
            raise UsageError(f"usage: {command.program.removeprefix('fsu ')} {self.operands}".rstrip())
        return self._run(interpreter, command, words)


BUILTINS: dict[str, Builtin] = {}
"""Name -> command."""
_ANY = 1 << 30


def _builtin(
    name: str, operands: str, summary: str, most: int = _ANY, alone: bool = False, patterns: bool | None = None
) -> Callable[[Action], Action]:
    def add(run: Action) -> Action:
        BUILTINS[name] = Builtin(run, operands, summary, most, alone, patterns)
        return run

    return add


@_builtin("cd", "[IMAGE[@PARTITION]:][DIR]", "go to a directory, or into an image", 1, patterns=True)
def _cd(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    place = interpreter.place
    if not words and place.image is None:
        raise UsageError("cd where to?")
    operand = parse_operand(words[0] if words else ":/", image_by_default=True)
    if operand.image is None:
        raise UsageError(f"{operand.text}: not inside an image; lcd changes the host's directory")
    try:
        lwp, path = command.session.resolve(operand)
        if not is_directory(lwp.stat(path).st_mode):
            raise fault(e.ENOTDIR)
    except OSError as error:
        command.fail(operand, error)
        return
    place.go(operand)


@_builtin("pwd", "", "print the image and the directory in it", 0)
def _pwd(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    place = interpreter.place
    if place.image is None:
        raise UsageError("no image is open; cd IMAGE[@PARTITION]:/ opens one")
    line = os.fsencode(place.volume) + b":" + place.directory
    command.out.write((escape(line) if command.out.is_terminal else line) + b"\n")


@_builtin("lcd", "[DIR]", "change the host's directory", 1, patterns=False)
def _lcd(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    to = words[0].removeprefix(HOST) if words else os.path.expanduser("~")
    try:
        os.chdir(to)
    except OSError as error:
        command.fail(to, error)


@_builtin("lpwd", "", "print the host's directory", 0)
def _lpwd(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    command.out.write(os.fsencode(os.getcwd()) + b"\n")


@_builtin("lls", "[option ...] [FILE ...]", "list a directory of the host", patterns=False)
def _lls(interpreter: Interpreter, command: Command, words: list[str]) -> int:
    return _host(command, ["ls", *words])


@_builtin("!", "COMMAND", "have the host's shell carry out the rest of the line")
def _shell_out(interpreter: Interpreter, command: Command, words: list[str]) -> int:
    return _host(command, ["/bin/sh", "-c", words[0]] if words[0] else [os.environ.get("SHELL", "/bin/sh")])


@_builtin("echo", "[-n] [WORD ...]", "print words")
def _echo(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    end = b"" if words[:1] == ["-n"] else b"\n"
    command.out.write(os.fsencode(" ".join(words[1:] if not end else words)) + end)


@_builtin("sync", "", "wait until all that was written is on stable storage", alone=True)
def _sync(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    command.session.sync()


@_builtin("mount", "[NAME IMAGE[@PARTITION]]", "give an image a name: NAME:/PATH; alone: list the names", 2)
def _mount(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    if not words:
        _images(interpreter, command, words)
        return
    if len(words) != 2 or not words[0].isidentifier() or words[0] + ":" in (HOST, "image:"):
        raise UsageError("usage: mount NAME IMAGE[@PARTITION], where NAME is of letters, digits and _")
    place = interpreter.place
    place.plain, before = NEVER, place.plain
    try:
        operand = parse_operand(words[1], image_by_default=True)
    finally:
        place.plain = before
    if operand.image is None or operand.path != b"/":
        raise UsageError(f"{words[1]}: not an image, IMAGE[@PARTITION]")
    command.session.resolve(operand)
    place.name(operand, words[0])


@_builtin("umount", "[NAME]", "close an image: the one of that name, or the current one", 1)
def _umount(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    place = interpreter.place
    current = place.image, place.partition
    gone: tuple[str | None, str | None] = current
    if words:
        if words[0] not in place.images:
            raise UsageError(f"{words[0]}: no image has that name")
        gone = place.images.pop(words[0])
    if gone == current:
        place.leave()
    command.session.release()           # those that are left are mounted again when they are needed


@_builtin("images", "", "list the images that have names", 0)
def _images(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    for name, (image, partition) in sorted(interpreter.place.images.items()):
        volume = image if partition is None else f"{image}@{partition}"
        command.out.write(os.fsencode(f"{name}:  {volume}") + b"\n")


@_builtin("exit", "[STATUS]", "no more commands", 1)
def _exit(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    from rump.fsutils.shelling.interpreter import Exit

    if words and not (words[0].isascii() and words[0].isdigit() and int(words[0]) < 256):
        raise UsageError(f"{words[0]}: not a status, 0 to 255")
    raise Exit(int(words[0]) if words else None)


@_builtin("get", "[option ...] FILE ... [HOST]", "copy files and directories to the host, as cp -a does", patterns=True)
def _get(interpreter: Interpreter, command: Command, words: list[str]) -> int:
    return _copy(interpreter, command, "get", words)


@_builtin("put", "[option ...] HOST ... [DIR]", "copy files and directories into an image, likewise", patterns=False)
def _put(interpreter: Interpreter, command: Command, words: list[str]) -> int:
    return _copy(interpreter, command, "put", words)


def _copy(interpreter: Interpreter, command: Command, name: str, words: list[str]) -> int:
    """The verb of that name, with one side on the host and the other in the image."""
    from rump.fsutils.shelling.interpreter import check, find

    module = find(name)
    parsed = check(name, module, words)
    *sources, last = parsed.operands if len(parsed.operands) > 1 else [*parsed.operands, "."]
    if name == "get":
        parsed.operands = [*sources, _on_the_host(last)]
    else:
        parsed.operands = [*map(_on_the_host, sources), last]
    place = interpreter.place
    place.plain, before = ALWAYS, place.plain
    try:
        return interpreter.perform(command, name, module, parsed)
    finally:
        place.plain = before


def _on_the_host(text: str) -> str:
    return text if text.startswith(HOST) else HOST + os.path.expanduser(text)


@_builtin("less", "FILE ...", "show files a page at a time, with $PAGER", patterns=True)
def _less(interpreter: Interpreter, command: Command, words: list[str]) -> int:
    from rump.fsutils.shelling.interpreter import find

    module = find("cat")
    if not command.out.is_terminal:
        return interpreter.verb(command, "cat", module, words)
    from rump.fsutils.paging.pager import paged

    with paged(command) as other:
        return interpreter.verb(other, "cat", module, words)
    return 0


@_builtin("history", "", "list what was typed", 0)
def _history(interpreter: Interpreter, command: Command, words: list[str]) -> None:
    for number, line in enumerate(interpreter.history(), 1):
        command.out.write(os.fsencode(f"{number:5}  {shown(line)}\n"))


@_builtin("help", "[COMMAND]", "list the commands, or explain one", 1)
def _help(interpreter: Interpreter, command: Command, words: list[str]) -> int:
    from rump.fsutils.shelling.interpreter import find

    if words and words[0] not in BUILTINS:
        return interpreter.verb(command, "help", find("help"), words)
    rows = [(f"{name} {found.operands}".rstrip(), found.summary) for name, found in sorted(BUILTINS.items())
            if words[:1] in ([], [name])]  # fmt: skip
    if not words:
        from rump.fsutils.main import VERBS

        rows += [("", ""), *((name, summary) for name, (_, summary) in VERBS.items() if name not in BUILTINS)]
    width = max(len(usage) for usage, _ in rows)
    for usage, summary in rows:
        command.out.write(f"{usage:{width}}  {summary}".rstrip().encode() + b"\n")
    return 0


BUILTINS["more"] = BUILTINS["less"]
BUILTINS["quit"] = BUILTINS["exit"]


def _host(command: Command, words: list[str]) -> int:
    """Run a program of the host; its status."""
    import subprocess

    out = command.out.descriptor()
    done = subprocess.run(words, stdout=subprocess.PIPE if out is None else out, check=False)
    if out is None:
        command.out.write(done.stdout)
    return done.returncode if done.returncode >= 0 else 128 - done.returncode
