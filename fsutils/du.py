# SPDX-License-Identifier: BSD-2-Clause
"""Show how much space directories inside images take; hard links count once.

Sizes are for people on a terminal, else in KiB, unless told otherwise.
"""

from __future__ import annotations

from operator import itemgetter

from rump.fsutils import attributes, dates, descent, sizes
from rump.fsutils.finding.walk import ALWAYS, COMMAND_LINE, NEVER, Following
from rump.fsutils.ls import below
from rump.fsutils.operand import expanded
from rump.kernel.abi import UF_NODUMP
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import EntryPlus

OPERANDS = "IMAGE[@PARTITION][:/PATH] ..."

_FLAGS = (
    ("-a --all", "files", "files too, not directories only"),
    ("-s --summarize", "summary", "operands only"),
    ("-h --human-readable", "human", "in K, M, G"),
    ("-c --total", "total", "a grand total at the end"),
    ("-l --count-links", "every", "count files of several names each time"),
    ("-S --separate-dirs", "separate", "directories without those below them"),
    ("-x --one-file-system", "one", "stay in one file system; there is never another"),
    ("--no-dump", "no_dump", "leave out files and directories with the flag nodump (the -n of the BSDs)"),
    ("-0 --null", "zero", "a NUL byte in place of each newline"),
    ("--time", "time", "the time of the last modification in each, too"),
    ("--apparent-size", "apparent", "how long files are, not what they take"),
    ("--json", "json", "a JSON object a line, sizes in bytes"),
)

RELATED = ("df", "ls")
EXAMPLES = """\
fsu du -h -d 1 x.img:/
    Show what takes the space.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as Linux and the BSDs know them."""
    for flag, name, text in _FLAGS:
        parser.add_argument(*flag.split(), dest=name, action="store_true", help=text)
    parser.add_argument("-b", "--bytes", dest="bytes", action="store_true", help="--apparent-size in bytes")
    parser.add_argument("-k", dest="unit", action="store_const", const=1024, help="in KiB")
    parser.add_argument("-m", dest="unit", action="store_const", const=1 << 20, help="in MiB")
    parser.add_argument("-g", dest="unit", action="store_const", const=1 << 30, help="in GiB")
    parser.add_argument("--block-size", dest="unit", type=sizes.block_size, metavar="SIZE", help="in 512, 1K, 1M ...")
    parser.add_argument("-H", "-D", dest="follow", action="store_const", const=COMMAND_LINE, default=NEVER,
                        help="what symbolic links among the operands lead to")  # fmt: skip
    parser.add_argument("-L", "--dereference", dest="follow", action="store_const", const=ALWAYS,
                        help="what any symbolic link leads to")  # fmt: skip
    parser.add_argument("-P", "--no-dereference", dest="follow", action="store_const", const=NEVER,
                        help="symbolic links themselves; it is so unless -H or -L is given")  # fmt: skip
    parser.add_argument("-d", "--max-depth", dest="depth", type=int, metavar="N", help="show N levels of directories")
    parser.add_argument("--time-style", default="long-iso", metavar="STYLE",
                        help="long-iso, iso, full-iso, locale or +FORMAT as for date")  # fmt: skip
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB",
                        help="leave out what is called so, or whose path is")  # fmt: skip
    parser.add_argument("-t", "--threshold", metavar="SIZE", help="only what takes as much; -SIZE: or less")
    parser.add_argument("--sort", choices=("size", "name", "none"), default="none",
                        help="the biggest first; by name; as they come, inner directories first")  # fmt: skip
    parser.add_argument("operands", nargs="+", help="directories or files")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; a threshold may begin with a dash."""
    from rump.fsutils.options import make_parser, with_values

    parser = make_parser("du", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_values(arguments, ("-t", "--threshold")))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Measure each operand."""
    _settle(command, arguments)
    usage = Usage(command, arguments)
    total = 0
    for operand in expanded(command.session, arguments.operands):
        try:
            total += usage.operand(operand)
        except OSError as error:
            command.fail(operand, error)
        if command.interrupted:
            break
    usage.flush()
    if arguments.total:
        usage.write(total, b"total", usage.latest)
    return command.status


def _settle(command: Command, o: argparse.Namespace) -> None:
    """Work out what the options imply."""
    from rump.fsutils.errors import UsageError

    o.apparent = o.apparent or o.bytes
    if o.bytes:
        o.unit = 1
    if o.summary:
        if o.files or o.depth:
            raise UsageError("-s shows operands only: no -a, no -d")
        o.depth = 0
    if o.time and o.time_style not in dates.STYLES and not o.time_style.startswith("+"):
        raise UsageError(f"unknown time style {o.time_style!r}")
    o.human = o.human or (o.unit is None and command.out.is_terminal)
    o.unit = o.unit or 1024


class Usage:
    """One run of du."""

    def __init__(self, command: Command, o: argparse.Namespace) -> None:
        self.command = command
        self.options = o
        self._counted: set[tuple[str, int]] = set()
        self._volume = ""
        self._dates = dates.in_style(o.time_style) if o.time else None
        self._excluded = _matcher(o.exclude)
        self._least, self._most = _bounds(o.threshold)
        self._rows: list[tuple[int, bytes, int]] = []       # to be sorted: size, name, time
        self.latest = dates.UNKNOWN

    def operand(self, operand: Operand) -> int:
        """Measure an operand; its bytes.  Errors: Fault."""
        lwp, path = self.command.session.resolve(operand)
        self._volume = operand.volume
        row = attributes.of(lwp.lstat(path) if self.options.follow == NEVER else lwp.stat(path))
        if attributes.is_directory(row[v.MODE]):
            return self._tree(lwp, path, operand.shown, row)
        if self._counted_before(row):
            return 0
        size = self._size(row)
        self.latest = max(self.latest, row[v.MTIME])
        self.show(size, operand.shown, 0, row[v.MTIME])
        return size

    def _tree(self, lwp: Lwp, path: bytes, name: bytes, row: v.Attributes) -> int:
        """Measure a directory and all below it, the innermost shown first."""
        follow = self.options.follow
        place = Following(lwp, path) if follow == ALWAYS else descent.Descent(lwp, path, follow=follow != NEVER)
        self._met(row)
        try:
            levels = [_Level(name, row, self._own(row), self._entries(lwp, place.fd, name))]
            while True:
                level = levels[-1]
                child = None if self.command.interrupted else self._files(level, len(levels))
                if child is None:
                    levels.pop()
                    size = level.size + (0 if self.options.separate else level.beneath)
                    self.show(size, level.name, len(levels), level.latest)
                    place.leave()
                    if not levels:
                        self.latest = max(self.latest, level.latest)
                        return level.size + level.beneath
                    levels[-1].beneath += level.size + level.beneath
                    levels[-1].latest = max(levels[-1].latest, level.latest)
                    continue
                below_it = self._enter(lwp, place, level, child)
                if below_it is not None:
                    levels.append(below_it)
        finally:
            place.close()

    def _files(self, level: _Level, depth: int) -> EntryPlus | None:
        """Count a directory's entries up to the next directory; that, or None behind the last."""
        for entry in level.entries:
            name, _, row = entry
            if row is None:
                self.command.fail(below(level.name, name), "its attributes cannot be read")
            elif row[v.MODE] & 0o170000 == 0o040000:
                return entry
            else:
                if self._counted_before(row):
                    continue
                size = self._size(row)
                level.size += size
                level.latest = max(level.latest, row[v.MTIME])
                if self.options.files:
                    self.show(size, below(level.name, name), depth, row[v.MTIME])
        return None

    def _enter(self, lwp: Lwp, place: descent.Descent, level: _Level, entry: EntryPlus) -> _Level | None:
        """Go into a directory; None and a word about it if that fails."""
        name, _, row = entry
        path = below(level.name, name)
        assert row is not None
        if self._met(row):
            return None
        try:
            place.enter(name, row[v.FILEID])
        except OSError as error:
            self.command.fail(path, error)
            return None
        return _Level(path, row, self._own(row), self._entries(lwp, place.fd, path))

    def _entries(self, lwp: Lwp, fd: int, path: bytes) -> Iterator[EntryPlus]:
        try:
            found = descent.rows(lwp, fd)
        except OSError as error:
            self.command.fail(path, error)
            return iter(())
        found.sort(key=itemgetter(0))
        if self._excluded is not None:
            excluded = self._excluded
            found = [entry for entry in found if not (excluded(entry[0]) or excluded(below(path, entry[0])))]
        if self.options.no_dump:
            found = [entry for entry in found if entry[2] is None or not entry[2][v.FLAGS] & UF_NODUMP]
        if self.options.follow == ALWAYS:
            found = [(name, cookie, self._behind(lwp, fd, name, row)) for name, cookie, row in found]
        return iter(found)

    @staticmethod
    def _behind(lwp: Lwp, fd: int, name: bytes, row: v.Attributes | None) -> v.Attributes | None:
        """The attributes of what a link leads to; its own if that is nowhere."""
        if row is None or not attributes.is_link(row[v.MODE]):
            return row
        try:
            return attributes.of(lwp.fstatat(fd, name))
        except OSError:
            return row

    def _met(self, row: v.Attributes) -> bool:
        """Whether links led to a directory before; from now on they did."""
        return self.options.follow == ALWAYS and self._again(row)

    def _own(self, row: v.Attributes) -> int:
        """What a directory itself counts."""
        return 0 if self.options.apparent else row[v.ALLOCATED]

    def _counted_before(self, row: v.Attributes) -> bool:
        """Whether a file was counted under another name; from now on it was."""
        if self.options.every or (row[v.NLINK] < 2 and self.options.follow != ALWAYS):
            return False
        return self._again(row)

    def _again(self, row: v.Attributes) -> bool:
        """Whether it was asked of this file before."""
        key = self._volume, row[v.FILEID]
        again = key in self._counted
        self._counted.add(key)
        return again

    def _size(self, row: v.Attributes) -> int:
        """What a file counts."""
        return row[v.SIZE] if self.options.apparent else row[v.ALLOCATED]

    def show(self, size: int, name: bytes, depth: int, time: int) -> None:
        """Show something, unless it is too deep down, too small or too big."""
        o = self.options
        if (o.depth is not None and depth > o.depth) or not self._least <= size <= self._most:
            return
        if o.sort == "none":
            self.write(size, name, time)
        else:
            self._rows.append((size, name, time))

    def flush(self) -> None:
        """Show what waited to be sorted."""
        if self.options.sort == "size":
            self._rows.sort(key=lambda row: (-row[0], row[1]))
        else:
            self._rows.sort(key=itemgetter(1))
        for row in self._rows:
            self.write(*row)
        self._rows.clear()

    def write(self, size: int, name: bytes, time: int) -> None:
        """A line."""
        o, out = self.options, self.command.out
        if o.json:
            from rump.fsutils import json_lines

            record = {**json_lines.named("path", name), "size": size}
            out.write(json_lines.line(record | {"mtime_ns": time} if o.time else record))
            return
        amount = (sizes.human(size) if o.human else str(sizes.blocks(size, o.unit))).encode()
        if self._dates is not None:
            amount += b"\t" + self._dates[time // self._dates.step]
        if out.is_terminal and not o.zero:
            from rump.fsutils import names

            name = names.escape(name)
        out.write(b"%b\t%b%b" % (amount, name, b"\0" if o.zero else b"\n"))


def _matcher(patterns: list[str]) -> Callable[[bytes], bool] | None:
    """Whether a name matches any of some patterns; None if there are none."""
    if not patterns:
        return None
    from rump.fsutils.finding.patterns import glob

    tests = [glob(pattern) for pattern in patterns]
    return lambda name: any(test(name) for test in tests)


def _bounds(threshold: str | None) -> tuple[int, int]:
    """The least and the most that is shown."""
    if threshold is None:
        return 0, 1 << 80
    from rump.fsutils.amounts import signed

    sign, size = signed(threshold)
    return (0, size) if sign == "-" else (size, 1 << 80)


class _Level:
    """A directory being measured: its own files, what is below, the last change in it, the entries to come."""

    __slots__ = ("beneath", "entries", "latest", "name", "size")

    def __init__(self, name: bytes, row: v.Attributes, size: int, entries: Iterator[EntryPlus]) -> None:
        self.name = name
        self.latest = row[v.MTIME]
        self.size = size
        self.beneath = 0
        self.entries = entries
