# SPDX-License-Identifier: BSD-2-Clause
"""Shapes of records: how whoever made a volume lays out its usual Rock Ridge records.

Records with equal lengths and equally long plain names nearly always have the same entries in the same places.  So
the first of them is taken apart entry by entry, and what that finds becomes a `Shape`, by which the others are decoded
in one go.  A record that turns out to be different is taken apart like the first.
"""

from __future__ import annotations

from operator import itemgetter
from struct import Struct

from rump.drivers.fs.cd9660.disk import RECORD_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    # xar_length, extent, size, flags; head of PX, mode, links, uid, gid; the whole TF; head of NM, name; of AL, or b""
    Values: TypeAlias = tuple[int, int, int, int, bytes, int, int, int, int, bytes, bytes, bytes, bytes]

_RECORD = "<xBI4xI4x7xB7x"      # up to the name
_ORDER = (b"PX", b"TF", b"NM", b"AL")
_COUNTS = {b"PX": 5, b"TF": 1, b"NM": 2, b"AL": 1}
_HEADS = {b"PX": 4, b"NM": 5, b"AL": 4}     # bytes of an entry that are the same in all records of a shape


class Shape:
    """Where things are in a record.

    unpack   (data, at) -> what `Values` lists, as it comes
    order    puts it in order, if it comes in another
    px, nm, al   the heads that these entries have
    """

    __slots__ = ("al", "nm", "order", "px", "unpack")

    def __init__(self, form: str, heads: dict[bytes, bytes]) -> None:
        """`form` is the whole record, `heads` are those of its entries, in their order."""
        found = list(heads)
        self.px, self.nm, self.al = heads[b"PX"], heads[b"NM"], heads[b"AL"]
        self.unpack: Callable[[bytes, int], Values] = Struct(form).unpack_from
        first, places = 4, {}
        for name in found:
            places[name] = range(first, first + _COUNTS[name])
            first += _COUNTS[name]
        self.order: Callable[[Values], Values] | None = None
        if tuple(found) != _ORDER:
            self.order = itemgetter(*range(4), *(at for name in _ORDER for at in places[name]))


def learn(data: bytes, at: int, skip: int) -> Shape | None:
    """The shape of the record at ``data[at]``, if it has PX, TF and NM, and besides at most RR and AL; `skip` bytes of
    its system use field are no entries."""
    stop = at + data[at]
    name_length = data[at + 32]
    start = at + RECORD_SIZE + name_length + (1 - name_length % 2) + skip
    form = f"{_RECORD}{start - at - RECORD_SIZE}x"
    heads: dict[bytes, bytes] = {}
    at = start
    while at + 4 <= stop:
        signature, length = data[at : at + 2], data[at + 2]
        part = _part(signature, length, data[at + 4 : at + 5])
        if not part or signature in heads or at + length > stop:
            return None
        form += part
        if signature != b"RR":
            heads[signature] = data[at : at + _HEADS.get(signature, 0)]
        at += length
    if b"AL" not in heads:
        form += "0s"
        heads[b"AL"] = b""
    return Shape(form, heads) if len(heads) == len(_ORDER) else None


def _part(signature: bytes, length: int, flags: bytes) -> str:
    """How an entry is unpacked; "" if a record that has it is to be taken apart."""
    if signature == b"PX" and length in (36, 44):
        return f"4sI4xI4xI4xI4x{length - 36}x"
    if signature == b"TF" and length > 5:
        return f"{length}s"
    if signature == b"NM" and length > 5 and flags == b"\0":
        return f"5s{length - 5}s"
    if signature == b"AL" and length > 4:
        return f"4s{length - 4}x"
    return "5x" if signature == b"RR" and length == 5 else ""
