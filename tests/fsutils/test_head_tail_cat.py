# SPDX-License-Identifier: BSD-2-Clause
"""`fsu head`, `tail` and `cat` against the host's."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Fsu, call, tool

FILES = {
    "numbers": b"".join(b"%d\n" % number for number in range(30000)),
    "odd": b"a\n\n\n\n\tb\r\nc\x01\xc3\xa9\x7f\xff\n\xe2\nend",
    "empty": b"",
    "newlines": b"\n" * 20,
    "records": b"one\0two\0three\0",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree, and beside it an image of it, image.img; not to be changed."""
    root = tmp_path_factory.mktemp("ends") / "tree"
    root.mkdir()
    for name, data in FILES.items():
        (root / name).write_bytes(data)
    with open(root / "sparse", "wb") as file:
        file.write(b"head\n")
        file.seek(3 << 20)
        file.write(b"one\ntwo\n")
        file.truncate(8 << 20)
    call(tool("mke2fs"), "-q", "-t", "ext4", "-d", root, root.parent / "image.img", "32M")
    return root


class Standard:
    """Standard input."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def same(fsu: Fsu, monkeypatch: pytest.MonkeyPatch, root: Path, command: str, name: str) -> None:
    """What we print of a file in the image and of standard input is what the host's program prints."""
    words = command.split()
    expected = subprocess.run([tool(words[0]), *words[1:], root / name], check=True, capture_output=True).stdout
    result = fsu(*words, f"{root.parent}/image.img:/{name}")
    assert (result.status, result.err) == (0, b"") and result.out == expected, (command, name)
    monkeypatch.setattr(sys, "stdin", Standard((root / name).read_bytes()))
    assert fsu(*words).out == expected if words[0] != "cat" else fsu(*words, "-").out == expected


ENDS = ("-n 5", "-5", "-n 0", "-n 29999", "-n 50000", "-c 20", "-c 1K", "-c 1kB", "-c 0", "-c 99M", "-n 2 -z", "-qn1")


@pytest.mark.parametrize("name", [*FILES, "sparse"])
@pytest.mark.parametrize("verb", ["head", "tail"])
def test_ends(fsu: Fsu, monkeypatch: pytest.MonkeyPatch, root: Path, verb: str, name: str) -> None:
    for options in (*ENDS, *(("-n -3", "-c -7", "-n -29999", "-c -1M") if verb == "head" else (
            "-n +3", "-c +7", "-n +29999", "-n -2", "-c -2", "-n +0", "-c +1"))):  # fmt: skip
        same(fsu, monkeypatch, root, f"{verb} {options}", name)


def test_headings(fsu: Fsu, root: Path) -> None:
    image = f"{root.parent}/image.img"
    one, two = f"{image}:/newlines", f"{image}:/odd"
    assert fsu("tail", "-n1", one, two).out == f"==> {one} <==\n\n\n==> {two} <==\nend".encode()
    assert fsu("head", "-v", "-n1", two).out == f"==> {two} <==\na\n".encode()
    assert fsu("head", "-q", "-n1", one, two).out == b"\na\n"
    result = fsu("head", f"{image}:/none", "-c1", two, f"{image}:/")
    assert result.status == 1 and result.out.endswith(b"a") and b"Is a directory" in result.err
    assert fsu("head", "-n1", f"host:{root}/odd").out == b"a\n"
    assert fsu("tail", "-n1", "-c1", two).status == 2 and fsu("tail", "-n", "x", two).status == 2


def test_huge_files_are_not_read(fsu: Fsu, tmp_path: Path) -> None:
    """A file of 1 TiB, almost all of it a hole."""
    image = tmp_path / "huge.img"
    call(tool("mke2fs"), "-q", "-t", "ext4", image, "16M")
    commands = tmp_path / "commands"
    (tmp_path / "data").write_bytes(b"first\nsecond\n")
    commands.write_text(f"write {tmp_path}/data huge\nsif huge size {1 << 40}\n")
    call(tool("debugfs"), "-w", "-f", commands, image)
    before = time.process_time()
    assert fsu("head", "-n", "2", f"{image}:/huge").out == b"first\nsecond\n"
    assert fsu("tail", "-c", "3", f"{image}:/huge").out == bytes(3)
    assert fsu("tail", "-n", "+2", "-c", "5", f"{image}:/huge").status == 2
    assert fsu("head", "-n", "-1", f"{image}:/huge").out == b"first\nsecond\n"
    assert fsu("cat", "--offset=6", "--length=6", f"{image}:/huge").out == b"second"
    assert fsu("grep", "-c", "econd", f"{image}:/huge").out == b"1\n"
    assert fsu("grep", "-cv", "econd", f"{image}:/huge").out == b"%d\n" % ((1 << 40) - 13 + 1)
    assert fsu("grep", "absent", f"{image}:/huge").status == 1
    assert time.process_time() - before < 3


@pytest.mark.parametrize("name", [*FILES, "sparse"])
def test_cat_as_the_host_has_it(fsu: Fsu, monkeypatch: pytest.MonkeyPatch, root: Path, name: str) -> None:
    for options in ("-A", "-b", "-e", "-E", "-n", "-s", "-t", "-T", "-v", "-sn", "-bE", "-bsA", "-vT", "-u"):
        if name != "sparse" or options in ("-A", "-n"):
            same(fsu, monkeypatch, root, f"cat {options}", name)


def test_cat_of_pieces(fsu: Fsu, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines, and what ends them, may lie across pieces."""
    from rump.fsutils import looks

    expected = {}
    (root.parent / "crlf").write_bytes(b"a\r\n\r\n\r\n\n\n\nb\r\r\nc\r")
    for options in ("-E", "-n", "-sE", "-b", "-A", "-sn"):
        command = ["cat", options, root.parent / "crlf", root / "odd"]
        expected[options] = subprocess.run(command, capture_output=True, check=True).stdout
    for size in (1, 2, 3, 5):
        monkeypatch.setattr(looks, "PIECE", size)
        for options, output in expected.items():
            assert fsu("cat", options, f"host:{root.parent}/crlf", f"host:{root}/odd").out == output, (options, size)


def test_cat_numbers_on(fsu: Fsu, root: Path) -> None:
    image = f"{root.parent}/image.img"
    expected = subprocess.run(["cat", "-n", "odd", "odd", "newlines"], cwd=root, capture_output=True, check=True).stdout
    assert fsu("cat", "-n", *(f"{image}:/{name}" for name in ("odd", "odd", "newlines"))).out == expected


def test_cat_of_ranges(fsu: Fsu, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    path, data = f"{root.parent}/image.img:/numbers", FILES["numbers"]
    assert fsu("cat", "--offset", "100", "--length", "50", path).out == data[100:150]
    assert fsu("cat", "--offset", "-50", path).out == data[-50:]
    assert fsu("cat", "--offset=-50", "--length=10", path).out == data[-50:-40]
    assert fsu("cat", "--offset", "1K", "--length=1kB", path).out == data[1024:2024]
    assert fsu("cat", "--offset", "1T", path).out == b"" and fsu("cat", "--length=0", path).out == b""
    assert fsu("cat", "--offset=-1T", path).out == data
    assert fsu("cat", "-n", "--length=3", path).out == b"     1\t0\n     2\t1"
    monkeypatch.setattr(sys, "stdin", Standard(b"standard"))
    assert fsu("cat", "--offset=2", "--length=3", "-").out == b"and"
    assert fsu("cat", "--offset", "x", path).status == 2 and fsu("cat", "--length", "5q", path).status == 2
    assert fsu("cat", "--offset=-2", "-").status == 1


def test_cat_of_what_is_outside(fsu: Fsu, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(sys, "stdin", Standard(b"in\n"))
    assert fsu("cat", f"host:{root}/odd", "-").out == FILES["odd"] + b"in\n"
