# SPDX-License-Identifier: BSD-2-Clause
"""Changing attributes of files and of all that is below directories: what chmod, chown and chgrp share."""

from __future__ import annotations

from rump.fsutils.attributes import is_link
from rump.fsutils.finding.walk import ALWAYS, COMMAND_LINE, NEVER, Limits, Walk
from rump.fsutils.writing import each_match, written
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
    add("-H", dest="links", action="store_const", const=COMMAND_LINE,
        help="with -R: follow symbolic links among the operands")  # fmt: skip
    add("-L", dest="links", action="store_const", const=ALWAYS, help="with -R: follow all symbolic links")
    add("-P", dest="links", action="store_const", const=NEVER, help="with -R: follow no symbolic link")
    add("-f", "--silent", "--quiet", dest="silent", action="store_true", help="say nothing of what cannot be changed")
    add("-v", "--verbose", action="store_true", help="print what is changed")
    add("operands", nargs="+", metavar="operand", help=operands)


def follows(arguments: argparse.Namespace) -> bool:
    """Whether what symbolic links among the operands lead to is meant, as long as neither -H nor -L nor -P says it."""
    return not (arguments.no_follow or arguments.recursive)


def change_all(
    command: Command, arguments: argparse.Namespace, texts: list[str], follow: bool, change: Callable[[Found], bool],
    told: Callable[[Found], bytes],
) -> int:  # fmt: skip
    """Have `change` made of each operand, with -R of what is below; it says whether anything became different.

    `follow`: what a symbolic link among the operands leads to is meant.  The exit status.
    """
    limits = Limits()
    limits.follow = COMMAND_LINE if follow else NEVER
    if arguments.recursive and arguments.links is not None and not arguments.no_follow:
        limits.follow = arguments.links
    limits.most = 1 << 62 if arguments.recursive else 0

    def test(found: Found) -> bool:
        if limits.follow != NEVER and found.depth == 0 and is_link(found.row[MODE]):
            raise fault(e.ENOENT, "leads nowhere")
        if change(found) and arguments.verbose:
            command.out.write(told(found) + b"\n")
        return True

    walk = Walk(test, limits, command.session, _silence if arguments.silent else command.fail)

    def operand(lwp: Lwp, path: bytes, operand: Operand) -> None:
        try:
            walk.operand(lwp, path, operand.shown)
        except OSError:
            if not arguments.silent:
                raise

    return each_match(command, written(command, texts), operand)


def _silence(path: bytes, error: OSError | str) -> None:
    """Say nothing."""


def flag(found: Found) -> int:
    """How to name a found file in a system call: what was followed to it must be followed again."""
    return abi.AT_SYMLINK_NOFOLLOW if is_link(found.row[MODE]) else 0
