# SPDX-License-Identifier: BSD-2-Clause
"""Names, on directories built here byte by byte."""

from __future__ import annotations

import struct

import pytest

from rump.drivers.fs.msdosfs.lookup import checksum, name_key, scan, short_name, volume_label

PADDING = b"\xff\xff"


def short(name: bytes, attributes: int = 0x20, case: int = 0) -> bytes:
    assert len(name) == 11
    return struct.pack("<11sBB", name, attributes, case).ljust(32, b"\0")


def plain_checksum(name: bytes) -> int:
    """As the specification puts it."""
    total = 0
    for byte in name:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total


def long(units: bytes, name: bytes, **change: int) -> bytes:
    """The pieces of a long name given as UTF-16 bytes; keyword arguments spoil a field of one piece."""
    if len(units) % 26:
        units += b"\0\0"
    units += PADDING * (-len(units) % 26 // 2)
    pieces = []
    count = len(units) // 26
    for number in range(1, count + 1):
        part = units[26 * (number - 1) : 26 * number]
        ordinal = number | (0x40 if number == count else 0)
        total = plain_checksum(name)
        if number == change.get("piece", 0):
            ordinal, total = change.get("ordinal", ordinal), change.get("checksum", total)
        kind = 0x0F if number != change.get("piece", 0) else change.get("attributes", 0x0F)
        pieces.append(struct.pack("<B10sBBB12sH4s", ordinal, part[:10], kind, 0, total, part[10:22], 0, part[22:]))
    return b"".join(reversed(pieces))


NAME = b"LONGNA~1TXT"


def names(data: bytes) -> list[bytes]:
    return [row[0] for row in scan(data, 0, 10**6, True)]


def test_checksum():
    for name in (NAME, bytes(11), b"\xff" * 11, bytes(range(245, 256))):
        assert checksum(name) == plain_checksum(name)


@pytest.mark.parametrize(
    ("raw", "case", "expected"),
    [
        (b"README  TXT", 0, b"README.TXT"),
        (b"README  TXT", 0x08, b"readme.TXT"),
        (b"README  TXT", 0x10, b"README.txt"),
        (b"README  TXT", 0x18, b"readme.txt"),
        (b"README     ", 0x18, b"readme"),
        (b"A B     C D", 0, b"A B.C D"),
        (b"\x05BC        ", 0, "\u03c3BC".encode()),
        (b"\x8e\x99\x9a        ", 0, "ÄÖÜ".encode()),
        (b"\x8e\x99\x9a        ", 0x08, "äöü".encode()),
        (b"A/B        ", 0, b"A_B"),
        (b"..         ", 0, b"__"),
        (b"\0BC        ", 0, b"_BC"),
        (b"        TXT", 0, b".TXT"),
        (b"           ", 0, b""),
        (b"A.B     C.D", 0, b"A_B.C_D"),
    ],
)
def test_short_names(raw, case, expected):
    assert short_name(raw, case) == expected


@pytest.mark.parametrize(
    "name",
    ["a", "exactly 13 ch", "fourteen chars", "x" * 26, "y" * 255, "ünïcödé", "日本語", "a😀b", "😀" * 127, " l", "c.."],
)
def test_long_names(name):
    assert names(long(name.encode("utf-16-le"), NAME) + short(NAME)) == [name.encode()]


def test_lone_surrogates():
    for units in (b"a\0\x00\xd8", b"\x00\xdca\0", b"\x00\xd8" * 13, b"\x00\xdc\x00\xd8"):
        (name,) = names(long(units, NAME) + short(NAME))
        assert name == units.decode("utf-16-le", "surrogatepass").encode("utf-8", "surrogatepass")
        assert scan(long(units, NAME) + short(NAME), 0, 1, True)[0][1] == 1
        assert name_key(name) == name_key(name.replace(b"a", b"A"))


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "z" * 256])
def test_impossible_long_names(name):
    assert names(long(name.encode("utf-16-le") or b"\0\0", NAME) + short(NAME)) == [b"LONGNA~1.TXT"]


@pytest.mark.parametrize(
    "change",
    [
        {"piece": 1, "checksum": 1},
        {"piece": 2, "checksum": 1},
        {"piece": 3, "checksum": 1},
        {"piece": 1, "ordinal": 2},
        {"piece": 2, "ordinal": 1},
        {"piece": 3, "ordinal": 3},
        {"piece": 3, "ordinal": 0x42},
        {"piece": 3, "ordinal": 0x44},
        {"piece": 3, "ordinal": 0x40},
        {"piece": 3, "ordinal": 0x7F},
        {"piece": 2, "ordinal": 0xE5},
        {"piece": 2, "attributes": 0x20},
    ],
)
def test_orphans(change):
    """Pieces that do not fit are passed over; the short entry behind them, and a piece turned into one, are there."""
    data = long(b"n\0" * 30, NAME, **change) + short(NAME) + short(b"NEXT       ")
    found = names(data)
    assert found[-2:] == [b"LONGNA~1.TXT", b"NEXT"]
    assert (len(found) == 3) == ("attributes" in change)


def test_pieces_of_something_else():
    pieces = long(b"n\0" * 20, NAME)
    assert names(pieces + short(b"OTHER      ")) == [b"OTHER"]
    assert names(pieces + short(b"\xe5ONGNA~1TXT") + short(NAME)) == [b"LONGNA~1.TXT"]
    assert names(pieces + short(NAME, attributes=0x08)) == []
    assert names(pieces) == []
    assert names(pieces + bytes(32) + short(NAME)) == []
    assert names(pieces + long(b"m\0" * 20, NAME) + short(NAME)) == [b"m" * 20]


def test_what_is_no_file():
    dot, dots = short(b".          ", 0x10), short(b"..         ", 0x10)
    data = dot + dots + short(b"VOLUME     ", 0x08) + short(b"\xe5ONE       ") + short(b" " * 11)
    data += short(b"LAST       ")
    assert names(data + bytes(32) + short(b"BEHIND     ")) == [b"LAST"]
    assert names(data[:-5]) == []


def test_volume_label():
    pieces = long(b"n\0" * 20, NAME)
    assert volume_label(pieces + short(NAME) + short(b"MY VOLUME  ", 0x08)) == b"MY VOLUME"
    assert volume_label(short(b"\x05BC        ", 0x28)) == "\u03c3BC".encode()
    assert volume_label(short(b"\xe5BC        ", 0x08) + short(NAME)) == b""
    assert volume_label(bytes(32) + short(b"MY VOLUME  ", 0x08)) == b""


def test_name_key():
    assert name_key(b"Read.Me") == name_key(b"READ.me")
    assert name_key("ÿ".encode()) == name_key("Ÿ".encode())
    assert name_key("ß".encode()) == "ß".encode()
    assert name_key(b"\xff\xfe") == b"\xff\xfe"
