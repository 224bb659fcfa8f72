# SPDX-License-Identifier: BSD-2-Clause
"""Rock Ridge (IEEE P1282, on top of P1281): names and attributes as POSIX has them, in system use fields.

What does not fit in a directory record goes on in continuation areas, which lie in the sectors behind the directory and
never cross from one to the next.
"""

from __future__ import annotations

from struct import pack

from rump.drivers.fs.cd9660 import disk_susp as susp
from rump.drivers.fs.cd9660.dates import encode7, encode17
from rump.drivers.fs.cd9660.disk import SECTOR, both32
from rump.kernel import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from rump.drivers.fs.cd9660.writing.tree import Node

FIELD_MAX: Final = 255          # bytes of an entry
CE_SIZE: Final = susp.Continuation.struct.size
PX_SIZE: Final = susp.PosixAttributes112.struct.size
TF_SIZE: Final = susp.TimeStamps.struct.size + 3 * 7
NM_SIZE: Final = susp.AlternateName.struct.size
SL_SIZE: Final = susp.Link.struct.size
NM_MAX: Final = FIELD_MAX - NM_SIZE
BODY_MAX: Final = FIELD_MAX - SL_SIZE
COMPONENT_HEAD: Final = susp.Component.struct.size
COMPONENT_MAX: Final = BODY_MAX - COMPONENT_HEAD
MEMO_MAX = 1 << 14
NANO = 10**9
SHORT_MIN, SHORT_MAX = -2208988800 * NANO, 5869584000 * NANO    # dates of 7 bytes: from 1900, before 2156
KEPT = susp.TF_MODIFY | susp.TF_ACCESS | susp.TF_ATTRIBUTES
PLAIN = (abi.S_IFREG, abi.S_IFDIR, abi.S_IFIFO, abi.S_IFSOCK)
SPECIAL = {b".": susp.COMPONENT_CURRENT, b"..": susp.COMPONENT_PARENT}

TF_HEAD = pack("<2sBBB", b"TF", TF_SIZE, 1, KEPT)
NM_HEADS = [pack("<2sBBB", b"NM", NM_SIZE + length, 1, 0) for length in range(NM_MAX + 1)]

SPACES = {b"system.": b"\2", b"user.": b"\3", b"trusted.": b"\5", b"security.": b"\6"}
"""Bytes that stand for the first words of extended attributes' names."""

ROCK_RIDGE = (
    susp.ID_IEEE_P1282,
    b"THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS",
    b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 SPECIFICATION.",
)
AAIP = (
    susp.ID_AAIP[-1],
    b"AL PROVIDES VIA AAIP 2.0 SUPPORT FOR ARBITRARY FILE ATTRIBUTES IN ISO 9660 IMAGES",
    b"PLEASE CONTACT THE LIBBURNIA PROJECT, LIBBURNIA-PROJECT.ORG",
)


class Dates:
    """Dates of 7 bytes; many files have the same."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def __call__(self, time: int) -> bytes:
        """Of a time in nanoseconds since 1970."""
        date = self._known.get(time)
        if date is None:
            if len(self._known) >= MEMO_MAX:
                self._known.clear()
            date = self._known[time] = encode7(time)
        return date


class Areas:
    """The continuation areas of a directory, from a sector on."""

    def __init__(self, sector: int) -> None:
        self._sector = sector
        self.data = bytearray()

    def take(self, length: int) -> int:
        """Room for one of so many bytes, behind the others: where it begins."""
        at = len(self.data)
        if at % SECTOR + length > SECTOR:
            at += -at % SECTOR
        self.data += bytes(at + length - len(self.data))
        return at

    def reference(self, at: int, length: int) -> bytes:
        """CE: what leads to one."""
        sector, offset = self._sector + at // SECTOR, at % SECTOR
        return pack("<2sBB", b"CE", CE_SIZE, 1) + both32(sector) + both32(offset) + both32(length)

    @property
    def sectors(self) -> int:
        """How many there are."""
        return -(-len(self.data) // SECTOR)


class RockRidge:
    """Makes system use fields.

    aaip    whether any file has extended attributes
    """

    def __init__(self, dates: Dates, aaip: bool) -> None:
        self._dates = dates
        self.aaip = aaip
        self._known: dict[tuple[int, int, int, int], bytes] = {}

    # ---- entries -----------------------------------------------------------------------------------------------------

    def plain_size(self, node: Node, name: bytes) -> int:
        """How long the field of a file is that needs nothing unusual; 0: it is not such a file."""
        odd = (
            len(name) > NM_MAX
            or node.birthtime
            or node.xattrs
            or node.mode & abi.S_IFMT not in PLAIN
            or min(node.mtime, node.atime, node.ctime) < SHORT_MIN
            or max(node.mtime, node.atime, node.ctime) >= SHORT_MAX
        )
        return 0 if odd else PX_SIZE + TF_SIZE + NM_SIZE + len(name)

    def plain(self, node: Node, name: bytes) -> bytes:
        """The field of such a file."""
        date = self._dates
        return b"".join((
            self.attributes(node), TF_HEAD, date(node.mtime), date(node.atime), date(node.ctime), NM_HEADS[len(name)],
            name,
        ))  # fmt: skip

    def fields(self, node: Node, name: bytes) -> list[bytes]:
        """The entries of any file but its extended attributes.  "" is the name of a directory's own record."""
        result = [self.attributes(node), self.times(node)]
        kind = node.mode & abi.S_IFMT
        if kind in (abi.S_IFCHR, abi.S_IFBLK):
            result.append(device(node.rdev))
        for at in range(0, len(name), NM_MAX):
            part = name[at : at + NM_MAX]
            more = susp.CONTINUE if at + NM_MAX < len(name) else 0
            result.append(pack("<2sBBB", b"NM", NM_SIZE + len(part), 1, more) + part)
        return result + link(node.target) if kind == abi.S_IFLNK else result

    def attributes(self, node: Node) -> bytes:
        """PX."""
        key = node.mode, node.nlink, node.uid, node.gid
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MEMO_MAX:
                self._known.clear()
            known = self._known[key] = pack("<2sBB", b"PX", PX_SIZE, 1) + b"".join(map(both32, key))
        return known + node.number.to_bytes(4, "little") + node.number.to_bytes(4, "big")

    def times(self, node: Node) -> bytes:
        """TF."""
        times = [node.birthtime] if node.birthtime else []
        times += [node.mtime, node.atime, node.ctime]
        flags = KEPT | susp.TF_CREATION if node.birthtime else KEPT
        encode = self._dates
        if min(times) >= SHORT_MIN and max(times) < SHORT_MAX:
            dates = b"".join([encode(time) for time in times])
        else:
            flags |= susp.TF_LONG_FORM
            dates = b"".join([encode17(time) for time in times])
        return pack("<2sBBB", b"TF", susp.TimeStamps.struct.size + len(dates), 1, flags) + dates


def sharing() -> bytes:
    """SP, in the root directory's own record."""
    return pack("<2sBB2sB", b"SP", susp.SharingProtocol.struct.size, 1, susp.SP_CHECK, 0)


def reference(texts: tuple[bytes, bytes, bytes]) -> bytes:
    """ER, likewise: the entries are of that protocol."""
    text = b"".join(texts)
    size = susp.ExtensionReference.struct.size + len(text)
    return pack("<2sBB4B", b"ER", size, 1, *map(len, texts), 1) + text


def relocated() -> bytes:
    """RE: a directory that belongs elsewhere."""
    return pack("<2sBB", b"RE", susp.HEAD, 1)


def location(signature: bytes, sector: int) -> bytes:
    """CL, PL: where such a directory is, where it belongs."""
    return pack("<2sBB", signature, susp.Location.struct.size, 1) + both32(sector)


def device(rdev: int) -> bytes:
    """PN.  A number of 16 bits is in the lower half, where most readers expect a whole one, as Linux packs it (likewise
    without a major number); else major and minor number are apart, as Linux and the BSDs know them too."""
    high, low = abi.major(rdev) & 0xFFFFFFFF, abi.minor(rdev) & 0xFFFFFFFF
    if not high or (high < 256 and low < 256):
        high, low = 0, high << 8 | low & 0xFF | (low & 0xFFF00) << 12
    return pack("<2sBB", b"PN", susp.DeviceNumber.struct.size, 1) + both32(high) + both32(low)


def link(target: bytes) -> list[bytes]:
    """SL: a symbolic link's target.

    Where it takes several entries, the first ends within a component, as far as can be: libarchive forgets the slash
    between a component and one in the next entry.
    """
    texts = target.split(b"/")
    if target.startswith(b"/"):
        texts = target.lstrip(b"/").split(b"/") if target.strip(b"/") else []
    parts = [(SPECIAL.get(text, 0), b"" if text in SPECIAL else text) for text in texts]
    if target.startswith(b"/"):
        parts.insert(0, (susp.COMPONENT_ROOT, b""))
    bodies: list[list[tuple[int, bytes]]] = [[]]
    room = BODY_MAX
    for flags, text in parts:
        while COMPONENT_HEAD + len(text) > room:
            kept = room - COMPONENT_HEAD
            if kept > 0:
                bodies[-1].append((susp.COMPONENT_CONTINUE, text[:kept]))
                text = text[kept:]
                bodies.append([])
            else:
                bodies.append(_cut(bodies[-1]))
            room = BODY_MAX - sum([COMPONENT_HEAD + len(text) for _, text in bodies[-1]])
        bodies[-1].append((flags, text))
        room -= COMPONENT_HEAD + len(text)
    return continued(b"SL", [b"".join([pack("<BB", flags, len(text)) + text for flags, text in each])
                             for each in bodies])  # fmt: skip


def _cut(body: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Take the last byte of an entry's last component for the next entry, if it has more than that."""
    flags, text = body[-1]
    if len(text) < 2:
        return []
    body[-1] = susp.COMPONENT_CONTINUE, text[:-1]
    return [(flags, text[-1:])]


def continued(signature: bytes, bodies: list[bytes]) -> list[bytes]:
    """Entries of SL or AL, each but the last with the flag that says so."""
    flags = [susp.CONTINUE] * (len(bodies) - 1) + [0]
    return [
        pack("<2sBBB", signature, SL_SIZE + len(body), 1, more) + body
        for body, more in zip(bodies, flags, strict=True)
    ]  # fmt: skip


def extended(xattrs: dict[bytes, bytes]) -> list[bytes]:
    """AL: extended attributes, as AAIP 2.0 has them."""
    components: list[bytes] = []
    for name, value in xattrs.items():
        space, dot, rest = name.partition(b".")
        number = SPACES.get(space + dot) if rest else None
        components += divided(b"\1" + name if number is None else number + rest)
        components += divided(value)
    bodies: list[bytes] = []
    for component in components:
        if bodies and len(bodies[-1]) + len(component) <= BODY_MAX:
            bodies[-1] += component
        else:
            bodies.append(component)
    return continued(b"AL", bodies)


def divided(content: bytes) -> list[bytes]:
    """Components that hold some bytes."""
    result: list[bytes] = []
    for at in range(0, len(content) or 1, COMPONENT_MAX):
        piece = content[at : at + COMPONENT_MAX]
        more = susp.COMPONENT_CONTINUE if at + COMPONENT_MAX < len(content) else 0
        result.append(pack("<BB", more, len(piece)) + piece)
    return result


def arrange(fields: list[bytes], room: int, areas: Areas) -> bytes:
    """What of entries goes into a directory record with so much room; the rest goes to `areas`."""
    chunks: list[bytes] = []
    at = 0
    while sum(map(len, fields[at:])) > room:
        begin, used = at, 0
        while used + len(fields[at]) <= room - CE_SIZE:
            used += len(fields[at])
            at += 1
        chunks.append(b"".join(fields[begin:at]))
        room = SECTOR
    chunks.append(b"".join(fields[at:]))
    lengths = [len(chunk) + CE_SIZE for chunk in chunks[:-1]] + [len(chunks[-1])]
    places = [areas.take(length) for length in lengths[1:]]
    for number, place in enumerate(places):
        chunks[number] += areas.reference(place, lengths[number + 1])
    for place, chunk in zip(places, chunks[1:], strict=True):
        areas.data[place : place + len(chunk)] = chunk
    return chunks[0]
