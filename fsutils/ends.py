# SPDX-License-Identifier: BSD-2-Clause
"""The beginning and the end of files: what head and tail share."""

from __future__ import annotations

from collections import deque

from rump.fsutils.amounts import signed
from rump.fsutils.contents import PIECE, open_contents, shown_name
from rump.fsutils.errors import UsageError
from rump.fsutils.names import escape
from rump.fsutils.operand import STDIO, expanded
from rump.fsutils.options import make_parser, with_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents

    Show: TypeAlias = Callable[[Command, Contents, "Ends"], None]

_LONGEST = 1 << 40      # how far to look back for data in one step
_VALUED = ("-n", "-c", "--lines", "--bytes")


class Ends:
    """How much is wanted.

    count, sign   of what, and "", "+" or "-" as it stood before the number
    bytes         it counts bytes, not lines
    end           what ends a line
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.bytes = arguments.bytes is not None
        self.sign, self.count = signed(arguments.bytes if self.bytes else arguments.lines or "10")
        self.end = b"\0" if arguments.zero else b"\n"

    def units(self, data: bytes) -> int:
        """How many bytes there are, or how many lines end."""
        return len(data) if self.bytes else data.count(self.end)

    def last(self, data: bytes) -> int:
        """Where the last `count` of them begin, `data` being the end of a file."""
        return max(0, len(data) - self.count) if self.bytes else line_start(data, self.count, self.end)


class Held:
    """The end of what came so far, so much of it that the last `count` bytes or lines are in it."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._pieces: deque[tuple[bytes, int]] = deque()
        self._units = 0

    def add(self, data: bytes) -> Iterator[bytes]:
        """Take more; what is certainly not among the last comes out."""
        units = self._ends.units(data)
        self._pieces.append((data, units))
        self._units += units
        while self._units - self._pieces[0][1] > self._ends.count:
            piece, units = self._pieces.popleft()
            self._units -= units
            yield piece

    def split(self) -> tuple[bytes, bytes]:
        """At the end of the file: what is held, up to the last `count` and from there."""
        data = b"".join([piece for piece, _ in self._pieces])
        at = self._ends.last(data)
        return data[:at], data[at:]


def add_end_options(parser: argparse.ArgumentParser, meaning: str) -> None:
    """The options of head and tail."""
    add = parser.add_argument
    add("-n", "--lines", metavar="NUMBER", help=f"lines: {meaning}")
    add("-c", "--bytes", metavar="NUMBER", help="the same in bytes")
    add("-q", "--quiet", "--silent", dest="headings", action="store_const", const=False, help="no names above")
    add("-v", "--verbose", dest="headings", action="store_const", const=True, help="names above, also of one file")
    add("-z", "--zero-terminated", dest="zero", action="store_true", help="lines end in a NUL byte")
    add("operands", nargs="*", help="files; - is standard input, as is none")


def parse_ends(
    verb: str, operands: str, text: str, add: Callable[[argparse.ArgumentParser], None], arguments: list[str],
    signs: str = "-",
) -> argparse.Namespace:  # fmt: skip
    """Read a command line that may have a number for an option: ``-5``."""
    parser = make_parser(verb, operands, text)
    add(parser)
    words = with_values(arguments, _VALUED)
    if words and words[0][:1] in signs and words[0][1:2].isdigit():
        sign, number = ("+" if words[0][0] == "+" else ""), words[0][1:]
        words[0] = f"--bytes={sign}{number[:-1]}" if number.endswith("c") else f"--lines={sign}{number}"
    return parser.parse_intermixed_args(words)


def print_each(command: Command, arguments: argparse.Namespace, show: Show) -> int:
    """Print a part of each operand.  The exit status."""
    if arguments.bytes is not None and arguments.lines is not None:
        raise UsageError("either -n or -c")
    ends = Ends(arguments)
    operands = list(expanded(command.session, arguments.operands or [STDIO]))
    headings = arguments.headings if arguments.headings is not None else len(operands) > 1
    before = b""
    for operand in operands:
        if command.interrupted:
            break
        try:
            with open_contents(command, operand) as contents:
                if headings:
                    name = shown_name(operand)
                    name = escape(name) if command.out.is_terminal else name
                    command.out.write(before + b"==> " + name + b" <==\n")
                    before = b"\n"
                show(command, contents, ends)
        except OSError as error:
            command.fail(operand, error)
    return command.status


def copy(command: Command, contents: Contents, begin: int, end: int) -> None:
    """Print a range of a file that has a size.  Errors: OSError."""
    while begin < end and not command.interrupted:
        data = contents.read_at(min(PIECE, end - begin), begin)
        if not data:
            break
        command.out.write_through(data)
        begin += len(data)


def line_start(data: bytes, count: int, end: bytes) -> int:
    """Where the last `count` lines begin; the last one need not be ended.

    >>> [line_start(b"a\\nb\\nc\\n", count, b"\\n") for count in range(5)], line_start(b"a\\nb", 1, b"\\n")
    ([6, 4, 2, 0, 0], 2)
    """
    at = len(data)
    if count and data.endswith(end):
        at -= 1
    for _ in range(count):
        at = data.rfind(end, 0, at)
        if at < 0:
            return 0
    return at + 1 if count else at


def line_start_from_end(contents: Contents, count: int, end: bytes) -> int:
    """Where the last `count` lines of a file begin, found from its end; holes are not read: no line
    ends in one.  Errors: OSError."""
    size = contents.size
    if not count or not size:
        return size
    left = count + (contents.read_at(1, size - 1) == end)
    upper, step = size, PIECE
    while upper > 0:
        lower = max(0, upper - step)
        parts = list(contents.parts(lower, upper)) if end != b"\0" else [(lower, upper - lower)]
        for begin, length in reversed(parts):
            at, left = _look_back(contents, begin, begin + length, left, end)
            if not left:
                return at
        step = PIECE if parts else min(step * 4, _LONGEST)
        upper = lower
    return 0


def _look_back(contents: Contents, begin: int, upper: int, left: int, end: bytes) -> tuple[int, int]:
    """Look for line ends from `upper` back to `begin`: where the line behind the last of `left` begins, and how many
    are still to be found."""
    while upper > begin:
        lower = max(begin, upper - PIECE)
        data = contents.read_at(upper - lower, lower)
        there = data.count(end)
        if there >= left:
            at = len(data)
            for _ in range(left):
                at = data.rfind(end, 0, at)
            return lower + at + 1, 0
        left -= there
        upper = lower
    return begin, left
