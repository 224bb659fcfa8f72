# SPDX-License-Identifier: BSD-2-Clause
"""Going through files for their extended attributes: what getfattr and getfacl share."""

from __future__ import annotations

from rump.fsutils.attributes import is_link
from rump.fsutils.copy.kernel_source import Inside
from rump.fsutils.finding.walk import ALWAYS, COMMAND_LINE, NEVER, Limits, Walk
from rump.fsutils.operand import expanded
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import MODE
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found

_NONE_HERE = (e.EOPNOTSUPP, e.ENOSYS)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options they share."""
    add = parser.add_argument
    add("-R", "--recursive", action="store_true", help="and all that is below")
    add("-L", "--logical", dest="follow", action="store_const", const=ALWAYS, help="follow all symbolic links")
    add("-P", "--physical", dest="follow", action="store_const", const=NEVER, help="follow none")
    add("operands", nargs="+", metavar="operand", help="files")


def each_found(command: Command, o: argparse.Namespace, test: Callable[[Found], bool]) -> int:
    """Show each operand to `test`, with -R what is below it.  The exit status."""
    limits = Limits()
    limits.follow = COMMAND_LINE if o.follow is None else o.follow
    limits.most = 1 << 62 if o.recursive else 0
    Walk(test, limits, command.session, command.fail).operands(command, expanded(command.session, o.operands))
    return command.status


def names_of(found: Found) -> list[bytes]:
    """The names of a file's attributes, in order; none where there can be none.  Errors: Fault."""
    with Inside(found.lwp, found.fd):
        try:
            found_names = (found.lwp.llistxattr if is_link(found.row[MODE]) else found.lwp.listxattr)(found.at)
        except Fault as error:
            if error.errno in _NONE_HERE:
                return []
            raise
    return sorted(found_names)


def value_of(found: Found, name: bytes) -> bytes:
    """The value of an attribute.  Errors: Fault."""
    with Inside(found.lwp, found.fd):
        return (found.lwp.lgetxattr if is_link(found.row[MODE]) else found.lwp.getxattr)(found.at, name)


def path_of(found: Found, absolute: bool) -> bytes:
    """What output calls a file: as it can be typed, or below the root of its image."""
    return found.path if absolute else found.inside.strip(b"/") or b"."
