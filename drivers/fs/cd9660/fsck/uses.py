# SPDX-License-Identifier: BSD-2-Clause
"""System use fields: whether what is in them is well-formed."""

from __future__ import annotations

from rump.drivers.fs.cd9660 import disk
from rump.drivers.fs.cd9660 import disk_susp as s
from rump.drivers.fs.cd9660.susp import AREA_MAX
from rump.kernel.abi import S_IFDIR, S_IFMT
from rump.kernel.errors import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.drivers.fs.cd9660.medium import Medium
    from rump.drivers.fs.cd9660.susp import SystemUse

HOPS_MAX = 64               # continuation areas of a field, beyond which nobody follows
SIZES = {
    b"CE": (28,), b"PX": (36, 44), b"PN": (20,), b"CL": (12,), b"PL": (12,), b"RE": (4,), b"RR": (5,), b"SP": (7,),
    b"ST": (4,), b"ES": (5,), b"SF": (12, 21), b"ZF": (16,),
}  # fmt: skip
BOTH = {b"CE": 3, b"PX": 5, b"PN": 2, b"CL": 1, b"PL": 1}       # numbers in both byte orders, from byte 4 on


class Uses:
    """Those of a tree.

    moved   (name, place of the directory, block) of records that stand for directories somewhere else
    """

    def __init__(self, medium: Medium, use: SystemUse) -> None:
        self._medium = medium
        self._skip = use.skip
        self.moved: list[tuple[bytes, int, int]] = []

    def check(self, record: bytes, raw: bytes, place: int, flags: int, first: bool) -> list[str]:
        """What is wrong with a record's field; `first`: it is the root's own, of which only CD-ROM XA is skipped."""
        at = disk.RECORD_SIZE + len(raw) + (1 - len(raw) % 2)
        if first:
            at += 0 if record[at : at + 2] == b"SP" else max(0, record.find(b"SP\x07\x01" + s.SP_CHECK, at) - at)
        else:
            at += self._skip
        texts: list[str] = []
        mode = child = -1
        try:
            for signature, entry in self._entries(record[at:], texts):
                text = _problem(signature, entry)
                if text:
                    texts.append(f"{signature.decode('latin-1')}: {text}")
                elif signature == b"PX":
                    mode = int.from_bytes(entry[4:8], "little")
                elif signature == b"CL":
                    child = int.from_bytes(entry[4:8], "little")
                elif signature == b"SP" and not first:
                    texts.append("SP: only the root directory's own record has that")
        except Fault as error:
            texts.append(error.detail or str(error))
        if child >= 0:
            self.moved.append((raw, place, child))
        elif mode < 0 or raw in (b"\0", b"\1"):
            pass
        elif (mode & S_IFMT == S_IFDIR) != bool(flags & disk.FILE_DIRECTORY):
            texts.append(f"PX: mode {mode:o}, but it is {'a' if flags & disk.FILE_DIRECTORY else 'no'} directory")
        return texts

    def _entries(self, area: bytes, texts: list[str]) -> Iterator[tuple[bytes, bytes]]:
        """The entries of a field, and of where it goes on.  Errors: EIO."""
        for _ in range(HOPS_MAX):
            at, follow = 0, b""
            while at + s.HEAD <= len(area) and area[at]:
                signature, length = area[at : at + 2], area[at + 2]
                if length < s.HEAD or at + length > len(area):
                    shown = repr(signature)[1:]
                    texts.append(f"{shown}: {length} bytes in a system use field that has {len(area) - at} left")
                    break
                entry = area[at : at + length]
                yield signature, entry
                at += length
                if signature == b"ST":
                    break
                if signature == b"CE" and length == s.Continuation.struct.size:
                    follow = entry
            if not follow:
                return
            found = s.Continuation(follow)
            if found.size > AREA_MAX:
                texts.append(f"CE: {found.size} bytes at block {found.block}")
                return
            place = found.block * self._medium.block_size + found.offset
            area = self._medium.read(place, found.size, "continuation area")
        texts.append("CE: continuation areas without end")


def _problem(signature: bytes, entry: bytes) -> str:
    """What is wrong with an entry, or ""."""
    length = len(entry)
    if signature in SIZES and length not in SIZES[signature]:
        return f"{length} bytes"
    if signature in BOTH:
        for at in range(4, 4 + 8 * BOTH[signature], 8):
            if entry[at : at + 4] != entry[at + 7 : at + 3 : -1]:
                return f"a number is {entry[at : at + 4].hex()} in the one byte order, {entry[at + 4 : at + 8].hex()}"
    if signature in (b"NM", b"SL", b"TF", b"AL") and length < 5:
        return f"{length} bytes"
    if signature == b"TF":
        wanted = 5 + (entry[4] & 0x7F).bit_count() * (17 if entry[4] & s.TF_LONG_FORM else 7)
        return f"{length} bytes, its times take {wanted}" if length < wanted else ""
    if signature in (b"SL", b"AL"):
        return _components(entry)
    if signature == b"ER" and (length < 8 or length < 8 + sum(entry[4:7])):
        return f"{length} bytes, too short for its texts"
    return ""


def _components(entry: bytes) -> str:
    """Whether the components of an SL or AL fill it."""
    at = 5
    while at + 2 <= len(entry):
        at += 2 + entry[at + 1]
    return "its components do not fill it" if at != len(entry) else ""
