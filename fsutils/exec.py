# SPDX-License-Identifier: BSD-2-Clause
"""Run a command of the host on a copy of a file inside an image; if it changes the copy, that takes the file's place.

The copy's name is the last argument of the command, or stands for each {} among them.  The exit status is that of the
command; 127 if there is no such command, 126 if it cannot be run.
"""

from __future__ import annotations

import argparse
import os

from rump.fsutils.options import add_writing_options, make_parser
from rump.fsutils.running import call
from rump.fsutils.working_copy import WorkingCopy
from rump.fsutils.writing import inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.fsutils.command import Command

OPERANDS = "IMAGE[@PARTITION]:/PATH COMMAND [ARGUMENT ...]"

NOT_FOUND, NOT_RUN = 127, 126
HERE = "{}"
RELATED = ("edit", "cat")
EXAMPLES = """\
fsu exec x.img:/etc/passwd sed -i s/ash/bash/
    Change a file with a command of the host.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of exec."""
    parser.add_argument("-r", "--read-only", dest="keep", action="store_true",
                        help="nothing goes back; the image is not written to")  # fmt: skip
    add_writing_options(parser)
    parser.add_argument("operand", metavar="FILE", help="the file")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; what follows the file is not ours to read."""
    parser = make_parser("exec", OPERANDS, __doc__ or "")
    add_arguments(parser)
    parsed = parser.parse_args(arguments)
    if parsed.command[:1] == ["--"]:
        del parsed.command[0]
    if not parsed.command:
        parser.error("which command?")
    return parsed


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Run it."""
    (operand,) = inside([arguments.operand])
    try:
        with WorkingCopy(command, operand) as copy:
            command.session.release()           # a command may take long
            path = os.fsdecode(copy.path)
            words = [word.replace(HERE, path) for word in arguments.command]
            status = _call(command, words if words != arguments.command else [*words, path])
            if not arguments.keep and status not in (NOT_FOUND, NOT_RUN):
                copy.put_back()
    except OSError as error:
        command.fail(operand, error)
        return command.status
    return status or command.status


def _call(command: Command, words: list[str]) -> int:
    """Run the command; its status."""
    try:
        return call(words, command.out)
    except FileNotFoundError as error:
        command.fail(words[0], error)
        return NOT_FOUND
    except OSError as error:
        command.fail(words[0], error)
        return NOT_RUN
