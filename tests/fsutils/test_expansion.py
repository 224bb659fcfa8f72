# SPDX-License-Identifier: BSD-2-Clause
"""Patterns in operands, and what is said of operands that make no sense."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import pytest

from rump.fsutils.errors import UsageError
from rump.fsutils.operand import parse

from .conftest import Fsu, check, tool


def names(result: tuple[int, bytes, bytes], image: Path) -> list[str]:
    assert result[0] == 0, result[2]
    return result[1].decode().replace(f"{image}:", "").splitlines()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/etc/*", ["/etc/group", "/etc/link", "/etc/passwd"]),
        ("/etc/[gp]*", ["/etc/group", "/etc/passwd"]),
        ("/etc/[!gp]*", ["/etc/link"]),
        ("/etc/gr?up", ["/etc/group"]),
        ("/*/passwd", ["/etc/passwd"]),
        ("/e*/", ["/etc/"]),
        ("/.h*", ["/.hidden"]),
        ("/**/treasure", ["/deep/er/and/deeper/treasure"]),
        ("/etc/../etc/g*", ["/etc/../etc/group"]),
    ],
)
def test_patterns(fsu: Fsu, ext4_image: Path, pattern: str, expected: list[str]) -> None:
    assert names(fsu("ls", "-d", f"{ext4_image}:{pattern}"), ext4_image) == expected


def test_patterns_leave_hidden_names_alone(fsu: Fsu, ext4_image: Path) -> None:
    listed = fsu("ls", "-d", f"{ext4_image}:/*").out.splitlines()
    assert b".hidden" not in b"".join(listed) and os.fsencode(f"{ext4_image}:/data") in listed


def test_a_pattern_that_matches_nothing_is_a_name(fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("cat", f"{ext4_image}:/etc/*.conf")
    assert (result.status, result.err.decode()) == (
        1,
        f"fsu cat: {ext4_image}:/etc/*.conf: No such file or directory\n",
    )
    assert fsu("ls", "--no-glob", f"{ext4_image}:/etc/*").status == 1


def test_a_file_of_exactly_that_name_wins(fsu: Fsu, image: Path) -> None:
    assert fsu("touch", f"{image}:/a*", f"{image}:/ab", f"{image}:/ac").status == 0
    assert names(fsu("ls", f"{image}:/a*"), image) == ["/a*"]
    assert fsu("rm", f"{image}:/a*").status == 0
    assert names(fsu("ls", f"{image}:/a*"), image) == ["/ab", "/ac"]
    assert fsu("rm", "--no-glob", f"{image}:/a*").status == 1
    check(image)


def test_patterns_of_verbs_that_write(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    assert fsu("mkdir", f"{image}:/d", f"{image}:/e*").status == 0
    assert fsu("touch", f"{image}:/d/a.c", f"{image}:/d/b.c", f"{image}:/d/c.h").status == 0
    assert fsu("chmod", "600", f"{image}:/d/*.c").status == 0
    assert names(fsu("stat", "-c", "%a", f"{image}:/d/*"), image) == ["600", "600", "644"]
    assert fsu("cp", f"{image}:/d/*.c", f"{image}:/e*").status == 0
    assert fsu("mv", f"{image}:/d/*.c", tmp_path).status == 0
    assert names(fsu("ls", f"{image}:/d", "--no-glob"), image) == ["c.h"]
    assert names(fsu("ls", "--no-glob", f"{image}:/e*"), image) == ["a.c", "b.c"]
    assert (tmp_path / "a.c").exists() and (tmp_path / "b.c").exists()
    assert fsu("rm", "-r", f"{image}:/[de]*").status == 0
    assert names(fsu("ls", image), image) == ["lost+found"]
    check(image)


@pytest.mark.parametrize("by_default", [False, True])
def test_a_missing_slash_is_noticed(ext4_image: Path, by_default: bool) -> None:
    for text in (f"{ext4_image}:etc", f"{ext4_image}@2:etc"):
        with pytest.raises(UsageError, match=f"did you mean {text.removesuffix('etc')}/etc"):
            parse(text, image_by_default=by_default)
    assert parse(f"host:{ext4_image}:etc", image_by_default=by_default).image is None


def test_colons_in_names_of_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "a:b.img", "a:b"):
        Path(name).touch()
    assert parse("a:b", image_by_default=False).path == b"a:b"
    assert parse("a:b.img:/x", image_by_default=True).image == "a:b.img"
    assert parse("a:b.img@2:/x", image_by_default=True).partition == "2"
    assert parse("c:d", image_by_default=False).path == b"c:d"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"QFI\xfb\0\0\0\3" + bytes(4096), "looks like QCOW2 disk image: qemu-img convert"),
        (b"LUKS\xba\xbe\0\2" + bytes(8192), "looks like LUKS2 encrypted volume: cryptsetup"),
        (bytes(4086) + b"SWAPSPACE2", "looks like Linux swap: there are no files in it"),
        (b"hsqs" + bytes(4096), "looks like SquashFS: unsquashfs"),
        (b"\x3a\xff\x26\xed" + bytes(100), "looks like Android sparse image: simg2img"),
        (bytes(536) + b"LVM2 001" + bytes(512), "looks like LVM2 physical volume: vgchange"),
        (gzip.compress(b"x", mtime=0), "looks like gzip compressed data: gunzip it first"),
        (b"root:x:0:0\n", "it is a text file, not an image"),
        (b"", "it is empty"),
        (bytes(1024), "it begins with zeros"),
        (b"\x01\x02\x03" * 500, "no file system or partition table found"),
    ],
)
def test_what_is_no_file_system(fsu: Fsu, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)
    result = fsu("ls", path)
    assert result.status == 1 and message in result.err.decode() and result.err.count(b"\n") == 1


def test_other_things_that_are_no_images(fsu: Fsu, tmp_path: Path, ext4_image: Path, disk_image: Path) -> None:
    assert fsu("ls", tmp_path).err.decode() == f"fsu ls: {tmp_path}: Is a directory of the host, not an image\n"
    assert fsu("ls", tmp_path / "no").err.decode() == f"fsu ls: {tmp_path}/no: No such file or directory\n"
    assert b"no partition 2: there is no partition table" in fsu("ls", f"{ext4_image}@2:/").err
    result = fsu("ls", f"{disk_image}@9:/")
    assert result.status == 1 and b'"efi"' in result.err and b'"rootfs"' in result.err
    result = fsu("ls", disk_image)
    assert result.status == 1 and b"choose one as in disk.img@1" in result.err and b'"rootfs"' in result.err


def test_partitions_none_of_which_can_be_read(fsu: Fsu, tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    with open(path, "wb") as file:
        file.truncate(4 << 20)
    layout = "label: gpt\nstart=2048, size=1M, name=secret\n"
    subprocess.run([tool("sfdisk"), "-q", path], input=layout, text=True, check=True, capture_output=True)
    with open(path, "r+b") as file:
        file.seek(1 << 20)
        file.write(b"LUKS\xba\xbe\0\2")
    error = fsu("ls", path).err.decode()
    assert "no partition holds a file system that can be read" in error
    assert "by the looks of it LUKS2 encrypted volume" in error


@pytest.mark.parametrize(
    ("name", "meant"), [("chwon", "chown"), ("gerp", "grep"), ("vi", "edit"), ("md5sum", "sum -a")]
)
def test_misspelt_commands(fsu: Fsu, name: str, meant: str) -> None:
    result = fsu(name)
    assert result.status == 2 and f"did you mean {meant}" in result.err.decode()
