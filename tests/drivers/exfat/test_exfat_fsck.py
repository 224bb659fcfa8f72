# SPDX-License-Identifier: BSD-2-Clause
"""The checker, against fsck.exfat: what it calls clean is clean here, and what is damaged is found."""

from __future__ import annotations

import random
import subprocess
import tracemalloc
from struct import pack_into, unpack_from

import pytest
from exfat_support import FSCK, Memory, Session, make, needs_exfatprogs, services

from rump.drivers.fs.exfat import disk, driver
from rump.drivers.fs.exfat.checksum import boot_checksum, set_checksum
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v

SIZE = 2 << 20


def check(image, **options):
    """(errors, notes, summary) of an image."""
    device = image if isinstance(image, BlockDevice) else Memory(bytes(image))
    rows = [*driver.fsck(v.MountArguments(device, services([]), options=options))]
    assert rows[-1][0] == v.SUMMARY
    errors, notes = ([text for grade, text in rows if grade == wanted] for wanted in (v.ERROR, v.NOTE))
    return errors, notes, rows[-1][1]


class Volume:
    """An image, and where things are in it."""

    def __init__(self, image: bytes) -> None:
        self.data = bytearray(image)
        boot = disk.BootSector(image)
        self.fat = boot.fat_offset << boot.sector_shift
        self.heap = boot.heap_offset << boot.sector_shift
        self.cluster = 1 << boot.sector_shift + boot.cluster_shift
        self.root = self.place(boot.root_cluster)

    def place(self, cluster: int) -> int:
        return self.heap + (cluster - 2) * self.cluster

    def set_of(self, name: str) -> int:
        """Where the set of a file with a short name begins."""
        return self.data.index(name.encode("utf-16-le").ljust(30, b"\0")) - 66

    def start(self, name: str) -> int:
        return unpack_from("<I", self.data, self.set_of(name) + 32 + 20)[0]

    def change(self, name: str, form: str, at: int, value: int) -> None:
        """A field of a file's stream entry; the checksum is made right."""
        place = self.set_of(name)
        pack_into(form, self.data, place + 32 + at, value)
        self.seal(place)

    def spoil(self, at: int) -> None:
        """Another byte, whatever was there: some of them come from the clock."""
        self.data[at] ^= 0x55

    def seal(self, place: int) -> None:
        size = (self.data[place + 1] + 1) * 32
        pack_into("<H", self.data, place + 2, set_checksum(bytes(self.data[place : place + size])))

    def link(self, cluster: int, value: int) -> None:
        pack_into("<I", self.data, self.fat + cluster * 4, value)

    def chain(self, name: str) -> None:
        """A contiguous file gets a chain."""
        first = self.start(name)
        count = -(-unpack_from("<Q", self.data, self.set_of(name) + 56)[0] // self.cluster)
        for cluster in range(first, first + count):
            self.link(cluster, cluster + 1 if cluster < first + count - 1 else 0xFFFFFFFF)
        self.change(name, "B", 1, 1)

    def flip(self, cluster: int) -> None:
        """The bit of a cluster in the bitmap."""
        entry = self.data.index(b"\x81\0", self.root)
        place = self.place(unpack_from("<I", self.data, entry + 20)[0])
        self.data[place + (cluster - 2) // 8] ^= 1 << (cluster - 2) % 8


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A volume with some files; their contents are zeros."""
    path = make(tmp_path_factory.mktemp("fsck") / "image", SIZE, 4096, label="TEST")
    with Session(path) as session:
        for name in (b"dir", b"dir/sub", b"A long directory name"):
            session.lwp.mkdir(b"/mnt/" + name, 0o755)
        for name, size in ((b"big", 20000), (b"other", 20000), (b"dir/Some long named file.txt", 9000), (b"small", 3),
                           (b"dir/empty", 0)):  # fmt: skip
            session.write(name, bytes(size))
    return path.read_bytes()


@needs_exfatprogs
@pytest.mark.parametrize("cluster", [512, 4096, 32768])
def test_empty_images_of_others(cluster, tmp_path):
    errors, notes, _ = check(make(tmp_path / "image", 4 << 20, cluster).read_bytes())
    assert (errors, notes) == ([], [])


def test_clean_image(image):
    errors, notes, summary = check(image)
    assert (errors, notes) == ([], [])
    assert summary.startswith("9 files, 4 of them directories; ")
    volume = Volume(image)
    volume.chain("big")
    assert check(volume.data)[:2] == ([], [])


def _both(volume: Volume) -> None:
    volume.change("other", "<I", 20, volume.start("big") + 2)


DAMAGE = {
    "set checksum": (lambda d: d.spoil(d.set_of("big") + 8), "/big: checksum"),
    "name hash": (lambda d: d.change("big", "<H", 4, 1), "/big: name hash 0x0001"),
    "size": (lambda d: d.change("big", "<Q", 24, 1 << 40), "/big: 268435456 clusters from cluster"),
    "valid": (lambda d: d.change("big", "<Q", 8, 20001), "/big: 20001 bytes are valid, of 20000"),
    "start": (lambda d: d.change("big", "<I", 20, 1 << 30), "/big: 20000 bytes from cluster 1073741824"),
    "no start": (lambda d: d.change("small", "B", 1, 0), "/small: no space is possible"),
    "twice": (_both, "/other: cluster"),
    "loop": (lambda d: (d.chain("big"), d.link(d.start("big") + 3, d.start("big"))), "the chain comes back"),
    "chain": (lambda d: (d.chain("big"), d.link(d.start("big") + 2, 0xFFFFFFFF)), "clusters; it has 3"),
    "bad": (lambda d: (d.chain("big"), d.link(d.start("big") + 2, 0xFFFFFFF7)), "which is bad"),
    "free": (lambda d: d.flip(d.start("big") + 1), "is marked free, but in use"),
    "directory": (lambda d: d.change("sub", "<Q", 24, 100), "/dir/sub: a directory of 100 bytes"),
    "directory twice": (lambda d: d.change("sub", "<I", 20, d.start("dir")), "is in another one, too"),
    "no stream": (lambda d: d.data.__setitem__(d.set_of("big") + 32, 0x40), "a file without a stream entry"),
    "count": (lambda d: d.data.__setitem__(d.set_of("big") + 1, 1), "a file of 1 secondary entries"),
    "orphan": (lambda d: d.data.__setitem__(d.set_of("big"), 5), "that belongs to nothing"),
    "name": (lambda d: d.data.__setitem__(d.set_of("big") + 66, 63), "its name has '?' in it"),
    "upcase": (lambda d: d.data.__setitem__(d.data.index(b"\x82\0\0\0", d.root) + 4, 0), "up-case table: checksum"),
    "bitmap": (lambda d: d.data.__setitem__(d.data.index(b"\x81\0", d.root) + 24, 1), "allocation bitmap: 1 bytes"),
    "backup": (lambda d: d.data.__setitem__(12 * 512 + 200, 1), "backup of the boot region: its checksum"),
    "main": (lambda d: d.data.__setitem__(200, 1), "what follows goes by the backup of the boot region"),
    "critical": (lambda d: d.data.__setitem__(d.set_of("big"), 0x9F), "a critical entry of unknown type 0x9f"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(name, image):
    change, text = DAMAGE[name]
    volume = Volume(image)
    change(volume)
    errors, _, _ = check(volume.data)
    assert any(text in error for error in errors), errors


def test_two_names_that_are_one(image):
    volume = Volume(image)
    place = volume.set_of("other")
    start = volume.set_of("big")
    volume.data[place + 64 : place + 96] = volume.data[start + 64 : start + 96]
    volume.data[place + 66] -= 32
    volume.data[place + 35 : place + 38] = volume.data[start + 35 : start + 38]
    volume.seal(place)
    assert check(volume.data)[0] == ["/Big: it is there twice"]


def test_owners_are_named(image):
    volume = Volume(image)
    _both(volume)
    errors, notes, _ = check(volume.data)
    assert {"/big: shares 3 of its clusters with others", "/other: shares 3 of its clusters with others"} <= {*errors}
    assert any("nobody's" in note for note in notes)


def test_marks(image):
    volume = Volume(image)
    volume.data[106] = disk.FLAG_DIRTY | disk.FLAG_MEDIA_FAILURE
    volume.data[112] = 77
    volume.flip(volume.start("big") + 100)
    volume.flip(volume.start("big") + 200)
    volume.link(volume.start("big") + 200, disk.FAT_BAD)
    errors, notes, _ = check(volume.data)
    assert errors == []
    lost = volume.start("big") + 100
    assert {"it was not unmounted", f"allocation bitmap: cluster {lost} is marked in use, but nobody's",
            "1 clusters are marked bad", "somebody had errors reading or writing it"} <= {*notes}  # fmt: skip
    assert any(note.startswith("boot sector: 77 % of the clusters") for note in notes)


@needs_exfatprogs
def test_agreement_with_fsck_exfat(image, tmp_path):
    """Damage of single bits of metadata: whatever fsck.exfat finds is found here.  (It does not look at the backup, nor
    for clusters that nobody has.)"""
    chance = random.Random(5)
    heap = Volume(image).heap
    used = [at for at in (*range(0, 6144, 32), *range(heap, len(image), 32)) if any(image[at : at + 32])]
    path = tmp_path / "damaged"
    differ = []
    for _ in range(100):
        damaged = bytearray(image)
        at = chance.choice(used) + chance.randrange(32)
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        theirs = subprocess.run([FSCK, "-n", path], capture_output=True, check=False)
        try:
            errors, _, _ = check(damaged)
        except Fault as error:
            errors = [str(error)]
        if bool(errors) != bool(theirs.returncode):
            differ.append((at, errors, theirs.stdout.decode("utf-8", "replace").splitlines()[1:5]))
    assert len(differ) <= 2, differ
    assert all(errors for _, errors, _ in differ), differ


def test_truncated_images(image):
    """What is missing is found, and what is there is looked at."""
    volume = Volume(image)
    errors, _, summary = check(volume.data[: volume.place(volume.start("dir"))])
    assert errors[0].startswith(f"boot sector: {SIZE} bytes, memory has ")
    assert any(error.startswith("/dir: ") for error in errors)
    assert summary.startswith("6 files, 3 of them directories; ")


def test_flipped_bits(image):
    """Nothing but findings and foreseen errors."""
    chance = random.Random(9)
    heap = Volume(image).heap
    used = [at for at in (*range(0, 512, 32), *range(heap, len(image), 32)) if any(image[at : at + 32])]
    for _ in range(60):
        damaged = bytearray(image)
        for _ in range(chance.choice((1, 3, 20, 100))):
            damaged[chance.choice(used) + chance.randrange(32)] ^= 1 << chance.randrange(8)
        try:
            check(damaged)
        except Fault as error:
            assert error.__cause__ is None, error.__cause__


class Sparse(Memory):
    """A large device of which only the beginning is not zeros."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self.size = size

    def readinto(self, offset: int, buffer) -> None:
        view = memoryview(buffer).cast("B")
        data = self.data[offset : offset + len(view)]
        view[: len(data)] = data
        view[len(data) :] = bytes(len(view) - len(data))


def test_a_huge_volume(image):
    """2 TiB in 512 million clusters: what takes memory is what is in use."""
    volume = Volume(image)
    clusters = (2 << 40) // volume.cluster - 4096
    boot = disk.BootSector(bytes(volume.data))
    fat = -(-(clusters + 2) * 4 // 512)
    heap = boot.fat_offset + fat
    boot_sector = bytearray(volume.data[:512])
    pack_into("<QIIII", boot_sector, 72, heap + clusters * 8, boot.fat_offset, fat, heap, clusters)
    region = bytes(boot_sector) + bytes(volume.data[512 : 11 * 512])
    region += boot_checksum(region).to_bytes(4, "little") * 128
    head = bytearray(boot.fat_offset * 512)
    head[: len(region) * 2] = region * 2
    device = Sparse(bytes(head), (heap + clusters * 8) * 512)
    tracemalloc.start()
    try:
        errors, _, _ = check(device)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert any("no up-case table" in error for error in errors)
