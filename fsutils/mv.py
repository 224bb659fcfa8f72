# SPDX-License-Identifier: BSD-2-Clause
"""Move files: inside an image and on the host by renaming them; else by copying them with everything they have, and
removing them once the copies are on stable storage.

What is moved to a directory that is there goes into it.  What was not copied in full stays where it was.
"""

from __future__ import annotations

from rump.fsutils.copy.options import NEVER, NO_CLOBBER, OVERWRITE, UPDATE, Rules, archive
from rump.fsutils.cp import split_operands
from rump.fsutils.options import add_writing_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "SOURCE ... TARGET"
RELATED = ("cp", "rm")
EXAMPLES = """\
fsu mv x.img:/etc/fstab.new x.img:/etc/fstab
    Rename a file.

fsu mv x.img:/var/log ./log
    Move a tree out of an image.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of mv."""
    add = parser.add_argument
    add("-f", dest="interactive", action="store_false", default=False, help="do not ask, whatever -i before it said")
    add("-i", "--interactive", action="store_true", help="ask before anything is replaced")
    add("-n", "--no-clobber", action="store_true", help="leave alone what is there")
    add("-u", "--update", action="store_true", help="replace only what is older")
    add("-v", "--verbose", action="store_true", help="print what is moved")
    add("-t", "--target-directory", metavar="DIR", help="move all operands into DIR")
    add("-T", "--no-target-directory", action="store_true", help="TARGET is the new name, not where it goes")
    add("operands", nargs="*", help="what to move, and where")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Move."""
    operands, target = split_operands(arguments, "move")
    for operand in (*operands, target):
        command.session.writes_to(operand)
    from rump.fsutils.moving import Moving

    existing = NO_CLOBBER if arguments.no_clobber else UPDATE if arguments.update else OVERWRITE
    moving = Moving(command, target, archive(), Rules(recursive=True, follow=NEVER, existing=existing))
    moving.verbose = arguments.verbose
    if arguments.interactive:
        from rump.fsutils.asking import overwriting

        moving.agree = overwriting(command)
    moving.copy(operands, into=arguments.target_directory is not None, exactly=arguments.no_target_directory)
    return 0
