# SPDX-License-Identifier: BSD-2-Clause
"""Making exFAT: mkfs.exfat makes the same, byte for byte; fsck.exfat and dump.exfat agree."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest
from exfat_support import DUMP, FSCK, MKFS, needs_exfatprogs

from rump.drivers.fs.exfat import driver
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
LETTERS = {"label": "-L", "cluster_size": "-c", "boundary": "-b"}


class HostFile(BlockDevice):
    """A device on a file of the host; `done` has offsets in order, -1 for a barrier."""

    def __init__(self, path: Path, sector_size: int = 512) -> None:
        self.name, self.size, self.sector_size, self.read_only = path.name, path.stat().st_size, sector_size, False
        self._file = open(path, "r+b", buffering=0)     # noqa: SIM115
        self.done: list[int] = []

    def write(self, offset: int, data: bytes) -> None:
        assert offset >= 0 and offset + len(data) <= self.size
        self.done.append(offset)
        os.pwrite(self._file.fileno(), data, offset)

    def sync(self, barrier: bool = False) -> None:
        self.done.append(-1)

    def close(self) -> None:
        self._file.close()


def newfs(path: Path, room: int, *, physical: int = 512, used: bool = False, **options: str) -> dict[bytes, bytes]:
    """Make a file system in a file; `used`: in one full of other things."""
    with open(path, "wb") as file:
        file.truncate(room)
        if used:
            file.write(b"\xa5" * room)
    device = HostFile(path, physical)
    services = v.Services(lambda: 0, lambda count: b"\x11\x22\x33\x44"[:count], print, lambda *_: 0, lambda *_: [],
                          lambda: None, lambda *_: None)  # type: ignore[arg-type, return-value]  # fmt: skip
    try:
        assert driver.newfs is not None
        given = {"zeroed": str(int(not used)), **options}
        made = dict(driver.newfs(v.MountArguments(device, services, read_only=False, options=given)))
    finally:
        device.close()
    newfs.done = device.done    # type: ignore[attr-defined]
    return made


def pieces(path: Path) -> dict[int, bytes]:
    """What of a sparse file is not zero, in pages."""
    found, at, size = {}, 0, path.stat().st_size
    with open(path, "rb") as file:
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            data = os.pread(file.fileno(), min(MIB, os.lseek(file.fileno(), at, os.SEEK_HOLE) - at), at)
            parts = [(at + i, data[i : i + 4096].ljust(4096, b"\0")) for i in range(0, len(data), 4096)]
            found |= {place: part for place, part in parts if any(part)}
            at += len(data)
    return found


def compare(tmp_path: Path, size: int, options: dict[str, str]) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    with open(theirs, "wb") as file:
        file.truncate(size)
    words = [str(MKFS)] + ["--pack-bitmap"] * ("pack_bitmap" in options)
    for name, letter in LETTERS.items():
        words += [letter, options[name]] if name in options else []
    subprocess.run([*words, theirs], check=True, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    with open(theirs, "rb") as file:
        serial = struct.unpack_from("<I", file.read(104), 100)[0]
    newfs(ours, size, **{"uuid": f"{serial:08x}", **options})
    assert pieces(ours) == pieces(theirs), (size, options)
    theirs.unlink()
    ours.unlink()


@needs_exfatprogs
@pytest.mark.parametrize("size", [
    3 * MIB, 4 * MIB, 4 * MIB + 512, 5 * MIB - 4096, 10 * MIB + 123, 64 * MIB, 256 * MIB, 256 * MIB + 512, 2 * GIB,
    33 * GIB,
])  # fmt: skip
def test_every_size_as_mkfs_exfat(tmp_path: Path, size: int) -> None:
    compare(tmp_path, size, {})


@needs_exfatprogs
@pytest.mark.parametrize("options", [
    {"label": "abcdefghijk"}, {"label": "Grüße"}, {"label": "日本語"}, {"label": "😀 a/b"}, {"cluster_size": "512"},
    {"cluster_size": "65536"}, {"cluster_size": "1048576"}, {"boundary": "512"}, {"boundary": "65536"},
    {"boundary": "2097152"}, {"pack_bitmap": "1"}, {"pack_bitmap": "1", "cluster_size": "512"},
    {"pack_bitmap": "1", "boundary": "65536"}, {"pack_bitmap": "1", "cluster_size": "512", "boundary": "2097152"},
    {"cluster_size": "131072", "boundary": "4096"},
], ids=str)  # fmt: skip
def test_options_as_mkfs_exfat(tmp_path: Path, options: dict[str, str]) -> None:
    for size in (6 * MIB, 19_339_264, 64 * MIB):
        compare(tmp_path, size, options)


@needs_exfatprogs
@pytest.mark.parametrize("options", [
    {}, {"sector_size": "4096"}, {"sector_size": "1024", "cluster_size": "1024"}, {"pack_bitmap": "1"},
    {"guid": "01234567-89ab-cdef-0123-456789abcdef"}, {"label": "hello", "boundary": "4096"}, {"full_format": "1"},
], ids=str)  # fmt: skip
def test_fsck_and_dump_agree(tmp_path: Path, options: dict[str, str]) -> None:
    image = tmp_path / "x.img"
    for size in (1 * MIB, 2 * MIB + 512, 9 * MIB):
        made = newfs(image, size, used=True, **options)
        assert subprocess.run([str(FSCK), "-n", image], capture_output=True, check=False).returncode == 0
        # It knows sectors of 512 bytes only.
        if DUMP and "sector_size" not in options:
            said = subprocess.run([DUMP, image], capture_output=True, text=True, check=True).stdout
            told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in said.splitlines())}
            assert told["Cluster Count"] == made[b"clusters"].decode(), said
            assert told["Free Clusters"] == made[b"free clusters"].decode(), said


def test_small_volumes_need_no_boundary(tmp_path: Path) -> None:
    assert newfs(tmp_path / "x", 512 * KIB)[b"heap offset"] == b"16384"
    with pytest.raises(Fault) as caught:
        newfs(tmp_path / "x", 512 * KIB, boundary=str(MIB))
    assert caught.value.errno == e.ENOSPC


@pytest.mark.parametrize("options, number, word", [
    ({"cluster_size": "3000"}, e.EINVAL, "cluster_size=3000"), ({"cluster_size": "256"}, e.EINVAL, "cluster_size"),
    ({"cluster_size": str(64 * MIB)}, e.EINVAL, "cluster_size"), ({"sector_size": "8192"}, e.EINVAL, "sector_size"),
    ({"boundary": "1"}, e.EINVAL, "boundary"), ({"label": "x" * 12}, e.EINVAL, "label"),
    ({"label": "😀" * 6}, e.EINVAL, "label"), ({"uuid": "xyz"}, e.EINVAL, "uuid"), ({"guid": "1"}, e.EINVAL, "guid"),
    ({"guid": "0" * 32}, e.EINVAL, "guid"), ({"nonsense": ""}, e.EINVAL, "nonsense"),
    ({"size": "20480"}, e.ENOSPC, "too few"), ({"size": "0"}, e.ENOSPC, "0 bytes"),
    ({"size": "1" * 12}, e.EINVAL, "size"),
    ({"dry_run": "1", "size": str(1 << 50), "cluster_size": "512"}, e.EFBIG, "too many"),
])  # fmt: skip
def test_refused_by_name(tmp_path: Path, options: dict[str, str], number: int, word: str) -> None:
    with pytest.raises(Fault) as caught:
        newfs(tmp_path / "x", 4 * MIB, **options)       # type: ignore[arg-type]
    assert caught.value.errno == number and word in (caught.value.detail or "")


def test_sectors_of_the_device(tmp_path: Path) -> None:
    assert newfs(tmp_path / "x", 8 * MIB, physical=4096)[b"sector size"] == b"4096"


def test_the_boot_sector_comes_last(tmp_path: Path) -> None:
    newfs(tmp_path / "x", 4 * MIB, used=True)
    done = newfs.done       # type: ignore[attr-defined]
    assert done[-3:] == [-1, 0, -1] and done[0] == 0


def test_a_full_format_leaves_nothing(tmp_path: Path) -> None:
    newfs(tmp_path / "x", 4 * MIB, used=True, full_format="1", uuid="1")
    newfs(tmp_path / "y", 4 * MIB, uuid="1")
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_only_the_number_is_drawn(tmp_path: Path) -> None:
    made = newfs(tmp_path / "x", 4 * MIB)
    assert made[b"uuid"] == b"4433-2211"
    newfs(tmp_path / "y", 4 * MIB, uuid="4433-2211")
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
