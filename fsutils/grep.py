# SPDX-License-Identifier: BSD-2-Clause
"""Search for lines in files inside images.

Patterns are basic regular expressions of POSIX with GNU's additions, extended ones with -E, plain texts with -F,
Python's with -P; text is UTF-8, whatever the locale.  Several patterns stand on lines of their own.  -NUMBER alone is
-C NUMBER.  The exit status is 0 if lines were selected, 1 if not, 2 if something failed.
"""

from __future__ import annotations

from rump.fsutils.contents import open_contents, shown_name
from rump.fsutils.errors import UsageError
from rump.fsutils.finding.found import Quit
from rump.fsutils.operand import STDIO, expanded
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import make_parser, with_defaults, with_values
from rump.fsutils.searching.pattern import BASIC, EXTENDED, FIXED, PERL, Pattern
from rump.fsutils.searching.report import Report
from rump.fsutils.searching.search import BINARY, SKIP, TEXT, Plan, Search

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents
    from rump.fsutils.operand import Operand

OPERANDS = "PATTERN [IMAGE[@PARTITION]:/PATH ...]"

_FLAGS = (
    ("-i", "--ignore-case", "fold", "upper and lower case are the same"),
    ("-y", None, "fold", "the same"),
    ("-v", "--invert-match", "invert", "lines that do not match"),
    ("-w", "--word-regexp", "words", "match whole words only"),
    ("-x", "--line-regexp", "lines", "match whole lines only"),
    ("-c", "--count", "count", "how many lines of each file"),
    ("-l", "--files-with-matches", "with_matches", "names of files with such lines"),
    ("-L", "--files-without-match", "without_match", "names of files without"),
    ("-o", "--only-matching", "only", "what matches, on a line each"),
    ("-q", "--quiet", "quiet", "nothing but the exit status"),
    ("-s", "--no-messages", "no_messages", "no word about files that cannot be read"),
    ("-n", "--line-number", "line_number", "numbers of lines"),
    ("-b", "--byte-offset", "byte_offset", "where lines are in the file, in bytes"),
    ("-Z", "--null", "null", "a NUL byte behind names of files"),
    ("-z", "--null-data", "zero", "lines end in a NUL byte"),
    ("-r", "--recursive", "recursive", "all files below directories"),
    ("-R", "--dereference-recursive", "follow", "the same, symbolic links followed"),
    ("-U", "--binary", "ignored", "accepted; bytes are never changed"),
    ("--line-buffered", None, "ignored", "accepted"),
)
_CHOICES = (
    ("-G", "--basic-regexp", "dialect", BASIC, "basic regular expressions, as it is"),
    ("-E", "--extended-regexp", "dialect", EXTENDED, "extended regular expressions"),
    ("-F", "--fixed-strings", "dialect", FIXED, "texts"),
    ("-P", "--perl-regexp", "dialect", PERL, "Python's regular expressions, much like Perl's"),
    ("-H", "--with-filename", "names", True, "names of files before lines"),
    ("-h", "--no-filename", "names", False, "no names of files"),
    ("-a", "--text", "binary", "text", "--binary-files=text"),
    ("-I", None, "binary", "without-match", "--binary-files=without-match"),
)
_BINARY = {"binary": BINARY, "text": TEXT, "without-match": SKIP}
_VALUED = ("-e", "-f", "-m", "-A", "-B", "-C", "--regexp", "--file")

RELATED = ("find", "cat")
EXAMPLES = """\
fsu grep -rn PermitRootLogin disk.img@2:/etc/ssh
    Search all files below a directory.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as GNU and the BSDs have them."""
    add = parser.add_argument
    for short, long, name, text in _FLAGS:
        add(*((short,) if long is None else (short, long)), dest=name, action="store_true", help=text)
    for short, long, name, value, text in _CHOICES:
        add(*((short,) if long is None else (short, long)), dest=name, action="store_const", const=value, help=text)
    add("-e", "--regexp", dest="patterns", action="append", default=[], metavar="PATTERN", help="search for this, too")
    add("-f", "--file", dest="files", action="append", default=[], metavar="FILE",
        help="search for what is on the lines of FILE")  # fmt: skip
    add("-m", "--max-count", type=int, metavar="N", help="stop behind N lines of a file")
    add("-A", "--after-context", type=int, metavar="N", help="N lines after each, too")
    add("-B", "--before-context", type=int, metavar="N", help="N lines before each, too")
    add("-C", "--context", type=int, default=0, metavar="N", help="both")
    add("--binary-files", dest="binary", choices=tuple(_BINARY),
        help="files with NUL bytes: say that they match; as if they were text; as if they did not match")  # fmt: skip
    add("--color", "--colour", dest="color", default="never",
        choices=("always", "auto", "never"), help="matches in colour; GREP_COLORS says which")  # fmt: skip
    add("--include", action="append", default=[], metavar="GLOB", help="only files of such names")
    add("--exclude", action="append", default=[], metavar="GLOB", help="no files of such names")
    add("--exclude-dir", action="append", default=[], metavar="GLOB", help="-r: no directories of such names")
    add("operands", nargs="*", help="the pattern, unless -e or -f has one, and files; - is standard input, as is none")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line, in which -NUMBER is an option."""
    parser = make_parser("grep", OPERANDS, __doc__ or "")
    add_arguments(parser)
    words = with_values(arguments, _VALUED)
    end = words.index("--") if "--" in words else len(words)
    words[:end] = [f"--context={word[1:]}" if word[:1] == "-" and word[1:].isdigit() else word for word in words[:end]]
    return parser.parse_intermixed_args(with_defaults(words, {"--color": "auto", "--colour": "auto"}))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Search each operand."""
    return Grep(command, arguments).run()


class Grep:
    """One run of grep."""

    def __init__(self, command: Command, o: argparse.Namespace) -> None:
        self._command = command
        self._options = o
        self._failed = self._selected = False
        self._end = b"\0" if o.zero else b"\n"
        texts = list(o.operands)
        patterns = self._patterns(texts)
        self._texts = texts
        o.recursive = o.recursive or o.follow
        o.before_context = o.context if o.before_context is None else o.before_context
        o.after_context = o.context if o.after_context is None else o.after_context
        if min(o.before_context, o.after_context, o.max_count or 0) < 0:
            raise UsageError("a negative number of lines")
        try:
            pattern = Pattern(patterns, o.dialect or BASIC, fold=o.fold, words=o.words, lines=o.lines,
                              end=self._end.decode())  # fmt: skip
        except ValueError as error:
            raise UsageError(str(error)) from None
        self._plan = self._make_plan(pattern)
        self._report = Report(command.out, o, pattern, self._end)
        self._lists = o.with_matches or o.without_match

    def _patterns(self, texts: list[str]) -> list[str]:
        """All patterns; the first operand is one if there are no others."""
        o = self._options
        found = [line for text in o.patterns for line in text.split("\n")]
        for name in o.files:
            with open_contents(self._command, parse_operand(name, image_by_default=False)) as contents:
                data = b"".join(iter(lambda: contents.read(1 << 16), b""))
            lines = data.decode("utf-8", "surrogateescape").split("\n")
            found += lines if lines[-1] else lines[:-1]
        if not o.patterns and not o.files:
            if not texts:
                raise UsageError("search for what?")
            found = texts.pop(0).split("\n")
        return found

    def _make_plan(self, pattern: Pattern) -> Plan:
        o, plan = self._options, Plan(pattern, self._command.session)
        plan.invert, plan.most, plan.end, plan.binary = o.invert, o.max_count, self._end, _BINARY[o.binary or "binary"]
        plan.before, plan.after = o.before_context, o.after_context
        plan.counts = o.count
        plan.stops = o.quiet or o.with_matches or o.without_match
        return plan

    def run(self) -> int:
        """Search all operands; the exit status."""
        o = self._options
        if o.recursive and not self._texts:
            raise UsageError("search below what?")
        operands = list(expanded(self._command.session, self._texts or [STDIO]))
        names = o.names if o.names is not None else len(operands) > 1
        try:
            for operand in operands:
                if self._command.interrupted:
                    break
                self._operand(operand, names)
        except Quit:
            return 0
        return 2 if self._failed else 0 if self._selected else 1

    def _operand(self, operand: Operand, names: bool) -> None:
        o = self._options
        self._report.names = names
        try:
            if not o.recursive or operand.text == STDIO:
                if self._wanted(operand.path.rpartition(b"/")[2]):
                    self._file(shown_name(operand), lambda: open_contents(self._command, operand))
                return
            from rump.fsutils.regular import each_file

            def visit(path: bytes, name: bytes, opened: Callable[[], Contents]) -> None:
                if self._wanted(name):
                    self._report.names = names or (o.names is None and path != operand.shown)
                    self._file(path, opened)

            excluded = _globs(o.exclude_dir)
            each_file(self._command, operand, visit, self._fail, follow=o.follow,
                      enter=(lambda name: not excluded(name)) if o.exclude_dir else None)  # fmt: skip
        except OSError as error:
            self._fail(operand, error)

    def _wanted(self, name: bytes) -> bool:
        """Whether --include and --exclude let a file through."""
        o = self._options
        if o.exclude and _globs(o.exclude)(name):
            return False
        return not o.include or _globs(o.include)(name)

    def _fail(self, what: bytes | Operand, error: OSError | str) -> None:
        self._failed = True
        if not self._options.no_messages:
            self._command.warn(what, error)

    def _file(self, name: bytes, opened: Callable[[], Contents]) -> None:
        """Search one file.  Errors: OSError; Quit - there is nothing more to know."""
        o, report = self._options, self._report
        report.begin(name)
        silent = o.quiet or o.count or self._lists
        search = Search(self._plan, None if silent else report.line)
        with opened() as contents:
            if self._plan.most != 0:
                search.run(contents)
        self._selected = self._selected or search.selected > 0
        if o.quiet:
            if search.selected:
                raise Quit
        elif self._lists:
            if (search.selected > 0) == bool(o.with_matches):
                report.file()
        elif o.count:
            report.count(search.selected)
        elif search.binary and search.selected and search.hidden:
            self._command.warn(name, "binary file matches")


def _globs(patterns: list[str]) -> Callable[[bytes], bool]:
    """Whether a name matches any of some patterns."""
    from rump.fsutils.finding.patterns import glob

    tests = [glob(pattern) for pattern in patterns]
    return lambda name: any(test(name) for test in tests)
