# SPDX-License-Identifier: BSD-2-Clause
"""What is in a directory, entry by entry: short names, the long ones that belong to them, what is left over."""

from __future__ import annotations

from rump.drivers.fs.msdosfs.disk import (
    ATTR_LABEL,
    ATTR_LONG,
    ATTR_MASK,
    ENTRY_SIZE,
    LAST_LONG,
    LONG_MAX,
    NAME_E5,
    NAME_END,
    NAME_FREE,
    Entry,
)
from rump.drivers.fs.msdosfs.lookup import DOTS, checksum, entry_set, long_name, short_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from rump.drivers.fs.msdosfs.lookup import EntryFields

    # slot, name or b"", fields or None: it is none, what is wrong
    Item: TypeAlias = tuple[int, bytes, EntryFields | None, list[str]]

BAD_IN_SHORT = bytes(range(0x20)) + b'"*+,./:;<=>?[\\]|\x7f'
BAD_IN_LONG = frozenset('"*/:<>?\\|')
_unpack = Entry.struct.unpack_from


class Long:
    """A long name whose pieces are being read: where it began, what their checksum is, which piece is to come."""

    __slots__ = ("next", "slot", "sum")

    def __init__(self, slot: int, total: int, following: int) -> None:
        self.slot = slot
        self.sum = total
        self.next = following


def scan(data: bytes, code_page: str) -> Iterator[Item]:
    """All that is in a directory up to its end mark.  The last item may be of what is behind that."""
    pending: Long | None = None
    for slot in range(len(data) // ENTRY_SIZE):
        at = slot * ENTRY_SIZE
        first = data[at]
        if first == NAME_END:
            if pending:
                yield _orphan(pending)
            yield from _behind(data, slot)
            return
        if first != NAME_FREE and data[at + 11] & ATTR_MASK == ATTR_LONG:
            pending, wrong = _piece(data, slot, pending)
            if wrong:
                yield slot, b"", None, wrong
            continue
        if first == NAME_FREE:
            if pending:
                yield _orphan(pending)
            pending = None
            continue
        yield _short(data, slot, pending, code_page)
        pending = None
    if pending:
        yield _orphan(pending)


def _orphan(pending: Long) -> Item:
    return pending.slot, b"", None, [f"entry {pending.slot}: a long name that belongs to no file"]


def _piece(data: bytes, slot: int, pending: Long | None) -> tuple[Long | None, list[str]]:
    """One more piece of a long name: the name that is being read now, and what is wrong."""
    at = slot * ENTRY_SIZE
    ordinal, total = data[at] & ~LAST_LONG, data[at + 13]
    wrong = []
    if data[at] & LAST_LONG:
        if pending:
            wrong += _orphan(pending)[3]
        if not 1 <= ordinal <= LONG_MAX:
            return None, [*wrong, f"entry {slot}: a long name of {ordinal} pieces"]
        pending = Long(slot, total, ordinal - 1)
    elif pending is None:
        return None, [f"entry {slot}: a piece of a long name without its beginning"]
    elif ordinal != pending.next or not ordinal:
        return None, [f"entry {slot}: piece {ordinal} of a long name where piece {pending.next} is to be"]
    elif total != pending.sum:
        return None, [f"entry {slot}: a piece of a long name with another checksum than those before"]
    else:
        pending.next -= 1
    if data[at + 11] & ~ATTR_MASK or data[at + 12] or data[at + 26] or data[at + 27]:
        wrong.append(f"entry {slot}: a piece of a long name with other attributes, a type or a cluster")
    return pending, wrong


def _short(data: bytes, slot: int, pending: Long | None, code_page: str) -> Item:
    """An entry with a short name, and with the long one that precedes it."""
    at = slot * ENTRY_SIZE
    fields = _unpack(data, at)
    raw, attributes = fields[0], fields[1]
    problems: list[str] = []
    name = b""
    if pending:
        if attributes & ATTR_LABEL or pending.next or pending.sum != checksum(raw):
            problems += _orphan(pending)[3]
        else:
            name = long_name(entry_set(data, pending.slot * ENTRY_SIZE, slot - pending.slot))
            problems += _long_problems(name, data, pending.slot, slot)
    if not name:
        name = short_name(raw, fields[2], code_page)
    if not attributes & ATTR_LABEL and raw not in DOTS:
        problems += _short_problems(raw)
    return slot, name, fields, problems


def _short_problems(raw: bytes) -> list[str]:
    body = b"\xe5" + raw[1:] if raw[0] == NAME_E5 else raw
    bad = [byte for byte in body if byte in BAD_IN_SHORT]
    if bad:
        return [f"its short name has a {bad[0]:02X} in it"]
    return ["its short name begins with a space"] if raw[:1] == b" " else []


def _long_problems(name: bytes, data: bytes, first: int, slot: int) -> list[str]:
    """What is wrong with a long name."""
    if not name:
        return ["its long name is none"]
    text = name.decode("utf-8", "surrogatepass")
    bad = [character for character in text if character in BAD_IN_LONG or character < " "]
    return [f"its long name has {bad[0]!r} in it"] if bad else []


def _behind(data: bytes, slot: int) -> Iterator[Item]:
    """What is behind the end mark: nothing is to be there."""
    firsts = data[slot * ENTRY_SIZE :: ENTRY_SIZE]
    left = len(firsts) - firsts.count(NAME_END) - firsts.count(NAME_FREE)
    if left:
        yield slot, b"", None, [f"{left} entries behind its end, in slot {slot}"]
