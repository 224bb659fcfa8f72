# SPDX-License-Identifier: BSD-2-Clause
"""`fsu mkfs`: sizes, partitions, what it refuses to overwrite, reproducible images, what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Fsu, call, tool

MIB = 1 << 20


def check(image: Path) -> None:
    call(tool("e2fsck"), "-fn", image)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A GPT disk of two partitions, 1 MiB to 21 MiB and 21 MiB to 41 MiB, full of bytes that are not zero."""
    image = tmp_path / "disk.img"
    with open(image, "wb") as file:
        file.write(b"\x5a" * (42 * MIB))
        file.seek(0)
        file.write(bytes(MIB))
    subprocess.run([tool("sfdisk"), "-q", image], input="label: gpt\nsize=20M, name=one\nsize=20M, name=two\n",
                   text=True, check=True, capture_output=True)  # fmt: skip
    return image


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_a_new_image(fsu: Fsu, tmp_path: Path, kind: str) -> None:
    image = tmp_path / "x.img"
    result = fsu("mkfs", "-t", kind, "-L", "hello", image, "32M")
    assert (result.status, result.err) == (0, b"")
    text = result.out.decode()
    assert f'Made {kind} "hello"' in text and "32768 blocks of 1024" in " ".join(text.split())
    assert image.stat().st_size == 32 * MIB and image.stat().st_blocks * 512 < MIB
    check(image)
    assert fsu("ls", image).out == b"lost+found\n"
    assert b"hello" in fsu("info", image).out


@pytest.mark.parametrize(
    "size, expected", [("2M", 2 << 20), ("3000K", 3000 << 10), ("8192s", 4 << 20), ("65536", 65536)]
)
def test_sizes(fsu: Fsu, tmp_path: Path, size: str, expected: int) -> None:
    assert fsu("mkfs", "-q", tmp_path / "x.img", size) == (0, b"", b"")
    assert (tmp_path / "x.img").stat().st_size == expected
    check(tmp_path / "x.img")


def test_growing(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    image.touch()
    with open(image, "r+b") as file:
        file.truncate(MIB)
    assert fsu("mkfs", "-q", image, "5M").status == 0
    assert image.stat().st_size == 5 * MIB
    assert fsu("mkfs", "-q", "-F", "-t", "ext2", image).status == 0
    assert image.stat().st_size == 5 * MIB
    check(image)


@pytest.mark.parametrize("options", [
    ["-U", "01234567-89ab-cdef-0123-456789abcdef"], ["-U", "clear"], ["-b", "4096"], ["-i", "65536"], ["-N", "500"],
    ["-I", "128"], ["-m", "0.5"], ["-O", "^metadata_csum,^64bit"], ["-O", "^flex_bg", "-O", "metadata_csum_seed"],
    ["-J", "size=4"], ["-J", "size=0"], ["-E", "stride=4,stripe-width=8,root_owner=1:2"],
    ["-E", "lazy_itable_init=0"], ["-E", "hash_seed=01234567-89ab-cdef-0123-456789abcdef"], ["-M", "/mnt"],
    ["-j", "-e", "panic", "-G", "4", "-g", "4096"], ["-O", "bigalloc", "-C", "8192"],
    ["-O", "fast_commit", "-J", "size=2,fast_commit_size=64"], ["-E", "nodiscard,test_fs,packed_meta_blocks"],
    ["-O", "quota,mmp,orphan_file,sparse_super2", "-E", "quotatype=usrquota,num_backup_sb=1,mmp_update_interval=9",
     "-E", "orphan_file_size=64k,encoding,encoding_flags=strict,root_perms=700,root_owner,resize=99999"],
])  # fmt: skip
def test_options(fsu: Fsu, tmp_path: Path, options: list[str]) -> None:
    assert fsu("mkfs", "-q", *options, tmp_path / "x.img", "20M") == (0, b"", b"")
    check(tmp_path / "x.img")


@pytest.mark.parametrize("arguments, word", [
    (["-b", "1000"], "block_size"), (["-O", "journal_dev"], "journal_dev"), (["-O", "nonsense"], "nonsense"),
    (["-t", "tmpfs"], "tmpfs"), (["-t", "nonsense"], "nonsense"), (["-U", "1"], "uuid"), (["-L", "x" * 17], "label"),
])  # fmt: skip
def test_refused_and_nothing_is_left(fsu: Fsu, tmp_path: Path, arguments: list[str], word: str) -> None:
    result = fsu("mkfs", *arguments, tmp_path / "x.img", "20M")
    assert result.status == 1 and word in result.err.decode() and result.err.count(b"\n") == 1
    assert not (tmp_path / "x.img").exists()


@pytest.mark.parametrize("arguments", [
    ["-E", "nonsense=1", "x.img"], ["-J", "device=x", "x.img"], ["-J", "fast_commit_size=x", "x.img"], [],
    ["x.img", "20Q"], ["x.img:/etc", "1M"],
])  # fmt: skip
def test_usage(fsu: Fsu, arguments: list[str]) -> None:
    assert fsu("mkfs", *arguments).status == 2


def test_an_image_that_is_not_there(fsu: Fsu, tmp_path: Path) -> None:
    result = fsu("mkfs", tmp_path / "x.img")
    assert result.status == 1 and b"SIZE" in result.err and not (tmp_path / "x.img").exists()


def test_what_is_there_is_not_overwritten(
    fsu: Fsu, tmp_path: Path, ext4_image: Path, fat_image: Path, disk: Path
) -> None:
    data = tmp_path / "data"
    data.write_bytes(bytes(2 * MIB) + b"precious")
    for image, word in ((ext4_image, b"ext4"), (fat_image, b"FAT16"), (disk, b"2 partitions"), (data, b"data"),
                        (f"{disk}@1", b"data")):  # fmt: skip
        before = Path(str(image).split("@")[0]).read_bytes()
        result = fsu("mkfs", image)
        assert result.status == 1 and word in result.err and b"--force" in result.err
        assert Path(str(image).split("@")[0]).read_bytes() == before
    # A mistake in the options is found before anything is lost.
    assert fsu("mkfs", "-F", "-b", "1000", data).status == 1 and data.read_bytes().endswith(b"precious")
    assert fsu("mkfs", "-q", "--force", data) == (0, b"", b"")
    check(data)


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_a_partition_and_nothing_but_it(fsu: Fsu, disk: Path, tmp_path: Path, kind: str) -> None:
    before = disk.read_bytes()
    assert fsu("mkfs", "-F", "-q", "-t", kind, f"{disk}@two") == (0, b"", b"")
    after = disk.read_bytes()
    low, high = 21 * MIB, 41 * MIB
    assert len(after) == len(before) and after[:low] == before[:low] and after[high:] == before[high:]
    (tmp_path / "part").write_bytes(after[low:high])
    check(tmp_path / "part")
    assert fsu("ls", f"{disk}@2:/").out == b"lost+found\n"
    assert fsu("mkfs", "-F", f"{disk}@2", "21M").status == 1
    assert fsu("mkfs", "-F", f"{disk}@3").status == 1


def test_a_dry_run_writes_nothing(fsu: Fsu, tmp_path: Path, ext4_image: Path) -> None:
    result = fsu("mkfs", "-n", tmp_path / "x.img", "1T")
    assert result.status == 0 and result.out.startswith(b"Would make ext4") and not (tmp_path / "x.img").exists()
    copy = tmp_path / "copy"
    shutil.copy(ext4_image, copy)
    assert fsu("mkfs", "-n", "-F", "-t", "ext2", copy).status == 0
    assert copy.read_bytes() == ext4_image.read_bytes()


def test_reproducible(fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        assert fsu("mkfs", "-q", "-L", label, tmp_path / name, "12M").status == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    uuids = [next(line for line in fsu("info", tmp_path / name).out.splitlines() if b"uuid" in line) for name in "ac"]
    assert uuids[0] != uuids[1]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert fsu("mkfs", "-q", "-L", "x", tmp_path / "d", "12M").status == 0
    assert (tmp_path / "d").read_bytes() != (tmp_path / "a").read_bytes()


@pytest.mark.skipif(not hasattr(os, "SEEK_DATA"), reason="needs to see holes")
def test_huge(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    try:
        with open(image, "wb") as file:
            file.truncate(1 << 40)
    except OSError:
        pytest.skip("no room for a sparse file of 1 TiB here")
    assert fsu("mkfs", "-q", image).status == 0
    assert image.stat().st_blocks * 512 < 64 * MIB
    assert fsu("ls", image).out == b"lost+found\n"
