# SPDX-License-Identifier: BSD-2-Clause
"""Making FAT: mkfs.fat makes the same, byte for byte but for the boot code; fsck.fat finds nothing."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rump.drivers.fs.msdosfs import driver
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
TIME = 1_700_000_001
CODE = 29                   # bytes of boot code: whose they are is all that differs
TABLE = 0x1B8
LETTERS = {
    "bits": "-F", "sector_size": "-S", "cluster_sectors": "-s", "fats": "-f", "root_entries": "-r",
    "reserved_sectors": "-R", "label": "-n", "uuid": "-i", "media": "-M", "backup_sector": "-b",
    "hidden_sectors": "-h", "drive": "-D", "geometry": "-g",
}  # fmt: skip
MKFS = shutil.which("mkfs.fat") or shutil.which("mkfs.fat", path="/usr/sbin:/sbin")
FSCK = shutil.which("fsck.fat") or shutil.which("fsck.fat", path="/usr/sbin:/sbin")
needs_mkfs = pytest.mark.skipif(MKFS is None, reason="needs mkfs.fat")
needs_fsck = pytest.mark.skipif(FSCK is None, reason="needs fsck.fat")


class Sparse(BlockDevice):
    """A device in memory that keeps what is written, by pages; `done` has offsets in order, -1 for a barrier."""

    def __init__(self, size: int, sector_size: int = 512) -> None:
        self.name, self.size, self.sector_size, self.read_only = "sparse", size, sector_size, False
        self.pages: dict[int, bytearray] = {}
        self.done: list[int] = []

    def write(self, offset: int, data: bytes) -> None:
        assert offset >= 0 and offset + len(data) <= self.size
        self.done.append(offset)
        at = 0
        while at < len(data):
            page, begin = divmod(offset + at, 4096)
            count = min(4096 - begin, len(data) - at)
            piece = data[at : at + count]
            if page in self.pages or piece.strip(b"\0"):
                self.pages.setdefault(page, bytearray(4096))[begin : begin + count] = piece
            at += count

    def sync(self, barrier: bool = False) -> None:
        self.done.append(-1)

    def content(self) -> dict[int, bytes]:
        return {number: bytes(page) for number, page in self.pages.items() if any(page)}


def services(random: bytes = b"\x11\x22\x33\x44") -> v.Services:
    return v.Services(lambda: TIME * 10**9, lambda count: random[:count], print, lambda *_: 0, lambda *_: [],
                      lambda: None, lambda *_: None)  # type: ignore[arg-type, return-value]  # fmt: skip


def newfs(room: int, physical: int = 512, **options: str) -> tuple[Sparse, dict[bytes, bytes]]:
    device = Sparse(room, physical)
    assert driver.newfs is not None
    rows = driver.newfs(v.MountArguments(device, services(), read_only=False, options=options))
    return device, dict(rows)


def by_mkfs(path: Path, size: int, options: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The same by mkfs.fat."""
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        file.truncate(size)
    arguments = [str(MKFS), "--invariant", f"--mbr={'y' if options.get('mbr') == '1' else 'n'}"]
    for name, value in options.items():
        if name in LETTERS:
            arguments += [LETTERS[name], value]
        elif name == "align":
            arguments.append("-a")
        elif name == "message":
            path.with_suffix(".txt").write_text(value)
            arguments += ["-m", str(path.with_suffix(".txt"))]
    return subprocess.run([*arguments, path], capture_output=True, text=True, check=False)


def pages_of(path: Path) -> dict[int, bytes]:
    """The pages of a sparse file that are not zero."""
    found = {}
    size = path.stat().st_size
    with open(path, "rb") as file:
        at = 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            while at < end:
                data = os.pread(file.fileno(), min(MIB, end - at), at)
                if any(data):
                    pieces = [(at + i, data[i : i + 4096].ljust(4096, b"\0")) for i in range(0, len(data), 4096)]
                    found |= {place // 4096: piece for place, piece in pieces if any(piece)}
                at += len(data)
    return found


def masked(pages: dict[int, bytes], made: dict[bytes, bytes], options: dict[str, str]) -> dict[int, bytes]:
    """Without the boot code, and its message unless it was chosen."""
    wide = made[b"type"] == b"FAT32"
    begin = 90 if wide else 62
    end = begin + CODE if "message" in options else TABLE if "mbr" in options else 510
    backup = struct.unpack_from("<H", pages[0], 50)[0] * int(made[b"sector size"]) if wide else 0
    changed = {number: bytearray(page) for number, page in pages.items()}
    for sector in {0, backup}:
        for at in range(sector + begin, sector + end):
            if at // 4096 in changed:
                changed[at // 4096][at % 4096] = 0
    return {number: bytes(page) for number, page in changed.items() if any(page)}


SIZES = (
    *[kib * KIB for kib in (48, 49, 50, 64, 160, 320, 360, 720, 1200, 1440, 2880)], 360 * KIB + 512, 2 * MIB, 4 * MIB,
    4 * MIB + 512, 5_000_000, 8 * MIB, 16 * MIB, 17 * MIB, 32 * MIB, 33 * MIB + 1, 64 * MIB, 128 * MIB, 200 * MIB,
)  # fmt: skip
OPTIONS: tuple[dict[str, str], ...] = (
    {"bits": "12"}, {"bits": "16"}, {"bits": "32"}, {"sector_size": "4096"}, {"sector_size": "2048", "bits": "32"},
    {"cluster_sectors": "1"}, {"cluster_sectors": "64", "align": "0"}, {"fats": "1"}, {"fats": "4", "bits": "32"},
    {"root_entries": "100"}, {"reserved_sectors": "7", "bits": "32"}, {"reserved_sectors": "4", "bits": "32"},
    {"reserved_sectors": "3", "bits": "32"}, {"label": "Some Label"}, {"label": "ABC", "bits": "32"},
    {"media": "0xf0", "drive": "1"}, {"backup_sector": "12", "bits": "32"}, {"backup_sector": "0", "bits": "32"},
    {"hidden_sectors": "2048"}, {"geometry": "16/63"}, {"geometry": "255/63", "mbr": "1"}, {"align": "0"},
    {"mbr": "1"}, {"mbr": "1", "bits": "32", "message": "Hello\n\n\tthere\n"}, {"mbr": "1", "geometry": "1/1"},
    {"message": "x" * 600}, {"message": ""},
)  # fmt: skip


def compare(tmp_path: Path, size: int, options: dict[str, str]) -> None:
    image = tmp_path / "their.img"
    done = by_mkfs(image, size, {"uuid": "DEADBEEF", **options})
    what = f"{size} bytes, {options}: {done.stderr}"
    try:
        device, made = newfs(size, invariant="1", zeroed="1", **{"uuid": "DEADBEEF", **options})
    except Fault:
        assert done.returncode, what
        return
    assert not done.returncode, what
    assert masked(device.content(), made, options) == masked(pages_of(image), made, options), what


@needs_mkfs
@pytest.mark.parametrize("size", SIZES)
def test_every_size_as_mkfs_fat(tmp_path: Path, size: int) -> None:
    compare(tmp_path, size, {})


@needs_mkfs
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options_as_mkfs_fat(tmp_path: Path, options: dict[str, str]) -> None:
    for size in (1440 * KIB, 9_617_920, 40 * MIB):
        compare(tmp_path, size, options)


@needs_mkfs
@pytest.mark.parametrize("size", [512 * MIB, 600 * MIB + 512, 9 * GIB])
def test_large_ones_as_mkfs_fat(tmp_path: Path, size: int) -> None:
    compare(tmp_path, size, {"cluster_sectors": "64"} if size < GIB else {})


def test_the_label_has_the_time() -> None:
    first = datetime(1980, 1, 1, tzinfo=UTC)
    for seconds in (TIME, 315532800, 951782399, 4107542400, 4354819198, 10, 5_000_000_000):
        device, _ = newfs(1440 * KIB, label="TIMED", uuid="1", time=str(seconds))
        at = datetime.fromtimestamp(seconds, UTC) if 315532800 <= seconds < 4354819200 else first
        date = at.year - 1980 << 9 | at.month << 5 | at.day
        time = at.hour << 11 | at.minute << 5 | at.second // 2
        entry = struct.pack("<11sBxxHHHxxHH6x", b"TIMED      ", 8, time, date, date, time, date)
        assert bytes(device.pages[2][0x600:0x620]) == entry, seconds
    device, _ = newfs(1440 * KIB, label="TIMED", uuid="1", time=str(TIME), tz="+02:00")
    other, _ = newfs(1440 * KIB, label="TIMED", uuid="1", time=str(TIME + 7200))
    assert device.content() == other.content()


@needs_fsck
@pytest.mark.parametrize("options", [{}, {"bits": "32"}, {"fats": "1"}, {"sector_size": "4096"}], ids=str)
def test_fsck_finds_nothing(tmp_path: Path, options: dict[str, str]) -> None:
    for size in (1440 * KIB, 10 * MIB, 70 * MIB):
        device, made = newfs(size, label="CHECKED", **options)
        image = tmp_path / "x.img"
        with open(image, "wb") as file:
            for number, page in device.content().items():
                os.pwrite(file.fileno(), page, number * 4096)
            file.truncate(size)
        done = subprocess.run([str(FSCK), "-n", "-v", image], capture_output=True, text=True, check=False)
        # FAT32 with few clusters: fsck.fat only remarks on it.
        assert not done.returncode and "differ" not in done.stdout.lower(), done.stdout
        assert f"{made[b'clusters'].decode()} clusters" in done.stdout


@pytest.mark.parametrize("options, number, word", [
    ({"bits": "13"}, e.EINVAL, "bits=13"), ({"type": "fat12", "bits": "16"}, e.EINVAL, "bits=16"),
    ({"cluster_sectors": "3"}, e.EINVAL, "cluster_sectors=3"), ({"cluster_sectors": "256"}, e.EINVAL, "cluster_sec"),
    ({"sector_size": "256"}, e.EINVAL, "sector_size"), ({"fats": "0"}, e.EINVAL, "fats"),
    ({"fats": "5"}, e.EINVAL, "fats"), ({"root_entries": "15"}, e.EINVAL, "root_entries"),
    ({"root_entries": "32769"}, e.EINVAL, "root_entries"), ({"reserved_sectors": "0"}, e.EINVAL, "reserved_sectors"),
    ({"reserved_sectors": "1", "bits": "32"}, e.EINVAL, "reserved_sectors"), ({"drive": "x"}, e.EINVAL, "drive"),
    ({"media": "0xf1"}, e.EINVAL, "media=0xf1"), ({"media": "256"}, e.EINVAL, "media"),
    ({"geometry": "0/3"}, e.EINVAL, "geometry"), ({"geometry": "5"}, e.EINVAL, "geometry"),
    ({"uuid": "xyz"}, e.EINVAL, "uuid=xyz"), ({"uuid": "123456789"}, e.EINVAL, "uuid"),
    ({"label": "ABCDEFGHIJKL"}, e.EINVAL, "label"), ({"label": "A*B"}, e.EINVAL, "label"),
    ({"label": " A"}, e.EINVAL, "space"), ({"label": "日本"}, e.EINVAL, "code page 850"),
    ({"codepage": "9999"}, e.EINVAL, "codepage"), ({"backup_sector": "1", "bits": "32"}, e.EINVAL, "backup_sector"),
    ({"tz": "x"}, e.EINVAL, "tz"), ({"nonsense": "1"}, e.EINVAL, "nonsense"), ({"type": "ntfs"}, e.EINVAL, "type=ntfs"),
    ({"time": "x"}, e.EINVAL, "time"), ({"size": "99999999"}, e.EINVAL, "size"),
    ({"size": "20480"}, e.ENOSPC, "too few"), ({"bits": "16"}, e.ENOSPC, "too few"), ({"size": "0"}, e.ENOSPC, "0 by"),
    ({"bits": "12", "cluster_sectors": "1", "dry_run": "1", "size": str(GIB)}, e.EFBIG, "FAT12"),
])  # fmt: skip
def test_refused_by_name(options: dict[str, str], number: int, word: str) -> None:
    with pytest.raises(Fault) as caught:
        newfs(1440 * KIB, **options)
    assert caught.value.errno == number and word in (caught.value.detail or "")


def test_labels_in_code_pages() -> None:
    for label, page, raw in (("GRÜSSE", "850", b"GR\x9aSSE     "), ("ÄÖ", "437", b"\x8e\x99         "),
                             ("Я", "866", b"\x9f          "), ("ÕX", "850", b"\xe5X         ")):  # fmt: skip
        device, _ = newfs(1440 * KIB, label=label, codepage=page)
        assert bytes(device.pages[0][43:54]) == raw
        assert bytes(device.pages[2][0x600:0x60B]) == raw.replace(b"\xe5", b"\x05")


def test_types_and_what_was_made() -> None:
    for kind, name in (("fat12", b"FAT12"), ("fat32", b"FAT32"), ("vfat", b"FAT12")):
        assert newfs(4 * MIB, type=kind)[1][b"type"] == name
    _, made = newfs(40 * MIB, label="ABC", uuid="1234-abcd")
    assert made[b"label"] == b"ABC" and made[b"uuid"] == b"1234-ABCD" and made[b"clusters"] == b"20431"


def test_sectors_of_the_device() -> None:
    assert newfs(64 * MIB, 4096)[1][b"sector size"] == b"4096"
    assert newfs(64 * MIB, 4096, sector_size="512")[1][b"sector size"] == b"512"


def test_the_boot_sector_comes_last() -> None:
    device, _ = newfs(4 * MIB)
    assert device.done[-3:] == [-1, 0, -1] and device.done[0] == 0


def test_what_was_there_is_gone() -> None:
    device = Sparse(2 * MIB)
    device.write(0, b"\xa5" * device.size)
    assert driver.newfs is not None
    options = {"uuid": "1", "label": "X"}
    driver.newfs(v.MountArguments(device, services(), read_only=False, options=options))
    fresh, _ = newfs(2 * MIB, **options)
    used = 64 * KIB
    for page in range(used // 4096):
        assert device.pages.get(page, bytes(4096)) == fresh.pages.get(page, bytes(4096))
    assert not any(device.pages[device.size // 4096 - 1])


def test_a_dry_run_needs_no_room() -> None:
    device, made = newfs(512, size=str(8 << 40), dry_run="1")
    assert not device.done and made[b"type"] == b"FAT32"


def test_only_the_number_is_drawn() -> None:
    assert newfs(4 * MIB)[1][b"uuid"] == b"4433-2211"
    assert newfs(4 * MIB)[0].content() == newfs(4 * MIB, uuid="44332211")[0].content()


def test_the_boot_code_jumps_to_its_message() -> None:
    for bits, begin in (("12", 62), ("32", 90)):
        device, _ = newfs(4 * MIB, bits=bits, message="Hi")
        sector = bytes(device.pages[0][:512])
        assert sector[0] == 0xEB and sector[1] + 2 == begin
        where = struct.unpack_from("<H", sector, begin + 5)[0] - 0x7C00
        assert sector[where : where + 3] == b"Hi\0" and where == begin + CODE
