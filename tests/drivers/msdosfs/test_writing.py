# SPDX-License-Identifier: BSD-2-Clause
"""Writing: what others read of it, what the medium says, what stays what it is."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fat_session import ENVIRONMENT, MCOPY, Mounted, assert_clean, fsck, needs_dosfstools, new_image

from rump.drivers.fs.fat import chains
from rump.drivers.fs.msdosfs import driver
from rump.drivers.fs.msdosfs.mount import Geometry
from rump.kernel import abi
from rump.kernel.callout import Callout
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault
from rump.kernel.vfs.volume import DATA, MountArguments, Services
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from typing_extensions import Buffer

pytestmark = needs_dosfstools
needs_mtools = pytest.mark.skipif(not MCOPY, reason="mtools is not installed")

BEYOND = "\U0001f600 face".encode()
"""mtools knows no characters of two units."""
TREE = {
    b"README.TXT": b"upper",
    b"readme.md": b"lower",
    b"lower.TXT": b"case of each part",
    b"Mixed.Case": b"x" * 5000,
    b"a rather long name, with spaces.text": b"y" * 100_000,
    b".profile": b"",
    b"n" * 250 + b".dat": b"longest but five",
    "Übergröße €.bin".encode(): b"1",
    "日本語のファイル.txt".encode(): b"2",
    BEYOND: b"3",
    b"folder": None,
    b"folder/Deeper Folder": None,
    b"folder/Deeper Folder/x.y.z": b"z" * 513,
}


def fill(mounted: Mounted) -> None:
    for path, data in TREE.items():
        if data is None:
            mounted.lwp.mkdir(path, 0o755)
        else:
            mounted.write(path, data)


def entry_of(mounted: Mounted, path: bytes, image: bytes) -> bytes:
    """The short entry of a file that has not moved since it was mounted."""
    place: int = mounted.lwp.stat(path).st_ino * 32
    return image[place : place + 32]


@needs_mtools
@pytest.mark.parametrize("kind", ["fat12-4k", "fat16", "fat32-large"])
def test_mtools_read_what_we_wrote(kind: str, tmp_path: Path) -> None:
    mounted = Mounted(new_image(kind))
    fill(mounted)
    mounted.lwp.unlink(BEYOND)
    image = mounted.unmount()
    assert_clean(image)
    (tmp_path / "image").write_bytes(image)
    (tmp_path / "out").mkdir()
    command = ["mcopy", "-s", "-n", "-i", tmp_path / "image", "::/", tmp_path / "out"]
    subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True)
    found = {}
    for folder, folders, files in os.walk(os.fsencode(tmp_path / "out")):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), os.fsencode(tmp_path / "out"))] = None
        for name in files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(tmp_path / "out"))] = Path(os.fsdecode(path)).read_bytes()
    assert found == {path: data for path, data in TREE.items() if path != BEYOND}


@needs_mtools
def test_we_change_what_mtools_wrote(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(new_image("fat16"))
    for name in ("one", "A long name by mtools.txt", "lower.c"):
        (tmp_path / name).write_bytes(name.encode() * 500)
        subprocess.run(["mcopy", "-i", tmp_path / "image", tmp_path / name, "::/"], check=True, env=ENVIRONMENT)
    mounted = Mounted((tmp_path / "image").read_bytes())
    mounted.lwp.unlink(b"ONE")
    mounted.lwp.rename(b"a LONG name by mtools.txt", b"lower.d")
    mounted.write(b"LOWER.C", b"changed", 3)
    image = mounted.unmount()
    assert_clean(image)
    (tmp_path / "image").write_bytes(image)
    done = subprocess.run(["mtype", "-i", tmp_path / "image", "::/lower.d"], capture_output=True, env=ENVIRONMENT)
    assert done.stdout == b"A long name by mtools.txt" * 500
    done = subprocess.run(["mtype", "-i", tmp_path / "image", "::/lower.c"], capture_output=True, env=ENVIRONMENT)
    assert done.stdout == b"lowchanged" + (b"lower.c" * 500)[10:]


# ---- what the medium says --------------------------------------------------------------------------------------------


def dirty(image: bytes) -> tuple[bool, bool]:
    """What the boot sector and the table say."""
    geometry = Geometry(image[:512])
    bits = {12: 0, 16: 0x8000, 32: 0x08000000}[geometry.bits]
    (entry,) = struct.unpack_from("<I", image, geometry.fat_offset + geometry.bits // 8)
    return bool(image[geometry.state_offset] & 1), bool(bits and not entry & bits)


@pytest.mark.parametrize("kind", ["fat12", "fat16", "fat32"])
def test_the_mark_of_being_in_use(kind: str) -> None:
    """Made with the first change, taken back at the end; a volume that is not changed is not written to."""
    before = new_image(kind)
    mounted = Mounted(before)
    mounted.lwp.sync()
    mounted.names(b".")
    assert mounted.unmount() == before
    mounted.mount()
    mounted.write(b"f", b"data")
    mounted.lwp.sync()
    assert dirty(mounted.image()) == (True, kind != "fat12")
    assert mounted.log == []
    after = mounted.unmount()
    assert dirty(after) == (False, False)
    assert_clean(after)


@pytest.mark.parametrize("kind", ["fat16", "fat32"])
def test_a_volume_found_in_use_stays_so_marked(kind: str) -> None:
    first = Mounted(new_image(kind))
    first.write(b"f", b"data")
    first.lwp.sync()
    again = Mounted(first.image())
    assert "should be checked" in again.log[0]
    again.write(b"g", b"more")
    image = again.unmount()
    assert dirty(image)[0]
    status, said, mended = fsck(image, "-a")
    assert status == 1 and "Dirty bit" in said and "Reclaimed" not in said and "summary" not in said
    assert_clean(mended)


def test_only_the_fat_in_use_changes() -> None:
    image = bytearray(new_image("fat32"))
    struct.pack_into("<H", image, 40, 0x81)         # only the second is kept
    geometry = Geometry(bytes(image[:512]))
    first = slice(32 * 512, geometry.fat_offset)
    before = bytes(image[first])
    mounted = Mounted(image)
    fill(mounted)
    after = mounted.unmount()
    assert after[first] == before
    with Mounted(after, read_only=True) as again:
        assert again.tree() == TREE


def test_upper_bits_of_entries_stay() -> None:
    image = bytearray(new_image("fat32"))
    geometry = Geometry(bytes(image[:512]))
    for offset in (geometry.fat_offset, *geometry.mirrors):
        for cluster in range(3, 200):
            image[offset + cluster * 4 + 3] |= 0xA0
    mounted = Mounted(image)
    mounted.write(b"f", bytes(30_000))
    mounted.write(b"g", bytes(30_000))
    mounted.lwp.unlink(b"f")
    after = mounted.unmount()
    assert {after[geometry.fat_offset + cluster * 4 + 3] >> 4 for cluster in range(3, 200)} == {10}
    with Mounted(after, read_only=True) as again:
        assert again.read(b"g") == bytes(30_000)


def test_the_copy_of_the_boot_sector() -> None:
    """Where the first is damaged, or when told: for reading only."""
    image = bytearray(new_image("fat32"))
    whole = Mounted(image)
    fill(whole)
    image = bytearray(whole.unmount())
    with Mounted(image, read_only=True, backup="") as mounted:
        assert mounted.tree() == TREE and mounted.log == []
    image[:512] = bytes(512)
    with Mounted(image, read_only=True) as mounted:
        assert mounted.tree() == TREE and "its copy in sector 6" in mounted.log[0]
    with pytest.raises(Fault) as caught:
        Mounted(image)
    assert caught.value.errno == e.EROFS
    image[6 * 512 + 510] = 0
    with pytest.raises(Fault) as caught:
        Mounted(image, read_only=True)
    assert caught.value.errno == e.EFTYPE


# ---- names -----------------------------------------------------------------------------------------------------------


def test_case_flags_and_short_names() -> None:
    mounted = Mounted(new_image("fat16"))
    fill(mounted)
    mounted.lwp.sync()
    image = mounted.image()
    for name, raw, case in (
        (b"README.TXT", b"README  TXT", 0), (b"readme.md", b"README  MD ", 0x18), (b"lower.TXT", b"LOWER   TXT", 0x08),
        (b"Mixed.Case", b"MIXED~1 CAS", 0), (b".profile", b"PROFIL~1   ", 0), (b"folder", b"FOLDER     ", 0x18 & 8),
    ):  # fmt: skip
        assert (entry_of(mounted, name, image)[:11], entry_of(mounted, name, image)[12]) == (raw, case)
    assert mounted.read(b"PROFIL~1") == b"" and mounted.read(b"mixed~1.cas") == TREE[b"Mixed.Case"]
    mounted.unmount()


@pytest.mark.parametrize(
    "name",
    [b"a:b", b"a*", b"?", b'"', b"<", b">", b"|", b"back\\slash", b"end.", b"end ", b"\x01", b"\xff", b"a\x7f",
     b"\xed\xa0\xbd\xed\xb8\x80"],
)  # fmt: skip
def test_names_that_cannot_be(name: bytes) -> None:
    with Mounted(new_image("fat12")) as mounted:
        with pytest.raises(Fault) as caught:
            mounted.write(name, b"")
        assert caught.value.errno == e.EINVAL
        with pytest.raises(Fault) as caught:
            mounted.lwp.mkdir(name, 0o755)
        assert caught.value.errno == e.EINVAL
        mounted.write(b"f", b"")
        with pytest.raises(Fault) as caught:
            mounted.lwp.rename(b"f", name)
        assert caught.value.errno == e.EINVAL
        assert mounted.names(b".") == [b"f"]


def test_the_longest_name_and_lone_surrogates() -> None:
    with Mounted(new_image("fat12-4k")) as mounted:
        for name in (b"x" * 255, "\u20ac".encode() * 255, "\U0001f600".encode() * 127, b"lone \xed\xa0\x80 half"):
            mounted.write(name, b"x")
            assert mounted.names(b".") == [name]
            mounted.lwp.unlink(name)
        for name in (b"x" * 256, "\U0001f600".encode() * 128):
            with pytest.raises(Fault) as caught:
                mounted.write(name, b"x")
            assert caught.value.errno == e.ENAMETOOLONG
        assert_clean(mounted.unmount())


def test_code_pages() -> None:
    """Short names for long ones are in the volume's code page; names with other letters than ASCII are kept in both."""
    for page, name, raw in (
        ("850", "ÄÖÜ.txt", b"\x8e\x99\x9a     TXT"), ("437", "äöü straße.txt", b"\x8e\x99\x9aSTR~1TXT"),
        ("866", "Файл.txt", b"\x94\x80\x89\x8b    TXT"), ("437", "Файл.txt", b"____~1  TXT"),
        ("932", "日本語表示名前.txt", "日本語~1".encode("cp932") + b"TXT"),
    ):  # fmt: skip
        mounted = Mounted(new_image("fat16"), codepage=page)
        mounted.write(name.encode(), b"x")
        assert mounted.names(b".") == [name.encode()]
        image = mounted.unmount()
        mounted.mount()
        assert entry_of(mounted, name.encode(), image)[:11] == raw
        mounted.unmount()
    with pytest.raises(Fault) as caught:
        Mounted(new_image("fat16"), codepage="65001")
    assert caught.value.errno == e.EINVAL


def test_many_names_with_one_beginning() -> None:
    """Tails, then hashes: no two short names are the same."""
    mounted = Mounted(new_image("fat32-2k"))
    names = [b"photograph number %04d of a long series.jpeg" % number for number in range(600)]
    mounted.lwp.mkdir(b"d", 0o755)
    for name in names:
        mounted.write(b"d/" + name, b"")
    assert mounted.names(b"d") == names
    assert_clean(mounted.unmount())
    with Mounted(mounted.image(), read_only=True, shortnames="") as again:
        short = again.names(b"d")
        assert len(set(short)) == 600
        assert short[:2] == [b"PHOTOG~1.JPE", b"PHOTOG~2.JPE"] and short[20][6:8] == b"~1" and short[20][:2] == b"PH"


# ---- attributes ------------------------------------------------------------------------------------------------------


def test_times_in_a_zone() -> None:
    """Two seconds, ten milliseconds for what was made, days for what was read: of the clock of the zone."""
    second = 10**9
    mounted = Mounted(new_image("fat16"), tz="-03:30")
    mounted.write(b"f", b"")
    born = mounted.lwp.stat(b"f").st_birthtime_ns
    when = 1_400_000_001 * second + 999_999_999
    mounted.lwp.utimens(b"f", when, when)
    st = mounted.lwp.stat(b"f")
    zone = -(3 * 3600 + 1800) * second
    assert st.st_mtime_ns == when - (when + zone) % (2 * second)
    assert st.st_atime_ns == when - (when + zone) % (86_400 * second)
    assert st.st_birthtime_ns == born and born % 10**7 == 0
    with pytest.raises(Fault) as caught:
        mounted.lwp.utimens(b"f", 0, 0)
    assert caught.value.errno == e.EINVAL
    mounted.unmount()


def test_flags_modes_and_owners() -> None:
    mounted = Mounted(new_image("fat16"), uid="7", gid="8", mask="664")
    mounted.write(b"f", b"")
    lwp = mounted.lwp
    assert lwp.stat(b"f").st_flags == abi.UF_ARCHIVE
    lwp.chflags(b"f", abi.UF_HIDDEN | abi.UF_SYSTEM)
    assert lwp.stat(b"f").st_flags == abi.UF_HIDDEN | abi.UF_SYSTEM
    lwp.chmod(b"f", 0o444)
    assert (lwp.stat(b"f").st_mode, lwp.stat(b"f").st_flags & abi.UF_READONLY) == (0o100444, abi.UF_READONLY)
    lwp.chmod(b"f", 0o664)
    mounted.write(b"f", b"again", 0)
    assert lwp.stat(b"f").st_flags == abi.UF_HIDDEN | abi.UF_SYSTEM | abi.UF_ARCHIVE
    lwp.chown(b"f", 7, 8)
    lwp.chown(b".", 7, 8)
    lwp.chmod(b".", 0o775)
    for call, arguments in (
        (lwp.chmod, (b"f", 0o600)), (lwp.chown, (b"f", 0, 8)), (lwp.chmod, (b".", 0o700)), (lwp.symlink, (b"f", b"s")),
        (lwp.link, (b"f", b"l")), (lwp.mkfifo, (b"p", 0o600)), (lwp.chflags, (b"f", abi.UF_NODUMP)),
    ):  # fmt: skip
        with pytest.raises(Fault) as caught:
            call(*arguments)
        assert caught.value.errno == e.EOPNOTSUPP, call
    lwp.close(lwp.open(b"read-only", abi.O_WRONLY | abi.O_CREAT, 0o444))
    assert lwp.stat(b"read-only").st_flags == abi.UF_ARCHIVE | abi.UF_READONLY
    assert_clean(mounted.unmount())


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_a_file_keeps_its_number_while_it_is_in_use() -> None:
    mounted = Mounted(new_image("fat16"))
    lwp = mounted.lwp
    lwp.mkdir(b"d", 0o755)
    mounted.write(b"a", b"first")
    number = lwp.stat(b"a").st_ino
    fd = lwp.open(b"a", abi.O_RDWR)
    lwp.rename(b"a", b"d/somewhere else entirely")
    mounted.write(b"b", b"second")                  # where "a" was, once that is on the medium
    lwp.sync()
    mounted.write(b"c", b"third")
    assert lwp.fstat(fd).st_ino == lwp.stat(b"d/somewhere else entirely").st_ino == number
    lwp.unlink(b"c")
    mounted.write(b"c2", b"fourth")
    lwp.pwrite(fd, b"FIRST", 0)
    assert mounted.read(b"d/somewhere else entirely") == b"FIRST"
    lwp.unlink(b"d/somewhere else entirely")
    assert (lwp.fstat(fd).st_nlink, lwp.pread(fd, 9, 0)) == (0, b"FIRST")
    for name in (b"e", b"f", b"g"):
        mounted.write(name, name)
    numbers = [lwp.stat(name).st_ino for name in (b"b", b"c2", b"d", b"e", b"f", b"g")]
    assert number not in numbers and len(set(numbers)) == 6
    lwp.pwrite(fd, bytes(20_000), 0)
    lwp.close(fd)
    assert mounted.read(b"e") == b"e"
    assert_clean(mounted.unmount())


# ---- limits ----------------------------------------------------------------------------------------------------------


def test_a_full_directory() -> None:
    """ENOSPC: the root directory of a FAT12 when its entries are used up, any other at 65,536."""
    mounted = Mounted(new_image("fat12"))
    made = 0
    with pytest.raises(Fault) as caught:
        for number in range(200):
            mounted.write(b"F%d" % number, b"")
            made += 1
    assert caught.value.errno == e.ENOSPC and made == 111       # one is the label
    mounted.lwp.unlink(b"f5")
    mounted.write(b"again", b"")
    assert_clean(mounted.unmount())

    mounted = Mounted(new_image("fat32-2k"))
    mounted.lwp.mkdir(b"d", 0o755)
    fd = mounted.lwp.open(b"d", abi.O_RDONLY)
    rows = tuple((b"%d" % number, 0o100644, 0, 0, 0, b"", 0, 10**18, 10**18, 0, b"", ()) for number in range(65_540))
    results: list[int] = []
    for start in range(0, len(rows), 8192):
        results += mounted.lwp.rump_populate(fd, rows[start : start + 8192])
    assert results == [0] * 65_534 + [e.ENOSPC] * 6
    mounted.lwp.close(fd)


@pytest.mark.parametrize("kind", ["fat12-4k", "fat32-2k"])
def test_many_directories_at_once(kind: str) -> None:
    """Each has a cluster with nothing in it but its dots, whatever was there; those without room are not made."""
    mounted = Mounted(new_image(kind))
    lwp = mounted.lwp
    free, size = lwp.statvfs(b".").f_bfree, lwp.statvfs(b".").f_frsize
    left = 40 if kind == "fat12-4k" else 20
    mounted.write(b"waste", b"\xff" * size * min(free, 200))
    lwp.sync()
    lwp.unlink(b"waste")
    lwp.sync()
    lwp.mkdir(b"d", 0o755)
    fd = lwp.open(b"d", abi.O_RDONLY)
    if kind == "fat12-4k":
        with pytest.raises(Fault):
            for number in range(free + 1):
                mounted.write(b"ballast", b"x" * size, number * size)
        lwp.truncate(b"ballast", lwp.stat(b"ballast").st_size - left * size)
        lwp.sync()
    rows = tuple((b"%d" % number, 0o040755, 0, 0, 0, b"", 0, 10**18, 10**18, 0, b"", ()) for number in range(60))
    results = lwp.rump_populate(fd, rows)
    lwp.close(fd)
    made = results.count(0)
    assert set(results) <= {0, e.ENOSPC} and results == tuple(sorted(results))
    assert made == (60 if kind == "fat32-2k" else left), made
    for number in range(made):
        assert mounted.names(b"d/%d" % number) == []
    assert_clean(mounted.unmount())


def test_garbage_behind_the_end_of_a_directory() -> None:
    """What follows the first slot that was never used says nothing, and does not come to life."""
    image = bytearray(new_image("fat16"))
    geometry = Geometry(bytes(image[:512]))
    ghost = struct.pack("<11sB20s", b"GHOST   TXT", 0x20, bytes(20))
    for slot in range(2, 40):
        image[geometry.root_offset + slot * 32 : geometry.root_offset + slot * 32 + 32] = ghost
    mounted = Mounted(image)
    for number in range(30):
        mounted.write(b"a name of two slots %d" % number if number % 3 else b"F%d" % number, b"")
        assert b"GHOST.TXT" not in mounted.names(b".")
    assert_clean(mounted.unmount())


class Sparse(BlockDevice):
    """A device of which only what was written takes memory; counts the bytes that are read."""

    def __init__(self, size: int) -> None:
        self.name, self.size, self.sector_size, self.read_only = "sparse", size, 512, False
        self.pages: dict[int, bytes] = {}
        self.bytes_read = 0

    def readinto(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        self.bytes_read += len(view)
        first, last = offset >> 9, offset + len(view) - 1 >> 9
        whole = b"".join([self.pages.get(page, bytes(512)) for page in range(first, last + 1)])
        view[:] = whole[offset & 511 : (offset & 511) + len(view)]

    def write(self, offset: int, data: Buffer) -> None:
        assert offset + memoryview(data).nbytes <= self.size
        data = self.pages.get(offset >> 9, bytes(512))[: offset & 511] + bytes(data)
        for number, at in enumerate(range(0, len(data), 512), offset >> 9):
            piece = data[at : at + 512]
            piece += self.pages.pop(number, bytes(512))[len(piece) :]
            if piece.count(0) < 512:
                self.pages[number] = piece

    def sync(self, barrier: bool = False) -> None:
        """Nothing is ever anywhere else."""


def test_a_big_table_is_not_read_whole() -> None:
    """FAT32 on 2 TiB less a little, 2**26 clusters: little is read and kept, wherever there is room."""
    device = Sparse((1 << 41) - (64 << 20))
    log: list[str] = []
    services = Services(
        lambda: 10**18, bytes, log.append, lambda seed, data: 0, lambda *_: [],
        lambda: SleepLock(VirtualCPU(default())), lambda delay, function: Callout(0, function),
    )  # fmt: skip
    options = {"bits": "32", "zeroed": "1", "uuid": "1234-abcd"}
    assert driver.newfs is not None
    driver.newfs(MountArguments(device, services, read_only=False, options=options))
    assert len(device.pages) < 100
    device.bytes_read = 0
    volume = driver.mount(MountArguments(device, services, read_only=False))
    free = volume.statvfs()[3]
    (file, _), (folder, _) = [volume.create((1, 0), name, mode, 0, 0, 0, b"") for name, mode in (
        (b"f", abi.S_IFREG | 0o644), (b"d", abi.S_IFDIR | 0o755),
    )]  # fmt: skip
    runs = volume.reserve(file[:2], 0, 10 << 20)
    assert [run[:3] for run in runs] == [(DATA, 0, 10 << 20)]
    volume.commit_write(file[:2], 0, 10 << 20)
    volume.unlink((1, 0), b"f")
    volume.inactive(file[:2])
    assert volume.lookup((1, 0), b"D") == folder
    volume.unmount()
    assert free - 1 == driver.mount(MountArguments(device, services)).statvfs()[3]
    assert device.bytes_read < 1 << 20 and log == []


def test_appending_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cluster of a growing file is looked at a bounded number of times, however it grows and is read."""
    looked = 0
    walk = chains.Chains._walk

    def counted(self, cluster):
        nonlocal looked
        segment = walk(self, cluster)
        looked += segment.length
        return segment

    monkeypatch.setattr(chains.Chains, "_walk", counted)
    mounted = Mounted(new_image("fat16"))
    fds = [mounted.lwp.open(name, abi.O_RDWR | abi.O_CREAT, 0o644) for name in (b"a", b"b")]
    for step in range(1500):
        for fd in fds:
            mounted.lwp.pwrite(fd, b"%06d" % step, step * 600)
        if step % 10 == 0:
            assert mounted.lwp.pread(fds[0], 6, step // 2 * 600) == b"%06d" % (step // 2)
    assert looked < 20_000
    for fd in fds:
        mounted.lwp.close(fd)
    assert_clean(mounted.unmount())
