# SPDX-License-Identifier: BSD-2-Clause
"""Change permissions inside images.  MODE is octal or symbolic: 644, u+rwX,go-w.

With -R symbolic links are left alone, unless -L is given; those among the operands are followed, unless -P is given.
"""

from __future__ import annotations

import os

from rump.fsutils import attributes as of
from rump.fsutils.changing import add_options, change_all, flag
from rump.fsutils.errors import UsageError
from rump.fsutils.modes import ModeChange
from rump.fsutils.options import add_writing_options, make_parser
from rump.fsutils.writing import quoted, reference, written
from rump.kernel.vfs.volume import MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found

OPERANDS = "MODE IMAGE[@PARTITION]:/PATH ..."

_LETTERS = frozenset("rwxXstugo,+-=")

RELATED = ("chown", "chgrp")
EXAMPLES = """\
fsu chmod 644 x.img:/etc/passwd
    By number.

fsu chmod -R u+rwX,go-w x.img:/srv
    By letters, all below a directory, too.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of chmod."""
    parser.add_argument("--reference", metavar="FILE", help="the mode of this file (host or IMAGE:/PATH), no MODE")
    parser.add_argument("-h", "--no-dereference", dest="no_follow", action="store_true",
                        help="symbolic links themselves")  # fmt: skip
    add_options(parser, "the mode, and what to change")
    add_writing_options(parser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line, in which a mode may begin with a dash: ``-w``, ``-rx,g+s``."""
    parser = make_parser("chmod", OPERANDS, __doc__ or "")
    add_arguments(parser)
    for index, word in enumerate(arguments):
        if word == "--":
            break
        if word[:1] == "-" and len(word) > 1 and _LETTERS.issuperset(word):
            arguments = [*arguments[:index], "," + word, *arguments[index + 1 :]]
            break
    return parser.parse_intermixed_args(arguments)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Change each operand."""
    texts = list(arguments.operands)
    change = None if arguments.reference is not None else _change(texts.pop(0))
    if not texts:
        raise UsageError("change the mode of what?")
    written(command, texts)
    if change is None:
        stat = reference(command, arguments.reference)
        if stat is None:
            return command.status
        change = ModeChange(f"{stat.st_mode & 0o7777:05o}")
    return _change_all(command, arguments, texts, change)


def _change_all(
    command: Command, arguments: argparse.Namespace, texts: list[str], change: ModeChange
) -> int:

    def one(found: Found) -> bool:
        mode = found.row[MODE]
        if of.is_link(mode) and not arguments.no_follow:
            return False
        new = change(mode, found.is_directory)
        if new == mode & 0o7777:
            return False
        found.lwp.fchmodat(found.fd, found.at, new, flag(found))
        return True

    def told(found: Found) -> bytes:
        new = change(found.row[MODE], found.is_directory)
        return b"mode of %b changed from %04o to %04o" % (quoted(found.path), found.row[MODE] & 0o7777, new)

    return change_all(command, arguments, texts, not arguments.no_follow, one, told)


def _change(text: str) -> ModeChange:
    umask = os.umask(0o077)
    os.umask(umask)
    try:
        return ModeChange(text.removeprefix(","), umask)
    except ValueError as error:
        raise UsageError(str(error)) from None
