# SPDX-License-Identifier: BSD-2-Clause
"""Remove files inside images.  The root directory is never removed."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.options import add_writing_options
from rump.fsutils.removal import overwrite, remove_tree
from rump.fsutils.writing import OPERANDS, each_match, quoted, written
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat

__all__ = ["OPERANDS", "add_arguments", "run"]

ASK, QUIET = range(1, 3)        # -i and -f, of which the last one counts
RELATED = ("rmdir", "mv")
EXAMPLES = """\
fsu rm -r 'x.img:/tmp/*'
    Remove all that is in a directory.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of rm."""
    add = parser.add_argument
    add("-r", "-R", "--recursive", dest="recursive", action="store_true", help="directories with all that is in them")
    add("-f", dest="how", action="store_const", const=QUIET, help="say nothing of what is not there, and do not ask")
    add("-d", "--dir", dest="empty", action="store_true", help="empty directories, too")
    add("-i", "--interactive", dest="how", action="store_const", const=ASK, help="ask before each")
    add("-P", "--overwrite", action="store_true", help="overwrite files with zeros first, unless they have other names")
    add("-W", "--undelete", action="store_true", help="bring back what a whiteout hides; no file system here has any")
    add("-v", "--verbose", action="store_true", help="print what is removed")
    add("operands", nargs="*", help="what to remove")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Remove each operand."""
    if not arguments.operands and arguments.how != QUIET:
        raise UsageError("remove what?")
    if arguments.undelete:
        return each_match(command, written(command, arguments.operands), _undelete)
    told = _teller(command) if arguments.verbose else None
    first = _first(command, arguments) if arguments.how == ASK or arguments.overwrite else None

    def remove(lwp: Lwp, path: bytes, operand: Operand) -> None:
        try:
            stat = lwp.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            if arguments.how == QUIET:
                return
            raise
        _check(lwp, path, (stat.st_dev, stat.st_ino))
        if stat.st_mode & abi.S_IFMT != abi.S_IFDIR and first is None:
            lwp.unlink(path)
        elif arguments.recursive or stat.st_mode & abi.S_IFMT != abi.S_IFDIR:
            if arguments.recursive and not _may_enter(command, arguments, stat, operand.shown):
                return
            remove_tree(lwp, path, operand.shown, command.session, command.fail, told, first)
            return
        elif arguments.empty:
            lwp.rmdir(path)
        else:
            raise fault(e.EISDIR)
        if told is not None:
            told(operand.shown)

    return each_match(command, written(command, arguments.operands), remove)


def _first(command: Command, arguments: argparse.Namespace) -> Callable[[Found], bool]:
    """What is done before a file goes: -i asks, -P overwrites."""
    from rump.fsutils.asking import agreed

    def first(found: Found) -> bool:
        if arguments.how == ASK and not agreed(command, "remove", found.path):
            return False
        if arguments.overwrite:
            overwrite(found.lwp, found.fd, found.at)
        return True

    return first


def _may_enter(command: Command, arguments: argparse.Namespace, stat: Stat, shown: bytes) -> bool:
    """Whether to go through a directory, if that is to be asked."""
    from rump.fsutils.asking import agreed

    return arguments.how != ASK or stat.st_mode & abi.S_IFMT != abi.S_IFDIR or agreed(
        command, "go through directory", shown)  # fmt: skip


def _undelete(lwp: Lwp, path: bytes, operand: Operand) -> None:
    """Errors: EOPNOTSUPP - whiteouts are of union mounts."""
    raise fault(e.EOPNOTSUPP, "no whiteout")


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
