# SPDX-License-Identifier: BSD-2-Clause
"""How structures of a medium are declared: a class with one annotated field per line, in the order they lie there.

    class Point(Structure, order="<", size=6):
        x: u16               # dots from the left
        y: u32               # dots from the top

Byte order and size are said once and asserted when the class is made.  The annotations are read as text (every
module has ``from __future__ import annotations``), so the names of the types exist for type checkers only.  Memory
forms live with the code that uses them.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, TypeAlias

    from typing_extensions import Buffer

    u8: TypeAlias = int         # unsigned numbers, by bits
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    s8: TypeAlias = int         # signed ones
    s32: TypeAlias = int
    b2: TypeAlias = bytes       # bytes as they are, by how many
    b3: TypeAlias = bytes
    b4: TypeAlias = bytes
    b5: TypeAlias = bytes
    b7: TypeAlias = bytes
    b8: TypeAlias = bytes
    b10: TypeAlias = bytes
    b11: TypeAlias = bytes
    b12: TypeAlias = bytes
    b14: TypeAlias = bytes
    b16: TypeAlias = bytes
    b17: TypeAlias = bytes
    b18: TypeAlias = bytes
    b19: TypeAlias = bytes
    b20: TypeAlias = bytes
    b22: TypeAlias = bytes
    b24: TypeAlias = bytes
    b28: TypeAlias = bytes
    b30: TypeAlias = bytes
    b32: TypeAlias = bytes
    b37: TypeAlias = bytes
    b53: TypeAlias = bytes
    b60: TypeAlias = bytes
    b64: TypeAlias = bytes
    b72: TypeAlias = bytes
    b128: TypeAlias = bytes
    b390: TypeAlias = bytes
    b512: TypeAlias = bytes
    b653: TypeAlias = bytes
    b1960: TypeAlias = bytes
    b1973: TypeAlias = bytes
    b2041: TypeAlias = bytes

_NUMBERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s8": "b", "s32": "i"}
_OTHER_ORDER = {"<": ">", ">": "<"}


class Structure:
    """A structure: its subclass's annotations are its fields.  An instance holds the decoded values as attributes.

    struct   the whole as a `struct.Struct`
    order    "<" little-endian or ">" big-endian
    fields   name -> format code, in the order of the medium
    """

    struct: ClassVar[Struct]
    order: ClassVar[str]
    fields: ClassVar[dict[str, str]]

    def __init_subclass__(cls, *, order: str, size: int) -> None:
        cls.order = order
        cls.fields = {name: _NUMBERS.get(kind) or kind[1:] + "s" for name, kind in cls.__annotations__.items()}
        cls.struct = Struct(order + "".join(cls.fields.values()))
        assert cls.struct.size == size, (cls.__name__, cls.struct.size)

    def __init__(self, data: Buffer, offset: int = 0, *, swapped: bool = False) -> None:
        """Decode the structure at `offset` of `data`, which must hold all of it.

        `swapped`: in the other byte order, for formats that come in both.
        """
        layout = Struct(_OTHER_ORDER[self.order] + "".join(self.fields.values())) if swapped else self.struct
        self.__dict__.update(zip(self.fields, layout.unpack_from(data, offset), strict=True))

    @classmethod
    def encode(cls, **values: int | bytes) -> bytes:
        """The structure with these values; zeros in the fields not given."""
        row = [values.pop(name, b"" if code.endswith("s") else 0) for name, code in cls.fields.items()]
        assert not values, values
        return cls.struct.pack(*row)

    @classmethod
    def narrow(cls, *names: str, tail: int = 0) -> Struct:
        """A Struct that decodes only the fields named (in disk order) and skips the rest: for hot paths, as tuples.
        `tail` more bytes behind the structure are skipped, so that it fits a table's stride."""
        wanted = dict.fromkeys(names)
        assert list(wanted) == [name for name in cls.fields if name in wanted], names
        codes = [c if name in wanted else f"{Struct(cls.order + c).size}x" for name, c in cls.fields.items()]
        return Struct(cls.order + "".join(codes) + (f"{tail}x" if tail else ""))

    @classmethod
    def place(cls, name: str) -> tuple[int, Struct]:
        """(bytes into the structure, form) of one field, to change it where it lies."""
        before: list[str] = []
        for field, code in cls.fields.items():
            if field == name:
                return Struct(cls.order + "".join(before)).size, Struct(cls.order + code)
            before.append(code)
        raise KeyError(name)
