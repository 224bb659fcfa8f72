# SPDX-License-Identifier: BSD-2-Clause
"""The entry set of a file, while it changes; and how sets are made."""

from __future__ import annotations

from struct import Struct

from rump.drivers.fs.exfat import disk
from rump.drivers.fs.exfat import lookup as names
from rump.drivers.fs.exfat.checksum import name_hash, set_checksum
from rump.drivers.fs.exfat.disk import ENTRY_SIZE, NAME_UNITS
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.exfat.lookup import Fields

    Parts: TypeAlias = list[tuple[int, int]]

_STREAM_FIELDS = ("flags", "name_length", "name_hash", "valid_length", "first_cluster", "length")
_PLACES: dict[str, tuple[int, Struct]] = {
    **{name: disk.FileEntry.place(name) for name in disk.FileEntry.fields if name[:4] not in ("type", "rese")},
    **{
        name: (ENTRY_SIZE + offset, form)
        for name, (offset, form) in ((name, disk.StreamEntry.place(name)) for name in _STREAM_FIELDS)
    },
}
_CHECKSUM = _PLACES["checksum"]
_INVALID = {*range(0x20), *map(ord, disk.NAME_INVALID)}
_FILE, _STREAM = disk.FileEntry.struct, disk.StreamEntry.struct
_HEADS = [bytes((disk.TYPE_NAME, 0))] * disk.SECONDARY_MAX


class Record:
    """A file's set.

    number   the file's
    data     the entries
    parts    where they are: (device offset, how many bytes); none if the file has lost its name
    """

    __slots__ = ("data", "number", "parts")

    def __init__(self, number: int, data: bytes, parts: Parts) -> None:
        self.number = number
        self.data = bytearray(data)
        self.parts = parts

    @property
    def fields(self) -> Fields:
        """The first two entries, as in `lookup.FIELDS`."""
        return names.FIELDS.unpack_from(self.data)

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory's."""
        return bool(self.fields[names.ATTRIBUTES] & disk.ATTR_DIRECTORY)

    @property
    def name(self) -> bytes:
        """The file's name in UTF-16."""
        return names.raw_name(self.data, 0, self.data[ENTRY_SIZE + 3])

    @property
    def extras(self) -> bytes:
        """The entries behind the name."""
        return bytes(self.data[(2 + -(-self.data[ENTRY_SIZE + 3] // NAME_UNITS)) * ENTRY_SIZE :])

    def put(self, **values: int) -> None:
        """Change fields of the first two entries."""
        for name, value in values.items():
            offset, form = _PLACES[name]
            form.pack_into(self.data, offset, value)

    def seal(self) -> bytes:
        """The set with its checksum."""
        _CHECKSUM[1].pack_into(self.data, _CHECKSUM[0], set_checksum(bytes(self.data)))
        return bytes(self.data)

    def rename(self, raw: bytes, upcased: bytes) -> None:
        """Give the file another name; what else the set has stays."""
        extras = self.extras
        self.data[2 * ENTRY_SIZE :] = name_entries(raw) + extras
        self.data[1] = len(self.data) // ENTRY_SIZE - 1
        self.put(name_length=len(raw) // 2, name_hash=name_hash(upcased))


def name_entries(raw: bytes) -> bytes:
    """The entries of a name in UTF-16."""
    step = 2 * NAME_UNITS
    if len(raw) <= step:
        return _HEADS[0] + raw.ljust(step, b"\0")
    return b"".join([_HEADS[0] + raw[at : at + step].ljust(step, b"\0") for at in range(0, len(raw), step)])


def check_name(name: bytes) -> bytes:
    """A name in UTF-16.  Errors: EINVAL - the format has no such name; ENAMETOOLONG."""
    raw = names.encode(name)
    if not raw:
        raise fault(e.EINVAL, "the name is not UTF-8")
    if not _INVALID.isdisjoint(name):
        raise fault(e.EINVAL, "the name has a character that exFAT does not allow")
    if len(raw) > 2 * disk.NAME_MAX:
        raise fault(e.ENAMETOOLONG, f"{len(raw) // 2} UTF-16 units")
    return raw


def new_set(
    raw: bytes, hashed: int, attributes: int, times: tuple[int, ...], flags: int, first: int, length: int
) -> bytes:
    """A set without its checksum.  `times`: of creation, change and access; hundredths of the first two; zones."""
    entries = name_entries(raw)
    created, modified, accessed, born, changed, *zones = times
    head = _FILE.pack(
        disk.TYPE_FILE, len(entries) // ENTRY_SIZE + 1, 0, attributes, 0, created, modified, accessed, born, changed,
        *zones, b"",
    )  # fmt: skip
    stream = _STREAM.pack(disk.TYPE_STREAM, flags, 0, len(raw) // 2, hashed, 0, length, 0, first, length)
    return head + stream + entries


def unused(entries: bytes) -> bytes:
    """Entries that are not in use any more."""
    data = bytearray(entries)
    data[::ENTRY_SIZE] = bytes([kind & ~disk.TYPE_IN_USE for kind in data[::ENTRY_SIZE]])
    return bytes(data)
