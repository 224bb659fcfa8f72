# SPDX-License-Identifier: BSD-2-Clause
"""System use fields: what Rock Ridge says of a file.

A field goes on in continuation areas (CE), one after the other.  These may point anywhere, so what is read of them is
bounded: by `budget`, which whoever decodes a directory (or a single record) sets.
"""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk_susp as s
from rump.drivers.fs.cd9660.dates import decode7, decode17
from rump.kernel.abi import makedev
from rump.kernel.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.drivers.fs.cd9660.medium import Medium

    Posix: TypeAlias = tuple[int, int, int, int, int]       # mode, links, uid, gid, serial number or 0
    # Access, modification, attributes; creation or 0.
    Times: TypeAlias = tuple[int | None, int | None, int | None, int]
    Entries: TypeAlias = list[tuple[bytes, bytes]]          # signature, the entry with its head
    Use: TypeAlias = tuple[bytes, Posix | None, Times | None, Entries | None]

AREA_MAX = 1 << 20          # bytes of one continuation area
HOP = 256                   # bytes that following a CE counts for, at least
BUDGET = 1 << 26            # bytes of continuation areas that a directory may have
RECORD_BUDGET = 1 << 22     # and a single record
SIZE_MAX = (1 << 63) - 1
MEMOS = 1 << 14             # times kept decoded
XA_SIZE = 14                # bytes before the first entry on CD-ROM XA

# Signatures passed over by those who want files' attributes.
PASSED = frozenset((b"RR", b"SP", b"ER", b"ES", b"PD", b"PL", b"AL", b"AA"))
PASSED_BUT_ATTRIBUTES = PASSED - {b"AL", b"AA"}
ALL: frozenset[bytes] = frozenset()

_POSIX = s.PosixAttributes.narrow("mode", "links", "uid", "gid").unpack_from
_POSIX112 = s.PosixAttributes112.narrow("mode", "links", "uid", "gid", "serial").unpack_from
_CE = s.Continuation.narrow("block", "offset", "size").unpack_from
_DEVICE = s.DeviceNumber.narrow("high", "low").unpack_from
_COMPRESSED = s.Compressed.narrow("algorithm", "size").unpack_from
_SPARSE = s.SparseFile.narrow("size_high", "size_low").unpack_from
_SPARSE110 = s.SparseFile110.narrow("size").unpack_from
_BLOCK = s.Location.narrow("block").unpack_from


class SystemUse:
    """Decodes the system use fields of a volume.

    medium   where continuation areas are
    skip     bytes at the start of each field that are not entries
    budget   bytes of continuation areas that may still be read
    complete_times   whole TF -> times, of those that say all four
    """

    def __init__(self, medium: Medium, skip: int) -> None:
        self.medium = medium
        self.skip = skip
        self.budget = RECORD_BUDGET
        self._times: dict[bytes, Times] = {}
        self.complete_times: dict[bytes, tuple[int, int, int, int]] = {}

    def decode(self, area: bytes, at: int, end: int, passed: frozenset[bytes] = PASSED) -> Use:
        """(name, PX, times, other entries) of the field that is at ``area[at:end]``: b"" and None where there are none.

        Errors: Corrupt - a continuation area that is not there, or too much of them.
        """
        name = b""
        posix: Posix | None = None
        times: Times | None = None
        others: Entries | None = None
        follow = b""
        while True:
            while at + 4 <= end:
                signature = area[at : at + 2]
                stop = at + area[at + 2]
                if stop > end or stop < at + 4:
                    break
                if signature == b"NM":
                    if stop > at + 5 and not area[at + 4] & 0x26:       # else "." or ".." or the host's name
                        name += area[at + 5 : stop]
                elif signature == b"PX":
                    if stop >= at + 44:
                        posix = _POSIX112(area, at)
                    elif stop >= at + 36:
                        posix = (*_POSIX(area, at), 0)
                elif signature == b"TF":
                    entry = area[at:stop]
                    times = self._times.get(entry)
                    if times is None:
                        times = self._stamps(entry)
                elif signature == b"CE":
                    follow = area[at:stop]
                elif signature == b"ST":
                    break
                elif signature not in passed:
                    if others is None:
                        others = []
                    others.append((signature, area[at:stop]))
                at = stop
            if not follow:
                return name, posix, times, others
            area, at, end = self._continuation(follow)
            follow = b""

    def _continuation(self, entry: bytes) -> tuple[bytes, int, int]:
        """The area that a CE leads to."""
        if len(entry) < s.Continuation.struct.size:
            raise Corrupt(f"system use: CE of {len(entry)} bytes")
        block, offset, size = _CE(entry)
        if size > AREA_MAX:
            raise Corrupt(f"block {block}: continuation area of {size} bytes")
        self.budget -= max(HOP, size)
        if self.budget < 0:
            raise Corrupt(f"block {block}: continuation areas without end")
        return self.medium.read(block * self.medium.block_size + offset, size, "continuation area"), 0, size

    def _stamps(self, entry: bytes) -> Times:
        """The times of a TF."""
        flags = entry[4] if len(entry) > 4 else 0
        size = 17 if flags & s.TF_LONG_FORM else 7
        found: dict[int, int | None] = dict.fromkeys((s.TF_CREATION, s.TF_MODIFY, s.TF_ACCESS, s.TF_ATTRIBUTES))
        at = 5
        for flag in found:
            if flags & flag and at + size <= len(entry):
                stamp = entry[at : at + size]
                found[flag] = decode7(stamp) if size == 7 else decode17(stamp) or 0
                at += size
        if len(self._times) >= MEMOS:
            self._times.clear()
            self.complete_times.clear()
        times = self._times[entry] = (
            found[s.TF_ACCESS], found[s.TF_MODIFY], found[s.TF_ATTRIBUTES], found[s.TF_CREATION] or 0
        )  # fmt: skip
        accessed, modified, changed, born = times
        if accessed is not None and modified is not None and changed is not None:
            self.complete_times[entry] = accessed, modified, changed, born
        return times


def link_target(others: Entries) -> bytes:
    """The target that SL entries make; b"" if there is none."""
    parts: list[bytes] = []
    joined = True           # the next component needs no slash before it
    for signature, entry in others:
        at = 5
        while signature == b"SL" and at + 2 <= len(entry):
            flags, stop = entry[at], at + 2 + entry[at + 1]
            part = entry[at + 2 : stop]
            if flags & (s.COMPONENT_PARENT | s.COMPONENT_CURRENT):
                part = b".." if flags & s.COMPONENT_PARENT else b"."
            if flags & s.COMPONENT_ROOT:        # within a target, of "a//b", it is an empty component
                part = b"/"
            parts.append(part if joined else b"/" + part)
            joined = bool(flags & (s.COMPONENT_CONTINUE | s.COMPONENT_ROOT))
            at = stop
    return b"".join(parts).replace(b"\0", b"_")


def device_number(others: Entries) -> int:
    """The device that PN says: as makedev() of major and minor number; 0 if there is none.

    Some write major and minor number, some st_rdev in two halves, of which then the upper is 0.
    """
    for signature, entry in others:
        if signature == b"PN" and len(entry) >= s.DeviceNumber.struct.size:
            high, low = _DEVICE(entry)
            major, minor = (high, low) if high else (low >> 8 & 0xFFF, low & 0xFF | low >> 12 & 0xFFF00)
            return makedev(major, minor)
    return 0


def child_block(others: Entries) -> int:
    """The block of the directory that a CL stands for, or -1."""
    return _location(others, b"CL")


def parent_block(others: Entries) -> int:
    """The block of the directory from which a PL says that this one was moved away, or -1."""
    return _location(others, b"PL")


def _location(others: Entries, signature: bytes) -> int:
    entry = find(others, signature)
    block: int = _BLOCK(entry)[0] if len(entry) >= s.Location.struct.size else -1
    return block


def compressed_size(entry: bytes, size: int) -> int:
    """The size of a file's data by its ZF; `size`, as stored, if that says nothing."""
    if len(entry) < s.Compressed.struct.size:
        return size
    algorithm, number = _COMPRESSED(entry)
    found = int.from_bytes(number[:4] if algorithm == s.ZF_DEFLATE else number, "little")
    return min(found, SIZE_MAX)


def sparse_size(entry: bytes, size: int) -> int:
    """The size of a sparse file with its holes by its SF; `size`, as stored, if that says nothing."""
    if len(entry) >= s.SparseFile.struct.size:
        high, low = _SPARSE(entry)
        size = min(high << 32 | low, SIZE_MAX)
    elif len(entry) >= s.SparseFile110.struct.size:
        size = _SPARSE110(entry)[0]
    return size


def find(others: Entries, signature: bytes) -> bytes:
    """The first entry of a signature, or b""."""
    return next((entry for found, entry in others if found == signature), b"")


def root_field(medium: Medium, offset: int) -> tuple[SystemUse, bytes, int] | None:
    """How system use fields of the tree whose root directory is at a byte are to be read; and the root's own "." record
    with the place of its field.  None: the sharing protocol is not in use."""
    record = medium.sector(offset, "root directory")
    if len(record) < 34 or record[0] > len(record):
        return None
    record = record[: record[0]]
    at = 33 + record[32] + (1 - record[32] % 2) if len(record) > 33 else 0
    for start in (at, at + XA_SIZE):
        if record[start : start + 6] == b"SP\x07\x01" + s.SP_CHECK and len(record) >= start + 7:
            return SystemUse(medium, record[start + 6]), record, start
    return None


def protocols(use: SystemUse, record: bytes, at: int) -> tuple[tuple[bytes, ...], bool]:
    """The protocols that ER entries of the root directory name; whether entries of Rock Ridge are there at all."""
    _, posix, _, others = use.decode(record, at, len(record), ALL)
    names = []
    for signature, entry in others or ():
        if signature == b"ER" and len(entry) >= 8:
            names.append(entry[8 : 8 + entry[4]])
    return tuple(names), posix is not None
