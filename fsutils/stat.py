# SPDX-License-Identifier: BSD-2-Clause
"""Show all that is known of files inside images."""

from __future__ import annotations

from rump.fsutils import attributes, dates, names
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import expanded
from rump.fsutils.owners import CHOICES, Owners
from rump.fsutils.subject import Subject
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.bsd_format import Format
    from rump.fsutils.command import Command

OPERANDS = "IMAGE[@PARTITION]:/PATH ..."

_STYLES = (
    ("-l", "LIST", "as ls -l"),
    ("-F", "CLASSIFIED", "the same, and what ls -F puts behind names"),
    ("-r", "RAW", "numbers only"),
    ("-s", "SHELL", "as assignments for a shell"),
    ("-x", "LINES", "on several lines"),
)

RELATED = ("ls",)
EXAMPLES = """\
fsu stat x.img:/etc/passwd
    Show all that is known of a file.

fsu stat -c '%a %n' 'x.img:/etc/*'
    Show modes and names.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options: GNU's -c, the BSDs' -f."""
    parser.add_argument("-L", "--dereference", action="store_true", help="what symbolic links lead to")
    parser.add_argument("-c", "--format", metavar="FORMAT", help="as %%n %%s %%a %%A %%u %%g %%y ... of Linux")
    parser.add_argument("--printf", metavar="FORMAT", help="the same, with escapes and no newline")
    parser.add_argument("-f", dest="bsd", metavar="FORMAT", help="as %%N %%z %%p %%Sp %%m ... of the BSDs")
    for letter, name, text in _STYLES:
        parser.add_argument(letter, dest="bsd", action="store_const", const=(name,), help=text)
    parser.add_argument("--time-format", metavar="FORMAT", help="times of %%Sa %%Sm ... as strftime has them")
    parser.add_argument("-n", dest="bare", action="store_true", help="no newline behind what -f and its kin print")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing of what cannot be looked at")
    parser.add_argument("--names", default="numbers", choices=CHOICES, help="owners by name: of the image or the host")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument("operands", nargs="+", help="files")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Show each operand."""
    for operand in expanded(command.session, arguments.operands):
        try:
            lwp, path = command.session.resolve(operand)
            stat = lwp.stat(path) if arguments.dereference else lwp.lstat(path)
            subject = Subject(lwp, operand, stat, Owners(arguments.names, lwp))
        except OSError as error:
            if not arguments.quiet:
                command.fail(operand, error)
            command.status = 1
            continue
        command.out.write(_shown(subject, arguments))
    return command.status


def _shown(subject: Subject, o: argparse.Namespace) -> bytes:
    """What to print of one file."""
    if o.json:
        return _json(subject)
    if o.format is None and o.printf is None and o.bsd is None:
        return _human(subject)
    from rump.fsutils import stat_format

    try:
        if o.bsd is not None:
            return _bsd(o)(subject) + (b"" if o.bare else b"\n")
        if o.printf is not None:
            return stat_format.gnu(stat_format.unescape(o.printf), subject)
        return stat_format.gnu(o.format, subject) + b"\n"
    except ValueError as error:
        raise UsageError(str(error)) from None


def _bsd(o: argparse.Namespace) -> Format:
    """The format of the BSDs that was asked for, itself or by a name of _STYLES."""
    if isinstance(o.bsd, str | tuple):
        from rump.fsutils import bsd_format

        text = o.bsd if isinstance(o.bsd, str) else getattr(bsd_format, o.bsd[0])
        o.bsd = bsd_format.Format(text, o.time_format)
    form: Format = o.bsd
    return form


def _human(subject: Subject) -> bytes:
    """The layout people know from Linux."""
    s = subject.stat
    name = names.escape(subject.name)
    if subject.target:
        name += b" -> " + names.escape(subject.target)
    device = s.st_mode & abi.S_IFMT in (abi.S_IFCHR, abi.S_IFBLK)
    kind = f"Device type: {abi.major(s.st_rdev)},{abi.minor(s.st_rdev)}" if device else ""
    owners = subject.owners
    lines = [
        f"  Size: {s.st_size:<10}\tBlocks: {s.st_blocks:<10} IO Block: {s.st_blksize:<6} {subject.kind}",
        f"Device: {s.st_dev:<10}\tInode: {s.st_ino:<11} Links: {s.st_nlink:<5} {kind}".rstrip(),
        f"Access: ({s.st_mode & 0o7777:04o}/{attributes.letters(s.st_mode)})  "
        f"Uid: ({s.st_uid:5}/{owners.user(s.st_uid):>8})   Gid: ({s.st_gid:5}/{owners.group(s.st_gid):>8})",
        f"Access: {dates.full(s.st_atime_ns)}",
        f"Modify: {dates.full(s.st_mtime_ns)}",
        f"Change: {dates.full(s.st_ctime_ns)}",
        f" Birth: {dates.full(s.st_birthtime_ns) if s.st_birthtime_ns else '-'}",
    ]
    return b"  File: " + name + b"\n" + "\n".join(lines).encode() + b"\n"


def _json(subject: Subject) -> bytes:
    from rump.fsutils import json_lines

    record = json_lines.named("path", subject.name)
    record |= json_lines.attributes(attributes.of(subject.stat))
    record |= {"blocks": subject.stat.st_blocks, "generation": subject.stat.st_gen, "flags": subject.stat.st_flags}
    if subject.target:
        record |= json_lines.named("target", subject.target)
    return json_lines.line(record)
