# SPDX-License-Identifier: BSD-2-Clause
"""The checker, against fsck.fat: what it calls clean is clean here, and what is damaged is found."""

from __future__ import annotations

import random
import shutil
import subprocess
import tracemalloc
from struct import pack_into, unpack_from
from types import SimpleNamespace

import pytest

from rump.drivers.fs.msdosfs import driver
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v

FSCK = shutil.which("fsck.fat", path="/usr/sbin:/sbin:/usr/bin")
needs_fsck = pytest.mark.skipif(not FSCK, reason="fsck.fat is not installed")
SERVICES = v.Services(
    lambda: 0, bytes, lambda _: None, lambda seed, data: 0, lambda *_: [], lambda: None, lambda *_: None
)
TYPES = {"12": (1.44, "-F", "12", "-s", "1"), "16": (16, "-F", "16", "-s", "1"), "32": (36, "-F", "32", "-s", "1")}


class Sparse(BlockDevice):
    """A large device of which only a few places are not zeros."""

    def __init__(self, size: int, places: dict[int, bytes]) -> None:
        self.name, self.size, self.sector_size, self.read_only = "sparse", size, 512, True
        self.places = places

    def readinto(self, offset, buffer) -> None:
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        for place, data in self.places.items():
            begin, end = max(place, offset), min(place + len(data), offset + len(view))
            if begin < end:
                view[begin - offset : end - offset] = data[begin - place : end - place]


@pytest.fixture(scope="module")
def check(memory_device):
    """``check(image)``: (errors, notes, summary)."""

    def run(image, **options):
        device = image if isinstance(image, BlockDevice) else memory_device(bytes(image))
        rows = [*driver.fsck(v.MountArguments(device, SERVICES, options=options))]
        assert rows[-1][0] == v.SUMMARY
        errors, notes = ([text for grade, text in rows if grade == wanted] for wanted in (v.ERROR, v.NOTE))
        return errors, notes, rows[-1][1]

    return run


class Volume(SimpleNamespace):
    """An image and where things are in it."""

    def __init__(self, image: bytes) -> None:
        sector, per, reserved, fats, roots = unpack_from("<HBHBH", image, 11)
        size = unpack_from("<H", image, 22)[0] or unpack_from("<I", image, 36)[0]
        root = (reserved + fats * size) * sector
        super().__init__(
            data=bytearray(image), fat=reserved * sector, fat_size=size * sector, fats=fats, per=per * sector,
            bits=32 if not unpack_from("<H", image, 22)[0] else 12 if len(image) < 4 << 20 else 16, root=root,
            clusters=root + roots * 32,
        )  # fmt: skip
        if self.bits == 32:
            self.root = self.clusters

    def place(self, cluster: int) -> int:
        return self.clusters + (cluster - 2) * self.per

    def entry(self, name: bytes) -> int:
        """Where the short entry of that name is."""
        return self.data.index(name.ljust(11))

    def start(self, name: bytes) -> int:
        return unpack_from("<H", self.data, self.entry(name) + 26)[0]

    def set(self, cluster: int, value: int, copies: int = 9) -> None:
        """An entry of the tables."""
        for number in range(min(self.fats, copies)):
            at = self.fat + number * self.fat_size
            if self.bits == 12:
                pair = at + cluster * 3 // 2
                old = unpack_from("<H", self.data, pair)[0]
                new = old & 0xF | value << 4 & 0xFFF0 if cluster & 1 else old & 0xF000 | value & 0xFFF
                pack_into("<H", self.data, pair, new)
            else:
                width = self.bits // 8
                new = value & (1 << self.bits) - 1
                self.data[at + cluster * width : at + (cluster + 1) * width] = new.to_bytes(width, "little")


@pytest.fixture(scope="module")
def images(make_image, run_tool, tmp_path_factory):
    """Volumes of each type with some files; their contents are zeros."""
    folder = tmp_path_factory.mktemp("fsck")
    (folder / "big").write_bytes(bytes(5000))
    (folder / "lower.txt").write_bytes(bytes(10))
    (folder / "empty").touch()
    found = {}
    for bits, arguments in TYPES.items():
        image = make_image(*arguments)
        run_tool("mmd", "-i", image, "::/DIR", "::/A long directory name", "::/DIR/SUB")
        for source, target in (("big", "BIG"), ("big", "DIR/SUB/Some long named file.txt"), ("lower.txt", ""),
                               ("empty", "DIR/EMPTY"), ("big", "DIR/DELETED"), ("big", "OTHER")):  # fmt: skip
            run_tool("mcopy", "-i", image, folder / source, f"::/{target}")
        run_tool("mdel", "-i", image, "::/DIR/DELETED")
        found[bits] = image.read_bytes()
    return found


@pytest.mark.parametrize("bits", TYPES)
def test_clean_images(bits, images, check, tmp_path):
    errors, notes, summary = check(images[bits])
    assert errors == []
    assert [note for note in notes if "fewer than" not in note] == []
    assert summary.startswith("9 files, 4 of them directories; ")
    if FSCK:
        path = tmp_path / "image"
        path.write_bytes(images[bits])
        done = subprocess.run([FSCK, "-n", path], capture_output=True, check=True, text=True)
        used, total = summary.split("; ")[1].removesuffix(" clusters").split(" of ")
        assert f"{used}/{total} clusters" in done.stdout


DAMAGE = {
    "loop": (lambda d: d.set(d.start(b"BIG") + 3, d.start(b"BIG") + 1), "/BIG: the chain comes back to cluster"),
    "short": (lambda d: d.set(d.start(b"BIG") + 3, 0xFFFFFFF), "/BIG: 5000 bytes, which take 10 clusters; it has 4"),
    "free": (lambda d: d.set(d.start(b"BIG") + 3, 0), "which is free"),
    "bad": (lambda d: d.set(d.start(b"BIG") + 3, 0xFFFFFF7), "which is bad"),
    "range": (lambda d: d.set(d.start(b"BIG") + 3, (1 << min(d.bits, 28)) - 99), "what cluster"),
    "long": (lambda d: pack_into("<I", d.data, d.entry(b"BIG") + 28, 100), "/BIG: 100 bytes, which take 1 clusters"),
    "none": (lambda d: pack_into("<H", d.data, d.entry(b"BIG") + 26, 0), "/BIG: 5000 bytes, but no clusters"),
    "lost": (lambda d: d.data.__setitem__(d.entry(b"BIG"), 0xE5), "10 clusters in 1 chains are nobody's"),
    "copies": (lambda d: d.set(d.start(b"BIG") + 3, 0, 1), "FAT 2 is not the same as FAT 1: clusters"),
    "media": (lambda d: d.data.__setitem__(d.fat, 0xF1), "FAT: entry 0 is of medium F1"),
    "dot": (lambda d: pack_into("<H", d.data, d.place(d.start(b"SUB")) + 26, 9), '/DIR/SUB: "." leads to cluster 9'),
    "dots": (lambda d: pack_into("<H", d.data, d.place(d.start(b"SUB")) + 58, 9), '/DIR/SUB: ".." leads to cluster 9'),
    "no dot": (lambda d: d.data.__setitem__(d.place(d.start(b"SUB")), 0xE5), '/DIR/SUB: entry 0 is not "."'),
    "short name": (lambda d: d.data.__setitem__(d.entry(b"BIG") + 1, ord("?")), "its short name has a 3F in it"),
    "twice": (lambda d: d.data.__setitem__(slice(d.entry(b"OTHER"), d.entry(b"OTHER") + 5), b"BIG  "),
              "/BIG: it is there twice"),
    "directory size": (lambda d: pack_into("<I", d.data, d.entry(b"DIR") + 28, 100), "/DIR: a directory whose entry"),
    "directory twice": (lambda d: pack_into("<H", d.data, d.entry(b"SUB") + 26, d.start(b"DIR")), "in another one"),
    "long sum": (lambda d: d.data.__setitem__(d.entry(b"ALONGD~1"), ord("B")), "a long name that belongs to no file"),
    "long order": (lambda d: d.data.__setitem__(d.entry(b"ALONGD~1") - 32, 9), "where piece 1 is to be"),
    "long start": (lambda d: d.data.__setitem__(d.entry(b"ALONGD~1") - 64, 0xE5), "without its beginning"),
    "label": (lambda d: d.data.__setitem__(d.entry(b"EMPTY") + 11, 8), "a label, and not in the root"),
    "behind": (lambda d: d.data.__setitem__(d.entry(b"EMPTY") + 96, 65), "1 entries behind its end"),
}  # fmt: skip


@pytest.mark.parametrize("bits", TYPES)
def test_damage_is_found(bits, images, check, tmp_path):
    for name, (change, text) in DAMAGE.items():
        volume = Volume(images[bits])
        change(volume)
        errors, _, _ = check(volume.data)
        assert any(text in error for error in errors), (name, errors)


@pytest.mark.parametrize("bits", TYPES)
def test_owners_are_named(bits, images, check):
    volume = Volume(images[bits])
    big, other = volume.start(b"BIG"), volume.start(b"OTHER")
    volume.set(big + 3, other + 4)
    errors, _, _ = check(volume.data)
    assert f"/OTHER: cluster {other + 4} is somebody else's, too" in errors
    assert {"/BIG: shares 6 of its clusters with others", "/OTHER: shares 6 of its clusters with others"} <= {*errors}
    assert f"6 clusters in 1 chains are nobody's: {big + 4} to {big + 9}" in errors


def test_fat32(images, check):
    """The copy of the boot sector, FSInfo, marks."""
    image = images["32"]
    data = bytearray(image)
    pack_into("<I", data, 512 + 488, 7)
    assert any(error.startswith("FSInfo (sector 1): 7 clusters are free, it says") for error in check(data)[0])
    data = bytearray(image)
    data[512] = 0
    assert check(data)[0] == ["FSInfo (sector 1): its signatures are wrong"]
    data = bytearray(image)
    data[6 * 512 + 32] ^= 1
    assert check(data)[0] == ["sector 6: the copy of the boot sector differs at byte 32"]
    data = bytearray(image)
    data[65] |= 3
    data[6 * 512 + 100] ^= 1
    errors, notes, _ = check(data)
    assert errors == []
    assert {"it was not unmounted", "somebody had errors reading or writing it"} <= {*notes}
    assert any("differs at byte 100" in note for note in notes)
    data = bytearray(image)
    data[11] = 1
    errors, _, summary = check(data)
    assert errors[0] == "sector 0: sector size: 513; what follows goes by its copy in sector 6"
    assert summary == check(image)[2]
    data = bytearray(image)
    data[71:74] = b"xyz"
    assert any("the label in the root directory is 'TESTVOL'" in note for note in check(data)[1])


@needs_fsck
@pytest.mark.parametrize("bits", TYPES)
def test_agreement_with_fsck_fat(bits, images, check, tmp_path):
    """Damage of single bits of metadata: whatever fsck.fat has to put right is told of here."""
    chance = random.Random(f"fat{bits}")
    image = images[bits]
    used = [at for at in range(0, len(image), 32) if any(image[at : at + 32])]
    path = tmp_path / "damaged"
    missed = []
    for _ in range({"12": 60, "16": 30, "32": 15}[bits]):
        damaged = bytearray(image)
        at = chance.choice(used) + chance.randrange(32)
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        theirs = subprocess.run([FSCK, "-n", path], capture_output=True, check=False)
        try:
            errors, notes, _ = check(damaged)
        except Fault as error:
            errors, notes = [str(error)], []
        if theirs.returncode and not errors and not any("fewer than" not in note for note in notes):
            missed.append((at, theirs.stdout.decode("latin-1").splitlines()[1:5]))
    assert missed == []


@pytest.mark.parametrize("bits", TYPES)
def test_truncated_images(bits, images, check):
    """What is missing is found, and what is there is looked at."""
    volume = Volume(images[bits])
    errors, _, _ = check(volume.data[: volume.place(volume.start(b"DIR")) // 512 * 512])
    assert any(error.startswith("boot sector: ") for error in errors)
    assert any(error.startswith("/DIR: ") for error in errors)
    assert not any("nobody's" in error for error in errors[:2])


@pytest.mark.parametrize("bits", ["12", "16"])
def test_flipped_bits(bits, images, check):
    """Nothing but findings and foreseen errors."""
    chance = random.Random(7)
    image = images[bits]
    used = [at for at in range(0, len(image), 32) if any(image[at : at + 32])]
    for _ in range(40):
        damaged = bytearray(image)
        for _ in range(chance.choice((1, 3, 20, 100))):
            damaged[chance.choice(used) + chance.randrange(32)] ^= 1 << chance.randrange(8)
        try:
            check(damaged)
        except Fault as error:
            assert error.__cause__ is None, error.__cause__


def test_a_huge_volume(check):
    """2 TiB: what takes memory is what is in use."""
    sectors, fat_sectors = 0xFFFFFF00, 0x80000
    boot = bytearray(512)
    boot[:11] = b"\xeb\x58\x90mkfs.fat"
    pack_into("<HBHBHHBHHHII", boot, 11, 512, 64, 32, 2, 0, 0, 0xF8, 0, 63, 255, 0, sectors)
    pack_into("<IHHIHH", boot, 36, fat_sectors, 0, 0, 2, 1, 6)
    boot[510:] = b"\x55\xaa"
    info = bytearray(512)
    pack_into("<I", info, 0, 0x41615252)
    pack_into("<III", info, 484, 0x61417272, 0xFFFFFFFF, 2)
    info[510:] = b"\x55\xaa"
    head = (0x0FFFFFF8).to_bytes(4, "little") + (0x0FFFFFFF).to_bytes(4, "little") * 2
    fats = {32 * 512: head, (32 + fat_sectors) * 512: head}
    device = Sparse(sectors * 512, {0: bytes(boot), 512: bytes(info), 6 * 512: bytes(boot), **fats})
    tracemalloc.start()
    try:
        errors, _, summary = check(device)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert errors == []
    assert summary.endswith("; 1 of 67092475 clusters")
