# SPDX-License-Identifier: BSD-2-Clause
"""Named tuples without `typing`, whose import costs more than a system call's whole life."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Records(type):
    """Makes a named tuple of a class's annotations."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, object]) -> type:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields: Any = body["__annotations__"]
        made: Any = namedtuple(name, tuple(fields))  # type: ignore[misc]
        made.__doc__ = str(body.get("__doc__", ""))
        made.__module__ = str(body["__module__"])
        kind: type = made
        return kind


class Record(metaclass=_Records):
    """Derive from it as from `typing.NamedTuple`, which type checkers shall take it for; fields only, no methods."""
