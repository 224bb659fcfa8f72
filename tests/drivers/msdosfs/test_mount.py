# SPDX-License-Identifier: BSD-2-Clause
"""Probing, options, and images that mean harm."""

from __future__ import annotations

import random
import struct

import pytest

from rump.drivers.fs.msdosfs import driver
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.volume import MountArguments, Services
from rump.rumpuser.interface import errno as e


@pytest.fixture(scope="session", params=[(0.25, 12), (3, 16), (34, 32)], ids=["fat12", "fat16", "fat32"])
def small(request, make_image, run_tool, tmp_path_factory):
    """The start of a small volume with a few files and folders, and its size."""
    megabytes, bits = request.param
    image = make_image(megabytes, "-F", bits, "-s", 1)
    folder = tmp_path_factory.mktemp("small")
    (folder / "A Folder" / "below").mkdir(parents=True)
    for index in range(12):
        (folder / "A Folder" / f"some file {index}.txt").write_bytes(b"x" * index * 300)
    (folder / "A Folder" / "below" / "deep.txt").write_bytes(b"deep")
    (folder / "top.txt").write_bytes(b"y" * 5000)
    run_tool("mcopy", "-s", "-i", image, folder / "A Folder", folder / "top.txt", "::/")
    return image.read_bytes()


def test_driver_table():
    assert driver.name == "msdosfs"
    assert {"fat", "vfat", "fat12", "fat16", "fat32", "msdos"} <= set(driver.aliases)
    assert not driver.capabilities.case_sensitive
    assert driver.capabilities.writable


def test_probe(small, memory_device):
    device = memory_device(small)
    assert driver.probe(device) in ("FAT12", "FAT16", "FAT32")
    assert device.bytes_read < 4096
    for size in (0, 1, 511, 512, 1024):
        assert driver.probe(memory_device(small[:size])) is None
        assert driver.probe(memory_device(bytes(size))) is None
    for name in (b"NTFS    ", b"EXFAT   ", b"-FVE-FS-"):
        assert driver.probe(memory_device(small[:3] + name + small[11:])) is None
    noise = random.Random(11)
    for _ in range(300):
        assert driver.probe(memory_device(b"\xeb\x3c\x90" + noise.randbytes(509) + bytes(4096))) is None


def test_a_master_boot_record_is_none(memory_device):
    sector = bytearray(1 << 20)
    sector[446:462] = struct.pack("<B3sB3sII", 0x80, bytes(3), 0x0C, bytes(3), 63, 1000)
    sector[510:512] = b"\x55\xaa"
    assert driver.probe(memory_device(sector)) is None


@pytest.mark.parametrize(
    "options",
    [
        {"colour": "red"}, {"uid": "root"}, {"uid": "-1"}, {"gid": ""}, {"mask": "888"}, {"mask": "1000"},
        {"tz": "+25:00"},
        {"tz": "--1"}, {"tz": "x"}, {"tz": ""}, {"tz": "1:2:3"}, {"longnames": "yes"}, {"tz": "+01:60"},
        {"uid": "9" * 5000},
        {"uid": "\u0661"},
    ],
)  # fmt: skip
def test_wrong_options(small, mounted, options):
    with pytest.raises(Fault) as caught:
        mounted(small, **options)
    assert caught.value.errno == e.EINVAL
    assert next(iter(options)) in caught.value.detail


def test_mask_decides_for_directories(small, mounted):
    for options, mode in (({}, 0o755), ({"mask": "640"}, 0o750), ({"mask": "640", "dirmask": "500"}, 0o500)):
        assert mounted(small, **options).volume.root()[2] == 0o040000 | mode


def test_refusals(small, memory_device):
    services = Services(lambda: 0, bytes, print, lambda seed, data: 0, lambda *_: [], lambda: None, lambda *_: None)
    for device, read_only, number in (
        (None, True, e.ENXIO), (memory_device(small[:-512]), False, e.EROFS),
        (memory_device(bytes(1 << 20)), True, e.EFTYPE),
    ):  # fmt: skip
        with pytest.raises(Fault) as caught:
            driver.mount(MountArguments(device, services, read_only=read_only))
        assert caught.value.errno == number


@pytest.mark.parametrize(
    ("offset", "form", "values", "word"),
    [
        (11, "<H", (0, 1, 256, 513, 8192, 65535), "sector size"), (13, "<B", (0, 3, 255), "sectors per cluster"),
        (14, "<H", (0,), "reserved"), (16, "<B", (0, 5, 255), "number of FATs"), (21, "<B", (0, 0xF1, 0xF7), "media"),
    ],
)  # fmt: skip
def test_boot_sector_fields_are_named(small, mounted, offset, form, values, word):
    for value in values:
        image = bytearray(small)
        image[6 * 512 + 510] ^= image[82:87] == b"FAT32"       # its copy is no good either
        struct.pack_into(form, image, offset, value)
        with pytest.raises(Corrupt) as caught:
            mounted(image)
        assert "sector 0" in caught.value.detail
        assert word in caught.value.detail


def visit(mount) -> None:
    """Do everything there is to do, within bounds; only faults of the medium may come out."""
    volume = mount.volume
    for call in (volume.root, volume.statvfs, volume.describe):
        try:
            call()
        except Fault as error:
            assert error.errno == e.EIO
    seen = set()
    todo = [(1, 0)]
    while todo and len(seen) < 60:
        handle = todo.pop()
        if handle in seen:
            continue
        seen.add(handle)
        try:
            entries, _ = volume.list_attributes(handle, 0, 200)
            again, _ = volume.list(handle, 0, 200)
            assert [entry[0] for entry in entries] == [entry[0] for entry in again]
        except Fault as error:
            assert error.errno == e.EIO
            continue
        for name, _, attributes in entries[:40]:
            assert name not in (b"", b".", b"..")
            assert b"/" not in name and b"\0" not in name
            name.decode("utf-8", "surrogatepass")
            if attributes is None:
                continue
            if attributes[2] & 0o170000 == 0o040000:
                todo.append(attributes[:2])
                continue
            try:
                volume.lookup(handle, name)
                for _, at, length, place in volume.map(attributes[:2], 0, 1 << 20):
                    assert at >= 0 and length > 0
                    assert place >= 0 and place + length <= mount.device.size
            except Fault as error:
                assert error.errno in (e.EIO, e.ENOENT)


def test_bit_flips(small, mounted, memory_device):
    """Thousands of damaged volumes: an error of the medium or data, whatever happens."""
    geometry = mounted(small).volume.geometry
    hot = [
        (0, 90), (geometry.fat_offset, geometry.fat_offset + 200), (geometry.root_offset, geometry.root_offset + 320),
        (geometry.data_offset, geometry.data_offset + 3 * 512),
    ]  # fmt: skip
    chance = random.Random(12)
    image = bytearray(small)
    for _ in range(2500):
        places = []
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(*chance.choice(hot))
            places.append((place, image[place]))
            image[place] = chance.choice((image[place] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 0xFF))
        device = memory_device(image)
        try:
            driver.probe(device)
            visit(mounted(device))
        except Fault as error:
            assert error.errno in (e.EIO, e.EFTYPE)
        finally:
            for place, byte in reversed(places):
                image[place] = byte
    assert bytes(image) == small


def test_truncation(small, mounted):
    chance = random.Random(13)
    for _ in range(150):
        try:
            visit(mounted(small[: chance.randrange(min(len(small), 1 << 20))]))
        except Fault as error:
            assert error.errno in (e.EIO, e.EFTYPE)


def test_directory_loops(small, mounted):
    """A folder that contains the root or itself: names go on for ever, but each call ends and handles repeat."""
    mount = mounted(small)
    folder = mount.find(b"A Folder/below")
    image = bytearray(small)
    above = mount.volume._entry(mount.find(b"A Folder")[:2])
    struct.pack_into("<H", image, folder[0] * 32 + 26, above[10])
    struct.pack_into("<H", image, folder[0] * 32 + 20, above[7])
    mount = mounted(image)
    once = mount.find(b"A Folder/below")
    assert mount.find(b"A Folder/below/below/below/below") == once


def test_huge_directory(mounted, make_image):
    """A directory's chain of more than 65,536 entries is refused; one of just that many is read."""
    image = bytearray(make_image(34, "-F", 32, "-s", 1).read_bytes())
    mount = mounted(image)
    geometry = mount.volume.geometry
    for clusters, good in ((4096, True), (4097, False)):
        fat = [*range(101, 100 + clusters), 0x0FFFFFFF]
        struct.pack_into(f"<{clusters}I", image, geometry.fat_offset + 400, *fat)
        struct.pack_into("<I", image, 44, 100)
        mount = mounted(image)
        if good:
            assert mount.volume.root()[7] == 2 << 20
            assert mount.entries((1, 0)) == []
        else:
            with pytest.raises(Corrupt):
                mount.volume.list((1, 0), 0, 10)


def test_big_endian_hosts(small, mounted, monkeypatch):
    """The table decodes alike where memory is not little-endian."""
    from rump.drivers.fs.fat import chains

    expected = list(mounted(small).walk()), mounted(small).volume.statvfs()
    monkeypatch.setattr(chains, "LITTLE", False)
    mount = mounted(small)
    mount.volume.geometry.info_offset = 0
    assert (list(mount.walk()), mount.volume.statvfs()) == expected
