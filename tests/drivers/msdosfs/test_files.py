# SPDX-License-Identifier: BSD-2-Clause
"""Contents: big and fragmented files, chains that are broken, times, attributes, state."""

from __future__ import annotations

import random
import struct
import subprocess
from itertools import pairwise

import pytest

from rump.drivers.fs.fat import chains
from rump.kernel import abi
from rump.kernel.errors import Corrupt, Fault
from rump.rumpuser.interface import errno as e


@pytest.fixture(scope="session", params=[(6, 12, 4), (30, 16, 2), (40, 32, 1)], ids=["fat12", "fat16", "fat32"])
def fragmented(request, make_image, run_tool, tmp_path_factory):
    """A volume filled with small files of which every other was removed again, then one file into the gaps."""
    megabytes, bits, sectors = request.param
    image = make_image(megabytes, "-F", bits, "-S", 512, "-s", sectors)
    folder = tmp_path_factory.mktemp("pieces")
    chance = random.Random(7)
    piece = 2048 * sectors
    pieces = [folder / f"P{index}" for index in range(160)]
    for path in pieces:
        path.write_bytes(chance.randbytes(piece))
    big = folder / "Fragmented File.bin"
    big.write_bytes(chance.randbytes(piece * 120 + 77))
    run_tool("mcopy", "-i", image, *pieces, "::/")
    run_tool("mdel", "-i", image, *(f"::/P{index}" for index in range(0, 160, 2)))
    if bits == 32:
        with image.open("r+b") as file:     # forget where to look for free clusters, so that the gaps are used
            file.seek(512 + 492)
            file.write(b"\xff" * 4)
    run_tool("mcopy", "-i", image, big, "::/")
    return image.read_bytes(), big.read_bytes(), {path.name: path.read_bytes() for path in pieces[1::2]}


def test_fragmented_file(fragmented, mounted):
    image, big, pieces = fragmented
    mount = mounted(image)
    found = mount.find(b"fragmented file.BIN")
    assert mount.content(found) == big
    assert mount.content(found, step=10_000) == big
    for name, data in pieces.items():
        assert mount.content(mount.find(name.encode())) == data
    runs = mount.volume.map(found[:2], 0, 1 << 40)
    assert len(runs) > 40
    for run, following in pairwise(runs):
        assert run[1] + run[2] == following[1]
        assert run[3] + run[2] != following[3], "neighbours that could be one run"


def test_any_range(fragmented, mounted):
    image, big, _ = fragmented
    mount = mounted(image)
    handle = mount.find(b"Fragmented File.bin")[:2]
    chance = random.Random(8)
    for _ in range(300):
        offset, length = chance.randrange(len(big) + 10), chance.choice((1, 511, 512, 4000, len(big)))
        runs = mount.volume.map(handle, offset, length)
        data = b"".join(mount.device.read(place, count) for _, _, count, place in runs)
        assert data == big[offset : offset + length]


def build(clusters: int, chain: list[int], size: int | None = None, **entry) -> bytearray:
    """A FAT16 volume built here, of 512-byte clusters, with one file ("FILE") over a chain of clusters."""
    fat_sectors = -(-(clusters + 2) * 2 // 512)
    data_start = 1 + fat_sectors + 1
    total = data_start + clusters
    boot = struct.pack(
        "<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"TEST", 512, 1, 1, 1, 16, 0, 0xF8, fat_sectors, 1, 1, 0, total
    )
    image = bytearray(total * 512)
    image[: len(boot)] = boot
    image[510:512] = b"\x55\xaa"
    fat = [0xFFF8, 0xFFFF] + [0] * clusters
    for cluster, following in zip(chain, [*chain[1:], 0xFFFF], strict=False):
        fat[cluster] = following
    fat.extend(entry.pop("beyond", ()))
    for cluster, value in entry.pop("patch", {}).items():
        fat[cluster] = value
    struct.pack_into(f"<{len(fat)}H", image, 512, *fat)
    fields = {
        "attributes": 0x20, "case": 0, "units": 0, "ctime": 0, "cdate": 0, "adate": 0, "mtime": 0, "mdate": 0, **entry
    }  # fmt: skip
    struct.pack_into(
        "<11sBBBHHHHHHHI", image, (1 + fat_sectors) * 512, b"FILE       ", fields["attributes"], fields["case"],
        fields["units"], fields["ctime"], fields["cdate"], fields["adate"], 0, fields["mtime"], fields["mdate"],
        chain[0] if chain else 0, len(chain) * 512 if size is None else size,
    )  # fmt: skip
    for index, cluster in enumerate(chain):
        place = (data_start + cluster - 2) * 512
        if place < len(image):
            struct.pack_into("<I", image, place, index)
    return image


def numbers(data: bytes) -> list[int]:
    """What `build` wrote at the start of each cluster."""
    return [struct.unpack_from("<I", data, at)[0] for at in range(0, len(data), 512)]


def fails(call, *words: str) -> None:
    with pytest.raises(Corrupt) as caught:
        call()
    assert caught.value.errno == e.EIO
    assert all(word in caught.value.detail for word in words), caught.value.detail


def test_every_cluster_is_its_own_run(mounted):
    """A chain of many segments: all of it, in any order, with a small cache."""
    count = 20_000
    chain = [2 + 2 * index for index in range(count)] + [3 + 2 * index for index in range(count)]
    random.Random(9).shuffle(chain)
    mount = mounted(build(2 * count, chain), cache_bytes=4096)
    found = mount.find(b"file")
    assert numbers(mount.content(found)) == list(range(2 * count))
    assert numbers(mount.content(found, step=512 * 1000)) == list(range(2 * count))
    for index in (39_999, 0, 20_000, 4096, 4095, 12_345):
        ((_, at, length, place),) = mount.volume.map(found[:2], index * 512, 512)
        assert (at, length) == (index * 512, 512)
        assert struct.unpack_from("<I", mount.device.data, place)[0] == index
    assert len(mount.volume.map(found[:2], 0, 1 << 40)) <= 2 * chains.SEGMENT_EXTENTS


def test_cost_is_linear(mounted):
    """A contiguous file of 60,000 clusters: one run, the table read once."""
    image = build(60_000, list(range(2, 60_002)))
    mount = mounted(image)
    found = mount.find(b"FILE")
    ((_, _, length, _),) = mount.volume.map(found[:2], 0, 1 << 40)
    assert length == 60_000 * 512
    before = mount.device.bytes_read
    for at in range(0, length, 512 * 100):
        assert mount.volume.map(found[:2], at, 512)[0][1] == at
    assert mount.device.bytes_read == before


def test_segments_of_a_contiguous_file(mounted, monkeypatch):
    """A segment that ends for its length, in the middle of an extent, is continued."""
    monkeypatch.setattr(chains, "SEGMENT_CLUSTERS", 1000)
    mount = mounted(build(5000, list(range(2, 4502)), patch={4501: 9999}))
    found = mount.find(b"FILE")
    assert [run[2] for run in mount.volume.map(found[:2], 0, 1 << 40)] == [4500 * 512]
    place = mount.device.data.index(struct.pack("<I", 1500), mount.volume.geometry.data_offset)
    assert mount.volume.map(found[:2], 1500 * 512 + 7, 9) == ((0, 1500 * 512 + 7, 9, place + 7),)


def test_free_count_minds_28_bits(mounted, make_image):
    """The upper four bits of a FAT32 entry say nothing."""
    image = bytearray(make_image(34, "-F", 32, "-s", 1).read_bytes())
    expected = mounted(image).volume.statvfs()
    geometry = mounted(image).volume.geometry
    struct.pack_into("<II", image, geometry.fat_offset + 4 * 1000, 0xF0000000, 0x10000000)
    image[geometry.info_offset] ^= 1
    assert mounted(image).volume.statvfs() == expected


def test_circles(mounted):
    short = mounted(build(5000, [5, 6, 7, 9], size=512 * 50, patch={9: 6}))
    fails(lambda: short.content(short.find(b"FILE")), "circle", "cluster 5")
    itself = mounted(build(5000, [5], size=512 * 2, patch={5: 5}))
    fails(lambda: itself.content(itself.find(b"FILE")), "circle")
    many = list(range(2, 30_000, 2))
    long = mounted(build(60_000, many, size=512 * 50_000, patch={many[-1]: many[7]}))
    fails(lambda: long.content(long.find(b"FILE")), "comes back")


@pytest.mark.parametrize(
    ("value", "word"),
    [(0, "cluster 0"), (1, "cluster 1"), (0xFFF7, "cluster 65527"), (5002, "cluster 5002"), (0xFFFF, "ends")],
)
def test_broken_chains(mounted, value, word):
    """What comes before the break can be read, what would come behind it cannot."""
    mount = mounted(build(5000, [5, 6, 9, 10], patch={9: value}))
    found = mount.find(b"FILE")
    runs = mount.volume.map(found[:2], 0, 1 << 40)
    assert sum(run[2] for run in runs) == 3 * 512
    fails(lambda: mount.volume.map(found[:2], 3 * 512, 512), word)
    fails(lambda: mount.content(found), word)


def test_no_cluster_at_all(mounted):
    mount = mounted(build(5000, [], size=1))
    fails(lambda: mount.content(mount.find(b"FILE")), "cluster 0", "directory entry")
    empty = mounted(build(5000, []))
    assert empty.content(empty.find(b"FILE")) == b""
    assert empty.find(b"FILE")[7:9] == (0, 0)


def test_chain_longer_than_the_file(mounted):
    mount = mounted(build(5000, [5, 6, 9, 10], size=600, patch={10: 0}))
    assert len(mount.content(mount.find(b"FILE"))) == 600


def test_truncated_image(mounted):
    image = build(5000, list(range(2, 5002)))
    mount = mounted(image[: len(image) // 2])
    assert "the device only" in mount.log[0]
    found = mount.find(b"FILE")
    assert mount.volume.map(found[:2], 0, 512)
    fails(lambda: mount.content(found), "behind the end")


@pytest.mark.parametrize(
    ("date", "time", "units", "expected"),
    [
        ((2024 - 1980) << 9 | 2 << 5 | 29, 12 << 11 | 34 << 5 | 28, 155, 1709210096 * 10**9),
        (0 << 9 | 1 << 5 | 1, 0, 0, 315532800 * 10**9),
        (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29, 0, 4354819198 * 10**9),
        (120 << 9 | 3 << 5 | 1, 0, 0, 4107542400 * 10**9),     # 2100 is no leap year
        (44 << 9 | 15 << 5 | 31, 31 << 11 | 63 << 5 | 31, 0, 1735689598 * 10**9),  # out of range: the nearest
        (45 << 9 | 2 << 5 | 31, 0, 0, 1740700800 * 10**9),
    ],
)
def test_times(mounted, date, time, units, expected):
    image = build(5000, [], mdate=date, mtime=time, cdate=date, ctime=time, units=units, adate=date)
    found = mounted(image).find(b"FILE")
    assert found[10] == found[11] == expected
    assert found[12] == expected + units * 10**7
    assert found[9] == expected // (86400 * 10**9) * 86400 * 10**9
    ahead = mounted(image, tz="+05:30").find(b"FILE")
    assert ahead[10] == expected - 19800 * 10**9
    assert mounted(image, tz="-90").find(b"FILE")[10] == expected + 5400 * 10**9
    assert mounted(image, tz="330").find(b"FILE") == ahead


def test_times_not_kept(mounted):
    found = mounted(build(5000, [], mdate=1 << 9 | 1 << 5 | 1)).find(b"FILE")
    assert found[12] == 0
    assert found[9] == found[10] == 347155200 * 10**9
    assert mounted(build(5000, [])).find(b"FILE")[9:13] == (0, 0, 0, 0)


def test_dos_attributes(mounted):
    plain, read_only = (mounted(build(5000, [], attributes=bits)).find(b"FILE") for bits in (0x20, 0x21))
    assert (plain[2], plain[13], read_only[2]) == (0o100644, abi.UF_ARCHIVE, 0o100444)
    assert read_only[13] == abi.UF_ARCHIVE | abi.UF_READONLY
    assert mounted(build(5000, [], attributes=0x06)).find(b"FILE")[13] == abi.UF_HIDDEN | abi.UF_SYSTEM
    assert mounted(build(5000, [], attributes=0x20), mask="777").find(b"FILE")[2] == 0o100777


def test_state(mounted, make_image):
    def state(image) -> bytes:
        return dict(mounted(image).volume.describe())[b"state"]

    clean = build(5000, [])
    assert state(clean) == b"clean"
    for flags, expected in ((1, b"not cleanly unmounted"), (2, b"has had disk errors")):
        struct.pack_into("<BB", clean, 37, flags, 0x29)
        assert state(clean) == expected
    sixteen = build(5000, [])
    for entry, expected in ((0x7FFF, b"not cleanly unmounted"), (0xBFFF, b"has had disk errors"), (0xFFFF, b"clean")):
        struct.pack_into("<H", sixteen, 514, entry)
        assert state(sixteen) == expected
    big = bytearray(make_image(34, "-F", 32, "-s", 1).read_bytes())
    assert state(big) == b"clean"
    big[32 * 512 + 7] &= ~8
    assert state(big) == b"not cleanly unmounted"


def test_second_fat_in_use(mounted, make_image):
    """FAT32 with mirroring off and the second copy active; the first one is wiped."""
    image = bytearray(make_image(34, "-F", 32, "-s", 1).read_bytes())
    geometry = mounted(image).volume.geometry
    first, second = geometry.fat_offset, (geometry.fat_offset + geometry.root_offset) // 2
    image[first:second] = bytes(second - first)
    struct.pack_into("<H", image, 40, 0x81)
    mount = mounted(image)
    assert mount.volume.geometry.fat_offset == second
    assert mount.entries(mount.volume.root()[:2]) == []


def test_handles(mounted):
    image = build(5000, [5])
    root = mounted(image).volume.geometry.root_offset
    image[root + 32 : root + 44] = b"LABEL      \x08"
    image[root + 64 : root + 76] = b"\xe5ONE       \x20"
    mount = mounted(image)
    good = mount.find(b"FILE")[:2]
    others = [(good[0] + slot, 0) for slot in (1, 2, 3)]
    for handle in ((good[0], 1), *others, (0, 0), (2, 0), (1 << 40, 0), (-5, 0)):
        with pytest.raises(Fault) as caught:
            mount.volume.attributes(handle)
        assert caught.value.errno == e.ESTALE
    with pytest.raises(NotADirectoryError):
        mount.volume.list(good, 0, 10)


def test_20_megabytes(make_image, run_tool, tmp_path, mounted):
    image = make_image(40, "-F", 32, "-s", 1)
    data = random.Random(10).randbytes(20 << 20)
    (tmp_path / "big.bin").write_bytes(data)
    run_tool("mcopy", "-i", image, tmp_path / "big.bin", "::/")
    mount = mounted(image.read_bytes())
    found = mount.find(b"big.bin")
    assert len(mount.volume.map(found[:2], 0, 1 << 40)) == 1
    assert mount.content(found) == data


def test_by_a_zone_aware_clock(make_image, run_tool, tmp_path, mounted):
    """mcopy writes local time; with `tz` it is what it was."""
    image = make_image(2, "-F", 12)
    path = tmp_path / "dated.txt"
    path.write_bytes(b"x")
    subprocess.run(["touch", "-d", "2020-07-01 12:00:00 UTC", path], check=True)
    subprocess.run(
        ["mcopy", "-m", "-i", image, path, "::/"], check=True, env={"PATH": "/usr/bin:/bin", "TZ": "XXX-05:30"}
    )
    assert mounted(image.read_bytes(), tz="05:30").find(b"dated.txt")[10] == 1593604800 * 10**9
