# SPDX-License-Identifier: BSD-2-Clause
"""Print files inside images, or parts of them.

NUMBER may have a suffix: b (512), K, M, G ... (of 1024), KB, MB ... (of 1000).
"""

from __future__ import annotations

from rump.fsutils.operand import expanded
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand

OPERANDS = "IMAGE[@PARTITION]:/PATH ..."
PIECE = 1 << 20         # bytes read at once

_LOOKS = (
    ("-b", "--number-nonblank", "number_nonblank", "number lines that are not empty"),
    ("-e", None, "ends_and_marks", "-vE"),
    ("-n", "--number", "number", "number all lines"),
    ("-s", "--squeeze-blank", "squeeze", "one empty line where there are several"),
    ("-t", None, "tabs_and_marks", "-vT"),
    ("-v", "--show-nonprinting", "marks", "^X for control characters, M-x for bytes above 127"),
    ("-A", "--show-all", "all_marks", "-vET"),
    ("-E", "--show-ends", "ends", "$ at the end of lines"),
    ("-T", "--show-tabs", "tabs", "^I for tabs"),
)

RELATED = ("head", "tail", "get")
EXAMPLES = """\
fsu cat disk.img@2:/etc/os-release
    Print a file in the second partition.

fsu cat 'x.img:/var/log/*.log'
    Print all files that match.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    for short, long, name, text in _LOOKS:
        flags = (short,) if long is None else (short, long)
        parser.add_argument(*flags, dest=name, action="store_true", help=text)
    parser.add_argument("-u", action="store_true", help="unbuffered; it never waits for more")
    parser.add_argument("--offset", metavar="NUMBER", help="begin there, from 0; with - before it, so far from the end")
    parser.add_argument("--length", metavar="NUMBER", help="print at most so many bytes of each file")
    parser.add_argument("operands", nargs="+", help="files to print, one after the other; - is standard input")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; an offset may begin with a dash."""
    from rump.fsutils.options import make_parser, with_values

    parser = make_parser("cat", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_values(arguments, ("--offset",)))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print each operand."""
    looks = any(getattr(arguments, name) for _, _, name, _ in _LOOKS)
    plain = not looks and arguments.offset is None and arguments.length is None
    if not plain:
        from rump.fsutils.looks import Printer

        printer = Printer(command, arguments)
    for operand in expanded(command.session, arguments.operands):
        try:
            if plain and operand.image is not None:
                print_file(command, operand)
            elif plain:
                _print_outside(command, operand)
            else:
                printer.show(operand)
        except OSError as error:
            command.fail(operand, error)
        if command.interrupted:
            break
    return command.status


def print_file(command: Command, operand: Operand) -> None:
    """Print one file, in pieces through one buffer.  Errors: Fault."""
    lwp, path = command.session.resolve(operand)
    fd = lwp.open(path, abi.O_RDONLY | abi.O_NONBLOCK)
    try:
        stat = lwp.fstat(fd)
        if stat.st_mode & abi.S_IFMT == abi.S_IFDIR:
            raise fault(e.EISDIR)
        buffer = bytearray(max(1, min(PIECE, stat.st_size)))
        view = memoryview(buffer)
        while not command.interrupted and (count := lwp.readinto(fd, buffer)):
            command.out.write_through(view[:count])
    finally:
        lwp.close(fd)


def _print_outside(command: Command, operand: Operand) -> None:
    """Print a file of the host, or standard input.  Errors: OSError."""
    from rump.fsutils.contents import open_contents

    with open_contents(command, operand) as contents:
        while not command.interrupted and (data := contents.read(PIECE)):
            command.out.write_through(data)
