# SPDX-License-Identifier: BSD-2-Clause
"""Compare files or directories, in images or on the host.

Symbolic links are compared by where they lead, devices by their numbers, and with --attributes modes, owners,
modification times and extended attributes, too.  The exit status is 0 if nothing differs, 1 if something does, 2 if
something went wrong.
"""

from __future__ import annotations

from rump.fsutils.comparing.files import ATTRIBUTES, USUAL, File
from rump.fsutils.comparing.trees import Comparison, Rules
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import IMAGE
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import make_parser
from rump.kernel.abi import AT_FDCWD, S_IFDIR

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.copy.source import Source
    from rump.fsutils.operand import Operand

OPERANDS = "FILE1 FILE2"

TROUBLE = 2
AROUND = 3
RELATED = ("sum", "ls")
EXAMPLES = """\
fsu diff -r old.img@2:/etc new.img@2:/etc
    Compare two trees.

fsu diff x.img:/etc/fstab ./fstab
    Compare with a file of the host.
"""


def _attributes(text: str) -> tuple[str, ...]:
    words = tuple(text.split(","))
    for word in words:
        if word not in ATTRIBUTES:
            raise UsageError(f"--attributes: unknown attribute {word!r}; there are {', '.join(ATTRIBUTES)}")
    return words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of diff."""
    add = parser.add_argument
    add("-r", "-R", "--recursive", dest="recursive", action="store_true", help="directories with all that is below")
    add("-q", "--brief", action="store_true", help="only whether files differ")
    add("-s", "--report-identical-files", dest="same", action="store_true", help="say which files are identical, too")
    add("-u", dest="around", action="store_const", const=AROUND, help="unified form, with three lines around changes")
    add("-U", "--unified", dest="around", type=int, metavar="N", help="the same with N lines around")
    add("-N", "--new-file", dest="absent", action="store_true", help="a file that is missing is an empty one")
    add("-x", "--exclude", action="append", default=[], metavar="PATTERN", help="leave out names like this")
    add("--attributes", type=_attributes, default=(), metavar="LIST",
        help=f"attributes, too: {', '.join(ATTRIBUTES)}; {', '.join(USUAL)} without LIST")  # fmt: skip
    add("operands", nargs=2, metavar="FILE", help="what to compare")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; ``--attributes`` has a value only behind ``=``."""
    parser = make_parser("diff", OPERANDS, __doc__ or "")
    add_arguments(parser)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    usual = "--attributes=" + ",".join(USUAL)
    return parser.parse_intermixed_args(
        [usual if word == "--attributes" and i < end else word for i, word in enumerate(arguments)]
    )


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Compare."""
    operands = [parse_operand(text, image_by_default=False) for text in arguments.operands]
    for index, operand in enumerate(operands):
        if operand.image is None and command.session.is_image(operand.text):
            operands[index] = parse_operand(IMAGE + operand.text, image_by_default=True)
    found = [_file(command, operand) for operand in operands]
    if found[0] is None or found[1] is None:
        return TROUBLE
    comparison = Comparison(command, _rules(arguments), (found[0].source, found[1].source), _heading(arguments))
    try:
        one, other = _entry(found[0], found[1]), _entry(found[1], found[0])
        if one.kind == other.kind == S_IFDIR:
            comparison.trees(one, other)
        else:
            comparison.files(one, other)
    except OSError as error:
        command.fail("", error)
    return TROUBLE if command.status else int(comparison.differ)


def _rules(arguments: argparse.Namespace) -> Rules:
    rules = Rules()
    rules.recursive, rules.brief, rules.absent = arguments.recursive, arguments.brief, arguments.absent
    rules.same, rules.attributes = arguments.same, arguments.attributes
    if arguments.around is not None:
        if arguments.around < 0:
            raise UsageError(f"-U {arguments.around}: not a number of lines")
        rules.around = arguments.around
    if arguments.exclude:
        rules.excluded = _matcher(arguments.exclude)
    return rules


def _matcher(patterns: list[str]) -> Callable[[bytes], bool]:
    """Whether any of some patterns matches a name.  Errors: UsageError."""
    from rump.fsutils.finding.patterns import glob

    try:
        matches = [glob(pattern, False) for pattern in patterns]
    except ValueError as error:
        raise UsageError(f"--exclude: {error}") from None
    return lambda name: any(match(name) for match in matches)


def _heading(arguments: argparse.Namespace) -> str:
    """What goes before the names of two files of a tree: a command that would compare them."""
    letters = "".join(letter for letter, given in (("r", arguments.recursive), ("N", arguments.absent)) if given)
    if arguments.around == AROUND:
        letters += "u"
    words = [f"-{letters}"] if letters else []
    if arguments.around not in (None, AROUND):
        words.append(f"-U{arguments.around}")
    return " ".join(["diff", *words])


def _file(command: Command, operand: Operand) -> File | None:
    """What an operand names, symbolic links followed; None if it was said that it cannot be had."""
    source: Source
    try:
        if operand.image is None:
            from rump.fsutils.copy.host_source import HostSource

            source = HostSource()
        else:
            from rump.fsutils.copy.kernel_source import KernelSource

            source = KernelSource(command.session.resolve(operand)[0])
        row = source.look(operand.path, True)[1]
    except OSError as error:
        command.fail(operand, error)
        return None
    return File(source, AT_FDCWD, operand.path, row, operand.shown)


def _entry(file: File, other: File) -> File:
    """A file; of a directory that is compared with a file, the one in it of the same name.  Errors: OSError."""
    if file.kind != S_IFDIR or other.kind == S_IFDIR:
        return file
    name = other.name.rstrip(b"/").rpartition(b"/")[2]
    path, shown = file.name.rstrip(b"/") + b"/" + name, file.shown.rstrip(b"/") + b"/" + name
    try:
        return File(file.source, AT_FDCWD, path, file.source.look(path, True)[1], shown)
    except OSError as error:
        raise OSError(error.errno, f"{shown.decode('utf-8', 'replace')}: {error.strerror}") from None
