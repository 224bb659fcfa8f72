# SPDX-License-Identifier: BSD-2-Clause
"""Copy into an image with everything files have, as `fsu cp -a` does.

What is copied goes into the directory DIR of the image, its root unless it is given; a DIR that is not there is the
name of the one copy.
"""

from __future__ import annotations

from rump.fsutils.copy.changes import add_options as add_change_options
from rump.fsutils.copy.shorthand import add_options, copy
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "FILE ... IMAGE[@PARTITION][:/DIR]"
RELATED = ("get", "cp")
EXAMPLES = """\
fsu put ./site disk.img@2:/srv/www
    Copy a tree into an image with all it has.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of put."""
    add_options(parser)
    parser.add_argument("operands", nargs="+", help="what to copy, and the directory of an image where to")
    add_change_options(parser)
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Copy."""
    *texts, last = arguments.operands
    if not texts:
        raise UsageError(f"{last}: where to?")
    return copy(
        command, arguments, [parse_operand(text, image_by_default=False) for text in texts],
        parse_operand(last, image_by_default=True),
    )  # fmt: skip
