# SPDX-License-Identifier: BSD-2-Clause
"""Declaring structures of a medium: a class with one annotated field per line, whose byte order and size are said once.

    class Point(Structure, order="<", size=6):
        x: u16               # dots from the left
        y: u32               # dots from the top

The annotations are read as text (every module here has ``from __future__ import annotations``), so the names of the
types below exist for type checkers only.  The size is checked when the class is made.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Self, TypeAlias

    from typing_extensions import Buffer

    u8: TypeAlias = int         # unsigned numbers, by bits
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    c3: TypeAlias = bytes       # bytes as they are, by how many
    c4: TypeAlias = bytes
    c8: TypeAlias = bytes
    c10: TypeAlias = bytes
    c11: TypeAlias = bytes
    c12: TypeAlias = bytes
    c16: TypeAlias = bytes
    c20: TypeAlias = bytes
    c72: TypeAlias = bytes

_NUMBERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


class Structure:
    """A structure of a medium.

    layout   the whole as a `struct.Struct`
    swapped  likewise in the other byte order, for formats that come in both
    fields   the names of the fields, in the order of the medium
    """

    layout: ClassVar[Struct]
    swapped: ClassVar[Struct]
    fields: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, order: str, size: int) -> None:
        declared = cls.__annotations__
        cls.fields = tuple(declared)
        codes = "".join(_NUMBERS.get(kind) or kind[1:] + "s" for kind in declared.values())
        cls.layout = Struct(order + codes)
        cls.swapped = Struct((">" if order == "<" else "<") + codes)
        assert cls.layout.size == size, (cls.__name__, cls.layout.size)

    @classmethod
    def parse(cls, data: Buffer, offset: int = 0, *, swapped: bool = False) -> Self:
        """The structure at `offset` of `data`, which reaches at least to its end."""
        made = cls.__new__(cls)
        values = (cls.swapped if swapped else cls.layout).unpack_from(data, offset)
        made.__dict__.update(zip(cls.fields, values, strict=True))
        return made
