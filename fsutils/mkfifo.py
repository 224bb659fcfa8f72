# SPDX-License-Identifier: BSD-2-Clause
"""Make fifos inside images."""

from __future__ import annotations

from rump.fsutils.modes import given_mode
from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import OPERANDS, each, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

__all__ = ["OPERANDS", "add_arguments", "run"]

ALL = 0o666
RELATED = ("mknod",)
EXAMPLES = """\
fsu mkfifo -m 600 x.img:/dev/initctl
    Make a fifo that is root's alone.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of mkfifo."""
    parser.add_argument("-m", "--mode", metavar="MODE", help="permissions, as chmod has them; else what umask leaves")
    parser.add_argument("operands", nargs="+", help="fifos to make")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make each operand."""
    mode = given_mode(arguments.mode, ALL)

    def make(lwp: Lwp, path: bytes, operand: Operand) -> None:
        lwp.mkfifo(path, ALL)
        if mode is not None:
            lwp.chmod(path, mode)

    return each(command, written(command, arguments.operands), make)
