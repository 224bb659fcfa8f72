# SPDX-License-Identifier: BSD-2-Clause
"""Write what is inside images as a tar archive (-c); extract one into an image or a directory of the host (-x).

Members are called as the paths inside the image, without the slash they begin with, and are in the order of their
names; the format is pax.  Owners are numbers, times go to the nanosecond; extended attributes, hard links, holes and
devices are kept.  What is extracted stays below the directory of -C: names that lead elsewhere are refused, no link is
followed.  gzip, bzip2, xz and zstd are told by looking.
"""

from __future__ import annotations

import os

from rump.fsutils.copy.changes import add_options as add_change_options
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import add_writing_options, make_parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.archive.output import HostFile
    from rump.fsutils.archive.writer import Writer
    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand

OPERANDS = "-c|-x [-f FILE] [-C IMAGE[:/DIR]] [IMAGE[@PARTITION][:/PATH] ... | MEMBER ...]"

_LETTERS = frozenset("cxfCvzjJSpkm")
_KINDS = (("-z", "gzip"), ("-j", "bzip2"), ("-J", "xz"), ("--zstd", "zstd"))

RELATED = ("cp",)
EXAMPLES = """\
fsu tar -czf rootfs.tar.gz -C disk.img@2:/ .
    Make an archive of a file system.

fsu tar -xf rootfs.tar.xz -C x.img:/
    Extract one into an image.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of tar."""
    add = parser.add_argument
    add("-c", "--create", action="store_true", help="write an archive")
    add("-x", "--extract", "--get", dest="extract", action="store_true", help="extract an archive")
    add("-f", "--file", metavar="FILE", default="-", help="the archive; - (and nothing) is standard output or input")
    add("-C", "--directory", metavar="IMAGE[:/DIR]",
        help="the operands are paths below this directory; what is extracted goes there")  # fmt: skip
    add("-v", "--verbose", action="store_true", help="print the members' names (to standard error if need be)")
    for option, kind in _KINDS:
        add(option, *(() if option == f"--{kind}" else (f"--{kind}",)), dest="compression", action="store_const",
            const=kind, help=f"compress with {kind}")  # fmt: skip
    add("-S", "--sparse", action="store_true", help="keep holes (extracted, they always are)")
    add("--exclude", metavar="PATTERN", action="append", default=[], help="leave out what matches, with what is below")
    add("--no-xattrs", dest="xattrs", action="store_false", help="leave out extended attributes")
    add("--xattrs", dest="xattrs", action="store_true", default=True, help="keep them, as is usual here")
    add("--numeric-owner", action="store_true", help="accepted; owners always are numbers")
    add("--format", choices=("pax", "posix"), default="pax", help="accepted; there is this one format")
    add("--sort", choices=("name",), default="name", help="accepted; members always are sorted")
    add("operands", nargs="*", help="what to archive, or which members to extract with what is below them")
    add = parser.add_argument_group("extracting").add_argument
    add("-p", "--preserve-permissions", action="store_true",
        help="modes as they are, whatever umask says; so it is for root, and inside images")  # fmt: skip
    add("--no-same-owner", dest="same_owner", action="store_false", help="all belongs to you, in images to root")
    add("-m", "--touch", action="store_true", help="all was modified now")
    add("-k", "--keep-old-files", action="store_true", help="replace nothing")
    add("--strip-components", metavar="N", type=int, default=0, help="leave out so many leading names")
    add_change_options(parser)
    add_writing_options(parser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; its first word may be letters without a dash, as in ``tar cf``."""
    parser = make_parser("tar", OPERANDS, __doc__ or "")
    add_arguments(parser)
    for index, word in enumerate(arguments):
        if not word.startswith("--"):
            if not {"c", "x"}.isdisjoint(word) and _LETTERS.issuperset(word) and not os.path.lexists(word):
                arguments = [*arguments[:index], "-" + word, *arguments[index + 1 :]]
            break
    return parser.parse_intermixed_args(arguments)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Write an archive, or extract one."""
    if arguments.create == arguments.extract:
        raise UsageError("one of -c and -x says what is to be done")
    if arguments.extract:
        from rump.fsutils.archive.extraction import extract

        return extract(command, arguments)
    operands = _operands(arguments)
    if not operands:
        raise UsageError("archive what?")
    if arguments.file == "-":
        if command.out.is_terminal:
            raise UsageError("an archive does not go to a terminal; use -f FILE")
        _archive(command, arguments, operands, command.out.write)
        return 0
    from rump.fsutils.archive.output import HostFile

    try:
        file = HostFile(os.fsencode(arguments.file))
    except OSError as error:
        command.fail(arguments.file, error)
        return 1
    try:
        _to_file(command, arguments, operands, file)
    finally:
        file.abandon()
    return 0


def _to_file(
    command: Command, arguments: argparse.Namespace, operands: list[tuple[Operand, bytes]], file: HostFile
) -> None:
    """Write an archive to a file, which is there in full or not at all."""
    from rump.fsutils.archive.output import OutputError

    try:
        if _archive(command, arguments, operands, file.write):
            file.finish()
    except OutputError as error:
        command.fail(arguments.file, error.error)


def _operands(arguments: argparse.Namespace) -> list[tuple[Operand, bytes]]:
    """Operands, and what they are called in the archive."""
    if arguments.directory is None:
        parsed = [parse_operand(text, image_by_default=True) for text in arguments.operands]
        return [(operand, operand.path[operand.start :].strip(b"/") or b".") for operand in parsed]
    top = parse_operand(arguments.directory, image_by_default=True)
    above = top.path.rstrip(b"/") + b"/"
    names = [os.fsencode(text) for text in arguments.operands]
    return [(top.at(above + name.lstrip(b"/")), name.strip(b"/") or b".") for name in names]


def _archive(
    command: Command,
    arguments: argparse.Namespace,
    operands: list[tuple[Operand, bytes]],
    write: Callable[[bytes], object],
) -> bool:
    """Write an archive; whether it is complete.  Errors: OutputError."""
    from rump.fsutils.archive.output import ArchiveFile
    from rump.fsutils.archive.writer import Writer
    from rump.fsutils.copy.target import Interrupted
    from rump.fsutils.finding.walk import Limits, Walk

    out = ArchiveFile(write, arguments.compression)
    writer = Writer(out, command)
    _configure(writer, command, arguments)
    walk = Walk(writer, Limits(), command.session, command.fail)
    try:
        for operand, name in operands:
            try:
                lwp, path = command.session.resolve(operand)
                writer.begin(name, lwp)
                walk.operand(lwp, path, operand.shown)
            except OSError as error:
                command.fail(operand, error)
    except Interrupted:
        return False
    if command.interrupted:
        return False
    out.end()
    return True


def _configure(writer: Writer, command: Command, arguments: argparse.Namespace) -> None:
    from rump.fsutils.names import escape
    from rump.fsutils.names import text as as_text

    writer.xattrs, writer.sparse = arguments.xattrs, arguments.sparse
    if arguments.exclude:
        writer.exclude = excluded(arguments.exclude)
    if arguments.verbose and arguments.file == "-":
        writer.told = lambda name: command.say(as_text(name))
    elif arguments.verbose:
        writer.told = lambda name: command.out.write(escape(name) + b"\n")


def excluded(patterns: list[str]) -> Callable[[bytes], bool]:
    """Whether a name, or what of it begins behind a slash, matches one of the patterns.

    >>> exclude = excluded(["*.o", "tmp", "a/b"])
    >>> [exclude(name) for name in (b"x/y.o", b"x/tmp/", b"x/a/b", b"tmpx", b"x")]
    [True, True, True, False, False]
    """
    from rump.fsutils.finding.patterns import glob

    tests = [glob(pattern.rstrip("/")) for pattern in patterns]

    def exclude(name: bytes) -> bool:
        name = name.rstrip(b"/")
        while True:
            if any(test(name) for test in tests):
                return True
            slash = name.find(b"/")
            if slash < 0:
                return False
            name = name[slash + 1 :]

    return exclude
