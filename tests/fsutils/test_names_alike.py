# SPDX-License-Identifier: BSD-2-Clause
"""Volumes that do not tell names apart by case: what a copy has just made is never lost to the next file."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from rump.fsutils.copy import kernel

from .conftest import Fsu, Result

KINDS = ("vfat", "exfat")


@pytest.fixture(params=KINDS)
def image(fsu: Fsu, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An empty image."""
    path = tmp_path / "x.img"
    assert fsu("mkfs", "-q", "-t", request.param, path, "8M").status == 0
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two files and two directories whose names differ in case only, large and small."""
    root = tmp_path / "pairs"
    for name, text in (("B", "1"), ("b", "2"), ("BIG", "3"), ("big", "4"), ("D/x", "5"), ("d/y", "6"), ("other", "7")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text * (100_000 if "big" in name.lower() else 1))
    return root


def refused(result: Result, *names: bytes) -> None:
    assert result.status == 1
    assert len(result.err.splitlines()) == len(names), result.err
    for name in names:
        other = name.swapcase()         # the host lists them in an order of its own
        assert any(b"%s: will not overwrite '%s'" % pair in result.err for pair in ((name, other), (other, name)))


def found(fsu: Fsu, path: str) -> dict[bytes, bytes]:
    """The files below, by name without case: the first letters of their contents."""
    names = fsu("find", path, "-type", "f", "-printf", "%P\n").out.split()
    return {name.lower(): fsu("cat", f"{path}/{os.fsdecode(name)}").out[:1] for name in names}


def sound(fsu: Fsu, path: str, first: bool | None = None) -> None:
    """One of each pair is there, with what was in it."""
    files = found(fsu, path)
    assert set(files) in ({b"b", b"big", b"d/x", b"other"}, {b"b", b"big", b"d/y", b"other"})
    assert files[b"b"] in b"12" and files[b"big"] in b"34" and files.get(b"d/x", b"5") == b"5"
    if first:
        assert files[b"b"] == b"1" and files[b"big"] == b"3" and files[b"d/x"] == b"5"


@pytest.mark.parametrize("verb", [("cp", "-aR"), ("put",)])
def test_copies(fsu: Fsu, image: Path, pairs: Path, verb: tuple[str, ...]) -> None:
    """Into a directory that was there, and into one of its own."""
    for to in ("/", "/new"):
        if to == "/new":
            fsu("mkdir", f"{image}:/new")
        refused(fsu(*verb, f"{pairs}/.", f"{image}:{to}"), b"B", b"BIG", b"D")
        sound(fsu, f"{image}:{to}") if to == "/new" else None
        refused(fsu(*verb, pairs, f"{image}:{to}"), b"B", b"BIG", b"D")
        sound(fsu, f"{image}:{to}/pairs")


def test_operands(fsu: Fsu, image: Path, pairs: Path) -> None:
    """In the order of the operands; what was there before is replaced all the same."""
    assert fsu("mkdir", f"{image}:/to").status == 0
    assert fsu("cp", pairs / "other", f"{image}:/to/b").status == 0
    names = ("B", "b", "BIG", "big", "D", "d", "other")
    refused(fsu("cp", "-R", *[pairs / name for name in names], f"{image}:/to"), b"b", b"big", b"d")
    sound(fsu, f"{image}:/to", first=True)
    assert fsu("cp", "-R", pairs / "b", f"{image}:/to").status == 0
    assert found(fsu, f"{image}:/to")[b"b"] == b"2"


def test_directories_that_merge(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    """What one operand put into a directory is not lost to another that goes into it, too."""
    for top, name in (("one", "B"), ("two", "b")):
        (tmp_path / top / "same" / "deep").mkdir(parents=True)
        (tmp_path / top / "same" / "deep" / name).write_text(top)
        (tmp_path / top / "same" / top).touch()
    refused(fsu("cp", "-R", tmp_path / "one" / "same", tmp_path / "two" / "same", f"{image}:/"), b"b")
    assert found(fsu, f"{image}:/") == {b"same/deep/b": b"o", b"same/one": b"", b"same/two": b""}


@pytest.mark.parametrize("kind", KINDS)
def test_mkfs_and_mkimage(fsu: Fsu, tmp_path: Path, pairs: Path, kind: str) -> None:
    made = fsu("mkfs", "-q", "-t", kind, "-d", pairs, tmp_path / "made.img", "8M")
    refused(made, b"B", b"BIG", b"D")
    sound(fsu, f"{tmp_path}/made.img:/")
    made = fsu("mkimage", "-q", "-p", f"name=a,format={kind},size=8M,from={pairs}", tmp_path / "disk.img")
    assert made.status == 1 and made.err.count(b"will not overwrite") == 3


def test_moves(fsu: Fsu, image: Path, pairs: Path) -> None:
    """From the host and inside: what was refused stays where it was."""
    names = ("B", "b", "BIG", "big", "D", "d", "other")
    refused(fsu("mv", *[pairs / name for name in names], f"{image}:/"), b"b", b"big", b"d")
    sound(fsu, f"{image}:/", first=True)
    assert sorted(path.name for path in pairs.iterdir()) == ["b", "big", "d"]
    for directory in "123":
        fsu("mkdir", f"{image}:/{directory}")
    fsu("cp", pairs / "b", f"{image}:/1/n")
    fsu("cp", pairs / "big", f"{image}:/2/N")
    refused(fsu("mv", f"{image}:/1/n", f"{image}:/2/N", f"{image}:/3"), b"N")
    assert found(fsu, f"{image}:/3") == {b"n": b"2"} and found(fsu, f"{image}:/2") == {b"n": b"4"}
    assert fsu("mv", f"{image}:/3/n", f"{image}:/3/N").status == 0
    assert fsu("ls", f"{image}:/3").out == b"N\n"


def test_moves_of_one_name(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    assert fsu("mkfs", "-q", image, "4M").status == 0
    for directory in "123":
        fsu("mkdir", f"{image}:/{directory}")
    for directory in "12":
        fsu("touch", f"{image}:/{directory}/n")
    done = fsu("mv", f"{image}:/1/n", f"{image}:/2/n", f"{image}:/3")
    assert done.status == 1 and b"/3/n: will not overwrite what was just made" in done.err
    assert fsu("ls", f"{image}:/2").out == b"n\n"


def archive(path: Path, *members: tuple[str, str]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, text in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text), 1_000_000_000
            tar.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("top", ["", "new/"])
def test_archives(fsu: Fsu, image: Path, tmp_path: Path, top: str) -> None:
    """A later member of the very name replaces the earlier one; one in another case does not."""
    large = "9" * 100_000
    members = (("b", "1"), ("c", "1"), ("B", "2"), ("c", "3"), ("d/x", "4"), ("L", large), ("D/y", "5"),
               ("l", large[1:]), ("d/x", "6"), ("d/X", "7"))  # fmt: skip
    path = archive(tmp_path / "a.tar", *[(top + name, text) for name, text in members])
    done = fsu("tar", "-x", "-f", path, "-C", f"{image}:/")
    assert done.status == 1 and done.err.count(b"will not overwrite") == 4 and len(done.err.splitlines()) == 4
    assert found(fsu, f"{image}:/{top}") == {b"b": b"1", b"c": b"3", b"d/x": b"6", b"l": b"9"}


def test_archives_over_what_was_there(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    assert fsu("tar", "-x", "-f", archive(tmp_path / "a.tar", ("b", "1"), ("d/c", "1")), "-C", f"{image}:/").status == 0
    assert fsu("tar", "-x", "-f", archive(tmp_path / "a.tar", ("B", "2"), ("D/C", "2")), "-C", f"{image}:/").status == 0
    assert found(fsu, f"{image}:/") == {b"b": b"2", b"d/c": b"2"}


@pytest.mark.parametrize("reverse", [False, True])
def test_short_names(fsu: Fsu, tmp_path: Path, reverse: bool) -> None:
    """A file with the name that a long one would have as a short one: both are there, or one is refused."""
    image, source = tmp_path / "x.img", tmp_path / "s"
    source.mkdir()
    names = ["longfilename.txt", "LONGFI~1.TXT"]
    names = names[::-1] if reverse else names
    for name in names:
        (source / name).write_text(name[0])
    fsu("mkfs", "-q", "-t", "vfat", image, "8M")
    done = fsu("cp", *[source / name for name in names], f"{image}:/")
    if reverse:
        assert done.status == 0 and found(fsu, f"{image}:/") == {b"longfilename.txt": b"l", b"longfi~1.txt": b"L"}
        return
    assert done.status == 1 and b"LONGFI~1.TXT: will not overwrite 'longfilename.txt'" in done.err
    assert found(fsu, f"{image}:/") == {b"longfilename.txt": b"l"}


def test_nothing_is_paid_elsewhere(fsu: Fsu, tmp_path: Path, pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where names are told apart nobody asks for numbers, and all files are there."""
    monkeypatch.delattr(kernel.KernelTarget, "_number")
    image = tmp_path / "x.img"
    assert fsu("mkfs", "-q", image, "8M").status == 0
    assert fsu("cp", "-aR", f"{pairs}/.", f"{image}:/").status == 0
    assert fsu("cp", "-aR", f"{pairs}/.", f"{image}:/").status == 0
    assert fsu("ls", f"{image}:/").out.split() == [b"B", b"BIG", b"D", b"b", b"big", b"d", b"lost+found", b"other"]
