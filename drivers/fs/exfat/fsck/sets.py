# SPDX-License-Identifier: BSD-2-Clause
"""What is in a directory that is no sound set of entries."""

from __future__ import annotations

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat.lookup import NAME_LENGTH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNUSED = bytes(range(disk.TYPE_IN_USE))
OF_ROOT = (disk.TYPE_BITMAP, disk.TYPE_UPCASE, disk.TYPE_LABEL, disk.TYPE_GUID, disk.TYPE_TEXFAT)
SECONDARY = disk.TYPE_IN_USE | disk.TYPE_SECONDARY


def strays(data: bytes, slots: list[int], root: bool) -> Iterator[tuple[int, str]]:
    """What is wrong, and in which slot; `slots` are those of sets that fit together."""
    types = data[:: disk.ENTRY_SIZE]
    end = types.find(disk.TYPE_END)
    if end >= 0:
        left = len(types[end:].translate(None, UNUSED))
        if left:
            yield end, f"{left} entries behind its end"
        types = types[:end]
    at = 0
    for slot in (*slots, len(types)):
        if slot > at and types[at:slot].translate(None, UNUSED):
            yield from _gap(data, types, at, slot, root)
        if slot < len(types):
            at = slot + 1 + data[slot * disk.ENTRY_SIZE + 1]


def _gap(data: bytes, types: bytes, at: int, stop: int, root: bool) -> Iterator[tuple[int, str]]:
    """Entries between sets."""
    set_until = 0           # secondary entries up to there belong to something that is known, or was told of
    for slot in range(at, stop):
        kind = types[slot]
        if not kind & disk.TYPE_IN_USE:
            continue
        count = data[slot * disk.ENTRY_SIZE + 1]
        if kind == disk.TYPE_FILE:
            set_until = slot + 1 + count
            yield slot, _misfit(data, slot, count)
        elif kind & SECONDARY == SECONDARY:
            if slot >= set_until:
                yield slot, f"an entry of type {kind:#x} that belongs to nothing"
        elif kind in OF_ROOT:
            if not root:
                yield slot, f"an entry of type {kind:#x}, which only the root directory has"
        elif kind & disk.TYPE_BENIGN:
            set_until = slot + 1 + count
        else:
            yield slot, f"a critical entry of unknown type {kind:#x}"


def _misfit(data: bytes, slot: int, count: int) -> str:
    """Why a set of entries does not fit together."""
    size = disk.ENTRY_SIZE
    if not 2 <= count <= disk.SET_MAX - 1:
        return f"a file of {count} secondary entries"
    stream = data[(slot + 1) * size : (slot + 2) * size]
    if stream[:1] != bytes((disk.TYPE_STREAM,)):
        return "a file without a stream entry"
    return f"a file of {count} secondary entries and a name of {stream[3]} characters, which do not fit together"


def name_problem(raw: bytes) -> str:
    """What is wrong with a name in UTF-16, or ""."""
    text = raw.decode("utf-16-le", "surrogatepass")
    bad = [character for character in text if character < " " or character in disk.NAME_INVALID]
    if bad:
        return f"its name has {bad[0]!r} in it"
    return "no file may be called that" if text in (".", "..") else ""


def spaces(data: bytes, slot: int, fields: tuple[int, ...]) -> Iterator[disk.VendorSpace]:
    """The vendors' entries with clusters in a set."""
    size = disk.ENTRY_SIZE
    first = slot + 2 + -(-fields[NAME_LENGTH] // disk.NAME_UNITS)
    for place in range(first, slot + 1 + data[slot * size + 1]):
        if data[place * size] == disk.TYPE_VENDOR_SPACE:
            yield disk.VendorSpace(data, place * size)
