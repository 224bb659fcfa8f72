# SPDX-License-Identifier: BSD-2-Clause
"""How structures on the disk are declared: once, one field per line in their order, with meaning and unit.

Byte order and size are stated and asserted when the class is made.  Memory forms live with the code that uses them.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, TypeAlias

    from typing_extensions import Buffer

    u8: TypeAlias = int
    u16: TypeAlias = int
    u32: TypeAlias = int
    u64: TypeAlias = int
    s32: TypeAlias = int
    b8: TypeAlias = bytes
    b16: TypeAlias = bytes
    b32: TypeAlias = bytes
    b60: TypeAlias = bytes
    b64: TypeAlias = bytes

_CODES = {
    "u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i",
    "b8": "8s", "b16": "16s", "b32": "32s", "b60": "60s", "b64": "64s",
}  # fmt: skip


class Disk:
    """A structure: its subclass's annotations are its fields.  An instance holds the decoded values as attributes."""

    struct: ClassVar[Struct]
    order: ClassVar[str]
    fields: ClassVar[dict[str, str]]
    size: ClassVar[int]

    def __init_subclass__(cls, *, order: str, size: int) -> None:
        cls.order = order
        cls.fields = {name: _CODES[kind] for name, kind in cls.__annotations__.items()}
        cls.struct = Struct(order + "".join(cls.fields.values()))
        cls.size = size
        assert cls.struct.size == size, (cls.__name__, cls.struct.size)

    def __init__(self, data: Buffer, offset: int = 0) -> None:
        """Decode the structure at `offset` of `data`, which must hold all of it."""
        self.__dict__.update(zip(self.fields, self.struct.unpack_from(data, offset), strict=True))

    @classmethod
    def narrow(cls, *names: str, tail: int = 0) -> Struct:
        """A Struct that decodes only the fields named (in disk order) and skips the rest: for hot paths, as tuples.
        `tail` more bytes behind the structure are skipped, so that it fits a table's stride."""
        wanted = dict.fromkeys(names)
        assert list(wanted) == [name for name in cls.fields if name in wanted], names
        codes = [c if name in wanted else f"{Struct(cls.order + c).size}x" for name, c in cls.fields.items()]
        return Struct(cls.order + "".join(codes) + (f"{tail}x" if tail else ""))
