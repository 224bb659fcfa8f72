# SPDX-License-Identifier: BSD-2-Clause
"""Print where symbolic links inside images lead."""

from __future__ import annotations

from rump.fsutils import attributes
from rump.fsutils.operand import expanded
from rump.kernel.abi import MAXSYMLINKS
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.kernel.lwps import Lwp

OPERANDS = "IMAGE[@PARTITION]:/PATH ..."
RELATED = ("ln", "stat")
EXAMPLES = """\
fsu readlink -f x.img:/etc/mtab
    Follow all links.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("-f", "--canonicalize", dest="follow", action="store_true",
                        help="the path with no symbolic link left in it; all but its end must exist")  # fmt: skip
    parser.add_argument("-e", "--canonicalize-existing", dest="existing", action="store_true",
                        help="the same; all of it must exist")  # fmt: skip
    parser.add_argument("-n", "--no-newline", dest="bare", action="store_true", help="no newline at the end")
    parser.add_argument("-z", "--zero", action="store_true", help="a NUL byte in place of each newline")
    parser.add_argument("-q", "--quiet", "--silent", dest="quiet", action="store_true",
                        help="say nothing of what is no symbolic link, or not there")  # fmt: skip
    parser.add_argument("operands", nargs="+", help="symbolic links, or paths")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print the target of each operand."""
    end = b"\0" if arguments.zero else b"\n"
    if arguments.bare and len(arguments.operands) == 1:
        end = b""
    for operand in expanded(command.session, arguments.operands):
        try:
            lwp, path = command.session.resolve(operand)
            if arguments.follow or arguments.existing:
                target = canonical(lwp, path, arguments.existing)
            else:
                target = lwp.readlink(path)
            command.out.write(target + end)
        except OSError as error:
            if not arguments.quiet:
                command.fail(operand, error)
            command.status = 1
    return command.status


def canonical(lwp: Lwp, path: bytes, must_exist: bool) -> bytes:
    """A path from the root without symbolic links, "." and "..".

    Errors: Fault; ELOOP; ENOENT - something on the way is missing, or the end itself with `must_exist`.
    """
    done: list[bytes] = []
    left = path.split(b"/")[::-1]
    links = 0
    while left:
        name = left.pop()
        if name in (b"", b"."):
            continue
        if name == b"..":
            del done[-1:]
            continue
        here = b"/" + b"/".join([*done, name])
        try:
            mode = lwp.lstat(here).st_mode
        except FileNotFoundError:
            if must_exist or any(part not in (b"", b".") for part in left):
                raise
            mode = 0
        if attributes.is_link(mode):
            links += 1
            if links > MAXSYMLINKS:
                raise fault(e.ELOOP)
            target = lwp.readlink(here)
            if target.startswith(b"/"):
                done.clear()
            left += target.split(b"/")[::-1]
        else:
            done.append(name)
            if mode and not attributes.is_directory(mode) and any(left):
                raise fault(e.ENOTDIR)
    return b"/" + b"/".join(done)
