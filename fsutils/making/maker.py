# SPDX-License-Identifier: BSD-2-Clause
"""What a type of file system has to say for itself to those who make one."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from rump.fsutils.making.measure import Measure
    from rump.kernel.lwps import Lwp

GRAIN = 4096


class Maker:
    """A type of which nothing is known but that its driver makes it: its options are those of `-o`.

    title    of its options, "" without any
    grain    sizes found out are a multiple of this, bytes
    grows    the file takes as much room as what is in it: it needs no size
    """

    title = ""
    grain = GRAIN
    grows = False

    def add_arguments(self, parser: argparse._ActionsContainer) -> None:
        """Declare the options, under the names of the type's own tool."""

    def options(self, arguments: argparse.Namespace) -> dict[str, str]:
        """The driver's options, of what was declared.  Errors: UsageError."""
        return {name: value or "1" for name, value in pairs(arguments.fs_options)}

    def derived(self, options: dict[str, str]) -> dict[str, str]:
        """What is drawn at random unless it is given, derived from SOURCE_DATE_EPOCH and the label."""
        return {}

    def mounting(self, options: dict[str, str], measure: Measure | None) -> dict[str, str]:
        """The mount options with which it is filled; `measure` has counted what goes in, if anybody has."""
        return {}

    def settle(self, lwp: Lwp, options: dict[str, str]) -> None:
        """It is filled: what options say of the root directory holds, whatever the tree's has.  Errors: Fault."""

    def usual_size(self, size: int) -> int:
        """How much of a file of `size` bytes is used."""
        return size & ~(self.grain - 1) or size

    def measure(self, options: dict[str, str]) -> Measure:
        """What finds out how much room files take.  Errors: UsageError - nobody knows."""
        raise UsageError("the size of this type cannot be found out; give a SIZE")

    def summary(self, made: dict[str, str]) -> str:
        """What was made, in words that go on from "Made"."""
        return " ".join([made.get("type", "it"), quoted(made.get("label", ""))]).strip() + "."

    def reproducible(self, options: dict[str, str]) -> dict[str, str]:
        """What SOURCE_DATE_EPOCH gives: the time, and what is derived from it."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        return {"time": epoch, **self.derived(options)} if epoch else {}


def derived_uuid(name: str, label: str) -> str:
    """A UUID of version 5, of SOURCE_DATE_EPOCH, a label and what it is for."""
    from uuid import NAMESPACE_URL, uuid5

    text = f"rumpkernel:mkfs:{name}:{os.environ.get('SOURCE_DATE_EPOCH', '')}:{label}"
    return str(uuid5(NAMESPACE_URL, text.encode("utf-8", "surrogateescape").hex()))


def pairs(items: list[str]) -> list[tuple[str, str]]:
    """The (name, value) of lists with commas; "" without a value."""
    found = []
    for item in ",".join(items).split(","):
        name, _, value = item.partition("=")
        if name:
            found.append((name, value))
    return found


def given(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, str]:
    """Those options that were given."""
    return {name: value for name in names if (value := getattr(arguments, name)) is not None}


def quoted(label: str) -> str:
    """A label for people."""
    from rump.fsutils.names import shown

    return f'"{shown(label)}"' if label else ""


def counted(number: int | str, what: str) -> str:
    """
    >>> counted(1, "FAT"), counted("2", "FAT")
    ('1 FAT', '2 FATs')
    """
    return f"{number} {what}{'s' * (int(number) != 1)}"
