# SPDX-License-Identifier: BSD-2-Clause
"""Directories and names.

A file has a short name of 8 + 3 bytes in the code page of whoever wrote it, and may have a long one of up to 255 UTF-16
units, kept in pieces before the short entry and tied to it by a checksum.  Names are bytes in UTF-8 here; a lone
surrogate of a long name takes three bytes (WTF-8).  Pieces that do not fit together are passed over, as every other
reader does, and the file goes by its short name.
"""

from __future__ import annotations

from bisect import bisect_right
from codecs import utf_16_le_decode
from struct import Struct

from rump.drivers.fs.msdosfs.disk import (
    ATTR_LABEL,
    ATTR_LONG,
    ATTR_MASK,
    CASE_BASE,
    CASE_EXTENSION,
    ENTRY_SIZE,
    LAST_LONG,
    LONG_MAX,
    NAME_E5,
    NAME_END,
    NAME_FREE,
    Entry,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from rump.drivers.fs.msdosfs.mount import Options

    EntryFields: TypeAlias = tuple[bytes, int, int, int, int, int, int, int, int, int, int, int]
    Row: TypeAlias = tuple[bytes, int, EntryFields]     # name, slot of the short entry, its fields as in disk.Entry
    EntrySet: TypeAlias = tuple[Any, ...]               # PIECE fields of each piece of a long name, fields of the entry

SPACE = b" "
DOTS = (b".          ", b"..         ")
NOTHING = (NAME_END, NAME_FREE)
PLAIN = bytes(byte for byte in range(0x21, 0x80) if byte not in b"./")  # what needs no second look in a short name
_PIECE, _PIECE_FORMAT = 6, "B10sBxB12s2x4s"     # ordinal, first units, attributes, checksum, more units, last units
_FIELDS = len(Entry.struct.unpack(bytes(ENTRY_SIZE)))
_SETS = [Struct("<" + _PIECE_FORMAT * count + Entry.struct.format.lstrip("<")) for count in range(LONG_MAX + 1)]
_ORDINALS = [(count | LAST_LONG, *range(count - 1, 0, -1)) for count in range(LONG_MAX + 1)]
_LONG = [(ATTR_LONG,) * count for count in range(LONG_MAX + 1)]
_ROTATED = [(byte >> 1 | byte << 7) & 255 for byte in range(256)] * 2
_unpack = Entry.struct.unpack_from
_unpack_piece = Struct("<" + _PIECE_FORMAT).unpack_from


def checksum(name: bytes) -> int:
    """What the pieces of a long name carry of the 11 bytes of the short one: rotate right, add, modulo 256."""
    r = _ROTATED
    a, b, c, d, e, f, g, h, i, j, k = name
    return r[r[r[r[r[r[r[r[r[r[a] + b] + c] + d] + e] + f] + g] + h] + i] + j] + k & 255


def short_name(raw: bytes, case: int, code_page: str = "cp437") -> bytes:
    """The name in an entry, in UTF-8, with the letters' case as Windows NT marks it.  b"" if there is none."""
    base, extension = raw[:8].rstrip(SPACE), raw[8:].rstrip(SPACE)
    if (base + extension).translate(None, PLAIN):
        return _odd_name(base, extension, case, code_page)
    if case & CASE_BASE:
        base = base.lower()
    if case & CASE_EXTENSION:
        extension = extension.lower()
    return base + b"." + extension if extension else base


def _odd_name(base: bytes, extension: bytes, case: int, code_page: str) -> bytes:
    """A short name with more than plain ASCII in it.  What no name may have (NUL, slash, dot) is shown as "_"."""
    if base[:1] == bytes([NAME_E5]):
        base = bytes([NAME_FREE]) + base[1:]
    odd = {0: "_", 0x2E: "_", 0x2F: "_"}
    parts = [part.decode(code_page, "replace").translate(odd) for part in (base, extension)]
    if case & CASE_BASE:
        parts[0] = parts[0].lower()
    if case & CASE_EXTENSION:
        parts[1] = parts[1].lower()
    return (parts[0] + "." + parts[1] if extension else parts[0]).encode()


def entry_set(data: bytes, at: int, pieces: int) -> EntrySet:
    """The pieces of a long name that begin at `at`, and the entry behind them.  Requires: `data` has them all."""
    return _SETS[pieces].unpack_from(data, at)


def long_name(found: EntrySet) -> bytes:
    """The name in the pieces of a set, in UTF-8; b"" if no file can have it."""
    return _as_name(_units(found))


def _units(found: EntrySet) -> bytes:
    """The UTF-16 units in the pieces of a set."""
    last = len(found) - _FIELDS - _PIECE
    return b"".join([found[piece + part] for piece in range(last, -1, -_PIECE) for part in (1, 4, 5)])


def _as_name(units: bytes) -> bytes:
    """The name that UTF-16 units spell, in UTF-8; b"" if no file can have it."""
    text: str = utf_16_le_decode(units, "surrogatepass", True)[0].partition("\0")[0]
    if "/" in text or text in ("", ".", "..") or len(text) > 255:
        return b""
    return text.encode("utf-8", "surrogatepass")


def name_key(name: bytes) -> bytes:
    """The same for names that differ in case only.  Characters are paired one to one, as the format does."""
    if name.isascii():
        return name.upper()
    try:
        text = name.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return name
    uppers = [(character.upper(), character) for character in text]
    return "".join([upper if len(upper) == 1 else own for upper, own in uppers]).encode("utf-8", "surrogatepass")


def scan(data: bytes, slot: int, count: int, long_names: bool, code_page: str = "cp437") -> list[Row]:
    """At most `count` files and directories (without "." and "..") from a slot on."""
    rows: list[Row] = []
    at, size = slot * ENTRY_SIZE, len(data) - ENTRY_SIZE + 1
    while at < size and len(rows) < count:
        first = data[at]
        if first == NAME_END:
            break
        name = b""
        attributes = data[at + 11] & ATTR_MASK
        if attributes == ATTR_LONG:
            # Pieces of a long name: all of them, of this very entry, or they are passed over one by one.
            pieces = first ^ LAST_LONG
            end = at + pieces * ENTRY_SIZE
            if not 0 < pieces <= LONG_MAX or end >= size or not long_names or first == NAME_FREE:
                at += ENTRY_SIZE
                continue
            if pieces == 1:         # as most
                _, first_units, kind, total, units, last_units = _unpack_piece(data, at)
                fields = _unpack(data, end)
                short = fields[0]
                good = kind == ATTR_LONG and total == checksum(short)
                units = first_units + units + last_units
            else:
                found = _SETS[pieces].unpack_from(data, at)
                fields = found[-_FIELDS:]
                short = fields[0]
                good = (
                    found[2:-_FIELDS:_PIECE] == _LONG[pieces]
                    and found[3:-_FIELDS:_PIECE] == (checksum(short),) * pieces
                    and found[:-_FIELDS:_PIECE] == _ORDINALS[pieces]
                )
                units = _units(found)
            if not good or short[0] in NOTHING or fields[1] & ATTR_LABEL:
                at += ENTRY_SIZE
                continue
            name = _as_name(units)
            at = end
        elif first == NAME_FREE or attributes & ATTR_LABEL:
            at += ENTRY_SIZE
            continue
        else:
            fields = _unpack(data, at)
            short = fields[0]
        if short not in DOTS:
            name = name or short_name(short, fields[2], code_page)
            if name:
                rows.append((name, at // ENTRY_SIZE, fields))
        at += ENTRY_SIZE
    return rows


def volume_label(data: bytes, code_page: str = "cp437") -> bytes:
    """The label in a root directory, in UTF-8, or b""."""
    for at in range(0, len(data) - ENTRY_SIZE + 1, ENTRY_SIZE):
        if data[at] == NAME_END:
            break
        attributes = data[at + 11] & ATTR_MASK
        if data[at] != NAME_FREE and attributes & ATTR_LABEL and attributes != ATTR_LONG:
            raw = bytes([NAME_FREE]) + data[at + 1 : at + 11] if data[at] == NAME_E5 else data[at : at + 11]
            return raw.rstrip(SPACE).decode(code_page, "replace").encode()
    return b""


class Directory:
    """A directory as it was read.

    data    its bytes
    spans   where they are: (first slot, what to add to a slot to get the fileid of its entry), by slot
    """

    __slots__ = ("_slots", "data", "spans")

    def __init__(self, data: bytes, spans: list[tuple[int, int]]) -> None:
        self.data = data
        self.spans = spans
        self._slots: dict[bytes, int] | None = None

    def fileids(self, slots: list[int]) -> list[int]:
        """The fileids of the entries in slots."""
        spans = self.spans
        if len(spans) == 1:
            delta = spans[0][1]
            return [slot + delta for slot in slots]
        return [slot + spans[bisect_right(spans, (slot, 1 << 64)) - 1][1] for slot in slots]

    def find(self, name: bytes, options: Options) -> int:
        """The slot of the file of that name, long or short, in whatever case; -1 if there is none."""
        if self._slots is None:
            slots: dict[bytes, int] = {}
            shorts = []
            code_page = options.code_page
            for own, slot, fields in scan(self.data, 0, len(self.data), options.long_names, code_page):
                slots.setdefault(name_key(own), slot)
                shorts.append((name_key(short_name(fields[0], 0, code_page)), slot))
            for key, slot in shorts:
                slots.setdefault(key, slot)
            self._slots = slots
        return self._slots.get(name_key(name), -1)

    def fields(self, slot: int) -> EntryFields:
        return _unpack(self.data, slot * ENTRY_SIZE)
