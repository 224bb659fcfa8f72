# SPDX-License-Identifier: BSD-2-Clause
"""Print files inside images."""

from __future__ import annotations

from rump.fsutils.operand import parse as parse_operand
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("-u", action="store_true", help="unbuffered; it never waits for more")
    parser.add_argument("operands", nargs="+", help="files to print, one after the other")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Print each operand."""
    for text in arguments.operands:
        operand = parse_operand(text, image_by_default=True)
        try:
            print_file(command, operand)
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
