# SPDX-License-Identifier: BSD-2-Clause
"""Write standard input to a file inside an image, in place of what is in it; the file is made if it is not there."""

from __future__ import annotations

import sys

from rump.fsutils.options import add_writing_options
from rump.fsutils.writing import each, written
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

OPERANDS = "IMAGE[@PARTITION]:/PATH"
PIECE = 1 << 20
RELATED = ("edit", "cp")
EXAMPLES = """\
echo builder | fsu write x.img:/etc/hostname
    Replace a file's contents.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of write."""
    parser.add_argument("-a", "--append", action="store_true", help="append to what is in it")
    parser.add_argument("operand", metavar="FILE", help="the file")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Write."""
    flags = abi.O_WRONLY | abi.O_CREAT | abi.O_NONBLOCK | (abi.O_APPEND if arguments.append else abi.O_TRUNC)

    def write(lwp: Lwp, path: bytes, operand: Operand) -> None:
        fd = lwp.open(path, flags, 0o666)
        try:
            while not command.interrupted and (data := sys.stdin.buffer.read(PIECE)):
                view = memoryview(data)
                while view:
                    view = view[lwp.write(fd, view):]
        finally:
            lwp.close(fd)

    return each(command, written(command, [arguments.operand]), write)
