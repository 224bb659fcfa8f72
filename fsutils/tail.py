# SPDX-License-Identifier: BSD-2-Clause
"""Print the last lines of files, 10 unless told; of several files each under its name.  Only the end is read.

NUMBER may have a suffix: b (512), K, M, G ... (of 1024), KB, MB ... (of 1000).  -NUMBER alone is -n NUMBER, +NUMBER
is -n +NUMBER.
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
RELATED = ("head", "cat")
EXAMPLES = """\
fsu tail -n 20 x.img:/var/log/messages
    Print the last lines.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of tail."""
    add_end_options(parser, "the last NUMBER; with + before it, all from the NUMBERth on")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line, in which -NUMBER and +NUMBER are options."""
    return parse_ends("tail", OPERANDS, __doc__ or "", add_arguments, arguments, signs="-+")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print the end of each operand."""
    return print_each(command, arguments, show)


def show(command: Command, contents: Contents, ends: Ends) -> None:
    """Print the end of one file.  Errors: OSError."""
    if ends.sign == "+":
        _from(command, contents, ends)
    elif contents.size < 0:
        _last_of_stream(command, contents, ends)
    elif ends.bytes:
        copy(command, contents, max(0, contents.size - ends.count), contents.size)
    else:
        copy(command, contents, line_start_from_end(contents, ends.count, ends.end), contents.size)


def _from(command: Command, contents: Contents, ends: Ends) -> None:
    """All from a byte or line on; the first is 1."""
    skip = max(0, ends.count - 1)
    if ends.bytes and contents.size >= 0:
        copy(command, contents, skip, contents.size)
        return
    while not command.interrupted and (data := contents.read(PIECE)):
        units = ends.units(data)
        if skip and units < skip:
            skip -= units
            continue
        at = skip if ends.bytes else 0
        for _ in range(0 if ends.bytes else skip):
            at = data.index(ends.end, at) + 1
        skip = 0
        command.out.write_through(memoryview(data)[at:])


def _last_of_stream(command: Command, contents: Contents, ends: Ends) -> None:
    held = Held(ends)
    while not command.interrupted and (data := contents.read(PIECE)):
        for _ in held.add(data):
            pass                    # certainly not among the last
    command.out.write_through(held.split()[1])
