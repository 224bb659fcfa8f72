# SPDX-License-Identifier: BSD-2-Clause
"""`fsu mkfs` of every type: its options under the names of its own tool, help, reproducible images."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import Fsu, call, tool

MIB = 1 << 20


def vfat(fsu: Fsu, *arguments: str | Path) -> bytes:
    result = fsu("mkfs", "-q", "-t", "vfat", *arguments)
    assert (result.status, result.err) == (0, b"")
    return b""


@pytest.mark.parametrize("kind, size, name", [
    ("vfat", "1440K", b"FAT12"), ("vfat", "20M", b"FAT16"), ("vfat", "512M", b"FAT32"), ("fat16", "20M", b"FAT16"),
    ("fat32", "64M", b"FAT32"), ("msdos", "4M", b"FAT12"),
])  # fmt: skip
def test_fat(fsu: Fsu, tmp_path: Path, kind: str, size: str, name: bytes) -> None:
    image = tmp_path / "x.img"
    result = fsu("mkfs", "-t", kind, "-n", "HELLO", image, size)
    assert (result.status, result.err) == (0, b"") and b'Made %s "HELLO"' % name in result.out
    call(tool("fsck.fat"), "-n", image)
    said = fsu("info", image).out
    assert name in said and b"HELLO" in said and fsu("ls", image) == (0, b"", b"")


def test_options_of_mkfs_fat(fsu: Fsu, tmp_path: Path) -> None:
    image, other = tmp_path / "ours.img", tmp_path / "theirs.img"
    (tmp_path / "message").write_bytes(b"Hello\n")
    options = ["-F", "32", "-S", "1024", "-s", "2", "-f", "1", "-R", "8", "-n", "LABEL", "-i", "1234abcd", "-M", "0xf0",
               "-b", "5", "-h", "63", "-D", "1", "-g", "16/32", "--codepage=437", "-m", str(tmp_path / "message"),
               "-a"]  # fmt: skip
    vfat(fsu, *options, "--invariant", "--mbr", image, "9000K")
    call(tool("mkfs.fat"), "--invariant", "--mbr", "-C", *options, other, "9000")
    ours, theirs = bytearray(image.read_bytes()), bytearray(other.read_bytes())
    for sector in (0, 5 * 1024):
        ours[sector + 90 : sector + 119] = theirs[sector + 90 : sector + 119]       # boot code
    assert ours == theirs


def test_a_new_floppy(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "floppy.img"
    vfat(fsu, "-C", image, "1440")
    assert image.stat().st_size == 1440 << 10
    result = fsu("mkfs", "-t", "vfat", "-C", image, "1440")
    assert result.status == 1 and b"there already" in result.err
    result = fsu("mkfs", "-t", "vfat", image)
    assert result.status == 1 and b"FAT12" in result.err
    vfat(fsu, "-I", "-F", "12", "-n", "AGAIN", image)
    assert b"AGAIN" in fsu("info", image).out and image.stat().st_size == 1440 << 10


def test_exfat(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    guid = "01234567-89ab-cdef-0123-456789abcdef"
    result = fsu("mkfs", "-t", "exfat", "-L", "hello", "-c", "8K", "-b", "64K", "-i", "cafe-babe", "-U", guid,
                 "--pack-bitmap", image, "9M")  # fmt: skip
    assert (result.status, result.err) == (0, b"") and b'exFAT "hello", number CAFE-BABE' in result.out
    call(tool("fsck.exfat"), "-n", image)
    said = fsu("info", image).out
    assert b"hello" in said and b"8192" in said


def test_options_are_the_types_own(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    for kind, options in (("exfat", ["-n", "LABEL"]), ("vfat", ["-L", "LABEL"]), ("ext4", ["--pack-bitmap"]),
                          ("vfat", ["-O", "extent"])):  # fmt: skip
        assert fsu("mkfs", "-t", kind, *options, image, "8M").status != 0, (kind, options)
    assert fsu("mkfs", "-t", "exfat", "-n", image, "8M").status == 0 and not image.exists()
    assert fsu("mkfs", "-t", "vfat", "--dry-run", image, "8M").status == 0 and not image.exists()
    # The type may stand anywhere, and among other letters.
    assert fsu("mkfs", image, "-n", "X", "8M", "-tvfat").status == 0
    assert fsu("mkfs", "--force", "-qt", "exfat", "-c", "4K", image).status == 0
    assert fsu("-t", "vfat", "mkfs", "--force", "-q", "-F", "12", image).status == 0
    assert b"FAT12" in fsu("info", image).out


@pytest.mark.parametrize("arguments, word", [
    (["-t", "vfat", "-F", "13"], "bits=13"), (["-t", "vfat", "-s", "3"], "cluster_sectors"),
    (["-t", "vfat", "-n", "TOO LONG LABEL"], "label"), (["-t", "exfat", "-c", "3000"], "cluster_size"),
    (["-t", "exfat", "-L", "x" * 12], "label"), (["-t", "fat32", "-F", "16"], "bits"),
])  # fmt: skip
def test_refused_and_nothing_is_left(fsu: Fsu, tmp_path: Path, arguments: list[str], word: str) -> None:
    result = fsu("mkfs", *arguments, tmp_path / "x.img", "20M")
    assert result.status == 1 and word in result.err.decode() and result.err.count(b"\n") == 1
    assert not (tmp_path / "x.img").exists()


@pytest.mark.parametrize("arguments", [
    ["-t", "vfat", "-m", "/nonexistent", "x.img", "1M"], ["-t", "exfat", "-c", "4Q", "x.img", "8M"], ["x.img", "auto"],
    ["--headroom", "10%", "-d", ".", "x.img", "1M"], ["-d", ".", "--headroom", "many", "x.img", "auto"], ["-t"],
    ["-t", "vfat", "--mbr=x", "x.img", "1M"],
])  # fmt: skip
def test_usage(fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert fsu("mkfs", *arguments).status == 2 and not (tmp_path / "x.img").exists()


def test_help(fsu: Fsu, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, present, absent in ((None, "fsu mkfs -t vfat --help", "HEADS"), ("vfat", "HEADS/SECTORS", "inode"),
                                  ("ext2", "inode", "HEADS"), ("cd9660", "-no-emul-boot", "inode"),
                                  ("exfat", "--pack-bitmap", "HEADS")):  # fmt: skip
        assert fsu("mkfs", *(("-t", kind) if kind else ()), "--help").status == 0
        said = capsys.readouterr().out
        assert present in said and absent not in said and "--headroom" in said


@pytest.mark.parametrize("kind, label", [("vfat", "-n"), ("exfat", "-L"), ("cd9660", "-V")])
def test_reproducible(fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, label: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    size = [] if kind == "cd9660" else ["6M"]
    for name, text in (("a", "X"), ("b", "X"), ("c", "Y")):
        assert fsu("mkfs", "-q", "-t", kind, label, text, tmp_path / name, *size).status == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    if kind != "cd9660":
        said = [fsu("info", tmp_path / name).out.splitlines() for name in "ac"]
        ids = [next(line for line in lines if b"uuid" in line) for lines in said]
        assert ids[0] != ids[1]


def test_fat_in_a_partition(fsu: Fsu, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    with open(disk, "wb") as file:
        file.truncate(24 * MIB)
    subprocess.run([tool("sfdisk"), "-q", disk], input="label: gpt\nsize=8M, name=one\nsize=8M, name=two\n", text=True,
                   check=True, capture_output=True)  # fmt: skip
    before = disk.read_bytes()
    vfat(fsu, "-n", "SECOND", f"{disk}@two")
    after = disk.read_bytes()
    low, high = 9 * MIB, 17 * MIB
    assert after[:low] == before[:low] and after[high:] == before[high:] and len(after) == len(before)
    (tmp_path / "part").write_bytes(after[low:high])
    call(tool("fsck.fat"), "-n", tmp_path / "part")


def test_a_driver_of_somebody_elses(fsu: Fsu, tmp_path: Path) -> None:
    """A type that mkfs does not know: what its driver says counts."""
    for kind in ("tmpfs", "nonsense"):
        result = fsu("mkfs", "-t", kind, tmp_path / "x.img", "1M")
        assert result.status == 1 and kind.encode() in result.err
