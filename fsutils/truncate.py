# SPDX-License-Identifier: BSD-2-Clause
"""Set the size of files inside images; what is cut off is gone, what is added reads as zeros and takes no space.

SIZE is a number, with a suffix K, M, G, T, P (of 1024) or KB, MB ... (of 1000).  Before it may be: + to grow, - to
shrink by so much, < at most, > at least, / down and % up to a multiple.
"""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.options import add_writing_options, make_parser, with_values
from rump.fsutils.writing import each, reference, written
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp

OPERANDS = "-s SIZE IMAGE[@PARTITION]:/PATH ..."

_UNITS = "KMGTPE"
MOST = (1 << 63) - 1
RELATED = ("write",)
EXAMPLES = """\
fsu truncate -s 1G x.img:/swapfile
    Make a file with a hole.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of truncate."""
    add = parser.add_argument
    add("-s", "--size", metavar="SIZE", help="the new size, or a change of it")
    add("-r", "--reference", metavar="FILE", help="the size of this file (host or IMAGE:/PATH); -s may change it")
    add("-c", "--no-create", action="store_true", help="make no file")
    add("operands", nargs="+", help="files")
    add_writing_options(parser)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; a size may begin with a dash."""
    parser = make_parser("truncate", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_values(arguments, ("-s", "--size")))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Truncate each operand."""
    if arguments.size is None and arguments.reference is None:
        raise UsageError("to which size?  -s or -r says so")
    sign, size = parse_size(arguments.size) if arguments.size is not None else ("+", 0)
    operands = written(command, arguments.operands)
    base = None
    if arguments.reference is not None:
        if not sign:
            raise UsageError("-r wants a change for -s: a size with a sign")
        stat = reference(command, arguments.reference)
        if stat is None:
            return command.status
        base = stat.st_size

    def truncate(lwp: Lwp, path: bytes, operand: Operand) -> None:
        try:
            fd = lwp.open(path, abi.O_WRONLY | abi.O_NONBLOCK | (0 if arguments.no_create else abi.O_CREAT), 0o666)
        except FileNotFoundError:
            if arguments.no_create:
                return
            raise
        try:
            stat = lwp.fstat(fd)
            if stat.st_mode & abi.S_IFMT != abi.S_IFREG:
                raise fault(e.EINVAL, "not a regular file")
            lwp.ftruncate(fd, min(changed(stat.st_size if base is None else base, sign, size), MOST))
        finally:
            lwp.close(fd)

    return each(command, operands, truncate)


def parse_size(text: str) -> tuple[str, int]:
    """The sign and the bytes.  Errors: UsageError.

    >>> [parse_size(text) for text in ("10", "+4K", "%1MB", "<2GiB", "/512")]
    [('', 10), ('+', 4096), ('%', 1000000), ('<', 2147483648), ('/', 512)]
    """
    text = text.strip()
    sign = text[:1] if text[:1] in tuple("+-<>/%") else ""
    rest = text[len(sign):].strip()
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    suffix = rest[len(digits):].upper()
    unit = suffix[:1]
    if not digits.isascii() or not digits or len(digits) > 20 or unit not in ("", *_UNITS) or suffix[1:] not in (
            "", "B", "IB"):  # fmt: skip
        raise UsageError(f"{text}: not a size")
    scale = (1000 if suffix[1:] == "B" else 1024) ** (_UNITS.index(unit) + 1) if unit else 1
    if sign in ("/", "%") and not int(digits):
        raise UsageError(f"{text}: a multiple of nothing")
    return sign, int(digits) * scale


def changed(size: int, sign: str, number: int) -> int:
    """A size with a change made.

    >>> [changed(1000, sign, 300) for sign in ("", "+", "-", "<", ">", "/", "%")]
    [300, 1300, 700, 300, 1000, 900, 1200]
    """
    if sign == "+":
        return size + number
    if sign == "-":
        return max(0, size - number)
    if sign == "<":
        return min(size, number)
    if sign == ">":
        return max(size, number)
    if sign == "/":
        return size // number * number
    if sign == "%":
        return -(-size // number) * number
    return number
