# SPDX-License-Identifier: BSD-2-Clause
"""`fsu chflags`, and the other verbs that know file flags: ls --flags, stat, find -flags, du --no-dump."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rump.fsutils.file_flags import FLAGS, FlagChange, bits, shown
from rump.kernel import abi

from .conftest import Fsu, Result, call, check, debugfs, tool


@pytest.fixture
def x(fsu: Fsu, image: Path) -> str:
    """An image with /a, /d/b and a link to each."""
    for path in ("/a", "/d/b"):
        fsu("mkdir", "-p", f"{image}:/d")
        fsu("touch", f"{image}:{path}")
    fsu("ln", "-s", "a", f"{image}:/link")
    fsu("ln", "-s", "../a", f"{image}:/d/link")
    return f"{image}:"


def _flags(fsu: Fsu, x: str, *paths: str) -> list[str]:
    return fsu("stat", "-f", "%Sf", *(x + path for path in paths)).out.decode().splitlines()


def test_names_and_numbers(fsu: Fsu, x: str, image: Path) -> None:
    assert fsu("chflags", "schg,nodump", f"{x}/a") == Result(0, b"", b"")
    assert _flags(fsu, x, "/a", "/d") == ["schg,nodump", "-"]
    assert "Flags: 0x80050" in debugfs(image, "stat /a")        # EXT4_IMMUTABLE_FL, EXT4_NODUMP_FL and extents
    result = fsu("chflags", "-v", "noschg,dump,sappnd", f"{x}/a")
    assert result.out.decode() == f"flags of '{x}/a' changed from schg,nodump to sappnd\n"
    assert fsu("chflags", "-v", "sappnd", f"{x}/a").out == b""
    assert fsu("chflags", "1", f"{x}/a").status == 0 and _flags(fsu, x, "/a") == ["nodump"]
    assert fsu("chflags", "0", f"{x}/a").status == 0 and _flags(fsu, x, "/a") == ["-"]
    check(image)


def test_trees_and_links(fsu: Fsu, x: str, image: Path) -> None:
    assert fsu("chflags", "nodump", f"{x}/link").status == 0
    assert _flags(fsu, x, "/a", "/link") == ["nodump", "-"]
    assert fsu("chflags", "-R", "sappnd", f"{x}/d").status == 0
    assert _flags(fsu, x, "/d", "/d/b", "/a") == ["sappnd", "sappnd", "nodump"]
    assert fsu("chflags", "-RL", "schg", f"{x}/d").status == 0
    assert _flags(fsu, x, "/d/b", "/a") == ["sappnd,schg", "schg,nodump"]
    assert fsu("chflags", "-R", "-H", "0", f"{x}/link", f"{x}/d", f"{x}/a").status == 0
    assert fsu("chflags", "-RP", "nodump", f"{x}/link").status in (0, 1)        # the link itself, where it may have any
    assert _flags(fsu, x, "/a") == ["-"]
    assert fsu("chflags", "nodump", f"{x}/nothing", f"{x}/a").status == 1
    assert _flags(fsu, x, "/a") == ["nodump"]
    check(image)


def test_flags_that_are_not_kept_are_named(fsu: Fsu, x: str) -> None:
    result = fsu("chflags", "uchg,nodump,hidden", f"{x}/a")
    assert (result.status, result.err.decode()) == (1, f"fsu chflags: {x}/a: hidden,uchg: Operation not supported\n")
    assert _flags(fsu, x, "/a") == ["-"]
    assert fsu("chflags", "-f", "uchg", f"{x}/a") == Result(0, b"", b"")
    assert fsu("chflags", "frobnicate", f"{x}/a").status == 2
    assert fsu("chflags", "schg").status == 2


def test_the_flags_hold(fsu: Fsu, x: str) -> None:
    fsu("chflags", "schg", f"{x}/a")
    assert fsu("rm", f"{x}/a").status == 1 and fsu("chmod", "600", f"{x}/a").status == 1
    fsu("chflags", "noschg", f"{x}/a")
    assert fsu("rm", f"{x}/a").status == 0


def test_other_verbs_show_them(fsu: Fsu, x: str) -> None:
    fsu("chflags", "nodump,schg", f"{x}/a")
    lines = fsu("ls", "-l", "--flags", f"{x}/").out.decode().splitlines()
    assert [line.split()[4] for line in lines[1:]] == ["schg,nodump", "-", "-", "-"]
    number = abi.SF_IMMUTABLE | abi.UF_NODUMP
    assert fsu("stat", "-f", "%f %#Xf %Of", f"{x}/a").out.decode() == f"{number} {number:#x} {number:o}\n"

    def find(names: str) -> list[str]:
        return fsu("find", f"{x}/", "-flags", names).out.decode().replace(x, "").splitlines()

    assert find("-nodump") == find("schg,nodump") == find("+schg,sappnd") == ["/a"]
    assert "/a" not in find("-noschg") and "/d/b" in find("-noschg")
    assert find("nodump") == []
    assert fsu("find", f"{x}/", "-flags", "frobnicate").status == 2
    assert fsu("du", "-a", f"{x}/").out.count(b"\n") == fsu("du", "-a", "--no-dump", f"{x}/").out.count(b"\n") + 1


@pytest.mark.skipif(not shutil.which("mattrib"), reason="needs mtools")
def test_fat(fsu: Fsu, fat_image: Path, tmp_path: Path) -> None:
    image = tmp_path / "fat.img"
    image.write_bytes(fat_image.read_bytes())

    def letters() -> str:
        return call(tool("mattrib"), "-i", image, "::/HELLO.TXT").split("::")[0].replace(" ", "")

    assert letters() == "A"
    assert fsu("chflags", "hidden,system,rdonly,nouarch", f"{image}:/HELLO.TXT").status == 0
    assert sorted(letters()) == ["H", "R", "S"]
    assert _flags(fsu, f"{image}:", "/HELLO.TXT") == ["hidden,rdonly,system"]
    assert fsu("chflags", "uarch,nohidden,nosystem,noreadonly", f"{image}:/HELLO.TXT").status == 0
    assert letters() == "A"
    result = fsu("chflags", "nodump", f"{image}:/HELLO.TXT")
    assert result.status == 1 and b": nodump: Operation not supported" in result.err


def test_names() -> None:
    for name, bit in FLAGS.items():
        assert FlagChange(name)(0) == bit and FlagChange("no" + name)(bit | 0x40) == 0x40
        assert FLAGS[shown(bit)] == bit
    assert bits("nodump,noarch,dump") == (abi.UF_NODUMP, abi.SF_ARCHIVED)
    assert FlagChange("2")(0xFF0) == 2
    for text in ("", "no", "8", "nodump,", "0x10"):
        with pytest.raises(ValueError, match="not a file flag"):
            FlagChange(text)
