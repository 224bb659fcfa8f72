# SPDX-License-Identifier: BSD-2-Clause
"""Change file flags inside images.

FLAGS is an octal number, or names with commas between; with "no" in front they are cleared: arch nodump opaque hidden
rdonly system uarch uappnd uchg sappnd schg.  Which of them a file system keeps it says itself; on ext2, 3 and 4 schg,
sappnd and nodump are what lsattr calls i, a and d.
"""

from __future__ import annotations

from rump.fsutils.changing import add_options, change_all, flag, follows
from rump.fsutils.copy.kernel_source import Inside
from rump.fsutils.errors import UsageError
from rump.fsutils.file_flags import FlagChange, shown
from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import quoted
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import FLAGS
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.finding.found import Found

OPERANDS = "FLAGS IMAGE[@PARTITION]:/PATH ..."
RELATED = ("chmod", "ls")
EXAMPLES = """\
fsu chflags hidden,system stick.img:/BOOT.INI
    Hide a file on a FAT.

fsu ls -l --flags stick.img:/
    See which flags there are.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of chflags."""
    parser.add_argument("-h", "--no-dereference", dest="no_follow", action="store_true",
                        help="symbolic links themselves")  # fmt: skip
    add_options(parser, "the flags, and what to change")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Change each operand."""
    text, *texts = arguments.operands
    if not texts:
        raise UsageError("change the flags of what?")
    try:
        change = FlagChange(text)
    except ValueError as error:
        raise UsageError(str(error)) from None

    def one(found: Found) -> bool:
        flags = found.row[FLAGS]
        new = change(flags)
        if new == flags:
            return False
        with Inside(found.lwp, found.fd):
            _check(found, new)
            (found.lwp.lchflags if flag(found) else found.lwp.chflags)(found.at, new)
        return True

    def told(found: Found) -> bytes:
        before, after = shown(found.row[FLAGS]), shown(change(found.row[FLAGS]))
        return b"flags of %b changed from %b to %b" % (quoted(found.path), before.encode(), after.encode())

    return change_all(command, arguments, texts, follows(arguments), one, told)


def _check(found: Found, flags: int) -> None:
    """Errors: EOPNOTSUPP - the file system does not keep some of them; it names them."""
    missing = flags & ~found.lwp.rump_capabilities(found.at if not flag(found) else b".").flags
    if missing:
        raise fault(e.EOPNOTSUPP, shown(missing))
