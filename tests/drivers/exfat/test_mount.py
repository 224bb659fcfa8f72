# SPDX-License-Identifier: BSD-2-Clause
"""Mounting: what is found out and refused, options, the backup boot region, the marks of being mounted."""

from __future__ import annotations

import pytest
from exfat_support import MNT, Memory, Session, fix_checksums, fsck, make, mount, needs_exfatprogs

from rump.drivers.fs.exfat import disk, driver
from rump.drivers.fs.exfat.checksum import set_checksum
from rump.kernel import abi
from rump.kernel.component import Drivers
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e

pytestmark = needs_exfatprogs
WHEN = 1_600_000_000 * 10**9


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A volume with a few files."""
    path = make(tmp_path_factory.mktemp("mount") / "image", 3 << 20, 1024)
    with Session(path) as session:
        session.write(b"file", b"contents")
        session.lwp.mkdir(MNT + b"/d", 0o755)
        session.lwp.utimens(MNT + b"/file", WHEN, WHEN)
    return path.read_bytes()


def field(image: bytearray, name: str, value: int, *, boot: int = 0) -> None:
    """Change a field of the boot sector."""
    offset, form = disk.BootSector.place(name)
    form.pack_into(image, boot + offset, value)


def refused(image, *, write: bool = False, **options) -> Fault:
    with pytest.raises(Fault) as caught:
        mount(bytes(image), write=write, log=[], **options)
    return caught.value


def test_probing(base, tmp_path):
    """exFAT is known by its boot sector, and no other driver takes it; the FAT driver's volumes are not ours."""
    found = Drivers(default()).probe(Memory(base))
    assert found is not None
    assert (found[0], found[1]) == (driver, "exFAT")
    assert driver.probe(Memory(bytes(1 << 20))) is None
    assert driver.probe(Memory(b"short")) is None
    damaged = bytearray(base)
    damaged[:512] = b"\xff" * 512
    assert driver.probe(Memory(bytes(damaged))) == "exFAT"
    # Something else was put over it: what is left of it means nothing.
    damaged[510:512] = b"\x55\xaa"
    assert driver.probe(Memory(bytes(damaged))) is None


def test_describe_and_statvfs(base):
    """What people see of a volume; the free count is that of dump.exfat."""
    volume = mount(base)
    said = dict(volume.describe())
    assert said[b"type"] == b"exFAT"
    assert said[b"label"] == b"TEST"
    assert said[b"state"] == b"clean"
    assert said[b"cluster size"] == b"1024"
    boot = disk.BootSector(base)
    size, _, blocks, free, *_ = volume.statvfs()
    assert (size, blocks) == (1024, boot.clusters)
    bitmap = base[boot.heap_offset * 512 :][: -(-boot.clusters // 8)]
    assert free == boot.clusters - int.from_bytes(bitmap, "little").bit_count()


def test_options(base):
    """Owners, permissions, time zones; unknown ones are refused."""
    volume = mount(base, uid="7", gid="8", mask="640", dirmask="750")
    file = volume.lookup(volume.root()[:2], b"FILE")
    assert file[v.MODE : v.GID + 1] == (abi.S_IFREG | 0o640, 1, 7, 8)
    assert volume.root()[v.MODE] == abi.S_IFDIR | 0o750
    assert file[v.MTIME] == WHEN
    for given in ({"uid": "x"}, {"tz": "99:00"}, {"longnames": ""}):
        assert refused(base, **given).errno == e.EINVAL


def test_zone_of_the_mount(base):
    """tz is of times that do not say their own."""
    plain = bytearray(base)
    at = plain.find("file".encode("utf-16-le")) - 66
    plain[at + 22 : at + 25] = bytes(3)
    plain[at + 2 : at + 4] = set_checksum(bytes(plain[at : at + 96])).to_bytes(2, "little")
    for zone, shift in (("0", 0), ("+02:00", 120), ("-90", -90)):
        volume = mount(bytes(plain), tz=zone)
        assert volume.lookup(volume.root()[:2], b"file")[v.MTIME] == WHEN - shift * 60 * 10**9


@pytest.mark.parametrize(
    ("name", "value", "number", "words"),
    [
        ("revision", 0x0200, e.EINVAL, "revision 2.00"),
        ("sector_shift", 8, e.EIO, "sector size shift"),
        ("cluster_shift", 20, e.EIO, "cluster size shift"),
        ("fats", 0, e.EIO, "number of FATs"),
        ("fat_offset", 3, e.EIO, "FAT offset"),
        ("fat_length", 1, e.EIO, "FAT length"),
        ("heap_offset", 30, e.EIO, "heap offset"),
        ("clusters", 0, e.EIO, "clusters"),
        ("clusters", 1 << 31, e.EIO, "FAT length"),
        ("volume_length", 9, e.EIO, "volume length"),
        ("root_cluster", 1, e.EIO, "root directory"),
    ],
)
def test_boot_sectors_that_lie(base, name, value, number, words):
    """A clear error names the field - where the backup is gone, too."""
    image = bytearray(base)
    field(image, name, value)
    image[12 * 512 : 24 * 512] = bytes(12 * 512)
    fix_checksums(image)
    error = refused(image)
    assert error.errno == number
    assert words in (error.detail or "")


def test_backup_boot_region(base, tmp_path):
    """It is used, with a word, where the main one is damaged; for reading only."""
    for at, length in ((0, 512), (130, 64), (11 * 512, 8)):
        image = bytearray(base)
        image[at : at + length] = bytes(range(100, 100 + length)) if length < 100 else bytes([7]) * length
        log: list[str] = []
        volume = mount(bytes(image), log=log)
        assert volume.lookup(volume.root()[:2], b"file")[v.SIZE] == 8
        assert len(log) == 1
        assert "backup" in log[0]
        error = refused(image, write=True)
        assert error.errno == e.EROFS
        assert "backup" in (error.detail or "")
    image[12 * 512 + 130] ^= 1
    assert "checksum" in (refused(image).detail or "")


def test_what_makes_a_volume_read_only(base):
    """A second FAT; a device that is too short, or read-only; a missing bitmap, a missing or damaged up-case table."""
    image = bytearray(base)
    field(image, "fats", 2)
    field(image, "fat_length", disk.BootSector(base).fat_length // 2)
    fix_checksums(image)
    assert "TexFAT" in (refused(image, write=True).detail or "")
    assert dict(mount(bytes(image)).describe())[b"type"] == b"TexFAT"
    short = base[: len(base) - 65536]
    assert "cut short" in (refused(short, write=True).detail or "")
    with pytest.raises(Fault) as caught:
        device = Memory(base, read_only=True)
        mount(device, write=True)
    assert caught.value.errno == e.EROFS
    boot = disk.BootSector(base)
    root = boot.heap_offset * 512 + (boot.root_cluster - 2) * 1024
    for slot, words in ((1, "bitmap"), (2, "up-case")):
        image = bytearray(base)
        image[root + slot * 32] &= 0x7F
        assert words in (refused(image, write=True).detail or "")
    image = bytearray(base)
    table = disk.UpcaseEntry(base, root + 64)
    image[boot.heap_offset * 512 + (table.first_cluster - 2) * 1024 + 500] ^= 1
    assert "up-case table: checksum" in (refused(image, write=True).detail or "")
    log: list[str] = []
    volume = mount(bytes(image), log=log)
    assert volume.lookup(volume.root()[:2], b"FILE")[v.SIZE] == 8
    assert len(log) == 1
    assert "recommended" in log[0]


def test_unknown_entries_of_the_root(base):
    """A critical one is refused, a benign one passed over; a GUID is shown."""
    boot = disk.BootSector(base)
    root = boot.heap_offset * 512 + (boot.root_cluster - 2) * 1024
    end = next(at for at in range(root, root + 1024, 32) if not base[at])
    image = bytearray(base)
    image[end] = 0x86
    assert refused(image).errno == e.EINVAL
    image[end] = 0xA5
    assert mount(bytes(image)).lookup((1, 0), b"file")
    guid = bytearray(disk.GuidEntry.struct.pack(disk.TYPE_GUID, 0, 0, 0, bytes(range(16)), b""))
    guid[2:4] = set_checksum(bytes(guid)).to_bytes(2, "little")
    image[end : end + 32] = guid
    assert dict(mount(bytes(image)).describe())[b"guid"] == b"03020100-0504-0706-0809-0a0b0c0d0e0f"


def test_nothing_is_written(base):
    """A mount for writing that changes nothing writes nothing; it needs no sync either."""
    device = Memory(base, read_only=False)
    volume = mount(device, write=True)
    volume.lookup(volume.root()[:2], b"file")
    volume.sync()
    volume.unmount()
    assert device.writes == 0
    assert bytes(device.data) == base


def test_marks(base, tmp_path):
    """Dirty before the first change is there, clean and with the percentage in use after unmounting; a volume that was
    not clean before stays so, and says so."""
    device = Memory(base, read_only=False)
    volume = mount(device, write=True)
    volume.create(volume.root()[:2], b"new", abi.S_IFREG | 0o644, 0, 0, 0, b"")
    assert disk.BootSector(device.data).flags == 0
    device.fail_after = device.writes + 1
    with pytest.raises(Fault):
        volume.sync()
    assert disk.BootSector(device.data).flags == disk.FLAG_DIRTY
    with pytest.raises(Fault):
        volume.lookup(volume.root()[:2], b"other")
    device = Memory(base, read_only=False)
    volume = mount(device, write=True)
    file, _ = volume.create(volume.root()[:2], b"new", abi.S_IFREG | 0o644, 0, 0, 0, b"")
    volume.set_attributes(file[:2], ((v.SIZE, 500_000),))
    volume.unmount()
    boot = disk.BootSector(device.data)
    free = mount(bytes(device.data)).statvfs()[3]
    assert (boot.flags, boot.percent) == (0, (boot.clusters - free) * 100 // boot.clusters)
    assert boot.percent > 30
    path = tmp_path / "image"
    path.write_bytes(device.data)
    fsck(path)
    image = bytearray(base)
    field(image, "flags", disk.FLAG_DIRTY | disk.FLAG_CLEAR_TO_ZERO)
    log: list[str] = []
    device = Memory(bytes(image), read_only=False)
    volume = mount(device, write=True, log=log)
    assert "not unmounted" in log[0]
    volume.create(volume.root()[:2], b"new", abi.S_IFREG | 0o644, 0, 0, 0, b"")
    volume.unmount()
    assert disk.BootSector(device.data).flags == disk.FLAG_DIRTY


def test_read_only_in_a_kernel(base, tmp_path):
    """EROFS, and the image is as it was."""
    path = tmp_path / "image"
    path.write_bytes(base)
    with Session(path) as session:
        session.lwp.unmount(MNT)
        session.mount(abi.MNT_RDONLY)
        assert session.read(b"file") == b"contents"
        for call in (
            lambda: session.lwp.mkdir(MNT + b"/x", 0o755),
            lambda: session.lwp.unlink(MNT + b"/file"),
            lambda: session.lwp.open(MNT + b"/file", abi.O_WRONLY),
        ):
            with pytest.raises(OSError) as caught:
                call()
            assert caught.value.errno == e.EROFS
    assert path.read_bytes() == base
