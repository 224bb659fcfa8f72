# SPDX-License-Identifier: BSD-2-Clause
"""Show how full the file systems in images are: all those of a disk image, unless a partition is named.

Sizes are for people on a terminal, else in KiB, unless told otherwise.
"""

from __future__ import annotations

from rump.fsutils import names, sizes
from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse as parse_operand
from rump.fsutils.options import make_parser, with_defaults
from rump.fsutils.volumes import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.stat import Statvfs

    Cells: TypeAlias = dict[str, str]       # by the names of columns

OPERANDS = "IMAGE[@PARTITION] ..."
RELATED = ("du", "info")
EXAMPLES = """\
fsu df -h disk.img@1 disk.img@2
    Show how full two partitions are.

fsu df -i x.img
    Show how many files there is room for.

fsu df -BM --output=source,avail disk.img
    Show only what is left, in MiB.
"""

_SPACE, _INODES = ("size", "used", "avail", "pcent"), ("itotal", "iused", "iavail", "ipcent")
COLUMNS = ("source", "fstype", *_INODES, *_SPACE, "file", "target")
_LEFT = ("source", "fstype", "file", "target")      # the others are numbers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as Linux and the BSDs know them."""
    parser.add_argument("-h", "--human-readable", dest="human", action="store_true", help="in K, M, G")
    parser.add_argument("-k", dest="unit", action="store_const", const=1024, help="in KiB")
    parser.add_argument("-m", dest="unit", action="store_const", const=1 << 20, help="in MiB")
    parser.add_argument("-g", dest="unit", action="store_const", const=1 << 30, help="in GiB")
    parser.add_argument("-B", "--block-size", dest="unit", type=sizes.block_size, metavar="SIZE",
                        help="in 512, 1K, 1M ...")  # fmt: skip
    parser.add_argument("-i", "--inodes", dest="inodes", action="store_true", help="inodes in place of space")
    parser.add_argument("--inodes-too", action="store_true", help="inodes and space (the -i of the BSDs)")
    parser.add_argument("-t", "--type", action="append", default=[], metavar="TYPE,...",
                        help="only file systems of these types")  # fmt: skip
    parser.add_argument("--fields", action="store_true", help="all that statvfs says (the -G of NetBSD)")
    parser.add_argument("-T", "--print-type", dest="types", action="store_true", help="the types of file systems too")
    parser.add_argument("-P", "--portability", dest="portable", action="store_true",
                        help="the headings of POSIX, sizes never for people unless -h")  # fmt: skip
    parser.add_argument("--output", metavar="FIELD,...",
                        help="only these columns, or all: " + ", ".join(COLUMNS))  # fmt: skip
    parser.add_argument("--total", action="store_true", help="a grand total at the end")
    parser.add_argument("--json", action="store_true", help="a JSON object a line, sizes in bytes")
    parser.add_argument("operands", nargs="+", help="images")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read a command line; ``--output`` has a value only behind ``=``."""
    parser = make_parser("df", OPERANDS, __doc__ or "")
    add_arguments(parser)
    return parser.parse_intermixed_args(with_defaults(arguments, {"--output": ",".join(COLUMNS)}))


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Show each operand's file systems."""
    _settle(command, arguments)
    table = not arguments.json and not arguments.fields
    rows = [_headings(arguments)]
    counts = [0] * 6
    for operand in _operands(command, arguments):
        try:
            lwp, path = command.session.resolve(operand)
            said = lwp.statvfs(path)
        except OSError as error:
            command.fail(operand, error)
            continue
        if not wanted(said, arguments.type):
            continue
        found = _counts(said)
        counts = [one + other for one, other in zip(counts, found, strict=True)]
        if arguments.json:
            command.out.write(_json(operand, said))
        elif arguments.fields:
            command.out.write(_fields(operand, said))
        else:
            rows.append(_numbers(found, arguments) | {
                "source": names.shown(operand.volume), "fstype": said.f_fstypename.decode("ascii", "replace"),
                "file": names.shown(operand.volume), "target": names.shown(operand.path),
            })  # fmt: skip
    if table and len(rows) > 1:
        if arguments.total:
            nothing = dict.fromkeys(_LEFT, "-")
            rows.append(_numbers(counts, arguments) | nothing | {_total_in(arguments.columns): "total"})
        command.out.write(b"".join(_table(rows, arguments.columns)))
    return command.status


def _settle(command: Command, o: argparse.Namespace) -> None:
    """Work out what the options imply."""
    o.human = o.human or (o.unit is None and command.out.is_terminal and not o.portable)
    o.unit = o.unit or 1024
    o.columns = _columns(o)


def _columns(o: argparse.Namespace) -> list[str]:
    """The columns to show.  Errors: UsageError - there is no such, or they are chosen in two ways."""
    if o.output is None:
        numbers = _INODES if o.inodes else _SPACE + _INODES if o.inodes_too else _SPACE
        return ["source", *(["fstype"] if o.types else []), *numbers]
    chosen = [word.strip() for word in o.output.split(",")]
    problems = [word for word in chosen if word not in COLUMNS]
    if problems:
        raise UsageError(f"--output: no column {problems[0]!r}; there are {', '.join(COLUMNS)}")
    for word, given in (("-i", o.inodes), ("--inodes-too", o.inodes_too), ("-P", o.portable), ("-T", o.types)):
        if given:
            raise UsageError(f"{word} and --output: one of them")
    for word in chosen:
        if chosen.count(word) > 1:
            raise UsageError(f"--output: {word!r} twice")
    return chosen


def _operands(command: Command, o: argparse.Namespace) -> Iterator[Operand]:
    """The file systems that the operands stand for."""
    for text in o.operands:
        operand = parse_operand(text, image_by_default=True)
        try:
            found = volumes(command.session, operand)
        except OSError as error:
            command.fail(operand, error)
        else:
            yield from found


def wanted(said: Statvfs, lists: list[str]) -> bool:
    """Whether a file system is of one of the types asked for; ``no`` before a list: of none of them."""
    if not lists:
        return True
    from rump.kernel.component import ALIASES

    text = ",".join(lists)
    kind = said.f_fstypename.decode("ascii", "replace")
    driver = ALIASES.get(kind, kind)
    found = any(ALIASES.get(name, name) == driver for name in text.removeprefix("no").split(","))
    return found != text.startswith("no")


def _headings(o: argparse.Namespace) -> Cells:
    blocks = "Size" if o.human else f"{o.unit if o.portable else unit_name(o.unit)}-blocks"
    return {
        "source": "Filesystem", "fstype": "Type",
        "itotal": "Inodes", "iused": "IUsed", "iavail": "IFree", "ipcent": "IUse%",
        "size": blocks, "used": "Used", "avail": "Avail" if o.human and not o.portable else "Available",
        "pcent": "Capacity" if o.portable else "Use%",
        "file": "File", "target": "Mounted on",
    }  # fmt: skip


def unit_name(unit: int) -> str:
    """What a heading calls a unit.

    >>> [unit_name(unit) for unit in (1024, 512, 1 << 20, 3 << 30)]
    ['1K', '512', '1M', '3G']
    """
    power = 0
    while power < len(sizes.UNITS) and not unit % 1024:
        unit //= 1024
        power += 1
    return f"{unit}{sizes.UNITS[power - 1] if power else ''}"


def _counts(s: Statvfs) -> list[int]:
    """Size, used and available bytes; all, used and free inodes."""
    space = [blocks * s.f_frsize for blocks in (s.f_blocks, s.f_blocks - s.f_bfree, s.f_bavail)]
    return [*space, s.f_files, s.f_files - s.f_ffree, s.f_ffree]


def _numbers(counts: Sequence[int], o: argparse.Namespace) -> Cells:
    """The cells of a file system that count something."""
    space = [sizes.human(n) if o.human else str(sizes.blocks(n, o.unit)) for n in counts[:3]]
    inodes = [sizes.human(n) if o.human and (o.inodes or o.output) else str(n) for n in counts[3:]]
    cells = *space, share(counts[1], counts[2]), *inodes, share(counts[4], counts[5])
    return dict(zip(_SPACE + _INODES, cells, strict=True))


def _total_in(columns: Sequence[str]) -> str:
    """The column in which a line is called the total, if there is one that is not a number."""
    return "source" if "source" in columns else next((word for word in columns if word in _LEFT), "source")


def share(used: int, free: int) -> str:
    """How much of all that can be used is, in percent, rounded up.

    >>> share(1, 3), share(0, 10), share(1, 998), share(0, 0)
    ('25%', '0%', '1%', '-')
    """
    total = used + free
    return f"{-(-100 * used // total)}%" if total > 0 else "-"


def _table(rows: Sequence[Cells], columns: Sequence[str]) -> list[bytes]:
    """Lines: names to the left, numbers to the right."""
    widths = {word: max(len(row[word]) for row in rows) for word in columns}
    return [
        " ".join([
            row[word].ljust(widths[word]) if word in _LEFT else row[word].rjust(widths[word]) for word in columns
        ]).rstrip().encode() + b"\n"
        for row in rows
    ]  # fmt: skip


def _fields(operand: Operand, s: Statvfs) -> bytes:
    """All that statvfs says, a line for each field."""
    lines = [f"{names.shown(operand.volume)}:"]
    for field in s._fields:
        value = getattr(s, field)
        text = names.shown(value) if isinstance(value, bytes) else str(value)
        lines.append(f"  {field.removeprefix('f_'):<12} {text}")
    return "\n".join(lines).encode() + b"\n"


def _json(operand: Operand, s: Statvfs) -> bytes:
    from rump.fsutils import json_lines

    return json_lines.line({
        **json_lines.named("image", (operand.image or "").encode("utf-8", "surrogateescape")),
        "partition": operand.partition,
        "type": s.f_fstypename.decode("ascii", "replace"),
        "block_size": s.f_bsize,
        "size": s.f_blocks * s.f_frsize,
        "free": s.f_bfree * s.f_frsize,
        "available": s.f_bavail * s.f_frsize,
        "inodes": s.f_files,
        "inodes_free": s.f_ffree,
        "name_max": s.f_namemax,
    })
