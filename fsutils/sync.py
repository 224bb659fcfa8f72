# SPDX-License-Identifier: BSD-2-Clause
"""Bring file systems in images to a clean end: a journal that needs recovery is replayed, all is written where it
belongs and reaches stable storage.

An image alone stands for all its partitions that hold file systems.
"""

from __future__ import annotations

from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options
from rump.fsutils.volumes import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand

OPERANDS = "IMAGE[@PARTITION] ..."
RELATED = ("fsck",)
EXAMPLES = """\
fsu sync disk.img
    Replay journals that need it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("operands", nargs="+", help="images")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Mount each file system for writing; the end of the session does the rest."""
    found: list[Operand] = []
    for text in arguments.operands:
        operand = parse_operand(text, image_by_default=True)
        try:
            found += volumes(command.session, operand)
        except OSError as error:
            command.fail(operand, error)
    for operand in found:
        command.session.writes_to(operand)
    for operand in found:
        if command.interrupted:
            break
        try:
            command.session.resolve(operand)[0].sync()
        except OSError as error:
            command.fail(operand, error)
    return command.status
