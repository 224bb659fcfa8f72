# SPDX-License-Identifier: BSD-2-Clause
"""Numbers read out of headers: a C file with one array of them is compiled, and the array found in the object.

The array begins with a mark that nothing else has, so an object of any format - ELF, Mach-O, COFF - and of any byte
order can be read without knowing more of it, and nothing needs to be run.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from abi_tables import Claim

Compiler = Callable[[Path, Path], str]
"""Compile a C file to an object; what the compiler said, "" if all went well."""

_COMPLAINT = re.compile(r"probe\.c:(\d+):\d+: (?:fatal )?error: (.*)")
_NO_HEADER = re.compile(r"'([^']+)' file not found|error: ([\w./]+): No such file or directory")
_ROUNDS = 40


class Reading:
    """What the headers say: label -> number, and what they do not say: label -> the compiler's complaint."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.refused: dict[str, str] = {}
        self.missing_headers: list[str] = []


def read(
    compiler: Compiler, folder: Path, headers: Sequence[str], claims: Sequence[Claim], order: str
) -> Reading:
    """What these headers make of the expressions of `claims`.  What does not compile is left out and told."""
    reading = Reading()
    wanted = {claim.expression: claim.label for claim in claims}
    headers = list(dict.fromkeys(headers))
    for _ in range(_ROUNDS):
        source, lines = _source(headers, list(wanted))
        probe, result = folder / "probe.c", folder / "probe.o"
        probe.write_text(source)
        said = compiler(probe, result)
        if not said:
            found = _array(result.read_bytes(), _mark(list(wanted)), len(wanted), order)
            reading.values = dict(zip(wanted.values(), found, strict=True))
            return reading
        absent = {first or second for first, second in _NO_HEADER.findall(said)} & set(headers)
        complaints = {lines[int(line)]: text for line, text in _COMPLAINT.findall(said) if int(line) in lines}
        if not absent and not complaints:
            raise RuntimeError(said)
        headers = [header for header in headers if header not in absent]
        reading.missing_headers += sorted(absent)
        for expression, text in complaints.items():
            reading.refused[wanted.pop(expression)] = text
    raise RuntimeError("no end of complaints")


def _mark(expressions: list[str]) -> bytes:
    """16 bytes of these expressions alone: an old object is never taken for the new one."""
    return hashlib.sha256("\n".join(expressions).encode()).digest()[:16]


def _source(headers: Sequence[str], expressions: list[str]) -> tuple[str, dict[int, str]]:
    """The C file, and line number -> expression."""
    lines = ["#include <stddef.h>", *(f"#include <{header}>" for header in headers)]
    lines.append("extern const struct rump_probe { unsigned char mark[16]; unsigned long long values[]; } rump_probe;")
    lines.append(f"const struct rump_probe rump_probe = {{ {{ {', '.join(map(str, _mark(expressions)))} }}, {{")
    places = {}
    for expression in expressions:
        lines.append(f"{expression},")
        places[len(lines)] = expression
    return "\n".join([*lines, "0 } };", ""]), places


def _array(data: bytes, mark: bytes, count: int, order: str) -> tuple[int, ...]:
    if data.count(mark) != 1:
        raise RuntimeError(f"the object holds {data.count(mark)} arrays")
    return struct.unpack_from(f"{'<' if order == 'little' else '>'}{count}Q", data, data.index(mark) + len(mark))
