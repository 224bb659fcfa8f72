# SPDX-License-Identifier: BSD-2-Clause
"""Search for files inside images.

Tests: -name -iname -path -ipath -regex -iregex -lname -ilname (patterns), -type -xtype LETTER,... -size [+-]N[cwbkMGT]
-perm [-/]MODE -empty -links -inum -uid -gid [+-]N -user -group NAME|[+-]N -nouser -nogroup (names are the image's, of
its /etc/passwd and /etc/group) -mtime -atime -ctime DAYS -mmin -amin -cmin MINUTES -newer -anewer -cnewer -mnewer FILE
-newerXY FILE (X of a c m B; Y also t: a date) -since -asince -csince -msince DATE -flags [-+]FLAG,... -fstype TYPE
-true -false.
Actions: -print -print0 -printx -ls -printf FORMAT -delete -exec COMMAND ; -exec COMMAND {} + -prune -quit
-exit [STATUS].  Operators: ( ) ! -not -a -and -o -or , .
Everywhere: -maxdepth N -mindepth N -depth [N] -xdev -follow -H -L -P.  Output is sorted.  Regular expressions are
Python's, or those of -regextype posix-basic or posix-extended.
A path is matched as it is printed and as it is inside the image.
-delete removes files and empty directories, what is in a directory first.  -exec runs a command of the host on copies
of regular files, each under its path in the image in a directory that is there while the command runs; what it does to
them does not change the image.
"""

from __future__ import annotations

import os
from datetime import UTC
from time import time_ns

from rump.fsutils.errors import UsageError
from rump.fsutils.finding.expression import Parser
from rump.fsutils.finding.found import Quit
from rump.fsutils.finding.tests import TIMES, newer, table
from rump.fsutils.finding.walk import ALWAYS, COMMAND_LINE, NEVER, Limits, Walk
from rump.fsutils.operand import expanded
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options, make_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.finding.doing import Together
    from rump.fsutils.finding.expression import Primary, Words
    from rump.fsutils.finding.found import Found, Test

OPERANDS = "[-H|-L|-P] IMAGE[@PARTITION][:/PATH] ... [expression]"

_FOLLOW = {"-H": COMMAND_LINE, "-L": ALWAYS, "-P": NEVER}
DELIMITERS = b" \t\n'\"\\"         # of words, for xargs
_WITH_VALUE = ("--fs-type", "--fs-options", "--record")

RELATED = ("ls", "grep")
EXAMPLES = """\
fsu find disk.img@2:/ -name '*.conf' -newer ./reference
    Find files by name and time.

fsu find x.img:/ -type f -perm -4000 -ls
    List programs that run as their owner.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that are not part of the expression."""
    parser.add_argument("--json", action="store_true", help="-print prints a JSON object a line")
    parser.add_argument("--xargs", action="store_true",
                        help="leave out names that xargs would take apart (the -X of the BSDs)")  # fmt: skip
    add_writing_options(parser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Tell options, operands and the expression apart."""
    parser = make_parser("find", OPERANDS, __doc__ or "")
    add_arguments(parser)
    options, rest = _options(arguments)
    parsed = parser.parse_args(options)
    parsed.follow = NEVER
    while rest and rest[0] in _FOLLOW:
        parsed.follow = _FOLLOW[rest.pop(0)]
    count = 0
    while count < len(rest) and not (rest[count].startswith("-") or rest[count] in ("(", ")", "!", ",")):
        count += 1
    parsed.operands, parsed.expression = rest[:count], rest[count:]
    return parsed


def _options(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The words that begin with two dashes, with their values, and the others."""
    options, rest = [], []
    words = iter(arguments)
    for word in words:
        if not word.startswith("--") or word == "--":
            rest.append(word)
            continue
        options.append(word)
        if word in _WITH_VALUE:
            options += [value for value in (next(words, None),) if value is not None]
    return options, rest


class Actions:
    """What is done with files found, and the words that need the session.

    used     there is an action in the expression besides -prune and -quit
    deletes  -delete is one of them
    """

    def __init__(self, command: Command, limits: Limits, as_json: bool) -> None:
        self._command = command
        self._limits = limits
        self._write = command.out.write
        self.print = self._print_json if as_json else self._print
        self.used = self.deletes = False
        self._gathering: list[Together] = []

    def table(self) -> dict[str, Primary]:
        """Word -> what makes its action."""
        return {
            "-print": lambda words: self._action(self.print),
            "-print0": lambda words: self._action(self._print0),
            "-ls": lambda words: self._long(),
            "-printf": self._printf,
            "-delete": lambda words: self._delete(),
            "-exec": self._execute,
            "-quit": lambda words: self._quit,
            "-maxdepth": lambda words: self._limit("most", words),
            "-mindepth": lambda words: self._limit("least", words),
            "-depth": self._depth,
            "-follow": lambda words: self._follow(),
            "-printx": lambda words: self._action(self._printx),
            "-exit": self._exit,
            "-since": lambda words: self._since(words, "m"),
            "-asince": lambda words: self._since(words, "a"),
            "-csince": lambda words: self._since(words, "c"),
            "-msince": lambda words: self._since(words, "m"),
            "-mnewer": lambda words: self._newer(words, "m", "m"),
            "-xdev": lambda words: self._switch("one_volume"),
            "-mount": lambda words: self._switch("one_volume"),
            "-newer": lambda words: self._newer(words, "m", "m"),
            "-anewer": lambda words: self._newer(words, "a", "m"),
            "-cnewer": lambda words: self._newer(words, "c", "m"),
        }

    def other(self, word: str) -> Primary | None:
        """The words that come in many forms: -newerXY."""
        if len(word) == 8 and word.startswith("-newer") and word[6] in TIMES and (word[7] in TIMES or word[7] == "t"):
            return lambda words: self._newer(words, word[6], word[7])
        return None

    def _action(self, action: Test) -> Test:
        self.used = True
        return action

    def _print(self, found: Found) -> bool:
        self._write(found.path + b"\n")
        return True

    def _print0(self, found: Found) -> bool:
        self._write(found.path + b"\0")
        return True

    def _printx(self, found: Found) -> bool:
        self._write(b"".join(b"\\%c" % byte if byte in DELIMITERS else b"%c" % byte for byte in found.path) + b"\n")
        return True

    def _print_json(self, found: Found) -> bool:
        from rump.fsutils import json_lines

        record = json_lines.named("path", found.path) | json_lines.attributes(found.row)
        target = found.target()
        if target:
            record |= json_lines.named("target", target)
        self._write(json_lines.line(record))
        return True

    def _printf(self, words: Words) -> Test:
        from rump.fsutils.finding.printf import Format

        text = words.argument()
        try:
            show = Format(text)
        except ValueError as error:
            raise words.wrong(text, str(error)) from None
        return self._action(lambda found: (self._write(show(found)), True)[1])

    def _long(self) -> Test:
        from rump.fsutils.finding.printf import LongLines

        show = LongLines()
        return self._action(lambda found: (self._write(show(found)), True)[1])

    def _delete(self) -> Test:
        from rump.fsutils.finding.doing import delete

        self.deletes = self._limits.post = True
        return self._action(delete)

    def _execute(self, words: Words) -> Test:
        from rump.fsutils.finding.doing import execute

        test, gathered = execute(self._command, words)
        if gathered is not None:
            self._gathering.append(gathered)
        return self._action(test)

    def finish(self) -> None:
        """All is found: run the commands that waited for more."""
        for gathered in self._gathering:
            try:
                gathered.finish()
            except OSError as error:
                self._command.fail("-exec", error)

    def _quit(self, found: Found) -> bool:
        raise Quit

    def _exit(self, words: Words) -> Test:
        """End, with a status."""
        status = int(words.take()) if (words.peek() or "").isdigit() else 0

        def leave(found: Found) -> bool:
            self._command.status = self._command.status or status & 0xFF
            raise Quit

        return leave

    def _depth(self, words: Words) -> Test:
        """What is in a directory before it; with a number, what is so deep down."""
        text = words.peek() or ""
        if not text.lstrip("+-").isdigit():
            return self._switch("post")
        wanted, sign = int(words.take().lstrip("+-")), text[0]
        if sign == "+":
            return lambda found: found.depth > wanted
        return lambda found: found.depth < wanted if sign == "-" else found.depth == wanted

    def _follow(self) -> Test:
        self._limits.follow = ALWAYS
        return lambda found: True

    def _limit(self, name: str, words: Words) -> Test:
        text = words.argument()
        if not (text.isascii() and text.isdigit()):
            raise words.wrong(text, "not a depth")
        setattr(self._limits, name, int(text))
        return lambda found: True

    def _switch(self, name: str) -> Test:
        setattr(self._limits, name, True)
        return lambda found: True

    def _newer(self, words: Words, mine: str, theirs: str) -> Test:
        text = words.argument()
        try:
            reference = _date(text) if theirs == "t" else self._time_of(text, theirs)
        except (OSError, ValueError) as error:
            raise words.wrong(text, getattr(error, "strerror", None) or str(error)) from None
        return newer(TIMES[mine], reference)

    def _since(self, words: Words, mine: str) -> Test:
        return self._newer(words, mine, "t")

    def _time_of(self, text: str, which: str) -> int:
        """A time of a file, on the host or in an image.  Errors: OSError."""
        from rump.fsutils.attributes import of

        operand = parse_operand(text, image_by_default=False)
        if operand.image is not None:
            lwp, path = self._command.session.resolve(operand)
            return of(lwp.stat(path))[TIMES[which]]
        stat = os.stat(operand.path)
        return {"a": stat.st_atime_ns, "c": stat.st_ctime_ns}.get(which, stat.st_mtime_ns)


def _date(text: str) -> int:
    """A date as nanoseconds since 1970.  Errors: ValueError."""
    if text.startswith("@"):
        whole, _, part = text[1:].partition(".")
        return int(whole) * 10**9 + int((part + "0" * 9)[:9])
    from datetime import datetime, timedelta

    since = datetime.fromisoformat(text).astimezone() - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000


def _without_delimiters(test: Test, command: Command) -> Test:
    """A test that passes over names which xargs would take apart, with a word about them."""

    def asked(found: Found) -> bool:
        if any(byte in DELIMITERS for byte in found.path):
            command.warn(found.path, "xargs would take this name apart; left out")
            return False
        return test(found)

    return asked


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Search."""
    if not arguments.operands:
        raise UsageError("which image?")
    limits = Limits()
    limits.follow = arguments.follow
    actions = Actions(command, limits, arguments.json)
    test = Parser(arguments.expression, table(time_ns()) | actions.table(), actions.other).parse()
    if test is None:
        test = actions.print
    elif not actions.used:
        wanted = test
        test = lambda found: wanted(found) and actions.print(found)  # noqa: E731
    if arguments.xargs:
        test = _without_delimiters(test, command)
    if actions.deletes:
        for text in arguments.operands:
            command.session.writes_to(parse_operand(text, image_by_default=True))
    walk = Walk(test, limits, command.session, command.fail)
    try:
        walk.operands(command, expanded(command.session, arguments.operands))
    except Quit:
        pass
    finally:
        actions.finish()
    return 0
