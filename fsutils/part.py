# SPDX-License-Identifier: BSD-2-Clause
"""List the partitions of disk images; what stands before each can follow an @ in an operand."""

from __future__ import annotations

from rump.fsutils import names
from rump.fsutils.errors import ImageError
from rump.fsutils.operand import parse as parse_operand
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from rump.fsutils.command import Command
    from rump.kernel.dev.partitions import Partition, PartitionTable

OPERANDS = "IMAGE ..."
SCHEMES = {"gpt": "GPT", "mbr": "MBR", "bsd": "BSD disklabel"}
RELATED = ("info",)
EXAMPLES = """\
fsu part disk.img
    List the partitions; the first column can follow an @.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("-b", "--bytes", action="store_true", help="starts and sizes in bytes, not in sectors")
    parser.add_argument("-n", "--no-heading", dest="bare", action="store_true", help="the partitions only")
    parser.add_argument("--json", action="store_true", help="a JSON object a line, in bytes")
    parser.add_argument("operands", nargs="+", help="disk images")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """List each operand's partitions."""
    for number, text in enumerate(arguments.operands):
        operand = parse_operand(text, image_by_default=True)
        try:
            table = read(command, operand.image or text)
        except OSError as error:
            command.fail(operand, error)
            continue
        for warning in table.warnings:
            command.warn(operand, f"warning: {warning}")
        if arguments.json:
            from rump.fsutils import json_lines

            for selector, row in selectors(table):
                command.out.write(json_lines.line({"image": names.shown(text), **record(selector, row)}))
        else:
            lines = show(table, arguments)
            if number and not arguments.bare:
                lines.insert(0, "")
            if not arguments.bare:
                lines.insert(1 if number else 0, f"{names.shown(text)}: {headline(table)}")
            command.out.write(("\n".join(lines) + "\n").encode("utf-8", "replace"))
    return command.status


def read(command: Command, image: str) -> PartitionTable:
    """An image's partition table.  Errors: Fault; ImageError - there is none."""
    session = command.session
    device = session.device(image)
    table = session.kernel.partitions(device)
    if table is None:
        raise ImageError("no partition table", e.ENOENT)
    return table


def selectors(table: PartitionTable) -> Iterator[tuple[str, Partition]]:
    """All partitions, each with the word that chooses it; those of a nested disklabel behind the one they lie in."""
    inside = dict(table.nested)
    for row in table.partitions:
        yield row.letter or str(row.number), row
        if row.number in inside:
            for part in inside[row.number].partitions:
                yield f"{row.number}{part.letter}", part


def headline(table: PartitionTable) -> str:
    """The table in a few words.

    What a GUID or signature is for does not matter to people; it tells one disk from another.
    """
    identity = f", {names.shown(table.disk_id)}" if table.disk_id else ""
    return f"{SCHEMES.get(table.scheme, table.scheme)}, sectors of {table.sector_size} bytes{identity}"


def show(table: PartitionTable, o: argparse.Namespace) -> list[str]:
    """The lines of a table."""
    from rump.kernel.dev.partitions.table import human_size

    unit = 1 if o.bytes else table.sector_size
    heading = [] if o.bare else [["@", "Start", "End", "Size", "Type", "Name", "Flags"]]
    rows = heading + [
        [selector, str(row.start // unit), str((row.start + max(row.size, 1) - 1) // unit),
         str(row.size) if o.bytes else human_size(row.size), names.shown(row.type_name or row.type),
         names.shown(row.name), ",".join(row.flags)]
        for selector, row in selectors(table)
    ]  # fmt: skip
    return columns(rows, right=(1, 2, 3))


def columns(rows: Sequence[Sequence[str]], right: tuple[int, ...] = ()) -> list[str]:
    """Rows as lines, each column as wide as it must be.

    >>> columns([["a", "1"], ["bcd", "10"]], right=(1,))
    ['a     1', 'bcd  10']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def record(selector: str, row: Partition) -> dict[str, object]:
    """A partition for JSON."""
    return {
        "partition": selector,
        "scheme": row.scheme,
        "start": row.start,
        "size": row.size,
        "type": row.type,
        "type_name": row.type_name,
        "name": row.name.encode("utf-8", "replace").decode(),
        "uuid": row.uuid,
        "bootable": row.bootable,
        "attributes": row.attributes,
        "flags": list(row.flags),
    }
