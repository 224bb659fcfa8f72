# SPDX-License-Identifier: BSD-2-Clause
"""Checksums, the up-case table, names and times; what mkfs.exfat writes is what they come to."""

from __future__ import annotations

import random

import pytest
from exfat_support import make, needs_exfatprogs

from rump.drivers.fs.exfat import checksum, disk, lookup, times, upcase
from rump.drivers.fs.exfat.writing.record import check_name
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

SECOND = 10**9


@needs_exfatprogs
def test_what_mkfs_writes(tmp_path):
    """The boot region's checksum; the recommended table, byte for byte; the entries of the root directory."""
    image = make(tmp_path / "image", 3 << 20, 1024).read_bytes()
    boot = disk.BootSector(image)
    assert (boot.name, boot.signature, boot.revision) == (disk.BOOT_NAME, disk.BOOT_SIGNATURE, disk.REVISION)
    sums = image[11 * 512 : 12 * 512]
    assert sums == checksum.boot_checksum(image[: 11 * 512]).to_bytes(4, "little") * 128
    heap = boot.heap_offset * 512
    root = heap + (boot.root_cluster - 2) * 1024
    label, bitmap, table = (image[at : at + 32] for at in range(root, root + 96, 32))
    assert disk.LabelEntry(label).label[:8] == "TEST".encode("utf-16-le")
    assert disk.BitmapEntry(bitmap).length == -(-boot.clusters // 8)
    entry = disk.UpcaseEntry(table)
    at = heap + (entry.first_cluster - 2) * 1024
    data = image[at : at + entry.length]
    assert entry.checksum == checksum.checksum32(data) == upcase.STANDARD_CHECKSUM
    assert upcase.compress(upcase.standard()) == data
    assert upcase.expand(data) == upcase.standard()


def test_tables():
    """Uncompressed and cut short tables; what is behind the last unit does not count; the end of a row may lie."""
    whole = bytes.fromhex("".join(f"{unit & 255:02x}{unit >> 8:02x}" for unit in range(0x10000)))
    assert upcase.expand(whole) == {}
    table = bytearray(whole)
    table[0x61 * 2 : 0x61 * 2 + 2] = b"A\0"
    assert upcase.expand(bytes(table)) == {0x61: 0x41}
    assert upcase.expand(bytes(table[: 0x62 * 2]) + b"\1") == {0x61: 0x41}
    assert upcase.expand(b"\xff\xff\x61\0A\0") == {0x61: 0x41}
    assert upcase.expand(b"\xff\xff\xff\xff" * 9) == {}
    assert upcase.expand(b"\xff\xff") == {}
    chance = random.Random(1)
    odd = {chance.randrange(0x10000): chance.randrange(0x10000) for _ in range(3000)}
    odd = {unit: value for unit, value in odd.items() if unit != value != 0xFFFF}
    assert upcase.expand(upcase.compress(odd)) == odd


def test_checksums():
    """Passing over zeros and doing many at once change nothing."""
    chance = random.Random(2)
    for length in (0, 1, 31, 32, 33, 100, 1000):
        data = bytearray(chance.randbytes(length))
        data[length // 4 : length // 2] = bytes(length // 2 - length // 4)
        total = 0
        for byte in data:
            total = (((total & 1) << 31) | total >> 1) + byte & 0xFFFFFFFF
        assert checksum.checksum32(bytes(data)) == total
    for size in (64, 96, 608):
        for count in (0, 1, 7, 8, 100):
            sets = chance.randbytes(size * count)
            expected = [checksum.set_checksum(sets[at : at + size]) for at in range(0, len(sets), size)]
            assert checksum.set_checksums(sets, size) == expected
    entries = bytes(range(64))
    assert checksum.set_checksum(entries) == checksum.set_checksum(entries[:2] + b"\xff\xff" + entries[4:])
    assert checksum.name_hash(b"\x41\x00") == 0x8020


def test_names():
    """What names count as; lone surrogates; names that no file can have."""
    cases = lookup.Cases(upcase.standard())
    assert cases.key("Straße.ÄÖÜ ﬀ".encode()) == cases.key("STRAßE.äöü ﬀ".encode())
    assert cases.key("😀a".encode()) == cases.key("😀A".encode())
    assert cases.key(b"\xed\xa0\x80a") == cases.key(b"\xed\xa0\x80A") != cases.key(b"a")
    assert cases.key(b"\xff") == b"\xff"
    odd = lookup.Cases({0xD83D: 0x41})
    assert odd.key("😀".encode()) == "A\ude00".encode("utf-16-le", "surrogatepass")
    assert lookup.decode("a/b".encode("utf-16-le")) == b""
    assert lookup.decode("..".encode("utf-16-le")) == b""
    assert lookup.decode(b"\x00\xd8") == b"\xed\xa0\x80"


@pytest.mark.parametrize("name", [b"a*", b'"', b"a:b", b"<", b">", b"?", b"\\", b"|", b"\x01", b"\x1f", b"\xff"])
def test_invalid_names(name):
    """EINVAL."""
    with pytest.raises(Fault) as caught:
        check_name(name)
    assert caught.value.errno == e.EINVAL


def test_length_of_names():
    """Up to 255 UTF-16 units, whatever they take in UTF-8."""
    assert len(check_name("€".encode() * 255)) == 510
    assert len(check_name("😀".encode() * 127)) == 508
    for name in (b"a" * 256, "😀".encode() * 128):
        with pytest.raises(Fault) as caught:
            check_name(name)
        assert caught.value.errno == e.ENAMETOOLONG


def test_times():
    """Hundredths and time zones, both ways; those that say no zone are of the mount's."""
    moment = 1_700_000_001 * SECOND + 230_000_000
    for tz in (0, 60, -330, 345, 14 * 60, -12 * 60):
        stamp, hundredths, zone = times.fields(moment, tz)
        assert times.moment(stamp, hundredths, zone, 999) == moment
        assert times.moment(stamp, hundredths, 0, tz) == moment
        assert hundredths == 123
        assert zone == 0x80 | tz // 15 & 0x7F
    assert times.moment(0, 0, 0x80, 0) == 0
    assert times.moment(0x21 << 16, 250, 0x80, 0) == 315532800 * SECOND + 1_990_000_000
    for late in (315532799 * SECOND, 4354819200 * SECOND):
        with pytest.raises(Fault):
            times.fields(late, 0)
