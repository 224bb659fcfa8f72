# SPDX-License-Identifier: BSD-2-Clause
"""`fsu cat`, `stat`, `readlink`, `du`, `df`, `part` and `info`."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

from .conftest import Fsu, call, tool

# ---- cat -------------------------------------------------------------------------------------------------------------


def test_cat(fsu: Fsu, tree: Path, ext4_image: Path) -> None:
    for name in ("data", "sparse", "empty", "etc/passwd", "Grüße 世界"):
        result = fsu("cat", f"{ext4_image}:/{name}")
        assert (result.status, result.err) == (0, b"") and result.out == (tree / name).read_bytes(), name
    two = fsu("cat", f"{ext4_image}:/etc/passwd", f"{ext4_image}:/.hidden")
    assert two.out == (tree / "etc/passwd").read_bytes() + (tree / ".hidden").read_bytes()
    assert fsu("cat", f"{ext4_image}:/not utf-8 \udcff").out == b"latin\n"
    assert fsu("cat", f"{ext4_image}:/absolute").out == (tree / "etc/passwd").read_bytes()


def test_cat_says_what_it_cannot(fsu: Fsu, ext4_image: Path) -> None:
    result = fsu("cat", f"{ext4_image}:/etc", f"{ext4_image}:/dangling", f"{ext4_image}:/.hidden")
    assert result.status == 1 and result.out == b"you found me\n"
    assert result.err.decode().splitlines() == [
        f"fsu cat: {ext4_image}:/etc: Is a directory",
        f"fsu cat: {ext4_image}:/dangling: No such file or directory",
    ]


def test_cat_of_fat(fsu: Fsu, fat_image: Path, disk_image: Path) -> None:
    assert fsu("cat", f"{fat_image}:/hello.txt").out == b"hello\r\n"
    assert fsu("cat", f"{disk_image}@1:/folder/a LONGER name.txt").out == b"long\n"


# ---- stat ------------------------------------------------------------------------------------------------------------


def test_stat(fsu: Fsu, ext4_image: Path) -> None:
    lines = fsu("stat", f"{ext4_image}:/data").out.decode().splitlines()
    assert lines[0] == f"  File: {ext4_image}:/data"
    assert lines[1].split()[:4] == ["Size:", "262144", "Blocks:", "512"] and lines[1].endswith("regular file")
    assert lines[4:6] == ["Access: 2001-09-09 01:46:40.123456790 +0000", "Modify: 2001-09-09 01:46:40.123456789 +0000"]
    assert b"symbolic link" in fsu("stat", f"{ext4_image}:/etc/link").out
    assert b"regular file" in fsu("stat", "-L", f"{ext4_image}:/etc/link").out


FORMS = ("%s", "%a %A %f", "%h %u %g", "%F", "[%8s] [%-8s] [%08s]", "100%%")
TIMES = ("%Y", "%.9Y", "%y")


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for name in ("data", "empty", "program", "fifo", "etc/link") for form in FORMS]
    + [(name, form) for name in ("data", "etc/link") for form in TIMES]
    + [("scratch", "%a %A %F"), ("shared", "%a %A %F")],
)
def test_stat_formats_are_those_of_the_host(fsu: Fsu, tree: Path, ext4_image: Path, name: str, form: str) -> None:
    stat = tool("stat")
    if "GNU" not in subprocess.run([stat, "--version"], capture_output=True, text=True, check=False).stdout:
        pytest.skip("needs GNU stat")
    theirs = subprocess.run([stat, "-c", form, name], cwd=tree, capture_output=True, check=True,
                            env={"TZ": "UTC", "LC_ALL": "C"}).stdout  # fmt: skip
    assert fsu("stat", "-c", form, f"{ext4_image}:/{name}").out == theirs


def test_stat_formats_of_the_bsds(fsu: Fsu, ext4_image: Path) -> None:
    out = fsu("stat", "-f", "%z %Lp %Sp %m%t%Y%n", "-n", f"{ext4_image}:/etc/link").out
    assert out == b"6 777 lrwxrwxrwx 1000000000\tpasswd\n"
    assert fsu("stat", "--printf", r"%s\t%n\n", f"{ext4_image}:/data").out == f"262144\t{ext4_image}:/data\n".encode()
    assert fsu("stat", "-c", "%J", f"{ext4_image}:/data").status == 2


def test_stat_json(fsu: Fsu, ext4_image: Path) -> None:
    record = json.loads(fsu("stat", "--json", f"{ext4_image}:/etc/link").out)
    assert record["type"] == "symbolic link" and record["target"] == "passwd"
    assert record["mtime_ns"] == 1_000_000_000_123_456_789


# ---- readlink --------------------------------------------------------------------------------------------------------


def test_readlink(fsu: Fsu, ext4_image: Path) -> None:
    assert fsu("readlink", f"{ext4_image}:/absolute").out == b"/etc/passwd\n"
    assert fsu("readlink", "-n", f"{ext4_image}:/absolute").out == b"/etc/passwd"
    assert fsu("readlink", f"{ext4_image}:/a long target").out == b"x" * 200 + b"\n"
    assert fsu("readlink", f"{ext4_image}:/etc/passwd").status == 1


def test_canonical_paths(fsu: Fsu, ext4_image: Path) -> None:
    def canonical(path: str, option: str = "-f") -> tuple[int, bytes]:
        result = fsu("readlink", option, f"{ext4_image}:{path}")
        return result.status, result.out

    assert canonical("/etc/../etc//./link") == (0, b"/etc/passwd\n")
    assert canonical("/../../absolute") == (0, b"/etc/passwd\n")
    assert canonical("/dangling") == (0, b"/nowhere\n")
    assert canonical("/dangling", "-e") == (1, b"")
    assert canonical("/nowhere/x") == (1, b"")
    assert canonical("/etc/passwd/x")[0] == 1
    assert canonical("/") == (0, b"/\n")


# ---- du, df ----------------------------------------------------------------------------------------------------------


def test_du(fsu: Fsu, ext4_image: Path) -> None:
    lines = [line.split(b"\t") for line in fsu("du", "-a", ext4_image).out.splitlines()]
    names = [os.fsdecode(line[-1]).removeprefix(str(ext4_image)) for line in lines]
    assert names[-1] == ":/" and names.index(":/etc/passwd") < names.index(":/etc")
    assert ":/same data" not in names       # it was counted as :/data
    assert b"/same data" in fsu("du", "-al", ext4_image).out
    assert [size for size, *name in lines if name[-1:] and name[-1].endswith(b"/data")] == [b"256"]
    assert fsu("du", "-s", "-l", f"{ext4_image}:/data").out.startswith(b"256\t")
    assert fsu("du", "-b", f"{ext4_image}:/etc/passwd", f"{ext4_image}:/etc/group", "-c").out.endswith(b"90\ttotal\n")
    assert fsu("du", "-d1", f"{ext4_image}:/deep").out.count(b"\n") == 2
    record = json.loads(fsu("du", "-s", "--json", f"{ext4_image}:/data").out)
    assert record == {"path": f"{ext4_image}:/data", "size": 1 << 18}


def test_du_adds_up(fsu: Fsu, ext4_image: Path) -> None:
    """The sum for / is that of its parts and of itself."""
    lines = [line.split(b"\t") for line in fsu("du", "-d1", "-a", "--json", ext4_image).out.splitlines()]
    sizes = [json.loads(line[0]) for line in lines]
    itself = int(fsu("stat", "-c", "%b", f"{ext4_image}:/").out) * 512
    assert sizes[-1]["size"] == sum(row["size"] for row in sizes[:-1]) + itself


def test_df(fsu: Fsu, ext4_image: Path, disk_image: Path) -> None:
    lines = fsu("df", "-T", f"{disk_image}@1", ext4_image).out.decode().splitlines()
    assert lines[0].split() == ["Filesystem", "Type", "1K-blocks", "Used", "Available", "Use%"]
    assert lines[1].split()[:2] == [f"{disk_image}@1", "msdosfs"]
    assert lines[2].split()[:2] == [str(ext4_image), "ext2fs"]
    dump = call(tool("dumpe2fs"), "-h", ext4_image)
    free = next(int(line.split()[2]) for line in dump.splitlines() if line.startswith("Free blocks:"))
    record = json.loads(fsu("df", "--json", ext4_image).out)
    assert record["free"] == free * 1024 and record["inodes"] == 6144
    assert fsu("df", "-i", ext4_image).out.splitlines()[1].split()[1] == b"6144"


# ---- part, info ------------------------------------------------------------------------------------------------------


def test_part(fsu: Fsu, disk_image: Path, ext4_image: Path) -> None:
    lines = fsu("part", disk_image).out.decode().splitlines()
    assert lines[0] == f"{disk_image}: GPT, sectors of 512 bytes, 11111111-2222-3333-4444-555555555555"
    assert lines[2].split() == ["1", "2048", "34815", "16", "MiB", "EFI", "system", "efi"]
    rows = [json.loads(line) for line in fsu("part", "--json", disk_image).out.splitlines()]
    assert [(row["partition"], row["start"], row["name"]) for row in rows] == [
        ("1", 1 << 20, "efi"), ("2", 17 << 20, "rootfs"),
    ]  # fmt: skip
    assert fsu("part", "-n", disk_image).out.count(b"\n") == 2
    result = fsu("part", ext4_image)
    assert result.status == 1 and b"no partition table" in result.err


def test_info(fsu: Fsu, disk_image: Path, ext4_image: Path) -> None:
    text = fsu("info", disk_image).out.decode()
    for words in ("GPT", '@1 "efi": EFI system, 16 MiB', "FAT16", "label: STICK", "ext4", "label: treasury"):
        assert words in text
    first, second, third = (json.loads(line) for line in fsu("info", "--json", disk_image).out.splitlines())
    assert first["table"] == "gpt" and second["content"] == "FAT16" and third["content"] == "ext4"
    assert third["file_system"]["uuid"] == "01234567-89ab-cdef-0123-456789abcdef"
    assert json.loads(fsu("info", "--json", f"{disk_image}@2").out)["content"] == "ext4"
    assert b"inline_data" in fsu("info", ext4_image).out


def test_info_of_other_things(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x"
    for data, words in (
        (gzip.compress(b"x" * 9999, mtime=0), b"gzip"),
        (b"QFI\xfb\0\0\0\3" + bytes(4096), b"QCOW2"),
        (b"\xfd7zXZ\0" + bytes(4096), b"xz"),
        (bytes(4096), b"unknown"),
        (b"", b"unknown"),
    ):
        image.write_bytes(data)
        result = fsu("info", image)
        assert result.status == 0 and words.lower() in result.out.lower(), (words, result)
    assert fsu("info", tmp_path / "none").status == 1


def test_whatever_the_bytes(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    """A cut image: an error or output, never a traceback."""
    image = tmp_path / "cut.img"
    for size in (1024, 2048, 4096, 70000, 1 << 20):
        image.write_bytes(ext4_image.read_bytes()[:size])
        for verb in ("ls", "info", "df", "du"):
            result = fsu(verb, image)
            assert b"internal error" not in result.err and b"Traceback" not in result.err, (size, verb)
