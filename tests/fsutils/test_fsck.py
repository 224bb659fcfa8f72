# SPDX-License-Identifier: BSD-2-Clause
"""`fsu fsck`: whole disks and partitions, exit statuses, what is written of it."""

from __future__ import annotations

import json

import pytest

from rump.drivers.fs.msdosfs import disk as fat
from rump.fsutils.example import image as example

SPOILT = "FAT 2 is not the same as FAT 1: clusters 2"


@pytest.fixture(scope="module")
def disk():
    """A GPT disk: a FAT and an ext4."""
    return example()


@pytest.fixture
def image(disk, tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(disk)
    return path


def starts(fsu, image):
    """Where the partitions begin, in bytes."""
    return [json.loads(line)["start"] for line in fsu("part", "--json", image).out.splitlines()]


def spoil(fsu, image):
    """The second FAT of the first partition is no copy of the first one any more."""
    data = bytearray(image.read_bytes())
    at = starts(fsu, image)[0]
    boot = fat.BootSector(data, at)
    size = boot.fat_sectors16 or fat.Boot32(data, at + 36).fat_sectors
    second = at + (boot.reserved + size) * boot.sector_size
    bits = 12 if data[second + 3] != 255 else 16
    data[second + 2 * bits // 8] ^= 1
    image.write_bytes(data)


def test_a_whole_disk(fsu, image, disk):
    status, out, err = fsu("fsck", image)
    assert (status, err) == (0, b"")
    lines = out.decode().splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{image}@1", f"{image}@2"]
    assert all(line.endswith(" - clean") for line in lines)
    assert "clusters - clean" in lines[0]
    assert "blocks - clean" in lines[1]
    assert image.read_bytes() == disk


def test_partitions(fsu, image):
    spoil(fsu, image)
    status, out, _ = fsu("fsck", f"{image}@2")
    assert status == 0
    assert out.startswith(f"{image}@2: ".encode())
    assert fsu("fsck", "-q", f"{image}@1", f"{image}@2").status == 4
    status, out, err = fsu("fsck", f"{image}@7", f"{image}@2")
    assert status == 8
    assert out.endswith(b" - clean\n")
    assert b"fsu fsck: " in err


def test_what_is_wrong(fsu, image):
    spoil(fsu, image)
    status, out, err = fsu("fsck", image)
    assert (status, err) == (4, b"")
    first, second, third = out.decode().splitlines()
    assert first == f"{image}@1: {SPOILT}"
    assert "clean" not in second
    assert third.endswith(" - clean")
    assert fsu("fsck", "-q", image) == (4, f"{image}@1: {SPOILT}\n".encode(), b"")


def test_verbose(fsu, image):
    quiet, verbose = (fsu("fsck", *options, image).out.splitlines() for options in ([], ["-v"]))
    assert set(quiet) < set(verbose)
    assert any(b"directories: 0 of " in line for line in verbose)


def test_json(fsu, image):
    spoil(fsu, image)
    status, out, _ = fsu("fsck", "--json", image)
    assert status == 4
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows[0] == {"image": f"{image}@1", "grade": "error", "text": SPOILT}
    assert [row["grade"] for row in rows] == ["error", "summary", "summary"]


def test_as_many_as_wanted(fsu, tmp_path):
    """Of more findings than are to be shown it is said how many there are."""
    image, tree = tmp_path / "image", tmp_path / "tree"
    tree.mkdir()
    for number in range(5):
        (tree / f"F{number}").write_text("x")
    assert fsu("mkfs", "-q", "-t", "fat12", "-d", tree, image, "1M").status == 0
    data = bytearray(image.read_bytes())
    for number in range(5):
        data[data.index(b"F%d         " % number) + 28] = 0
    image.write_bytes(data)
    status, out, err = fsu("fsck", "-m", "2", image)
    lines = out.decode().splitlines()
    assert status == 4
    assert lines[:2] == [f"{image}: /F{number}: 0 bytes, which take 0 clusters; it has 1" for number in range(2)]
    assert len(lines) == 3
    assert err.decode() == f"fsu fsck: {image}: 3 more findings are not shown\n"
    assert len(fsu("fsck", "-m", "0", image).out.splitlines()) == 6


def test_what_cannot_be_checked(fsu, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.write_bytes(bytes(1 << 20))
    status, out, err = fsu("fsck", nothing)
    assert (status, out) == (8, b"")
    assert err.startswith(f"fsu fsck: {nothing}: ".encode())
    assert fsu("fsck", tmp_path / "missing").status == 8
    assert fsu("fsck", f"{nothing}:/etc").status == 8


@pytest.mark.parametrize("kind", ["fat32", "exfat", "iso9660", "ext4"])
def test_every_type(fsu, kind, tmp_path):
    image, tree = tmp_path / "image", tmp_path / "tree"
    (tree / "dir").mkdir(parents=True)
    (tree / "dir" / "a file with a long name").write_bytes(bytes(10000))
    assert fsu("mkfs", "-q", "-t", kind, "-d", tree, image, "40M").status == 0
    status, out, err = fsu("fsck", image)
    assert (status, err) == (0, b"")
    assert out.endswith(b" - clean\n")
    assert b"3 files, 2 of them directories; " in out or kind == "ext4"
