# SPDX-License-Identifier: BSD-2-Clause
"""`fsu tree`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from rump.fsutils.main import main

from .conftest import Fsu, call, tool


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of a small tree; not to be changed."""
    root = tmp_path_factory.mktemp("tree") / "root"
    (root / "b/deep/er").mkdir(parents=True)
    (root / "b/.hidden").touch()
    (root / "b/x.c").write_text("12345")
    (root / "a").touch(mode=0o755)
    (root / "z").symlink_to("b/x.c")
    (root / "two\nlines").touch()
    path = root.parent / "image.img"
    call(tool("mke2fs"), "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", root, path, "8M")
    return path


def lines(fsu: Fsu, *words: object) -> list[str]:
    result = fsu("tree", *map(str, words))
    assert (result.status, result.err) == (0, b"")
    return result.out.decode().split("\n")


def test_lines(fsu: Fsu, image: Path) -> None:
    assert lines(fsu, "-I", "lost+found", "-N", image) == [
        f"{image}:/", "|-- a", "|-- b", "|   |-- deep", "|   |   `-- er", "|   `-- x.c", "|-- two", "lines",
        "`-- z -> b/x.c", "", "3 directories, 4 files", "",
    ]  # fmt: skip
    assert lines(fsu, "--charset=utf-8", f"{image}:/b") == [
        f"{image}:/b", "├── deep", "│\u00a0\u00a0 └── er", "└── x.c", "", "2 directories, 1 file", ""]  # fmt: skip


def test_what_is_shown(fsu: Fsu, image: Path) -> None:
    b = f"{image}:/b"
    assert lines(fsu, "-a", "--noreport", b)[1:] == ["|-- .hidden", "|-- deep", "|   `-- er", "`-- x.c", ""]
    assert lines(fsu, "-d", b)[1:] == ["`-- deep", "    `-- er", "", "2 directories", ""]
    assert lines(fsu, "-L", "1", b)[1:] == ["|-- deep", "`-- x.c", "", "1 directory, 1 file", ""]
    assert lines(fsu, "-fi", "--noreport", b)[1:] == [f"{b}/deep", f"{b}/deep/er", f"{b}/x.c", ""]
    assert lines(fsu, "-F", "--noreport", "-L1", b)[1:] == ["|-- deep/", "`-- x.c", ""]
    assert lines(fsu, "-P", "*.h|*.o", "--noreport", b)[1:] == ["`-- deep", "    `-- er", ""]
    assert lines(fsu, "-P", "*.C", "--ignore-case", "-I", "deep/", "--noreport", b)[1:] == ["`-- x.c", ""]
    assert lines(fsu, "-r", "-L1", "--noreport", b)[1:] == ["|-- x.c", "`-- deep", ""]
    assert lines(fsu, "--dirsfirst", "-P", "[ab]", "-L1", "--noreport", f"{image}:/")[1:3] == [
        "|-- b",
        "|-- lost+found",
    ]
    assert lines(fsu, "-ps", "-P", "x.c", "-I", "deep", "--noreport", b) == [
        f"[drwxr-xr-x        1024]  {b}", "`-- [-rw-r--r--           5]  x.c", ""]  # fmt: skip
    assert lines(fsu, "-hug", "-I", "deep", "--noreport", b)[1] == "`-- [0        0           5]  x.c"
    assert lines(fsu, "--timefmt", "%Y", "-I", "deep", "--noreport", b)[1].startswith("`-- [20")


def test_json(fsu: Fsu, image: Path) -> None:
    b = f"{image}:/b"
    rows = [json.loads(line) for line in fsu("tree", "-a", "--json", b).out.splitlines()]
    assert [(row["name"], row["depth"], row["type"]) for row in rows] == [
        (b, 0, "directory"), (".hidden", 1, "file"), ("deep", 1, "directory"), ("er", 2, "directory"),
        ("x.c", 1, "file"),
    ]  # fmt: skip
    assert json.loads(fsu("tree", "-Js", b).out) == [
        {"type": "directory", "name": b, "size": 1024, "contents": [
            {"type": "directory", "name": "deep", "size": 1024, "contents": [
                {"type": "directory", "name": "er", "size": 1024, "contents": []}]},
            {"type": "file", "name": "x.c", "size": 5}]},
        {"type": "report", "directories": 2, "files": 1}]  # fmt: skip
    assert json.loads(fsu("tree", "-Jd", "-L1", f"{image}:/").out)[-1] == {"type": "report", "directories": 2}


def test_mistakes(fsu: Fsu, image: Path) -> None:
    result = fsu("tree", f"{image}:/none", f"{image}:/a")
    assert result.status == 1 and result.out == f"{image}:/a\n\n0 directories, 1 file\n".encode()
    assert fsu("tree", "-L0", image).status == 2 and fsu("tree").status == 2


class Terminal(io.BytesIO):
    """Output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LS_COLORS", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for language, branch in (("de_DE.UTF-8", "└── "), ("C", "`-- ")):
        monkeypatch.setenv("LANG", language)
        out = Terminal()
        assert main(["tree", "-d", "--noreport", f"{image}:/b/deep"], out, io.BytesIO()) == 0
        assert out.getvalue().decode() == f"\033[01;34m{image}:/b/deep\033[0m\n{branch}\033[01;34mer\033[0m\n"
    out = Terminal()
    assert main(["tree", "-n", image.as_posix()], out, io.BytesIO()) == 0
    assert b"'two'$'\\n''lines'" in out.getvalue() and b"\033" not in out.getvalue()
