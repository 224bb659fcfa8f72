# SPDX-License-Identifier: BSD-2-Clause
"""Draw directories inside images as trees.

Patterns of -P and -I are those of a shell; several are separated by |, and one with / at its end is for directories.
"""

from __future__ import annotations

import os

from rump.fsutils import attributes, dates
from rump.fsutils.descent import Descent
from rump.fsutils.errors import UsageError
from rump.fsutils.listing import entries as rows
from rump.fsutils.ls import below
from rump.fsutils.operand import expanded
from rump.fsutils.options import make_parser, with_defaults
from rump.fsutils.owners import CHOICES, Owners
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.drawing import Drawing
    from rump.fsutils.listing.entries import Entry
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

OPERANDS = "IMAGE[@PARTITION][:/PATH] ..."

_FLAGS = (
    ("-a", "almost_all", "also entries that begin with a dot"),
    ("-d", "only_directories", "directories only"),
    ("-f", "full", "the whole path of each file"),
    ("-i", "flat", "no lines before names"),
    ("-s", "size", "sizes in bytes"),
    ("-h", "human", "sizes in K, M, G"),
    ("-p", "permissions", "types and permissions"),
    ("-u", "user", "owners"),
    ("-g", "group", "groups"),
    ("-D", "date", "times of last modification"),
    ("--inodes", "inode", "inode numbers"),
    ("-r", "reverse", "the other way round"),
    ("--dirsfirst", "directories_first", "directories before all else"),
    ("--matchdirs", "match_directories", "-P is for names of directories, too"),
    ("--ignore-case", "fold", "-P and -I: upper and lower case are the same"),
    ("--noreport", "no_report", "no count at the end"),
    ("--json", "json", "a JSON object a line"),
    ("-J", "nested", "one JSON value, as tree(1) prints it"),
)
_CHOICES = (
    ("-F", "classify", "all", "/ behind directories, * @ | = behind other kinds"),
    ("-t", "sort", "time", "newest first"),
    ("-U", "sort", "none", "in the directory's own order"),
    ("-C", "color", "always", "in colour"),
    ("-n", "color", "never", "not in colour"),
    ("-q", "quoting", "question", "? for what does not print"),
    ("-N", "quoting", "literal", "names as they are"),
)

RELATED = ("ls", "du")
EXAMPLES = """\
fsu tree -L 2 disk.img@2:/etc
    Draw two levels.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of tree(1)."""
    add = parser.add_argument
    for flag, name, text in _FLAGS:
        add(flag, dest=name, action="store_true", help=text)
    for flag, name, value, text in _CHOICES:
        add(flag, dest=name, action="store_const", const=value, help=text)
    add("-L", "--level", type=int, metavar="N", help="go down N levels only")
    add("-P", dest="wanted", action="append", default=[], metavar="PATTERN", help="only files of such names")
    add("-I", dest="unwanted", action="append", default=[], metavar="PATTERN", help="no files of such names")
    add("--sort", dest="sort", choices=("none", "name", "mtime", "size", "extension"), help="the order")
    add("--color", dest="color", choices=("always", "auto", "never"),
        help="in colour, as LS_COLORS says; usually on a terminal")  # fmt: skip
    add("--timefmt", metavar="FORMAT", help="-D with a format as for date")
    add("--names", default="numbers", choices=CHOICES,
        help="owners by name, from the image's /etc/passwd or the host's")  # fmt: skip
    add("--charset", choices=("utf-8", "ascii"), help="what lines are drawn with; UTF-8 on a terminal that has it")
    add("operands", nargs="+", help="what to draw")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; ``--color`` has a value only behind ``=``."""
    parser = make_parser("tree", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_defaults(arguments, {"--color": "always"}))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Draw each operand."""
    _settle(arguments)
    tree = Tree(command, arguments, _drawing(command, arguments))
    tree.draw(list(expanded(command.session, arguments.operands)))
    return command.status


def _settle(o: argparse.Namespace) -> None:
    """Work out what the options imply."""
    if o.level is not None and o.level < 1:
        raise UsageError("-L: less than one level")
    o.sort = {None: "name", "mtime": "time"}.get(o.sort, o.sort)
    o.time = v.MTIME
    o.all = o.dereference = False
    o.ignored = None
    o.attributes = o.recursive = True
    o.size = o.size or o.human
    o.date = o.date or o.timefmt is not None


def _drawing(command: Command, o: argparse.Namespace) -> Drawing:
    from rump.fsutils import drawing

    if o.json:
        return drawing.JsonLines(command.out)
    if o.nested:
        return drawing.Nested(command.out, o)
    return drawing.Lines(command.out, o, boxes=_boxes(command, o))


def _boxes(command: Command, o: argparse.Namespace) -> bool:
    """Whether there are lines to draw with."""
    if o.charset is not None:
        return bool(o.charset == "utf-8")
    settings = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    locale = next((setting for setting in settings if setting), "")
    return command.out.is_terminal and locale.lower().replace("-", "").endswith("utf8")


class Tree:
    """One run of tree."""

    def __init__(self, command: Command, o: argparse.Namespace, drawing: Drawing) -> None:
        self._command = command
        self._options = o
        self._drawing = drawing
        self._wanted, self._unwanted = (_patterns(texts, o.fold) for texts in (o.wanted, o.unwanted))
        self._dates = dates.in_style("+" + o.timefmt if o.timefmt is not None else "locale") if o.date else None

    def draw(self, operands: list[Operand]) -> None:
        """Draw the operands, and say how much there was."""
        self._drawing.begin()
        for operand in operands:
            if self._command.interrupted:
                break
            try:
                self._operand(operand)
            except OSError as error:
                self._command.fail(operand, error)
        self._drawing.end()

    def _operand(self, operand: Operand) -> None:
        lwp, path = self._command.session.resolve(operand)
        row = attributes.of(lwp.stat(path))
        self._drawing.facts = self._facts(lwp)
        if not attributes.is_directory(row[v.MODE]):
            self._drawing.top(operand.shown, row, False)
            return
        descent = Descent(lwp, path)
        try:
            self._drawing.top(operand.shown, row, True)
            self._below(lwp, descent, operand.shown)
        finally:
            descent.close()

    def _below(self, lwp: Lwp, descent: Descent, top: bytes) -> None:
        """Everything below a directory."""
        o, drawing = self._options, self._drawing
        levels = [(top, iter(self._entries(lwp, descent.fd, top)))]
        while levels and not self._command.interrupted:
            path, entries = levels[-1]
            found = next(entries, None)
            if found is None:
                drawing.leave()
                levels.pop()
                descent.leave()
                continue
            last, (name, _, row) = found
            here = below(path, name)
            is_directory = attributes.is_directory(row[v.MODE])
            drawing.entry(name, here, row, last, self._target(lwp, descent.fd, here, name, row), is_directory)
            if not is_directory:
                continue
            if o.level is not None and len(levels) >= o.level:
                drawing.leave()
                continue
            try:
                descent.enter(name, row[v.FILEID])
            except OSError as error:
                self._command.fail(here, error)
                drawing.leave()
                continue
            levels.append((here, iter(self._entries(lwp, descent.fd, here))))

    def _entries(self, lwp: Lwp, fd: int, path: bytes) -> list[tuple[bool, Entry]]:
        """The entries of a directory that are to be drawn, and which is the last."""
        try:
            found = rows.read(
                lwp, fd, self._options, lambda name, error: self._command.fail(below(path, name), error))  # fmt: skip
        except OSError as error:
            self._command.fail(path, error)
            return []
        found = [entry for entry in found if self._is_wanted(entry)]
        return [(place == len(found), entry) for place, entry in enumerate(found, 1)]

    def _is_wanted(self, entry: Entry) -> bool:
        name, _, row = entry
        is_directory = attributes.is_directory(row[v.MODE])
        if self._options.only_directories and not is_directory:
            return False
        if self._unwanted is not None and self._unwanted(name, is_directory):
            return False
        asked = self._wanted is not None and (not is_directory or self._options.match_directories)
        return not asked or (self._wanted is not None and self._wanted(name, is_directory))

    def _target(self, lwp: Lwp, fd: int, path: bytes, name: bytes, row: v.Attributes) -> bytes | None:
        """Where a symbolic link leads."""
        if not attributes.is_link(row[v.MODE]):
            return None
        try:
            return lwp.readlinkat(fd, name)
        except OSError as error:
            self._command.fail(path, error)
            return None

    def _facts(self, lwp: Lwp) -> Callable[[v.Attributes], bytes]:
        """What stands in brackets before a name."""
        o, owners = self._options, Owners(self._options.names, lwp)
        from rump.fsutils.drawing import facts

        return lambda row: facts(row, o, owners, self._dates)


def _patterns(texts: list[str], fold: bool) -> Callable[[bytes, bool], bool] | None:
    """Whether any pattern matches a name of a file or directory; None if there are no patterns."""
    from rump.fsutils.finding.patterns import glob

    patterns = [pattern for text in texts for pattern in text.split("|")]
    if not patterns:
        return None
    tests = [(glob(pattern.removesuffix("/"), fold), pattern.endswith("/")) for pattern in patterns]
    return lambda name, is_directory: any((is_directory or not only) and test(name) for test, only in tests)
