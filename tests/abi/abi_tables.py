# SPDX-License-Identifier: BSD-2-Clause
"""Every number and layout that is compared: those of a backend, of the model of its system, and of the errno space."""

from __future__ import annotations

from typing import Any, NamedTuple

from abi_model import LP64, ROOT, DataModel, load

ERRNO_SPACE = "rumpuser/interface/errno.py"
MODELS = "tests/conformance/models"
_MASK = (1 << 64) - 1


class Claim(NamedTuple):
    """One number that a table states, as 64 bits without sign."""

    table: str      # the file
    label: str      # for people: "DIOCGDINFO", "sizeof(struct flock)", "struct flock.l_len: offset"
    expression: str     # in C
    value: int


class Table(NamedTuple):
    """All that one file states."""

    file: str
    system: str
    headers: tuple[str, ...]
    claims: tuple[Claim, ...]


def tables(host: str, model: DataModel, machine: str = "") -> list[Table]:
    """The tables of a host, for a target of these sizes."""
    found = [_read(file, model, machine) for file in (f"rumpuser/{host}/abi.py", f"{MODELS}/{host}_numbers.py")]
    if host == "netbsd":
        space = load(ROOT / ERRNO_SPACE, model)
        found.append(Table(ERRNO_SPACE, "NetBSD", ("errno.h",), tuple(_numbers(ERRNO_SPACE, vars(space)))))
    return [table for table in found if table is not None]


def errno_names() -> set[str]:
    """The names of the one errno space."""
    return {claim.label for claim in _numbers(ERRNO_SPACE, vars(load(ROOT / ERRNO_SPACE, LP64)))}


def _read(file: str, model: DataModel, machine: str) -> Table | None:
    path = ROOT / file
    if not path.exists():
        return None
    names = vars(load(path, model, machine))
    if names.get("LP64_ONLY") and model.pointer != 8:
        return None
    layouts = [value for name, value in names.items() if hasattr(value, "ctype") and not name.startswith("_")]
    claims = [*_numbers(file, names), *(claim for layout in layouts for claim in _layout(file, layout, model))]
    return Table(file, names["SYSTEM"], names["HEADERS"], tuple(claims))


def _numbers(file: str, names: dict[str, Any]) -> list[Claim]:
    return [
        Claim(file, name, f"(unsigned long long)({name})", value & _MASK)
        for name, value in names.items()
        if name.isupper() and not name.startswith("_") and type(value) is int
    ]


def _layout(file: str, layout: Any, model: DataModel) -> list[Claim]:
    kind = layout.ctype
    claims = [Claim(file, f"sizeof({kind})", f"sizeof({kind})", layout.size)]
    for member, (offset, code) in layout.fields.items():
        claims.append(Claim(file, f"{kind}.{member}: offset", f"offsetof({kind}, {member})", offset))
        size = f"sizeof((({kind} *)0)->{member})"
        claims.append(Claim(file, f"{kind}.{member}: size", size, model.calcsize(code)))
    return claims
