# SPDX-License-Identifier: BSD-2-Clause
"""Remove empty directories inside images."""

from __future__ import annotations

from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import OPERANDS, below, each, quoted, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

__all__ = ["OPERANDS", "add_arguments", "run"]

RELATED = ("mkdir", "rm")
EXAMPLES = """\
fsu rmdir -p x.img:/a/b/c
    Remove empty directories.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of rmdir."""
    add = parser.add_argument
    add("-p", "--parents", action="store_true", help="and those above, which are empty then")
    add("-v", "--verbose", action="store_true", help="print what is removed")
    add("operands", nargs="+", help="directories to remove")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Remove each operand."""

    def remove(lwp: Lwp, path: bytes, operand: Operand) -> None:
        typed = operand.path[operand.start :].strip(b"/").count(b"/")
        path = path.rstrip(b"/") or b"/"
        while True:
            lwp.rmdir(path)
            if arguments.verbose:
                command.out.write(b"removed " + quoted(below(operand, path)) + b"\n")
            path = path.rpartition(b"/")[0]
            typed -= 1
            if not arguments.parents or typed < 0:
                return

    return each(command, written(command, arguments.operands), remove)
