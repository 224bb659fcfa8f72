# SPDX-License-Identifier: BSD-2-Clause
"""Make directories inside images."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.modes import ModeChange
from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import OPERANDS, below, each, quoted, written
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

ALL = 0o777
RELATED = ("rmdir",)
EXAMPLES = """\
fsu mkdir -p x.img:/srv/www/html
    Make a directory and those above it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of mkdir."""
    add = parser.add_argument
    add("-p", "--parents", action="store_true", help="those above, too; nothing is wrong if it is there")
    add("-m", "--mode", metavar="MODE", help="permissions, as chmod has them; else what umask leaves")
    add("-v", "--verbose", action="store_true", help="print what is made")
    add("operands", nargs="+", help="directories to make")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make each operand."""
    change = None
    try:
        if arguments.mode is not None:
            change = ModeChange(arguments.mode)
    except ValueError as error:
        raise UsageError(str(error)) from None

    def make(lwp: Lwp, path: bytes, operand: Operand) -> None:
        def told(path: bytes) -> None:
            if arguments.verbose:
                command.out.write(b"made " + quoted(below(operand, path)) + b"\n")

        if arguments.parents:
            _parents(lwp, path, told)
            if is_directory(lwp, path):
                return
        lwp.mkdir(path, ALL)
        if change is not None:
            lwp.chmod(path, change(ALL, True))
        told(path)

    return each(command, written(command, arguments.operands), make)


def _parents(lwp: Lwp, path: bytes, told: Callable[[bytes], None]) -> None:
    """Make the directories that `path` is to be in, as far as they are missing; one may always go on in them."""
    names = path.strip(b"/").split(b"/")[:-1]
    for count in range(1, len(names) + 1):
        above = b"/" + b"/".join(names[:count])
        if not is_directory(lwp, above):
            try:
                lwp.mkdir(above, ALL)
            except FileExistsError:
                raise fault(e.ENOTDIR) from None
            mode = lwp.stat(above).st_mode & 0o7777
            if mode & 0o300 != 0o300:
                lwp.chmod(above, mode | 0o300)
            told(above)


def is_directory(lwp: Lwp, path: bytes) -> bool:
    """Whether a path leads to a directory."""
    try:
        return lwp.stat(path).st_mode & abi.S_IFMT == abi.S_IFDIR
    except OSError:
        return False
