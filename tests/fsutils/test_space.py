# SPDX-License-Identifier: BSD-2-Clause
"""`fsu du` and `df`: their options, orders, and what they show on a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from rump.fsutils.main import main

from .conftest import Fsu, call, tool


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree whose files are 10, 100, 3000 ... KiB, and beside it an image of it, image.img; not to be changed."""
    root = tmp_path_factory.mktemp("space") / "tree"
    (root / "a/b").mkdir(parents=True)
    (root / "c").mkdir()
    for name, size in (("a/ten", 10), ("a/b/hundred", 100), ("c/much.log", 3000), ("top.log", 7)):
        (root / name).write_bytes(os.urandom(size << 10))
        os.utime(root / name, (size, size))
    os.link(root / "a/ten", root / "c/ten")
    for name, time in (("a/b", 50), ("a", 5000), ("c", 1), (".", 2)):
        os.utime(root / name, (time, time))
    call(tool("mke2fs"), "-q", "-t", "ext4", "-d", root, root.parent / "image.img", "32M")
    return root


def du(fsu: Fsu, root: Path, *words: str) -> list[str]:
    """Lines, without lost+found."""
    result = fsu("du", *words, f"{root.parent}/image.img:/")
    assert (result.status, result.err) == (0, b"")
    lines = result.out.decode().replace(f"{root.parent}/image.img:", "").splitlines()
    return [line.replace("\t", " ") for line in lines if "lost+found" not in line]


FILES = ("--apparent-size", "-k")


def test_du(fsu: Fsu, root: Path) -> None:
    assert du(fsu, root, *FILES) == ["100 /a/b", "110 /a", "3000 /c", "3117 /"]
    assert du(fsu, root, *FILES, "-S") == ["100 /a/b", "10 /a", "3000 /c", "7 /"]
    assert du(fsu, root, *FILES, "-l", "-d1") == ["110 /a", "3010 /c", "3127 /"]
    assert du(fsu, root, "--apparent-size", "-m", "-s", "-c") == ["4 /", "4 total"]
    assert du(fsu, root, "--apparent-size", "-h", "--max-depth=0") == ["3.1M /"]
    assert du(fsu, root, "-b", "-s") == [f"{3117 << 10} /"]
    assert du(fsu, root, *FILES, "-a", "--sort=size")[:4] == ["3117 /", "3000 /c", "3000 /c/much.log", "110 /a"]
    assert [line.split()[1] for line in du(fsu, root, *FILES, "-a", "--sort=name")] == [
        "/", "/a", "/a/b", "/a/b/hundred", "/a/ten", "/c", "/c/much.log", "/top.log"]  # fmt: skip
    assert du(fsu, root, *FILES, "-a", "--exclude=*.log", "--exclude=*/a/b") == ["10 /a/ten", "10 /a", "0 /c", "10 /"]
    assert du(fsu, root, *FILES, "-a", "-t", "100K") == [
        "100 /a/b/hundred", "100 /a/b", "110 /a", "3000 /c/much.log", "3000 /c", "3117 /"]  # fmt: skip
    assert du(fsu, root, *FILES, "-a", "-t", "-10K") == ["10 /a/ten", "7 /top.log"]


def test_du_and_times(fsu: Fsu, root: Path) -> None:
    moment = lambda seconds: f"1970-01-01 {seconds // 3600:02}:{seconds // 60 % 60:02}"  # noqa: E731
    path = f"{root.parent}/image.img:/a"
    assert fsu("du", *FILES, "--time", path).out.decode().splitlines() == [
        f"100\t{moment(100)}\t{path}/b", f"110\t{moment(5000)}\t{path}"]  # fmt: skip
    assert fsu("du", *FILES, "-sc", "--time", "--time-style=+%s", path).out.decode() == (
        f"110\t5000\t{path}\n110\t5000\ttotal\n")  # fmt: skip
    record = json.loads(fsu("du", "-s", "--time", "--json", path).out)
    assert record["mtime_ns"] == 5000 * 10**9
    assert fsu("du", "--time", "--time-style=nonsense", path).status == 2


def test_du_as_the_host_has_it(fsu: Fsu, root: Path) -> None:
    for options in (["-ak"], ["-aSk"], ["-d1"], ["-0s"]):
        words = [tool("du"), "--apparent-size", *options, "--exclude=nothing"]
        theirs = subprocess.run([*words, "a/b/hundred", "top.log"], cwd=root, capture_output=True, check=True).stdout
        image = f"{root.parent}/image.img:/"
        ours = fsu("du", "--apparent-size", *options, image + "a/b/hundred", image + "top.log").out
        assert ours.replace(image.encode(), b"") == theirs
    assert fsu("du", "-s", "-a", image).status == 2 and fsu("du", "-t", "x", image).status == 2


def test_df_of_partitions(fsu: Fsu, disk_image: Path, ext4_image: Path) -> None:
    lines = fsu("df", "-T", disk_image).out.decode().splitlines()
    assert lines[0].split() == ["Filesystem", "Type", "1K-blocks", "Used", "Available", "Use%"]
    assert [line.split()[0] for line in lines[1:]] == [f"{disk_image}@1", f"{disk_image}@2"]
    one = fsu("df", f"{disk_image}@2").out.decode().splitlines()[1]
    assert one.split()[1:] == lines[2].split()[2:]
    sizes = [int(line.split()[2]) for line in lines[1:]]
    total = fsu("df", "--total", disk_image).out.decode().splitlines()[-1].split()
    assert total[:2] == ["total", str(sum(sizes))]
    records = [json.loads(line) for line in fsu("df", "--json", disk_image, ext4_image).out.splitlines()]
    assert [record["partition"] for record in records] == ["1", "2", None]
    result = fsu("df", f"{disk_image}@9", ext4_image)
    assert result.status == 1 and len(result.out.splitlines()) == 2


def test_df_columns(fsu: Fsu, ext4_image: Path, fat_image: Path) -> None:
    result = fsu("df", "-B1M", "--output=avail,source,target", "--total", ext4_image, fat_image)
    lines = [line.split() for line in result.out.decode().splitlines()]
    assert lines[0] == ["Available", "Filesystem", "Mounted", "on"]
    assert [line[1:] for line in lines[1:]] == [[str(ext4_image), "/"], [str(fat_image), "/"], ["total", "-"]]
    plain = fsu("df", "-m", ext4_image).out.split()
    assert lines[1][0] == plain[8].decode()
    everything = fsu("df", "--output", ext4_image).out.decode().splitlines()
    assert everything[0].split()[:3] == ["Filesystem", "Type", "Inodes"] and everything[1].split()[1] == "ext2fs"
    assert len(everything[1].split()) == 12
    for words, reason in (
        (["--output=nope"], b"no column 'nope'"), (["--output=size,size"], b"twice"),
        (["-i", "--output"], b"-i and --output: one of them"),
    ):  # fmt: skip
        result = fsu("df", *words, ext4_image)
        assert result.status == 2 and reason in result.err and not result.out


def test_df_and_units(fsu: Fsu, ext4_image: Path) -> None:
    kib, mib = (fsu("df", option, ext4_image).out.decode().splitlines()[1].split() for option in ("-k", "-m"))
    assert int(mib[1]) == -(-int(kib[1]) // 1024)
    assert fsu("df", "-P", ext4_image).out.split()[:5] == [
        b"Filesystem",
        b"1024-blocks",
        b"Used",
        b"Available",
        b"Capacity",
    ]
    assert fsu("df", "-h", ext4_image).out.decode().splitlines()[1].split()[1].endswith("M")
    inodes = fsu("df", "-i", "--total", ext4_image).out.decode().splitlines()
    assert inodes[0].split() == ["Filesystem", "Inodes", "IUsed", "IFree", "IUse%"]
    assert inodes[1].split()[1:] == inodes[2].split()[1:]


class Terminal(io.BytesIO):
    """Output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("words", "human"), [
    (["du", "-s"], True), (["du", "-sk"], False), (["df"], True), (["df", "-k"], False), (["df", "-P"], False),
])  # fmt: skip
def test_sizes_on_a_terminal(ext4_image: Path, words: list[str], human: bool) -> None:
    out = Terminal()
    assert main([*words, str(ext4_image)], out, io.BytesIO()) == 0
    size = out.getvalue().splitlines()[-1].split()[1 if words[0] == "df" else 0]
    assert size.isdigit() != human
