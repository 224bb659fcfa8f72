# SPDX-License-Identifier: BSD-2-Clause
"""Mounting for writing: what is refused, what the superblock says meanwhile, who else has the volume, and the end."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from ext2_support import DUMPE2FS, E2FSCK, HOST, debugfs, loop_mounted, mke2fs, needs_mke2fs, needs_root, run
from journal_support import BARRIER, NOW, Recorder, journal, prefixes, services, session, with_features

from rump.drivers.fs.ext2fs import driver
from rump.drivers.fs.ext2fs.writing import superblock_sum
from rump.kernel import boot
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.transaction import NAMES, NEW, RELEASE, STRUCTURE
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import CLOCK_RELWALL

pytestmark = needs_mke2fs

KINDS = {
    "ext2": ("-t", "ext2"), "ext3": ("-t", "ext3"), "ext4": ("-t", "ext4"),
    "ext4-4k": ("-t", "ext4", "-b", "4096"), "unjournaled": ("-t", "ext4", "-O", "^has_journal"),
}  # fmt: skip
STATE, MNT_COUNT, MTIME, WTIME, INCOMPAT, RO_COMPAT, UNUSED = 0x3A, 0x34, 0x2C, 0x30, 0x60, 0x64, 0xC8
RECOVER = 4


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("mount")
    return {name: mke2fs(folder / name, "8M", *options).read_bytes() for name, options in KINDS.items()}


def field(image, at: int, size: int = 4) -> int:
    return int.from_bytes(image[1024 + at : 1024 + at + size], "little")


def patched(image: bytes, at: int, value: int, size: int = 4) -> bytes:
    """The superblock with a field changed; its checksum is right."""
    data = bytearray(image)
    data[1024 + at : 1024 + at + size] = value.to_bytes(size, "little")
    if field(image, RO_COMPAT) & 0x400:
        data[2044:2048] = HOST.crc32c(0xFFFFFFFF, bytes(data[1024:2044])).to_bytes(4, "little")
    return bytes(data)


def change(mounted, commit: bool = True) -> None:
    """A change that no tool minds: the superblock's label."""
    store = mounted.state.store
    store.begin()
    block = 1024 >> store.shift
    data = bytearray(store.read(block))
    at = 1024 & (1 << store.shift) - 1
    data[at + 0x78 : at + 0x88] = b"changed".ljust(16, b"\0")
    if mounted.state.geometry.checksums:
        superblock_sum.keep(data, at, HOST.crc32c)
    store.put(block, bytes(data), RELEASE)
    store.end()
    if commit:
        store.commit()


def assert_sound(image: bytes, path: Path) -> None:
    path.write_bytes(image)
    done = subprocess.run([E2FSCK, "-fn", path], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- marks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_an_unchanged_volume_is_not_touched(name, images):
    device = Recorder(images[name])
    mounted = session(device)
    mounted.state.store.begin()
    mounted.state.store.rollback()
    mounted.state.store.commit()
    mounted.close()
    assert not device.log


@pytest.mark.parametrize("name", KINDS)
def test_marks_are_made_first_and_taken_back_last(name, images, tmp_path):
    device = Recorder(images[name])
    mounted = session(device)
    ordered = mounted.state.ordered
    change(mounted)
    offset, first = device.log[0]
    now = bytes(1024 - offset) if offset else b""
    assert offset <= 1024 < offset + len(first) and BARRIER in device.log
    marked = bytes(offset) + first + now
    for image in (marked, device.data):
        assert bool(field(image, INCOMPAT) & RECOVER) != ordered
        assert field(image, STATE, 2) == (0 if ordered else 1)
        assert field(image, MNT_COUNT, 2) == 1
        assert field(image, MTIME) == field(image, WTIME) == NOW // 10**9
    assert bytes(device.data[1024:2048]).count(b"changed") == ordered       # else it is in the log only
    mounted.close()
    assert not field(device.data, INCOMPAT) & RECOVER and field(device.data, STATE, 2) == 1
    assert device.log[-1] == BARRIER and device.log[-2][0] == offset
    assert_sound(bytes(device.data), tmp_path / "image")
    assert "changed" in run(DUMPE2FS, "-h", tmp_path / "image", stdin=subprocess.DEVNULL)
    written = len(device.log)
    session(device).close()
    assert len(device.log) == written


@pytest.mark.parametrize(("name", "barriers"), [("ext4", 5), ("ext3", 5), ("ext2", 5), ("unjournaled", 5)])
def test_barriers_of_a_small_command(name, barriers, images, tmp_path):
    """Mount, make a file, unmount."""
    device = Recorder(images[name])
    volume = driver.mount(v.MountArguments(device, services(), read_only=False))
    made, _ = volume.create(volume.root()[:2], b"file", 0o100644, 0, 0, 0, b"")
    volume.reserve(made[:2], 0, 5)
    volume.commit_write(made[:2], 0, 5)
    volume.sync()
    volume.unmount()
    assert device.barriers == barriers
    assert_sound(bytes(device.data), tmp_path / "image")


@pytest.mark.parametrize("name", KINDS)
def test_every_prefix_of_a_mount_satisfies_e2fsck(name, images, tmp_path):
    device = Recorder(images[name])
    mounted = session(device)
    change(mounted)
    mounted.close()
    for written, image in prefixes(device):
        path = tmp_path / "image"
        path.write_bytes(image)
        done = subprocess.run([E2FSCK, "-p", path], capture_output=True, check=False)
        assert done.returncode in (0, 1), (written, done.stdout)
        again = Recorder(image)
        session(again, []).close()
        assert b"needs_recovery" not in run(DUMPE2FS, "-h", path).encode()


def test_errors_stay_known(images):
    for name in ("ext4", "unjournaled"):
        log: list[str] = []
        device = Recorder(patched(images[name], STATE, 2 | (name == "ext4"), 2))
        mounted = session(device, log)
        change(mounted)
        mounted.close()
        assert "errors" in log[0] and field(device.data, STATE, 2) & 2
    log = []
    device = Recorder(patched(images["unjournaled"], STATE, 0, 2))
    mounted = session(device, log)
    change(mounted)
    mounted.close()
    assert "not unmounted" in log[0] and field(device.data, STATE, 2) == 0
    log = []
    device = Recorder(with_features(images["ext4"], 0, errno=5))
    mounted = session(device, log)
    change(mounted)
    mounted.close()
    assert "errors" in log[0] and field(device.data, STATE, 2) == 3 and not journal(device).errno


def test_a_failed_volume_is_not_marked_clean(images):
    for name in ("ext4", "ext2"):
        device = Recorder(images[name])
        mounted = session(device)
        change(mounted)
        change(mounted, commit=False)
        device.fail = lambda: True
        for _ in range(2):
            with pytest.raises(Fault):
                mounted.close()
        device.fail = lambda: False
        with pytest.raises(Fault):
            mounted.close()
        assert field(device.data, INCOMPAT) & RECOVER or not field(device.data, STATE, 2) & 1


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bit", "name"), [
    (7, "snapshot"), (8, "quota"), (9, "bigalloc"), (11, "replica"), (12, "read-only"), (13, "project"),
    (14, "shared_blocks"), (30, "FEATURE_R30"),
])  # fmt: skip
def test_features_are_named(bit, name, images):
    image = patched(images["ext4"], RO_COMPAT, field(images["ext4"], RO_COMPAT) | 1 << bit)
    if name == "bigalloc":
        image = patched(patched(image, 0x1C, field(image, 0x18)), 0x24, field(image, 0x20))
    device = Recorder(image)
    with pytest.raises(Fault, match=name) as refused:
        session(device)
    assert refused.value.errno == e.EROFS and not device.log
    with pytest.raises(Fault, match=name):
        driver.mount(v.MountArguments(device, services(), read_only=False))
    driver.mount(v.MountArguments(device, services())).root()


@pytest.mark.parametrize(("bit", "name"), [(15, "verity"), (16, "orphan_present")])
def test_features_of_single_files_do_not_matter(bit, name, images):
    image = images["ext4"]
    session(Recorder(patched(image, RO_COMPAT, field(image, RO_COMPAT) | 1 << bit))).close()


def test_other_refusals(images, tmp_path):
    image = images["ext4"]
    external = patched(patched(patched(image, 0xE0, 0), 0xD0, 0x11, 16), 0xE4, 5)
    device = Recorder(images["ext4"])
    device.read_only = True
    cases = [
        (Recorder(external), {}, "11000000-0000.* another device"),
        (Recorder(patched(images["ext2"], INCOMPAT, field(images["ext2"], INCOMPAT) | RECOVER)), {}, "no journal"),
        (Recorder(patched(image, INCOMPAT, field(image, INCOMPAT) | RECOVER)), {"noload": ""}, "forbids"),
        (Recorder(image[:-4096]), {}, "cut short"),
        (Recorder(mke2fs(tmp_path / "hurd", "4M", "-o", "hurd").read_bytes()), {}, "made for the Hurd"),
        (device, {}, "device is read-only"),
    ]
    for refused, options, text in cases:
        with pytest.raises(Fault, match=text) as fault:
            session(refused, [], **options)
        assert fault.value.errno == e.EROFS and not refused.log
    big = mke2fs(tmp_path / "sparse", "20M", "-t", "ext2", "-b", "1024")
    with pytest.raises(Fault, match="copy of the superblock"):
        driver.mount(v.MountArguments(Recorder(big.read_bytes()), services(), read_only=False, options={"sb": "8193"}))
    with pytest.raises(Fault, match="too short"):
        session(Recorder(short_ring(images["ext3"])))
    with pytest.raises(Corrupt):
        damaged = bytearray(images["ext3"])
        damaged[journal(Recorder(images["ext3"])).offset(0)] ^= 1
        session(Recorder(bytes(damaged)))


def short_ring(image: bytes) -> bytes:
    data = bytearray(image)
    struct.pack_into(">I", data, journal(Recorder(image)).offset(0) + 0x14, 1000)
    return bytes(data)


# ---- the superblock's checksum ---------------------------------------------------------------------------------------


def test_the_checksum_stays_whatever_changes():
    order = random.Random(2)
    for start in (0, 1024):
        data = bytearray(order.randbytes(start + 1024))
        checksum = HOST.crc32c(0xFFFFFFFF, bytes(data[start : start + 1020]))
        data[start + 1020 : start + 1024] = checksum.to_bytes(4, "little")
        for _ in range(200):
            before = bytes(data)
            data[start + order.choice((0, 12, 0x2C, 0x3A, 0x60, 0x178, 0x1FF, 0x3FB))] ^= order.randrange(1, 256)
            superblock_sum.keep(data, start, HOST.crc32c)
            assert HOST.crc32c(0xFFFFFFFF, bytes(data[start : start + 1020])) == int.from_bytes(before[-4:], "little")


@pytest.mark.parametrize("name", ["ext4", "ext4-4k", "unjournaled"])
def test_a_superblock_changes_in_one_sector(name, images):
    """So a torn write of it is none: old or new, whole."""
    device = Recorder(images[name])
    for _ in range(3):
        mounted = session(device)
        change(mounted)
        mounted.close()
    seen = 0
    image = bytearray(images[name])
    for offset, data in device.log:
        before = bytes(image)
        if (offset, data) != BARRIER:
            image[offset : offset + len(data)] = data
        if image[1024:2048] != before[1024:2048]:
            seen += 1
            assert image[1536:2048] == before[1536:2048]
            assert HOST.crc32c(0xFFFFFFFF, bytes(image[1024:2044])) == int.from_bytes(image[2044:2048], "little")
    assert seen > 4


def test_a_superblock_from_the_log_changes_in_one_sector_too(images):
    """Others' logs have superblocks with checksums of their own."""
    device = Recorder(images["ext4"])
    mounted = session(device)
    change(mounted)
    store = mounted.state.store
    block = 1024 >> store.shift
    image = bytearray(device.data)
    image[block << store.shift : block + 1 << store.shift] = store.pending[block]
    theirs = patched(bytes(image), UNUSED, 0)
    assert theirs[2044:2048] != images["ext4"][2044:2048]
    store.begin()
    store.put(block, theirs[block << store.shift : block + 1 << store.shift], RELEASE)
    store.end()
    store.commit()
    again = Recorder(bytes(device.data))
    session(again).close()
    assert field(again.data, 0x78, 7) == int.from_bytes(b"changed", "little")
    assert again.data[1536:2048] == images["ext4"][1536:2048] and len(again.log) > 3
    session(again).close()


@needs_root
def test_linux_mounts_what_we_leave(images, tmp_path):
    for name in KINDS:
        device = Recorder(images[name])
        mounted = session(device)
        change(mounted)
        for number, image in enumerate((bytes(device.data), None)):
            if image is None:
                mounted.close()
                image = bytes(device.data)
            path = tmp_path / f"{name}{number}"
            path.write_bytes(image)
            with loop_mounted(path, tmp_path / "mnt", "rw"):
                (tmp_path / "mnt" / "file").write_bytes(b"x" * 5000)
            after = Recorder(path.read_bytes())
            mount_again = session(after, [])
            change(mount_again)
            mount_again.close()
            assert field(after.data, 0x78, 7) == int.from_bytes(b"changed", "little")
            if number or not mounted.state.ordered:
                assert_sound(bytes(after.data), path)


@needs_root
@pytest.mark.parametrize("options", [
    ("-t", "ext4"), ("-t", "ext3"), ("-t", "ext4", "-O", "^metadata_csum", "-J", "size=2"),
    ("-t", "ext4", "-O", "orphan_file"),
])  # fmt: skip
def test_what_linux_left_behind(options, tmp_path):
    """An image copied while Linux has it mounted: its journal, and a file without a name that is open."""
    path, copy = tmp_path / "image", tmp_path / "copy"
    mke2fs(path, "16M", *options)
    with loop_mounted(path, tmp_path / "mnt", "rw"):
        top = tmp_path / "mnt"
        for number in range(200):
            (top / f"file{number}").write_bytes(b"%d" % number * 500)
        run("sync", "-f", top)
        for number in range(0, 200, 3):
            (top / f"file{number}").unlink()
        (top / "folder").mkdir()
        (top / "open").write_bytes(b"o" * 300_000)
        with (top / "open").open("r+b") as file:
            (top / "open").unlink()
            folder = os.open(top, os.O_RDONLY)
            os.fsync(folder)
            os.fsync(file.fileno())
            os.close(folder)
            copy.write_bytes(path.read_bytes())
    assert "needs_recovery" in run(DUMPE2FS, "-h", copy)
    device = Recorder(copy.read_bytes())
    volume = driver.mount(v.MountArguments(device, services([]), read_only=False))
    notes = dict(volume.describe())
    assert b"replayed" in notes[b"recovery"] and notes[b"orphans"] == b"1 files deleted, 0 truncated"
    assert {name for name, *_ in volume.list(volume.root()[:2], 0, 1000)[0]} == {
        b"lost+found", b"folder", *[b"file%d" % number for number in range(200) if number % 3]
    }
    volume.unmount()
    assert_sound(bytes(device.data), copy)


# ---- without a journal -----------------------------------------------------------------------------------------------


def test_phases(images):
    device = Recorder(images["unjournaled"])
    store = session(device).state.store
    size = 1 << store.shift
    device.write(1500 * size, b"data")
    store.begin()
    for block, phase, letter in ((1400, RELEASE, b"r"), (1401, NEW, b"n"), (1402, NAMES, b"d"), (1403, STRUCTURE, b"s"),
                                 (1404, RELEASE, b"f"), (1405, STRUCTURE, b"t")):  # fmt: skip
        store.put(block, letter * size, phase)
    store.early[1404] = b"e" * size
    store.end()
    store.commit()
    writes = [(offset // size, data[:1]) if data else None for offset, data in device.log]
    assert writes == [
        (1500, b"d"), (1024 // size, b"\0"), (1401, b"n"), None, (1403, b"s"), None, (1402, b"d"), None, (1400, b"r"),
        (1404, b"f"), None,
    ]  # fmt: skip
    joined = next(data for offset, data in device.log if offset == 1403 * size)
    assert joined == b"s" * size + b"e" * size + b"t" * size
    assert not store.blocks and not store.running and not store.pending
    before = len(device.log)
    store.begin()
    store.put(1402, b"D" * size, NAMES)
    store.end()
    store.commit()
    assert device.log[before:] == [BARRIER, (1402 * size, b"D" * size), BARRIER]


# ---- multiple mount protection ---------------------------------------------------------------------------------------


class Clock:
    """Sleeps are remembered; something may happen during the first, the second ..."""

    def __init__(self, *happenings) -> None:
        self.slept: list[int] = []
        self.happenings = list(happenings)

    def sleep(self, nanoseconds: int) -> None:
        self.slept.append(nanoseconds)
        if self.happenings:
            self.happenings.pop(0)()


@pytest.fixture(scope="module")
def protected(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("mmp") / "image"
    return mke2fs(path, "8M", "-t", "ext4", "-O", "mmp", "-E", "mmp_update_interval=7").read_bytes()


def mmp_at(image) -> int:
    return field(image, 0x168, 8) * (1024 << field(image, 0x18))


def with_seq(image: bytes, seq: int) -> bytes:
    data = bytearray(image)
    at = mmp_at(image)
    struct.pack_into("<I", data, at + 4, seq)
    data[at + 16 : at + 32] = b"elsewhere".ljust(16, b"\0")
    seed = HOST.crc32c(0xFFFFFFFF, bytes(data[1024 + 0x68 : 1024 + 0x78]))
    struct.pack_into("<I", data, at + 0x3FC, HOST.crc32c(seed, bytes(data[at : at + 0x3FC])))
    return bytes(data)


def seq(image) -> int:
    at = mmp_at(image)
    return int.from_bytes(image[at + 4 : at + 8], "little")


def test_mmp_of_a_volume_nobody_has(protected, tmp_path):
    clock = Clock()
    device = Recorder(protected)
    mounted = session(device, lent=services(sleep=clock.sleep))
    assert clock.slept == [15 * 10**9]      # twice the interval and one, after our own mark
    first = seq(device.data)
    assert 0 < first <= 0xE24D4D4F
    at = mmp_at(protected)
    assert device.data[at + 16 : at + 21] == b"rump\0" and device.data[at + 80 : at + 87] == b"memory\0"
    change(mounted)
    change(mounted)
    assert seq(device.data) == first + 2
    (tmp_path / "image").write_bytes(device.data)
    assert "rump" in debugfs(tmp_path / "image", "dump_mmp", write=False)
    mounted.close()
    assert seq(device.data) == 0xFF4D4D50
    assert_sound(bytes(device.data), tmp_path / "image")


def test_mmp_of_a_volume_somebody_may_have(protected):
    """It counts, or it does not; or a checker is at it."""
    image = with_seq(protected, 5)
    clock = Clock()
    mounted = session(Recorder(image), lent=services(sleep=clock.sleep))
    assert clock.slept == [15 * 10**9] * 2
    mounted.close()
    for happening in range(2):
        device = Recorder(image)

        def count(device=device) -> None:
            device.data[:] = with_seq(bytes(device.data), 6)

        clock = Clock(*[lambda: None] * happening, count)
        with pytest.raises(Fault, match="in use by elsewhere") as refused:
            session(device, lent=services(sleep=clock.sleep))
        assert refused.value.errno == e.EBUSY and len(device.log) == 2 * happening and seq(device.data) == 6
    for options in ({}, {"nommpwait": ""}):
        with pytest.raises(Fault, match="checked by elsewhere") as refused:
            session(Recorder(with_seq(protected, 0xE24D4D50)), **options)
        assert refused.value.errno == e.EBUSY


def test_mmp_without_waiting(protected):
    device = Recorder(with_seq(protected, 5))
    mounted = session(device, nommpwait="")
    change(mounted)
    device.data[:] = with_seq(bytes(device.data), 77)
    written = len(device.log)
    with pytest.raises(Fault, match="taken by elsewhere"):
        change(mounted)
    with pytest.raises(Fault):
        mounted.close()
    assert len(device.log) == written and seq(device.data) == 77


def test_mmp_blocks_that_are_not(protected):
    at = mmp_at(protected)
    for place in (at, at + 0x3FC):
        damaged = bytearray(protected)
        damaged[place] ^= 1
        with pytest.raises(Corrupt, match="MMP"):
            session(Recorder(bytes(damaged)))
    for block in (0, 8192, 1 << 60):
        with pytest.raises(Corrupt, match="mmp_block"):
            session(Recorder(patched(protected, 0x168, block, 8)))


def test_a_mount_that_fails_gives_the_volume_back(protected):
    damaged = bytearray(protected)
    damaged[journal(Recorder(protected)).offset(0)] ^= 1
    device = Recorder(bytes(damaged))
    with pytest.raises(Corrupt):
        session(device, nommpwait="")
    assert seq(device.data) == 0xFF4D4D50


def test_the_kernel_lends_a_clock_to_sleep_by(protected, tmp_path):
    """Under a whole kernel; the host's clock is quicker than most."""
    path = tmp_path / "image"
    path.write_bytes(with_seq(protected, 5))
    host = default()
    slept = []
    host.clock_sleep = lambda clock, nanoseconds: slept.append((clock, nanoseconds))
    with boot(host, log=lambda line: None) as kernel:
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.etfs_register(b"/dev/image", bytes(path), read_only=False)
        kernel.lwp.mount("ext2fs", b"/mnt", device=b"/dev/image")
        kernel.lwp.mkdir(b"/mnt/made", 0o755)
    assert slept == [(CLOCK_RELWALL, 15 * 10**9)] * 2
    assert_sound(path.read_bytes(), path)
    assert "made" in debugfs(path, "ls", write=False)
