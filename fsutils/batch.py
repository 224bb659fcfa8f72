# SPDX-License-Identifier: BSD-2-Clause
"""Carry out a script of commands in one process: each image is mounted once, however many commands use it.

The script has a command a line, or several with ; between them, without the leading fsu, and is read to its end before
anything is done: a line that makes no sense keeps all of it from being done.  The first command that fails is the last
one, unless -k is given.  All that was written is on stable storage when the script has ended, and when a line says
sync.

Words are separated and quoted as in a shell: '...', "...", backslashes, a backslash at the end of a line to go on in
the next, # for comments, and patterns (* ? [).  ${NAME} is what --set NAME=VALUE said.  After
"cd IMAGE[@PARTITION]:/DIR" an operand that begins with a colon is in that image: ":/etc" from its root, ":etc" from the
directory; for commands that work inside images only, so is a plain one.  Other commands of a script: pwd, lcd DIR,
lpwd, lls, echo, sync, mount NAME IMAGE (for NAME:/PATH), umount, images, exit, and !COMMAND for the host's shell.
"""

from __future__ import annotations

import os
import sys

from rump.fsutils.errors import UsageError, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.shelling.place import Place
    from rump.fsutils.shelling.words import Word

    Script: TypeAlias = list[tuple[int, list[Word]]]

OPERANDS = "[FILE | -]"
RELATED = ("shell",)
EXAMPLES = """\
fsu batch install.fsu
    Carry out a script:

        cd disk.img@rootfs:/
        mkdir -p opt/app
        put build/app :opt/app
        chmod 755 opt/app/run
        cp :etc/fstab ./fstab.old

fsu batch --set image=x.img -k script.fsu
    In the script ${image} is x.img; what fails does not end it.

printf 'ls x.img:/\\ncat x.img:/etc/fstab\\n' | fsu batch
    Commands from another program.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    from rump.fsutils.options import add_writing_options

    add = parser.add_argument
    add("-k", "--keep-going", action="store_true", help="go on behind a command that failed")
    add("-e", "--echo", action="store_true", help="print each command before it is carried out, on standard error")
    add("--set", dest="variables", metavar="NAME=VALUE", action="append", default=[],
        help="a variable: ${NAME} in the script")  # fmt: skip
    add("-n", "--dry-run", action="store_true", help="read the script and say what makes no sense; do nothing")
    add("script", nargs="?", default="-", metavar="FILE", help="the script; standard input unless given")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Read the script, then carry it out."""
    from rump.fsutils.shelling.place import INSIDE_VERBS, Place

    if arguments.record is not None:
        raise UsageError("--record is of one command")
    name = "standard input" if arguments.script == "-" else arguments.script
    try:
        text = _read(arguments.script)
    except OSError as error:
        command.fail(arguments.script, error)
        return command.status
    script = read_script(command, name, text, variables(arguments.variables))
    if arguments.dry_run:
        return command.status
    return carry_out(command, script, name, Place(INSIDE_VERBS), arguments.keep_going, arguments.echo)


def _read(script: str) -> str:
    """The script's text.  Errors: OSError."""
    if script == "-":
        return os.fsdecode(sys.stdin.buffer.read())
    with open(script, "rb") as file:
        return os.fsdecode(file.read())


def variables(given: list[str]) -> dict[str, str]:
    """What --set says.  Errors: UsageError.

    >>> variables(["image=x.img", "empty="])
    {'image': 'x.img', 'empty': ''}
    """
    said = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--set {text}: not NAME=VALUE")
        said[name] = value
    return said


def read_script(command: Command, name: str, text: str, said: dict[str, str]) -> Script:
    """The commands of a script, each with the number of its line.  Errors: UsageError - what makes no sense, and where;
    all but the first of it has been said."""
    from rump.fsutils.shelling.words import Scanner

    scanner = Scanner(text, said)
    script: Script = []
    try:
        script += scanner.commands()
    except UsageError as error:
        raise UsageError(f"{name}:{scanner.line}: {reason(error)}") from None
    wrong = []
    for line, words in script:
        try:
            _check(words)
        except UsageError as error:
            wrong.append(f"{name}:{line}: {words[0].text}: {reason(error)}")
    for message in wrong[:-1]:
        command.say(message)
    if wrong:
        raise UsageError(wrong[-1])
    return script


def _check(words: list[Word]) -> None:
    """See whether a command makes sense, as far as that can be told beforehand.  Errors: UsageError."""
    from rump.fsutils.shelling.builtins import BUILTINS
    from rump.fsutils.shelling.interpreter import HERE, check, check_here, find

    name, texts = words[0].text, [word.text for word in words[1:]]
    if name in BUILTINS:
        return
    module = find(name)
    if "--help" in texts or any(word.pattern for word in words):
        return
    if name in HERE:
        check_here(name, module, texts, ".")
    else:
        check(name, module, texts)


def carry_out(
    command: Command, script: Script, name: str, place: Place, keep_going: bool, echo: bool
) -> int:
    """Carry out a script; its status is that of the command that failed last."""
    from rump.fsutils.shelling.interpreter import Exit, Interpreter

    status = 0
    with Interpreter(command, place, sync=False) as interpreter:
        for index, (line, words) in enumerate(script):
            if echo:
                _show(command, words)
            try:
                status = interpreter.run(words) or status
            except Exit as end:
                return status if end.args[0] is None else int(end.args[0])
            if command.interrupted:
                break
            if interpreter.status and not keep_going:
                if index + 1 < len(script):
                    command.say(f"{name}:{line}: failed; what follows was not done")
                break
    return status


def _show(command: Command, words: list[Word]) -> None:
    """A command before it is carried out."""
    from shlex import quote

    from rump.fsutils.names import shown
    from rump.fsutils.shelling.words import HOST_COMMAND

    command.out.flush()
    text = " ".join(shown(word.text if words[0].text == HOST_COMMAND else quote(word.text)) for word in words)
    command.errors.write(os.fsencode(f"+ {text}\n"))
    command.errors.flush()
