# SPDX-License-Identifier: BSD-2-Clause
"""Print the first lines of files, 10 unless told; of several files each under its name.

NUMBER may have a suffix: b (512), K, M, G ... (of 1024), KB, MB ... (of 1000).  -NUMBER alone is -n NUMBER.
"""

from __future__ import annotations

from rump.fsutils.contents import PIECE
from rump.fsutils.ends import Ends, Held, add_end_options, copy, line_start_from_end, parse_ends, print_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.contents import Contents

OPERANDS = "[IMAGE[@PARTITION]:/PATH ...]"
RELATED = ("tail", "cat")
EXAMPLES = """\
fsu head -n 3 x.img:/etc/passwd
    Print the first three lines.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of head."""
    add_end_options(parser, "the first NUMBER; with - before it, all but the last NUMBER")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line, in which -NUMBER is an option."""
    return parse_ends("head", OPERANDS, __doc__ or "", add_arguments, arguments)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print the beginning of each operand."""
    return print_each(command, arguments, show)


def show(command: Command, contents: Contents, ends: Ends) -> None:
    """Print the beginning of one file.  Errors: OSError."""
    if ends.sign != "-":
        first = _first_bytes if ends.bytes else _first_lines
        first(command, contents, ends)
    elif contents.size < 0:
        _all_but_last_of_stream(command, contents, ends)
    elif ends.bytes:
        copy(command, contents, 0, contents.size - ends.count)
    else:
        copy(command, contents, 0, line_start_from_end(contents, ends.count, ends.end))


def _first_bytes(command: Command, contents: Contents, ends: Ends) -> None:
    left = ends.count
    while left > 0 and not command.interrupted and (data := contents.read(min(PIECE, left))):
        command.out.write_through(data)
        left -= len(data)


def _first_lines(command: Command, contents: Contents, ends: Ends) -> None:
    left, length = ends.count, 1 << 14
    while left > 0 and not command.interrupted and (data := contents.read(length)):
        count = data.count(ends.end)
        if count >= left:
            data = data[: _behind(data, ends.end, left)]
        command.out.write_through(data)
        left -= count
        length = min(length * 4, PIECE)


def _behind(data: bytes, end: bytes, count: int) -> int:
    """Where the line behind so many others begins."""
    at = 0
    for _ in range(count):
        at = data.index(end, at) + 1
    return at


def _all_but_last_of_stream(command: Command, contents: Contents, ends: Ends) -> None:
    """Hold back what may be the end."""
    held = Held(ends)
    while not command.interrupted and (data := contents.read(PIECE)):
        for piece in held.add(data):
            command.out.write_through(piece)
    command.out.write_through(held.split()[0])
