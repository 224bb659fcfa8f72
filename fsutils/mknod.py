# SPDX-License-Identifier: BSD-2-Clause
"""Make device nodes and fifos inside images.

TYPE is b (a block device), c or u (a character device) or p (a fifo).  A device has two numbers; with one, or with -F
and a format that has units, they are told apart as that system does.
"""

from __future__ import annotations

from rump.fsutils.errors import UsageError
from rump.fsutils.modes import given_mode
from rump.fsutils.options import add_writing_options
from rump.fsutils.owners import Numbers
from rump.fsutils.writing import each, written
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat

OPERANDS = "IMAGE[@PARTITION]:/PATH {b|c|u MAJOR MINOR | p}"

ALL = 0o666
_TYPES = {"b": abi.S_IFBLK, "c": abi.S_IFCHR, "u": abi.S_IFCHR, "p": abi.S_IFIFO}

# How systems pack the numbers of a device into one: the bits of the major number, then those of the minor number (or of
# unit and subunit), the highest first, as (lowest bit, count).  NetBSD's mknod(8) has these names.
_8_8 = (((8, 8),), ((0, 8),))
_NETBSD = (((8, 12),), ((20, 12), (0, 8)))
_14_18 = (((18, 14),), ((0, 18),))
FORMATS = {
    "native": _NETBSD, "netbsd": _NETBSD, "386bsd": _8_8, "4bsd": _8_8, "isc": _8_8, "linux": _8_8, "sco": _8_8,
    "sunos": _8_8, "svr3": _8_8, "ultrix": _8_8, "freebsd": (((8, 8),), ((16, 16), (0, 8))),
    "bsdos": (((20, 12),), ((8, 12),), ((0, 8),)), "hpux": (((24, 8),), ((0, 24),)),
    "osf1": (((20, 12),), ((0, 20),)), "solaris": _14_18, "svr4": _14_18,
}  # fmt: skip

RELATED = ("mkfifo",)
EXAMPLES = """\
fsu mknod -m 666 x.img:/dev/null c 1 3
    Make a device node.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of mknod."""
    add = parser.add_argument
    add("-m", "--mode", metavar="MODE", help="permissions, as chmod has them; else what umask leaves")
    add("-u", "--user", metavar="USER", help="the owner: a number, or a name in the image's /etc/passwd")
    add("-g", "--group", metavar="GROUP", help="the group, likewise")
    add("-F", dest="format", choices=sorted(FORMATS), help="the system whose device number it is")
    add("-r", dest="replace", action="store_true", help="replace what is there if it is something else")
    add("-R", dest="correct", action="store_true", help="the same, and correct owner and mode of what is there")
    add("operands", nargs="+", metavar="operand", help="the node, its type and numbers")
    add_writing_options(parser)


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Make the node."""
    if len(arguments.operands) < 2:
        raise UsageError("a name and a type are needed")
    name, letter, *numbers = arguments.operands
    if letter not in _TYPES:
        raise UsageError(f"{letter}: not a type; there are b, c, u and p")
    if (letter == "p") != (not numbers):
        raise UsageError("a fifo has no numbers" if letter == "p" else "a device has numbers: MAJOR MINOR")
    kind, device = _TYPES[letter], packed(numbers, arguments.format) if numbers else 0
    mode = given_mode(arguments.mode, ALL)

    def make(lwp: Lwp, path: bytes, operand: Operand) -> None:
        owner = _owner(lwp, arguments)
        old = _existing(lwp, path)
        if old is None or old.st_mode & abi.S_IFMT != kind or old.st_rdev != device:
            if old is not None:
                _make_way(lwp, path, old, arguments.replace or arguments.correct)
            lwp.mknod(path, kind | ALL, device)
        elif arguments.correct:
            lwp.lchmod(path, mode if mode is not None else _usual(lwp))
        elif not arguments.replace:
            raise fault(e.EEXIST)
        else:
            return
        if owner != (-1, -1):
            now = lwp.lstat(path)
            lwp.lchown(path, *(ours if new < 0 else new
                               for new, ours in zip(owner, (now.st_uid, now.st_gid), strict=True)))  # fmt: skip
        if mode is not None:
            lwp.lchmod(path, mode)

    return each(command, written(command, [name]), make)


def packed(numbers: list[str], form: str | None) -> int:
    """The device that some numbers are.  Errors: UsageError.

    >>> [(abi.major(d), abi.minor(d)) for d in (packed(["8", "0x11"], None), packed(["2049"], None),
    ...                                         packed(["1", "2", "3"], "bsdos"), packed(["0x04000010"], "hpux"))]
    [(8, 17), (8, 1), (1, 515), (4, 16)]
    """
    fields = FORMATS[form or "native"]
    values = [_number(text) for text in numbers]
    if len(values) == 1:
        major, *minors = (_taken(values[0], bits) for bits in fields)
    else:
        if len(values) not in (2, len(fields)):
            units = " or MAJOR UNIT SUBUNIT" if len(fields) > 2 else ""
            raise UsageError(f"{' '.join(numbers)}: MAJOR MINOR{units} are wanted")
        major, *minors = values
        if form is not None:
            _check(numbers, values, fields)
    minor = minors[0] if len(minors) == 1 else minors[0] << _width(fields[2]) | minors[1]
    return abi.makedev(major, minor)


def _check(numbers: list[str], values: list[int], fields: tuple[tuple[tuple[int, int], ...], ...]) -> None:
    """See to it that a format has room for the numbers.  Errors: UsageError."""
    widths = [_width(bits) for bits in fields]
    if len(values) == 2:
        widths = [widths[0], sum(widths[1:])]
    for text, value, width in zip(numbers, values, widths, strict=True):
        if value >> width:
            raise UsageError(f"{text}: too big for that format, which has {width} bits for it")


def _width(bits: tuple[tuple[int, int], ...]) -> int:
    return sum(count for _, count in bits)


def _taken(value: int, bits: tuple[tuple[int, int], ...]) -> int:
    """A field's bits out of a number."""
    taken = 0
    for lowest, count in bits:
        taken = taken << count | value >> lowest & (1 << count) - 1
    return taken


def _number(text: str) -> int:
    try:
        value = int(text, 0) if not text.isdigit() else int(text, 8 if text[0] == "0" else 10)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise UsageError(f"{text}: not a device number")
    return value


def _owner(lwp: Lwp, arguments: argparse.Namespace) -> tuple[int, int]:
    """User and group asked for, -1 standing for none.  Errors: UsageError."""
    if arguments.user is None and arguments.group is None:
        return -1, -1
    known = Numbers("image", lwp)
    return (
        -1 if arguments.user is None else known.user(arguments.user),
        -1 if arguments.group is None else known.group(arguments.group),
    )


def _existing(lwp: Lwp, path: bytes) -> Stat | None:
    try:
        return lwp.lstat(path)
    except FileNotFoundError:
        return None


def _make_way(lwp: Lwp, path: bytes, old: Stat, replace: bool) -> None:
    """Remove what has the name, if that is wanted.  Errors: EEXIST, EISDIR."""
    if not replace:
        raise fault(e.EEXIST)
    if old.st_mode & abi.S_IFMT == abi.S_IFDIR:
        raise fault(e.EISDIR)
    lwp.unlink(path)


def _usual(lwp: Lwp) -> int:
    """The mode of a new node."""
    umask = lwp.umask(0)
    lwp.umask(umask)
    return ALL & ~umask
