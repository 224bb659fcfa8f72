# SPDX-License-Identifier: BSD-2-Clause
"""Copy out of images with everything files have, as `fsu cp -a` does.

What is copied goes into HOSTDIR, the current directory unless it is given; a HOSTDIR that is not there is the name of
the one copy.
"""

from __future__ import annotations

from rump.fsutils.copy.shorthand import add_options, copy
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse as parse_operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command

OPERANDS = "IMAGE[@PARTITION]:/PATH ... [HOSTDIR]"
RELATED = ("put", "cp")
EXAMPLES = """\
fsu get disk.img@2:/home/ann ./ann
    Copy a tree out with all it has.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of get."""
    add_options(parser)
    parser.add_argument("operands", nargs="+", help="what to copy, and the directory of the host where to")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Copy."""
    operands = [parse_operand(text, image_by_default=False) for text in arguments.operands]
    if len(operands) > 1 and operands[-1].image is None:
        target = operands.pop()
    else:
        target = parse_operand("host:.", image_by_default=False)
    for operand in operands:
        if operand.image is None:
            raise UsageError(f"{operand.text}: not inside an image, IMAGE:/PATH; put copies into images")
    return copy(command, arguments, operands, target)
