# SPDX-License-Identifier: BSD-2-Clause
"""Show how much space directories inside images take, in KiB unless told otherwise; hard links count once."""

from __future__ import annotations

from operator import itemgetter

from rump.fsutils import attributes, descent, sizes
from rump.fsutils.ls import below
from rump.fsutils.operand import parse as parse_operand
from rump.kernel.vfs import volume as v

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.vfs.volume import EntryPlus

OPERANDS = "IMAGE[@PARTITION][:/PATH] ..."

_FLAGS = (
    ("-a", "files", "files too, not directories only"),
    ("-s", "summary", "operands only"),
    ("-h", "human", "in K, M, G"),
    ("-c", "total", "a grand total at the end"),
    ("-l", "every", "count files of several names each time"),
    ("-S", "separate", "directories without those below them"),
    ("-x", "one", "stay in one file system; there is never another"),
    ("-0", "zero", "a NUL byte in place of each newline"),
    ("--apparent-size", "apparent", "how long files are, not what they take"),
    ("--json", "json", "a JSON object a line, sizes in bytes"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as Linux and the BSDs know them."""
    for flag, name, text in _FLAGS:
        parser.add_argument(flag, dest=name, action="store_true", help=text)
    parser.add_argument("-b", "--bytes", dest="bytes", action="store_true", help="--apparent-size in bytes")
    parser.add_argument("-k", dest="unit", action="store_const", const=1024, default=1024, help="in KiB")
    parser.add_argument("-m", dest="unit", action="store_const", const=1 << 20, help="in MiB")
    parser.add_argument("-d", "--max-depth", dest="depth", type=int, metavar="N", help="show N levels of directories")
    parser.add_argument("operands", nargs="+", help="directories or files")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Measure each operand."""
    arguments.apparent = arguments.apparent or arguments.bytes
    if arguments.bytes:
        arguments.unit = 1
    if arguments.summary:
        arguments.depth = 0
    usage = Usage(command, arguments)
    total = 0
    for text in arguments.operands:
        operand = parse_operand(text, image_by_default=True)
        try:
            total += usage.operand(operand)
        except OSError as error:
            command.fail(operand, error)
        if command.interrupted:
            break
    if arguments.total:
        usage.show(total, b"total", 0)
    return command.status


class Usage:
    """One run of du."""

    def __init__(self, command: Command, o: argparse.Namespace) -> None:
        self.command = command
        self.options = o
        self._counted: set[tuple[str, int]] = set()
        self._volume = ""

    def operand(self, operand: Operand) -> int:
        """Measure an operand; its bytes.  Errors: Fault."""
        lwp, path = self.command.session.resolve(operand)
        self._volume = operand.volume
        row = attributes.of(lwp.lstat(path))
        if attributes.is_directory(row[v.MODE]):
            return self._tree(lwp, path, operand.shown, row)
        size = self._size(row)
        self.show(size, operand.shown, 0)
        return size

    def _tree(self, lwp: Lwp, path: bytes, name: bytes, row: v.Attributes) -> int:
        """Measure a directory and all below it, the innermost shown first."""
        place = descent.Descent(lwp, path, follow=False)
        try:
            levels = [_Level(name, self._own(row), self._entries(lwp, place.fd, name))]
            while True:
                level = levels[-1]
                child = None if self.command.interrupted else self._files(level, len(levels))
                if child is None:
                    levels.pop()
                    self.show(level.size + (0 if self.options.separate else level.beneath), level.name, len(levels))
                    place.leave()
                    if not levels:
                        return level.size + level.beneath
                    levels[-1].beneath += level.size + level.beneath
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
                size = self._size(row)
                level.size += size
                if self.options.files:
                    self.show(size, below(level.name, name), depth)
        return None

    def _enter(self, lwp: Lwp, place: descent.Descent, level: _Level, entry: EntryPlus) -> _Level | None:
        """Go into a directory; None and a word about it if that fails."""
        name, _, row = entry
        path = below(level.name, name)
        assert row is not None
        try:
            place.enter(name, row[v.FILEID])
        except OSError as error:
            self.command.fail(path, error)
            return None
        return _Level(path, self._own(row), self._entries(lwp, place.fd, path))

    def _entries(self, lwp: Lwp, fd: int, path: bytes) -> Iterator[EntryPlus]:
        try:
            found = descent.rows(lwp, fd)
        except OSError as error:
            self.command.fail(path, error)
            return iter(())
        found.sort(key=itemgetter(0))
        return iter(found)

    def _own(self, row: v.Attributes) -> int:
        """What a directory itself counts."""
        return 0 if self.options.apparent else row[v.ALLOCATED]

    def _size(self, row: v.Attributes) -> int:
        """What a file counts; 0 the second time."""
        if row[v.NLINK] > 1 and not self.options.every:
            key = self._volume, row[v.FILEID]
            if key in self._counted:
                return 0
            self._counted.add(key)
        return row[v.SIZE] if self.options.apparent else row[v.ALLOCATED]

    def show(self, size: int, name: bytes, depth: int) -> None:
        """A line, unless it is too deep down."""
        o, out = self.options, self.command.out
        if o.depth is not None and depth > o.depth:
            return
        if o.json:
            from rump.fsutils import json_lines

            out.write(json_lines.line({**json_lines.named("path", name), "size": size}))
            return
        amount = sizes.human(size) if o.human else str(sizes.blocks(size, o.unit))
        if out.is_terminal and not o.zero:
            from rump.fsutils import names

            name = names.escape(name)
        out.write(b"%b\t%b%b" % (amount.encode(), name, b"\0" if o.zero else b"\n"))


class _Level:
    """A directory being measured: its own files, what is below, the entries to come."""

    __slots__ = ("beneath", "entries", "name", "size")

    def __init__(self, name: bytes, size: int, entries: Iterator[EntryPlus]) -> None:
        self.name = name
        self.size = size
        self.beneath = 0
        self.entries = entries
