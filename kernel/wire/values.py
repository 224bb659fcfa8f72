# SPDX-License-Identifier: BSD-2-Clause
"""Plain values as bytes, and back, where the peer may lie: None, bool, int, bytes, str and tuples of them.

A value is a tag of one byte and what follows it; numbers are little-endian.

    N T F           None, True, False
    i  int64        an int
    I  u8 n, n      an int of any size, two's complement
    s  u32 n, n     bytes
    u  u32 n, n     a str in UTF-8 (lone surrogates, too)
    t  u32 n        a tuple: n values
    q  u32 n, 8n    a tuple of n ints of 64 bits
    x  u32 n, 4n    a tuple of n bytes: their lengths (u32), and then all of them
    r  u32 n, u8 w  a tuple of n tuples of w ints of 64 bits each, row after row
    c  u32 n, u8 w  a tuple of n tuples of w items each, by columns: w values, each a tuple of n

`encode` takes the last four where they fit, which makes a listing of thousands of rows cheap; `decode` takes any
mixture.  What is decoded is bounded in number and depth, hence in time and memory: (128 * items + len(data)) bytes.
"""

from __future__ import annotations

from itertools import accumulate, chain
from struct import Struct, iter_unpack, pack, unpack_from

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Buffer

ITEMS = 1 << 21
"""How many values a value may consist of, unless told."""
DEPTH = 16
"""How deep tuples may be nested."""

_BULK = 4                       # shorter tuples are not worth a look
_WIDEST = 255
_BIGGEST = 255
_INT = Struct("<q")
_COUNT = Struct("<I")
_LOW, _HIGH = -(1 << 63), (1 << 63) - 1


def encode(value: object, depth: int = DEPTH) -> bytes:
    """A value as bytes.  Errors: EINVAL - it is none, or too deep, or has an int of more than 255 bytes."""
    out: list[Buffer] = []
    _put(value, out, depth)
    return b"".join(out)


def _put(value: Any, out: list[Buffer], depth: int) -> None:
    kind = type(value)
    if kind is int:
        out.append(b"i" + _INT.pack(value) if _LOW <= value <= _HIGH else _big(value))
    elif kind is bytes:
        out += b"s" + _COUNT.pack(len(value)), value
    elif value is None:
        out.append(b"N")
    elif isinstance(value, tuple):
        _put_tuple(value, out, depth - 1)
    else:
        _put_other(value, out)


def _put_other(value: Any, out: list[Buffer]) -> None:
    """What is rare."""
    if isinstance(value, bool):
        out.append(b"T" if value else b"F")
    elif isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        out += b"u" + _COUNT.pack(len(data)), data
    elif isinstance(value, bytearray | memoryview):
        out += b"s" + _COUNT.pack(memoryview(value).nbytes), value
    else:
        raise fault(e.EINVAL, f"a {type(value).__name__} is no plain value")


def _big(value: int) -> bytes:
    length = value.bit_length() // 8 + 1
    if length > _BIGGEST:
        raise fault(e.EINVAL, f"an int of {length} bytes is too big")
    return b"I" + bytes([length]) + value.to_bytes(length, "little", signed=True)


def _put_tuple(value: tuple[Any, ...], out: list[Buffer], depth: int) -> None:
    if depth < 0:
        raise fault(e.EINVAL, "a value too deep")
    if len(value) >= _BULK:
        kinds = set(map(type, value))
        if len(kinds) == 1 and _put_bulk(kinds.pop(), value, out, depth):
            return
    out.append(b"t" + _COUNT.pack(len(value)))
    for item in value:
        _put(item, out, depth)


def _put_bulk(kind: type, value: tuple[Any, ...], out: list[Buffer], depth: int) -> bool:
    """A tuple of one kind of items, if they can go as one."""
    count = len(value)
    if kind is int:
        if min(value) < _LOW or max(value) > _HIGH:
            return False
        out.append(pack(f"<cI{count}q", b"q", count, *value))
    elif kind is bytes:
        out.append(pack(f"<cI{count}I", b"x", count, *map(len, value)))
        out += value
    elif issubclass(kind, tuple) and len(set(map(len, value))) == 1 and 0 < len(value[0]) <= _WIDEST:
        width = len(value[0])
        if type(value[0][0]) is int and type(value[0][-1]) is int and _put_rows(value, count, width, out):
            return True
        out.append(pack("<cIB", b"c", count, width))
        for column in zip(*value, strict=True):
            _put_tuple(column, out, depth - 1)
    else:
        return False
    return True


def _put_rows(value: tuple[Any, ...], count: int, width: int, out: list[Buffer]) -> bool:
    """Rows of ints, if that is all they hold."""
    flat = tuple(chain.from_iterable(value))
    if set(map(type, flat)) != {int} or min(flat) < _LOW or max(flat) > _HIGH:
        return False
    out.append(pack(f"<cIB{len(flat)}q", b"r", count, width, *flat))
    return True


def decode(data: Buffer, items: int = ITEMS, depth: int = DEPTH) -> Any:
    """The value that bytes stand for.  Errors: EPROTO - they stand for none, or for one of more than `items` values or
    deeper than `depth`."""
    reader = _Reader(bytes(data), items)
    try:
        value = reader.value(depth)
    except (ValueError, ArithmeticError) as error:      # UnicodeDecodeError, for one
        raise fault(e.EPROTO, f"a damaged value: {error}") from error
    if reader.position != len(reader.data):
        raise fault(e.EPROTO, "bytes left over behind a value")
    return value


class _Reader:
    """Where decoding has got to, and how many more values there may be."""

    __slots__ = ("data", "left", "position")

    def __init__(self, data: bytes, items: int) -> None:
        self.data = data
        self.left = items
        self.position = 0

    def take(self, length: int) -> int:
        """Where the next `length` bytes begin, which are there."""
        start = self.position
        if length > len(self.data) - start:
            raise fault(e.EPROTO, "a value cut short")
        self.position = start + length
        return start

    def count(self, least: int) -> int:
        """A number of items, each of which takes at least so many bytes."""
        (count,) = _COUNT.unpack_from(self.data, self.take(4))
        self.left -= count
        if self.left < 0 or count * least > len(self.data) - self.position:
            raise fault(e.EPROTO, f"a value of {count} items")
        return int(count)

    def value(self, depth: int) -> Any:
        tag = self.data[self.take(1)]
        if tag == 0x69:                                         # i
            return _INT.unpack_from(self.data, self.take(8))[0]
        if tag == 0x73:                                         # s
            return self.string()
        if tag == 0x4E:                                         # N
            return None
        if depth <= 0:
            raise fault(e.EPROTO, "a value too deep")
        reading = _TAGS.get(tag)
        if reading is None:
            raise fault(e.EPROTO, f"a value with the tag {tag:#x}")
        return reading(self, depth - 1)

    def string(self) -> bytes:
        (length,) = _COUNT.unpack_from(self.data, self.take(4))
        start = self.take(length)
        return self.data[start : start + length]

    def text(self, _depth: int) -> str:
        return self.string().decode("utf-8", "surrogatepass")

    def big(self, _depth: int) -> int:
        length = self.data[self.take(1)]
        start = self.take(length)
        return int.from_bytes(self.data[start : start + length], "little", signed=True)

    def items(self, depth: int) -> tuple[Any, ...]:
        value = self.value
        return tuple([value(depth) for _ in range(self.count(1))])

    def ints(self, _depth: int) -> tuple[int, ...]:
        count = self.count(8)
        return unpack_from(f"<{count}q", self.data, self.take(8 * count))

    def strings(self, _depth: int) -> tuple[bytes, ...]:
        count = self.count(4)
        lengths = unpack_from(f"<{count}I", self.data, self.take(4 * count))
        data, start = self.data, self.take(sum(lengths))
        return tuple([data[start + end - n : start + end] for n, end in zip(lengths, accumulate(lengths), strict=True)])

    def rows(self, _depth: int) -> tuple[tuple[int, ...], ...]:
        count = self.count(8)
        width = self.data[self.take(1)]
        self.left -= count * width
        if not width or not count or self.left < 0:
            raise fault(e.EPROTO, f"{count} rows of {width}")
        length = 8 * count * width
        start = self.take(length)
        return tuple(iter_unpack(f"<{width}q", self.data[start : start + length]))

    def columns(self, depth: int) -> tuple[tuple[Any, ...], ...]:
        count = self.count(0)
        width = self.data[self.take(1)]
        if not width or not count:
            raise fault(e.EPROTO, "rows without columns, or columns without rows")
        columns = [self.column(depth, count) for _ in range(width)]
        return tuple(zip(*columns, strict=True))

    def column(self, depth: int, count: int) -> tuple[Any, ...]:
        column = self.value(depth)
        if not isinstance(column, tuple) or len(column) != count:
            raise fault(e.EPROTO, f"a column that is none of {count} rows")
        return column


_TAGS = {
    ord("T"): lambda _reader, _depth: True,
    ord("F"): lambda _reader, _depth: False,
    ord("I"): _Reader.big,
    ord("u"): _Reader.text,
    ord("t"): _Reader.items,
    ord("q"): _Reader.ints,
    ord("x"): _Reader.strings,
    ord("r"): _Reader.rows,
    ord("c"): _Reader.columns,
}
