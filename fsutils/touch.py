# SPDX-License-Identifier: BSD-2-Clause
"""Set times of files inside images, to now unless told; files that are not there are made, empty."""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import OPERANDS, each, reference, written
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

    Time: TypeAlias = int | str | None

__all__ = ["OPERANDS", "add_arguments", "run"]

RELATED = ("stat",)
EXAMPLES = """\
fsu touch -d 2001-09-09 x.img:/etc/issue
    Set a time.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of touch."""
    add = parser.add_argument
    add("-a", dest="access", action="store_true", help="only the time of the last access")
    add("-m", dest="modification", action="store_true", help="only that of the last modification")
    add("-c", "--no-create", action="store_true", help="make no file")
    add("-d", "--date", metavar="DATE", help="this time: ISO 8601, or @SECONDS since 1970, or now")
    add("-t", dest="stamp", metavar="[[CC]YY]MMDDhhmm[.ss]", help="this time")
    add("-r", "--reference", metavar="FILE", help="the times of this file (host or IMAGE:/PATH)")
    add("-h", "--no-dereference", dest="no_follow", action="store_true", help="symbolic links themselves")
    add("operands", nargs="+", help="files")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Touch each operand."""
    operands = written(command, arguments.operands)
    if sum(given is not None for given in (arguments.date, arguments.stamp, arguments.reference)) > 1:
        raise UsageError("only one of -d, -t and -r")
    times = _times(command, arguments)
    if times is None:
        return command.status
    atime, mtime = times
    both = arguments.access == arguments.modification
    if not (both or arguments.access):
        atime = None
    if not (both or arguments.modification):
        mtime = None
    flag = abi.AT_SYMLINK_NOFOLLOW if arguments.no_follow else 0

    def touch(lwp: Lwp, path: bytes, operand: Operand) -> None:
        try:
            lwp.utimensat(abi.AT_FDCWD, path, atime, mtime, flag)
        except FileNotFoundError:
            if arguments.no_create or arguments.no_follow:
                if arguments.no_create:
                    return
                raise
            fd = lwp.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_NONBLOCK, 0o666)
            try:
                lwp.futimens(fd, atime, mtime)
            finally:
                lwp.close(fd)

    return each(command, operands, touch)


def _times(command: Command, arguments: argparse.Namespace) -> tuple[Time, Time] | None:
    """The times to set; None if the reference is missing.  Errors: UsageError."""
    from rump.fsutils import moments

    if arguments.reference is not None:
        stat = reference(command, arguments.reference)
        return None if stat is None else (stat.st_atime_ns, stat.st_mtime_ns)
    if arguments.date is None and arguments.stamp is None:
        return "now", "now"
    now = command.session.kernel.now()
    try:
        time = moments.parse(arguments.date, now) if arguments.stamp is None else moments.stamp(arguments.stamp, now)
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from None
    return time, time
