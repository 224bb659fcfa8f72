# SPDX-License-Identifier: BSD-2-Clause
"""Images made by hand: what no tool writes, and what none should."""

from __future__ import annotations

from struct import pack

SECTOR = 2048
ROOT = 20 * SECTOR          # byte where the root directory begins
DATE = bytes((101, 9, 9, 1, 46, 40, 0))
WHEN = 1000000000           # the same, in seconds since 1970


def both16(number: int) -> bytes:
    return pack("<H", number) + pack(">H", number)


def both32(number: int) -> bytes:
    return pack("<I", number) + pack(">I", number)


def record(
    name: bytes, block: int = 0, size: int = 0, flags: int = 0, use: bytes = b"", *, xar: int = 0, unit: int = 0,
    gap: int = 0, date: bytes = DATE,
) -> bytes:  # fmt: skip
    """A directory record."""
    body = pack("<B", xar) + both32(block) + both32(size) + date + bytes((flags, unit, gap)) + both16(1)
    body += bytes((len(name),)) + name + b"\0" * (1 - len(name) % 2) + use
    body += b"\0" * ((len(body) + 1) % 2)
    return bytes((len(body) + 1,)) + body


def entry(signature: bytes, body: bytes = b"", version: int = 1) -> bytes:
    """A system use entry."""
    return signature + bytes((4 + len(body), version)) + body


def px(mode: int, links: int = 1, uid: int = 0, gid: int = 0, serial: int | None = None) -> bytes:
    numbers = (mode, links, uid, gid) if serial is None else (mode, links, uid, gid, serial)
    return entry(b"PX", b"".join(both32(number) for number in numbers))


def nm(name: bytes, flags: int = 0) -> bytes:
    return entry(b"NM", bytes((flags,)) + name)


def ce(block: int, offset: int, size: int) -> bytes:
    return entry(b"CE", both32(block) + both32(offset) + both32(size))


def sl(*components: tuple[int, bytes], flags: int = 0) -> bytes:
    return entry(b"SL", bytes((flags,)) + b"".join(bytes((kind, len(text))) + text for kind, text in components))


SP = entry(b"SP", b"\xbe\xef\0")
ER = entry(b"ER", bytes((10, 0, 0, 1)) + b"RRIP_1991A")
ROCK_RIDGE = SP + px(0o40755, 2) + ER


def directory(block: int, records: list[bytes], *, use: bytes = b"", parent: int | None = None, parent_use: bytes = b"",
              size: int = 0, start: int = 0) -> bytes:  # fmt: skip
    """A directory's bytes, from "." on; `start` is where it begins in its sector."""
    def packed(size: int) -> bytes:
        data = b""
        up = block if parent is None else parent
        for each in (record(b"\0", block, size, 2, use), record(b"\1", up, size, 2, parent_use), *records):
            room = SECTOR - (start + len(data)) % SECTOR
            data += bytes(room) + each if len(each) > room else each
        return data + bytes(-(start + len(data)) % SECTOR)

    return packed(size or len(packed(0)))


def descriptor(
    kind: int, block: int, size: int, block_size: int, *, version: int = 1, escapes: bytes = b"", blocks: int = 400,
    volume: bytes = b"BY HAND".ljust(32),
) -> bytes:  # fmt: skip
    """A primary or supplementary volume descriptor."""
    data = bytes((kind,)) + b"CD001" + bytes((version, 0)) + b"SYSTEM".ljust(32) + volume + bytes(8)
    data += both32(blocks) + escapes.ljust(32, b"\0") + both16(1) + both16(1) + both16(block_size) + both32(10)
    data += pack("<II", 18, 0) + pack(">II", 19, 0) + record(b"\0", block, size, 2)
    data += b"SET".ljust(128) + b"PUBLISHER".ljust(128) + b"PREPARER".ljust(128) + b"APPLICATION".ljust(128)
    data += b" " * 111 + b"2001090901464000\0" * 2 + (b"0" * 16 + b"\0") * 2 + b"\1\0"
    return data.ljust(SECTOR, b"\0")


TERMINATOR = (b"\xffCD001\1").ljust(SECTOR, b"\0")


def image(
    records: list[bytes], contents: dict[int, bytes] | None = None, *, use: bytes = b"", block_size: int = SECTOR,
    supplements: tuple[bytes, ...] = (), sectors: int = 100,
) -> bytes:  # fmt: skip
    """A volume whose root directory has these records; `contents` by byte on the volume."""
    data = bytearray(sectors * SECTOR)
    root = directory(ROOT // block_size, records, use=use)
    primary = descriptor(1, ROOT // block_size, len(root), block_size, blocks=len(data) // block_size)
    found = b"".join((primary, *supplements, TERMINATOR))
    for at, piece in {16 * SECTOR: found, ROOT: root, **(contents or {})}.items():
        data[at : at + len(piece)] = piece
    return bytes(data)
