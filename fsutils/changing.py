# SPDX-License-Identifier: BSD-2-Clause
"""Changing attributes of files and of all that is below directories: what chmod, chown and chgrp share."""

from __future__ import annotations

from rump.fsutils.attributes import is_link
from rump.fsutils.finding.walk import COMMAND_LINE, NEVER, Limits, Walk
from rump.fsutils.writing import each, written
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import MODE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp


def add_options(parser: argparse.ArgumentParser, operands: str) -> None:
    """The options they share."""
    add = parser.add_argument
    add("-R", "--recursive", action="store_true", help="and all that is below")
    add("-v", "--verbose", action="store_true", help="print what is changed")
    add("operands", nargs="+", metavar="operand", help=operands)


def change_all(
    command: Command, arguments: argparse.Namespace, texts: list[str], follow: bool, change: Callable[[Found], bool],
    told: Callable[[Found], bytes],
) -> int:  # fmt: skip
    """Have `change` made of each operand, with -R of what is below; it says whether anything became different.

    `follow`: what a symbolic link among the operands leads to is meant.  The exit status.
    """

    def test(found: Found) -> bool:
        if follow and found.depth == 0 and is_link(found.row[MODE]):
            raise fault(e.ENOENT, "leads nowhere")
        if change(found) and arguments.verbose:
            command.out.write(told(found) + b"\n")
        return True

    limits = Limits()
    limits.follow = COMMAND_LINE if follow else NEVER
    limits.most = 1 << 62 if arguments.recursive else 0
    walk = Walk(test, limits, command.session, command.fail)

    def operand(lwp: Lwp, path: bytes, operand: Operand) -> None:
        walk.operand(lwp, path, operand.shown)

    return each(command, written(command, texts), operand)


def flag(found: Found) -> int:
    """How to name a found file in a system call: what was followed to it must be followed again."""
    if found.depth == 0 and found.row[MODE] & abi.S_IFMT != abi.S_IFLNK:
        return 0
    return abi.AT_SYMLINK_NOFOLLOW
