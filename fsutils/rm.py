# SPDX-License-Identifier: BSD-2-Clause
"""Remove files inside images.  The root directory is never removed."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.options import add_writing_options
from rump.fsutils.removal import remove_tree
from rump.fsutils.writing import OPERANDS, each, quoted, written
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

__all__ = ["OPERANDS", "add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of rm."""
    add = parser.add_argument
    add("-r", "-R", "--recursive", dest="recursive", action="store_true", help="directories with all that is in them")
    add("-f", dest="quiet", action="store_true", help="say nothing of what is not there")
    add("-d", "--dir", dest="empty", action="store_true", help="empty directories, too")
    add("-v", "--verbose", action="store_true", help="print what is removed")
    add("operands", nargs="*", help="what to remove")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Remove each operand."""
    if not arguments.operands and not arguments.quiet:
        raise UsageError("remove what?")
    told = _teller(command) if arguments.verbose else None

    def remove(lwp: Lwp, path: bytes, operand: Operand) -> None:
        try:
            stat = lwp.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            if arguments.quiet:
                return
            raise
        _check(lwp, path, (stat.st_dev, stat.st_ino))
        if stat.st_mode & abi.S_IFMT != abi.S_IFDIR:
            lwp.unlink(path)
        elif arguments.recursive:
            remove_tree(lwp, path, operand.shown, command.session, command.fail, told)
            return
        elif arguments.empty:
            lwp.rmdir(path)
        else:
            raise fault(e.EISDIR)
        if told is not None:
            told(operand.shown)

    return each(command, written(command, arguments.operands), remove)


def _check(lwp: Lwp, path: bytes, key: tuple[int, int]) -> None:
    """Errors: EPERM - the root; EINVAL - "." and ".."."""
    root = lwp.stat(b"/")
    if key == (root.st_dev, root.st_ino):
        raise fault(e.EPERM, "the root directory")
    if path.rstrip(b"/").rpartition(b"/")[2] in (b".", b".."):
        raise fault(e.EINVAL, 'the last name is "." or ".."')


def _teller(command: Command) -> Callable[[bytes], None]:
    def told(path: bytes) -> None:
        command.out.write(b"removed " + quoted(path) + b"\n")

    return told
