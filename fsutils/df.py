# SPDX-License-Identifier: BSD-2-Clause
"""Show how full the file systems in images are, in KiB unless told otherwise."""

from __future__ import annotations

from rump.fsutils import names, sizes
from rump.fsutils.operand import parse as parse_operand

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.kernel.stat import Statvfs

OPERANDS = "IMAGE[@PARTITION] ..."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options, as Linux and the BSDs know them."""
    parser.add_argument("-h", dest="human", action="store_true", help="in K, M, G")
    parser.add_argument("-k", dest="kilobytes", action="store_true", help="in KiB; it is unless -h")
    parser.add_argument("-i", dest="inodes", action="store_true", help="inodes in place of space")
    parser.add_argument("-T", dest="types", action="store_true", help="the types of file systems too")
    parser.add_argument("-P", dest="portable", action="store_true", help="one line each; it always is")
    parser.add_argument("--json", action="store_true", help="a JSON object a line, sizes in bytes")
    parser.add_argument("operands", nargs="+", help="images")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Show each operand's file system."""
    rows = [] if arguments.json else [_heading(arguments)]
    for text in arguments.operands:
        operand = parse_operand(text, image_by_default=True)
        try:
            lwp, path = command.session.resolve(operand)
            said = lwp.statvfs(path)
        except OSError as error:
            command.fail(operand, error)
            continue
        if arguments.json:
            command.out.write(_json(operand, said))
        else:
            rows.append(_row(operand, said, arguments))
    if len(rows) > 1:
        command.out.write(b"".join(_table(rows, arguments.types)))
    return command.status


def _heading(o: argparse.Namespace) -> list[str]:
    columns = ["Inodes", "IUsed", "IFree", "IUse%"] if o.inodes else [
        "Size" if o.human else "1K-blocks", "Used", "Avail" if o.human else "Available", "Use%"
    ]  # fmt: skip
    return ["Filesystem", *(["Type"] if o.types else []), *columns]


def _row(operand: Operand, s: Statvfs, o: argparse.Namespace) -> list[str]:
    """The cells of a file system."""
    if o.inodes:
        used = s.f_files - s.f_ffree
        numbers = [str(s.f_files), str(used), str(s.f_ffree), share(used, s.f_ffree)]
    else:
        used, free = s.f_blocks - s.f_bfree, s.f_bavail
        amounts = [blocks * s.f_frsize for blocks in (s.f_blocks, used, free)]
        numbers = [sizes.human(n) if o.human else str(sizes.blocks(n)) for n in amounts] + [share(used, free)]
    kind = [s.f_fstypename.decode("ascii", "replace")] if o.types else []
    return [names.shown(operand.volume), *kind, *numbers]


def share(used: int, free: int) -> str:
    """How much of all that can be used is, in percent, rounded up.

    >>> share(1, 3), share(0, 10), share(1, 998), share(0, 0)
    ('25%', '0%', '1%', '-')
    """
    total = used + free
    return f"{-(-100 * used // total)}%" if total > 0 else "-"


def _table(rows: Sequence[list[str]], types: bool) -> list[bytes]:
    """Lines: names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = 2 if types else 1
    return [
        " ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).encode() + b"\n"
        for row in rows
    ]  # fmt: skip


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
