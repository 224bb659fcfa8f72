# SPDX-License-Identifier: BSD-2-Clause
"""Picking one partition of a table by what a person would call it."""

from __future__ import annotations

from rump.kernel.dev.partitions.types import types_meant
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from rump.kernel.dev.partitions.table import Partition, PartitionTable

    Probe: TypeAlias = Callable[[Partition], tuple[str, str] | None]


class _Search:
    """One search: the rows of the table, and labels probed at most once each."""

    def __init__(self, table: PartitionTable, probe: Probe | None) -> None:
        self.table = table
        self.rows = table.all_partitions()
        self.probe = probe
        self._probed: list[tuple[str, str]] | None = None

    def probed(self) -> list[tuple[str, str]]:
        """(label, UUID) of the file system in each row."""
        if self._probed is None:
            probe = self.probe
            self._probed = [(probe(row) if probe else None) or ("", "") for row in self.rows]
        return self._probed

    def number(self, value: str) -> list[Partition]:
        if not (value.isascii() and value.isdigit()) or len(value) > 9:
            return []
        return [row for row in self.table.partitions if row.number == int(value)]

    def letter(self, value: str) -> list[Partition]:
        """A BSD letter, alone or behind the number of the partition its label lies in."""
        outer, letter = value[:-1], value[-1:]
        if not outer:
            return [row for row in self.rows if row.letter and row.letter == letter]
        if not (outer.isascii() and outer.isdigit()):
            return []
        tables = [nested for number, nested in self.table.nested if str(number) == outer]
        return [row for nested in tables for row in nested.partitions if row.letter == letter]

    def name(self, value: str) -> list[Partition]:
        return _matching(zip((row.name for row in self.rows), self.rows, strict=True), value)

    def label(self, value: str) -> list[Partition]:
        return _matching(zip((label for label, _ in self.probed()), self.rows, strict=True), value)

    def uuid(self, value: str) -> list[Partition]:
        """The partition's own first, then the file system's."""
        value = value.lower()
        own = [row for row in self.rows if value and row.uuid == value]
        return own or [
            row for (_, uuid), row in zip(self.probed(), self.rows, strict=True) if value and uuid.lower() == value
        ]

    def type(self, value: str) -> list[Partition]:
        """By number in hex, by its spelling in any case, or by a word."""
        kinds = types_meant(value) | {value.lower()}
        if value[:2].lower() == "0x" and value[2:].isalnum() and len(value) < 5:
            kinds |= {"0x" + value[2:].lower().rjust(2, "0")}
        return [row for row in self.rows if row.type in kinds or row.type.lower() in kinds]


def _matching(named: Iterable[tuple[str, Partition]], value: str) -> list[Partition]:
    """The rows of that name; those that differ in case only if there is none."""
    pairs = [(name, row) for name, row in named if name and name.casefold() == value.casefold()]
    return [row for name, row in pairs if name == value] or [row for _, row in pairs]


def choose(table: PartitionTable, spec: str, probe: Probe | None) -> Partition:
    """See `rump.kernel.dev.partitions.select`."""
    search = _Search(table, probe)
    ways = (search.number, search.letter, search.name, search.label, search.uuid, search.type)
    prefix, equals, value = spec.partition("=")
    if equals and prefix in ("number", "letter", "name", "label", "uuid", "type"):
        found: list[Partition] = getattr(search, prefix)(value)
    else:
        found = next((rows for rows in (way(spec) for way in ways) if rows), [])
    if len(found) == 1:
        return found[0]
    if found:
        raise fault(e.EINVAL, f'partition "{spec}" is ambiguous: {_listing(found)}')
    raise fault(e.ENXIO, f'no partition "{spec}"; there are: {_listing(search.rows)}')


def _listing(rows: Iterable[Partition]) -> str:
    """The first dozen rows, for a message."""
    texts = [str(row) for row in rows]
    if len(texts) > 12:
        texts[12:] = [f"and {len(texts) - 12} more"]
    return ", ".join(texts) or "none"
