# SPDX-License-Identifier: BSD-2-Clause
"""`fsu mknod` and `fsu mkfifo`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rump.fsutils.errors import UsageError
from rump.fsutils.mknod import FORMATS, packed
from rump.kernel.abi import major, minor

from .conftest import Fsu, Result, check, debugfs


@pytest.fixture
def x(image: Path) -> Iterator[str]:
    """An image, as operands begin with it."""
    before = os.umask(0o022)
    yield f"{image}:"
    os.umask(before)
    check(image)


def _stat(fsu: Fsu, x: str, path: str) -> str:
    return fsu("stat", "-c", "%F %a %u:%g %t:%T", x + path).out.decode().strip()


def test_nodes(fsu: Fsu, x: str, image: Path) -> None:
    assert fsu("mknod", f"{x}/sda1", "b", "8", "1") == Result(0, b"", b"")
    assert fsu("mknod", f"{x}/tty", "c", "5", "0", "-m", "620", "-g", "5").status == 0
    assert fsu("mknod", "-m", "u=rw,go=", f"{x}/fifo", "p").status == 0
    assert fsu("mknod", f"{x}/odd", "u", "0x103", "0o12").status == 0
    assert _stat(fsu, x, "/sda1") == "block special file 644 0:0 8:1"
    assert _stat(fsu, x, "/tty") == "character special file 620 0:5 5:0"
    assert _stat(fsu, x, "/fifo") == "fifo 600 0:0 0:0"
    assert _stat(fsu, x, "/odd") == "character special file 644 0:0 103:a"
    said = debugfs(image, "stat /sda1")
    assert "Type: block special" in said and "Device major/minor number: 08:01 " in said


def test_what_is_there(fsu: Fsu, x: str) -> None:
    fsu("mknod", "-m", "600", f"{x}/a", "c", "1", "3")
    result = fsu("mknod", f"{x}/a", "c", "1", "3")
    assert (result.status, result.err.decode()) == (1, f"fsu mknod: {x}/a: File exists\n")
    assert fsu("mknod", "-r", "-m", "666", f"{x}/a", "c", "1", "3").status == 0     # as it should be already
    assert _stat(fsu, x, "/a") == "character special file 600 0:0 1:3"
    assert fsu("mknod", "-R", "-m", "666", "-u", "7", f"{x}/a", "c", "1", "3").status == 0
    assert _stat(fsu, x, "/a") == "character special file 666 7:0 1:3"
    assert fsu("mknod", "-R", f"{x}/a", "c", "1", "3").status == 0
    assert _stat(fsu, x, "/a") == "character special file 644 7:0 1:3"
    assert fsu("mknod", "-r", f"{x}/a", "b", "1", "3").status == 0
    assert _stat(fsu, x, "/a") == "block special file 644 0:0 1:3"
    result = fsu("mknod", "-r", f"{x}/lost+found", "p")
    assert result.status == 1 and b"Is a directory" in result.err


def test_owners_by_name(fsu: Fsu, x: str, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\ndaemon:x:44:44::/:/bin/sh\n")
    (tmp_path / "etc/group").write_text("tape:x:26:\n")
    fsu("cp", "-R", tmp_path / "etc", f"{x}/")
    assert fsu("mknod", "-u", "daemon", "-g", "tape", f"{x}/st0", "c", "9", "0").status == 0
    assert _stat(fsu, x, "/st0") == "character special file 644 44:26 9:0"
    assert fsu("mknod", "-u", "nobody", f"{x}/st1", "c", "9", "0").status == 2
    assert _stat(fsu, x, "/st1") == ""


@pytest.mark.parametrize(
    "words",
    [[], ["b"], ["x", "1", "2"], ["p", "1"], ["b", "1", "2", "3"], ["b", "one", "2"], ["b", "-1", "2"],
     ["b", "1", "2", "-F", "vax"], ["-F", "4bsd", "b", "256", "0"], ["b", "8", str(1 << 32)], ["-m", "nothing", "p"]],
)  # fmt: skip
def test_what_makes_no_sense(fsu: Fsu, x: str, words: list[str]) -> None:
    result = fsu("mknod", f"{x}/node", *words)
    assert (result.status, result.out) == (2, b"") and result.err.startswith(b"fsu mknod: ")


@pytest.mark.parametrize(
    ("form", "number", "expected"),
    [
        ("native", 0x12345678, (0x456, 0x12378)), ("netbsd", 0xFFFFFFFF, (0xFFF, 0xFFFFF)), ("linux", 0x0801, (8, 1)),
        ("freebsd", 0x12340567, (5, 0x123467)), ("bsdos", 0x00102003, (1, 0x2003)), ("hpux", 0x1F000020, (31, 32)),
        ("osf1", 0x00800001, (8, 1)), ("solaris", 0x00800001, (32, 1)), ("svr4", 0x00800001, (32, 1)),
    ],
)  # fmt: skip
def test_numbers_in_one(form: str, number: int, expected: tuple[int, int]) -> None:
    device = packed([str(number)], form)
    assert (major(device), minor(device)) == expected


def test_units() -> None:
    assert packed(["1", "2", "3"], "bsdos") == packed(["1", str(2 << 8 | 3)], "bsdos")
    with pytest.raises(UsageError, match="8 bits"):
        packed(["1", "2", "300"], "bsdos")
    for form in FORMATS:
        assert major(packed(["3", "4"], form)) == 3


def test_fifos(fsu: Fsu, x: str) -> None:
    assert fsu("mkfifo", f"{x}/a", f"{x}/b", "-m", "640") == Result(0, b"", b"")
    assert fsu("mkfifo", "-m", "g-r,o=", f"{x}/c").status == 0
    assert fsu("mkfifo", f"{x}/d").status == 0
    assert [_stat(fsu, x, path) for path in ("/a", "/c", "/d")] == [f"fifo {mode} 0:0 0:0" for mode in (640, 620, 644)]
    result = fsu("mkfifo", f"{x}/a", f"{x}/e")
    assert (result.status, result.err.decode()) == (1, f"fsu mkfifo: {x}/a: File exists\n")
    assert _stat(fsu, x, "/e") == "fifo 644 0:0 0:0"
    assert fsu("mkfifo", "-m", "99", f"{x}/f").status == 2
