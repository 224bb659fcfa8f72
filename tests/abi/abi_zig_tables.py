# SPDX-License-Identifier: BSD-2-Clause
"""The tables of C numbers that Zig's standard library keeps for systems whose headers the `ziglang` package lacks.

They stand in ``lib/std/c.zig`` as ``pub const O = switch (native_os) { .illumos => packed struct(u32) {...}, ...``:
named numbers (``pub const GETFL = 3;``), enumerations (``PERM = 1,``) and structures of bits, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

GROUPS = {"E": "E", "F": "F_", "O": "O_", "SEEK": "SEEK_"}
"""Zig's name of a table -> what C's names begin with."""

_NUMBER = re.compile(r"^\s*(?:pub const )?@?\"?(\w+)\"?\s*=\s*(0x[0-9a-fA-F]+|0o[0-7]+|\d+)[;,]", re.MULTILINE)
_BIT = re.compile(r"^\s*(\w+): (bool|u(\d+)|[\w.]+) = ", re.MULTILINE)


def numbers(library: Path, system: str) -> dict[str, int]:
    """C name -> number, for one system."""
    text = (library / "std" / "c.zig").read_text()
    found = {}
    for group, prefix in GROUPS.items():
        body = _arm(text, group, system)
        if body == f"{system}.{group}":
            body = _block((library / "std" / "c" / f"{system}.zig").read_text(), f"pub const {group} = ")
        found.update({prefix + name: value for name, value in _parsed(body)})
    found.update({"O_RDONLY": 0, "O_WRONLY": 1, "O_RDWR": 2} if "O_CREAT" in found else {})    # of its enum ACCMODE
    return found


def _parsed(body: str) -> Iterator[tuple[str, int]]:
    if not body.startswith("packed"):
        return ((name, int(value, 0)) for name, value in _NUMBER.findall(body))
    return _bits(body)


def _bits(body: str) -> Iterator[tuple[str, int]]:
    """Flags, from the order of a packed structure's members; what is no single bit is only counted."""
    place = 0
    for name, kind, width in _BIT.findall(body):
        if kind == "bool":
            yield name, 1 << place
        place += int(width) if width else 1 if kind == "bool" else 2


def _arm(text: str, group: str, system: str) -> str:
    """The value that `pub const GROUP = switch (native_os)` has for a system."""
    table = _block(text, f"pub const {group} = switch (native_os) ")
    match = re.search(rf"^    (?:\.\w+, )*\.{system}(?:, \.\w+)* => ", table, re.MULTILINE)
    if match is None:
        return ""
    rest = table[match.end():]
    line = rest[:rest.index("\n")]
    return rest[:rest.index("\n    },\n")] if line.endswith("{") else line.rstrip(",")


def _block(text: str, start: str) -> str:
    """From a declaration's start to the line that closes it."""
    begin = text.index("\n" + start) + 1 + len(start)
    return text[begin:text.index("\n};\n", begin) + 1]
