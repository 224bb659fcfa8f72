# SPDX-License-Identifier: BSD-2-Clause
"""Work inside images interactively: cd, ls, get, put and all commands of fsu, with paths relative to a directory inside
an image.

The first IMAGE[@PARTITION] is where one begins.  All of them have names, which "images" lists, and more can be had with
"mount NAME IMAGE": NAME:/PATH reaches them side by side.  Plain paths are inside the current image, host:PATH is on the
host, IMAGE:/PATH in any image; patterns (* ? [) and the tab key work in all of them.  "help" lists the commands,
"help COMMAND" explains one, !COMMAND is the host's, ^C ends a command, ^D or "exit" the shell.

Images are mounted read-only until a command writes to one; from then on it is locked.  What a command wrote is on
stable storage when the next one can be typed.  With -r nothing is ever written.

A line may have several commands with ; between them.  If standard input is no terminal the lines are carried out as
fsu batch does: the first that fails is the last.
"""

from __future__ import annotations

import os
import sys

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.shelling.place import Place

OPERANDS = "[IMAGE[@PARTITION][:/DIR] ...]"
RELATED = ("batch",)
EXAMPLES = """\
fsu shell disk.img@2
    Begin in the root of the second partition:

        disk.img@2:/> cd etc
        disk.img@2:/etc> less fstab
        disk.img@2:/etc> put ~/hosts .
        disk.img@2:/etc> exit

fsu shell -r old.img new.img
    Look at two images, which are old: and new: there.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    from rump.fsutils.options import add_writing_options

    add = parser.add_argument
    add("-r", "--read-only", action="store_true", help="write to no image")
    add("-c", dest="line", metavar="COMMANDS", help="carry these out, and end")
    add("-k", "--keep-going", action="store_true", help="go on behind a command that failed, where nobody types them")
    add("--no-history", dest="history", action="store_false", help="keep no history of what is typed in a file")
    add("operands", nargs="*", metavar="IMAGE", help="where to begin, and more images")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Read commands and carry them out until there are no more."""
    if arguments.record is not None:
        raise UsageError("--record is of one command")
    command.session.options.read_only |= arguments.read_only
    place = _begin(command, arguments.operands)
    if place is None:
        return command.status
    if arguments.line is not None or not sys.stdin.isatty():
        from rump.fsutils.batch import carry_out, read_script

        text = os.fsdecode(sys.stdin.buffer.read()) if arguments.line is None else arguments.line
        name = "standard input" if arguments.line is None else "-c"
        script = read_script(command, name, text, {})
        return carry_out(command, script, name, place, arguments.keep_going, False)
    from rump.fsutils.shelling.interactive import Shell

    return Shell(command, place, arguments.history).run()


def _begin(command: Command, texts: list[str]) -> Place | None:
    """Open the images; None if one of them cannot be opened, which was said."""
    from rump.fsutils.operand import parse as parse_operand
    from rump.fsutils.shelling.place import ALWAYS, Place

    place = Place(ALWAYS)
    operands = [parse_operand(text, image_by_default=True) for text in texts]
    for operand in operands:
        if operand.image is None:
            raise UsageError(f"{operand.text}: not an image")
        try:
            lwp, path = command.session.resolve(operand)
            lwp.stat(path + b"/.")
        except OSError as error:
            command.fail(operand, error)
            return None
    for operand in operands[1:]:
        place.name(operand)
    if operands:
        place.name(operands[0])
        place.go(operands[0])
    return place
