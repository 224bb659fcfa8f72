# SPDX-License-Identifier: BSD-2-Clause
"""Tell what images are: the partition table, the file systems and their labels, or what else they look like."""

from __future__ import annotations

from rump.fsutils import names, part
from rump.fsutils.errors import reason
from rump.fsutils.operand import parse as parse_operand
from rump.kernel.errors import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.command import Command
    from rump.fsutils.operand import Operand
    from rump.fsutils.session import Session
    from rump.kernel.dev.partitions import PartitionTable

OPERANDS = "IMAGE[@PARTITION] ..."
RELATED = ("part", "df")
EXAMPLES = """\
fsu info disk.img
    Tell what it is, and what is in its partitions.

fsu info --json disk.img
    The same for programs.
"""


class Content:
    """What is on a device.

    kind     in a few words: "ext4", "LUKS2 encrypted volume"; None if nothing is known
    driver   the file system driver that reads it, or None
    said     what the file system says of itself: (key, text)
    problem  why it cannot be mounted, or None
    """

    __slots__ = ("driver", "kind", "problem", "said", "size")

    def __init__(self, session: Session, device: bytes) -> None:
        self.size = session.kernel.device(device).size
        self.kind: str | None = None
        self.driver: str | None = None
        self.said: list[tuple[str, str]] = []
        self.problem: str | None = None
        found = session.kernel.probe(device)
        if found is None:
            self.kind = session.kernel.identify(device)
            return
        self.driver, self.kind = found[0].name, found[1]
        try:
            self.said = [(_text(key), _text(value)) for key, value in session.describe(device)]
        except Fault as error:
            self.problem = reason(error)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--json", action="store_true", help="a JSON object a line: the image, then its partitions")
    parser.add_argument("operands", nargs="+", help="images")


def run(command: Command, arguments: argparse.Namespace) -> int:
    """Tell about each operand."""
    for number, text in enumerate(arguments.operands):
        operand = parse_operand(text, image_by_default=True)
        try:
            lines = _json(command, operand) if arguments.json else _human(command, operand)
        except OSError as error:
            command.fail(operand, error)
            continue
        if number and not arguments.json:
            command.out.write(b"\n")
        command.out.write(b"".join(lines))
        if command.interrupted:
            break
    return command.status


def _look(command: Command, operand: Operand) -> tuple[bytes, Content, PartitionTable | None]:
    """The device of an operand, what is on it, and its partition table if it is a disk."""
    session = command.session
    device = session.device(operand.image or operand.text)
    if operand.partition is not None:
        device = session.partition(device, operand.partition)
    content = Content(session, device)
    table = session.kernel.partitions(device) if content.driver is None and operand.partition is None else None
    return device, content, table


def _human(command: Command, operand: Operand) -> list[bytes]:
    """A page for people."""
    from rump.kernel.dev.partitions.table import human_size

    device, content, table = _look(command, operand)
    kinds = [content.kind] if content.kind else []
    if table is not None:
        kinds.append(f"partitioned disk, {part.headline(table)}")
    kind = "; ".join(kinds) or "unknown"
    lines = [f"{names.shown(operand.volume)}: {kind}, {human_size(content.size)}"]
    lines += _details(content, "  ")
    for warning in table.warnings if table is not None else ():
        lines.append(f"  warning: {warning}")
    for selector, row in part.selectors(table) if table is not None else ():
        name = f' "{names.shown(row.name)}"' if row.name else ""
        lines.append(f"  @{selector}{name}: {names.shown(row.type_name or row.type)}, {human_size(row.size)}")
        try:
            inside = Content(command.session, command.session.kernel.wedge(device, row))
        except Fault as error:
            lines.append(f"    {reason(error)}")
            continue
        lines.append(f"    {inside.kind or 'nothing known'}")
        lines += _details(inside, "      ")
    return [line.encode("utf-8", "replace") + b"\n" for line in lines]


def _details(content: Content, indent: str) -> list[str]:
    """What a file system says of itself, a line for each thing."""
    lines = [f"{indent}{key}: {names.shown(value)}" for key, value in content.said if value]
    if content.problem:
        lines.append(f"{indent}cannot be mounted: {names.shown(content.problem)}")
    return lines


def _json(command: Command, operand: Operand) -> list[bytes]:
    """The same for programs."""
    from rump.fsutils.json_lines import line, named

    device, content, table = _look(command, operand)
    image = named("image", (operand.image or "").encode("utf-8", "surrogateescape"))
    first = {**image, "partition": operand.partition, "size": content.size, **_record(content)}
    if table is not None:
        first |= {"table": table.scheme, "disk_id": table.disk_id, "sector_size": table.sector_size,
                  "warnings": list(table.warnings)}  # fmt: skip
    lines = [line(first)]
    for selector, row in part.selectors(table) if table is not None else ():
        record: dict[str, object] = {**image, **part.record(selector, row)}
        try:
            record |= _record(Content(command.session, command.session.kernel.wedge(device, row)))
        except Fault as error:
            record["problem"] = reason(error)
        lines.append(line(record))
    return lines


def _record(content: Content) -> dict[str, object]:
    record: dict[str, object] = {"content": content.kind, "driver": content.driver}
    if content.said:
        record["file_system"] = dict(content.said)
    if content.problem:
        record["problem"] = content.problem
    return record
