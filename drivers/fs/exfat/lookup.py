# SPDX-License-Identifier: BSD-2-Clause
"""Directories and names.

A directory is looked at by columns: the types of its entries, their counts, what they say of the length and the hash
of names.  Where the sets of files are, and whether their checksums are right, comes of that for all of them at once;
only what is listed is decoded.  A name is found by its hash.

Names are bytes in UTF-8 here; a lone surrogate takes three bytes (WTF-8).  Sets that do not fit together are passed
over; one that does but has a wrong checksum, or an entry that must be known and is not, is there and cannot be used.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from codecs import utf_16_le_decode
from struct import Struct

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat.checksum import name_hash, set_checksums
from rump.drivers.fs.exfat.disk import ENTRY_SIZE, NAME_UNITS, TYPE_FILE, TYPE_NAME, TYPE_STREAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeAlias

    Fields: TypeAlias = tuple[Any, ...]
    Row: TypeAlias = tuple[bytes, int, Fields]      # name, slot of the first entry, its fields and the second's

_FILE = disk.FileEntry.narrow(
    "secondaries", "checksum", "attributes", "created", "modified", "accessed", "created_10ms", "modified_10ms",
    "created_utc", "modified_utc", "accessed_utc",
)  # fmt: skip
_STREAM = disk.StreamEntry.narrow(
    "type", "flags", "name_length", "name_hash", "valid_length", "first_cluster", "length"
)
FIELDS = Struct(_FILE.format + _STREAM.format.removeprefix("<"))
"""The two first entries of a set, as a tuple: the places below."""
SECONDARIES = 0
CHECKSUM = 1
ATTRIBUTES = 2
CREATED = 3
MODIFIED = 4
ACCESSED = 5
CREATED_10MS = 6
MODIFIED_10MS = 7
CREATED_UTC = 8
MODIFIED_UTC = 9
ACCESSED_UTC = 10
STREAM_TYPE = 11
FLAGS = 12
NAME_LENGTH = 13
NAME_HASH = 14
VALID_LENGTH = 15
FIRST_CLUSTER = 16
LENGTH = 17

_NAMES = [bytes([TYPE_NAME]) * count for count in range(disk.SECONDARY_MAX)]
_SECONDARY = disk.TYPE_IN_USE | disk.TYPE_SECONDARY
KEYS_KNOWN = 1 << 13        # names of which it is remembered what they count as


# ---- names -----------------------------------------------------------------------------------------------------------


def decode(raw: bytes) -> bytes:
    """A name in UTF-16; b"" if no file can have it here."""
    name: bytes = utf_16_le_decode(raw, "surrogatepass", True)[0].encode("utf-8", "surrogatepass")
    return b"" if b"/" in name or b"\0" in name or name in (b".", b"..") else name


def encode(name: bytes) -> bytes:
    """A name in UTF-16; b"" if it is not UTF-8, or WTF-8, and so no file's."""
    try:
        raw = name.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")
    except UnicodeDecodeError:
        return b""
    return raw


class Cases:
    """What names count as when they are compared, by the volume's up-case table."""

    def __init__(self, table: dict[int, int]) -> None:
        self._table = table
        self._keys: dict[bytes, bytes] = {}
        # Where surrogates count as something else, a pair of them is no longer one character.
        self._by_units = any(0xD800 <= unit < 0xE000 for unit in (*table, *table.values()))
        self._as_ascii = all(table.get(unit, unit) == ord(chr(unit).upper()) for unit in range(0x80))

    def upcase(self, raw: bytes) -> bytes:
        """A name in UTF-16 as it is compared."""
        if self._as_ascii and raw.isascii() and not raw[1::2].strip(b"\0"):
            return raw.upper()
        if self._by_units:
            text = "".join([chr(unit) for unit in memoryview_units(raw)])
            return b"".join([ord(each).to_bytes(2, "little") for each in text.translate(self._table)])
        return raw.decode("utf-16-le", "surrogatepass").translate(self._table).encode("utf-16-le", "surrogatepass")

    def key(self, name: bytes) -> bytes:
        """What names that mean the same file have in common."""
        found = self._keys.get(name)
        if found is None:
            if len(self._keys) >= KEYS_KNOWN:
                self._keys.clear()
            raw = encode(name)
            found = self._keys[name] = self.upcase(raw) if raw else name
        return found


def memoryview_units(raw: bytes) -> Iterable[int]:
    """The units of a name in UTF-16."""
    return [raw[at] | raw[at + 1] << 8 for at in range(0, len(raw), 2)]


# ---- directories -----------------------------------------------------------------------------------------------------


class Directory:
    """A directory as it was read, up to its end.

    data       its bytes, as far as there may be something in them
    size       bytes it has
    spans      where they are: (first slot, what to add to a slot to get the place of its entry), by slot
    slots      of the sets of files, in order
    problems   slot -> why the set cannot be used
    """

    __slots__ = ("_index", "data", "problems", "size", "slots", "spans")

    def __init__(self, data: bytes | bytearray, size: int, spans: list[tuple[int, int]]) -> None:
        self.data = data
        self.size = size
        self.spans = spans
        self.slots, self.problems = find_sets(data)
        self._index: dict[int, int | tuple[int, ...]] | None = None

    def places(self, slots: list[int]) -> list[int]:
        """Where the entries in slots are on the volume, counted in entries."""
        spans = self.spans
        if len(spans) == 1:
            delta = spans[0][1]
            return [slot + delta for slot in slots]
        return [slot + spans[bisect_right(spans, (slot, 1 << 64)) - 1][1] for slot in slots]

    def place(self, slot: int) -> int:
        """Where the entry in a slot is."""
        return self.places([slot])[0]

    def rows(self, slot: int, count: int) -> list[Row]:
        """At most `count` files from a slot on."""
        found: list[Row] = []
        slots, data, unpack = self.slots, self.data, FIELDS.unpack_from
        for number in range(bisect_left(slots, slot), len(slots)):
            if len(found) >= count:
                break
            at = slots[number] * ENTRY_SIZE
            fields = unpack(data, at)
            length = fields[NAME_LENGTH]
            if length <= NAME_UNITS:
                name = decode(bytes(data[at + 66 : at + 66 + 2 * length]))
            else:
                name = decode(raw_name(data, at, length))
            if name:
                found.append((name, slots[number], fields))
        return found

    def fields(self, slot: int) -> Fields:
        """The two first entries of a set."""
        return FIELDS.unpack_from(self.data, slot * ENTRY_SIZE)

    def find(self, upcased: bytes, cases: Cases, key: int = -1) -> int:
        """The slot of the file whose name counts as this; -1 if there is none.  `key` is `key_of` it, if known."""
        found = self.index().get(key if key >= 0 else key_of(upcased))
        if found is None:
            return -1
        for slot in (found,) if isinstance(found, int) else found:
            if cases.upcase(self.raw_name(slot)) == upcased:
                return slot
        return -1

    def raw_name(self, slot: int) -> bytes:
        """The name of a set, in UTF-16."""
        at = slot * ENTRY_SIZE
        return raw_name(self.data, at, self.data[at + ENTRY_SIZE + 3])

    def index(self) -> dict[int, int | tuple[int, ...]]:
        """Hash and length of a name -> slot, or slots."""
        if self._index is None:
            index: dict[int, int | tuple[int, ...]] = {}
            data = self.data
            for slot in self.slots:
                at = slot * ENTRY_SIZE
                add(index, data[at + 36] | data[at + 37] << 8 | data[at + 35] << 16, slot)
            self._index = index
        return self._index


def key_of(upcased: bytes) -> int:
    """The hash and the length of a name, as they go together in an index."""
    return name_hash(upcased) | len(upcased) // 2 << 16


def add(index: dict[int, int | tuple[int, ...]], key: int, slot: int) -> None:
    """Note a slot under the hash and length of its name."""
    before = index.setdefault(key, slot)
    if before != slot:
        index[key] = (*((before,) if isinstance(before, int) else before), slot)


def remove(index: dict[int, int | tuple[int, ...]], key: int, slot: int) -> None:
    """Take a slot out again."""
    before = index.get(key)
    left = tuple([each for each in before if each != slot]) if isinstance(before, tuple) else ()
    if left:
        index[key] = left[0] if len(left) == 1 else left
    elif before == slot or isinstance(before, tuple):
        del index[key]


def raw_name(data: bytes | bytearray, at: int, length: int) -> bytes:
    """The name, in UTF-16, of `length` units, of the set at byte `at`."""
    first = at + 2 * ENTRY_SIZE
    pieces = -(-length // NAME_UNITS)
    parts = [data[piece + 2 : piece + ENTRY_SIZE] for piece in range(first, first + pieces * ENTRY_SIZE, ENTRY_SIZE)]
    return b"".join(parts)[: 2 * length]


def find_sets(data: bytes | bytearray) -> tuple[list[int], dict[int, str]]:
    """The slots of the sets of files in a directory, and what is the matter with some."""
    types = bytes(data[::ENTRY_SIZE])
    end = types.find(disk.TYPE_END)
    types = types if end < 0 else types[:end]
    counts, lengths = data[1::ENTRY_SIZE], data[3::ENTRY_SIZE]
    slots: list[int] = []
    problems: dict[int, str] = {}
    by_size: dict[int, list[int]] = {}
    slot = types.find(TYPE_FILE)
    while slot >= 0:
        count = counts[slot]
        behind = slot + 1 + count
        pieces = -(-lengths[slot + 1] // NAME_UNITS) if count > 1 and behind <= len(types) else 0
        extras = slot + 2 + pieces
        if (
            not 0 < pieces < count
            or types[slot + 1] != TYPE_STREAM
            or types[slot + 2 : extras] != _NAMES[pieces]
            or (extras < behind and not _extras_fit(types[extras:behind], slot, problems))
        ):
            slot = types.find(TYPE_FILE, slot + 1)
            continue
        slots.append(slot)
        by_size.setdefault(count, []).append(slot)
        slot = types.find(TYPE_FILE, behind)
    for count, alike in by_size.items():
        _check_sums(data, alike, (count + 1) * ENTRY_SIZE, problems)
    return slots, problems


def _extras_fit(types: bytes, slot: int, problems: dict[int, str]) -> bool:
    """Whether the entries behind the name are of the set; those that must be known and are not are a problem."""
    for kind in types:
        if kind & _SECONDARY != _SECONDARY:
            return False
        if not kind & disk.TYPE_BENIGN:
            problems[slot] = f"a critical entry of unknown type {kind:#x}"
    return True


def _check_sums(data: bytes | bytearray, slots: list[int], size: int, problems: dict[int, str]) -> None:
    """Compare the checksums of sets that have the same size."""
    first, last = slots[0] * ENTRY_SIZE, slots[-1] * ENTRY_SIZE + size
    if last - first == len(slots) * size:
        joined = bytes(data[first:last])
    else:
        joined = b"".join([data[slot * ENTRY_SIZE : slot * ENTRY_SIZE + size] for slot in slots])
    totals = set_checksums(joined, size)
    for slot, total, low, high in zip(slots, totals, joined[2::size], joined[3::size], strict=True):
        if total != low | high << 8:
            problems[slot] = f"checksum {low | high << 8:#06x}, not {total:#06x}"
