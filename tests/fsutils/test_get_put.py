# SPDX-License-Identifier: BSD-2-Clause
"""`fsu get` and `fsu put`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import snapshots
from .conftest import IS_ROOT, OLD, Fsu, Result, check


def _columns() -> list[str]:
    return [name for name in snapshots.COLUMNS if IS_ROOT or name not in ("owner", "node", "xattr")]


def test_a_tree_there_and_back(fsu: Fsu, rich_tree: Path, image: Path, tmp_path: Path) -> None:
    """With everything it has, as `cp -a` would."""
    assert fsu("put", rich_tree, f"{image}:/") == Result(0, b"", b"")
    check(image)
    back = tmp_path / "back"
    back.mkdir()
    assert fsu("get", f"{image}:/tree", back) == Result(0, b"", b"")
    for name in _columns():
        assert snapshots.column(back / "tree", name) == snapshots.column(rich_tree, name), name
    assert snapshots.links(back / "tree") == snapshots.links(rich_tree)
    assert os.stat(back / "tree").st_mtime_ns == os.stat(rich_tree).st_mtime_ns


def test_where_it_goes(fsu: Fsu, ext4_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fsu("get", f"{ext4_image}:/etc/passwd", f"{ext4_image}:/data").status == 0        # here
    assert Path("passwd").read_text().startswith("root:") and Path("data").stat().st_mtime_ns == OLD
    assert fsu("get", f"{ext4_image}:/etc/passwd", "users").status == 0                       # a new name
    assert Path("users").read_bytes() == Path("passwd").read_bytes()
    assert fsu("get", f"{ext4_image}:/etc", "copy").status == 0
    assert sorted(os.listdir("copy")) == ["group", "link", "passwd"]
    assert fsu("get", f"{ext4_image}:/etc/link", "copy").status == 0                          # a link stays one
    assert os.readlink("copy/link") == "passwd"
    assert fsu("get", "-L", f"{ext4_image}:/etc/link", "followed").status == 0
    assert not Path("followed").is_symlink() and Path("followed").read_bytes() == Path("passwd").read_bytes()
    result = fsu("get", f"{ext4_image}:/empty", f"{ext4_image}:/etc/passwd", "users")
    assert result.status == 1


def test_into_an_image(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a\n")
    (tmp_path / "b").write_text("b\n")
    assert fsu("put", tmp_path / "a", tmp_path / "b", image).status == 0                      # its root
    assert fsu("mkdir", f"{image}:/d").status == 0
    assert fsu("put", tmp_path / "a", f"{image}:/d").status == 0
    assert fsu("put", tmp_path / "a", f"{image}:/d/named").status == 0
    names = fsu("ls", "-A", image, f"{image}:/d").out.decode().replace(str(image), "x")
    assert names == "x:/:\na\nb\nd\nlost+found\n\nx:/d:\na\nnamed\n"
    stat = fsu("stat", "-c", "%u:%g %a", f"{image}:/a").out.decode().strip()
    there = (tmp_path / "a").stat()
    assert stat == f"{there.st_uid}:{there.st_gid} {there.st_mode & 0o777:o}"
    assert fsu("put", "--owner", "0:7", "--mode", "600", tmp_path / "b", f"{image}:/d").status == 0
    assert fsu("stat", "-c", "%u:%g %a", f"{image}:/d/b").out == b"0:7 600\n"
    check(image)


def test_from_one_image_to_another(fsu: Fsu, image: Path, ext4_image: Path) -> None:
    assert fsu("put", f"{ext4_image}:/etc", f"{image}:/").status == 0
    assert fsu("diff", "-r", "--attributes", f"{ext4_image}:/etc", f"{image}:/etc") == Result(0, b"", b"")


def test_what_is_there(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("mine\n")
    assert fsu("get", "-n", f"{ext4_image}:/etc/passwd", tmp_path).status == 0
    assert (tmp_path / "passwd").read_text() == "mine\n"
    os.utime(tmp_path / "passwd", (4e9, 4e9))
    assert fsu("get", "-u", f"{ext4_image}:/etc/passwd", tmp_path).status == 0
    assert (tmp_path / "passwd").read_text() == "mine\n"
    result = fsu("get", "-v", f"{ext4_image}:/etc/passwd", tmp_path)
    assert result.out.decode() == f"'{ext4_image}:/etc/passwd' -> '{tmp_path}/passwd'\n"
    assert (tmp_path / "passwd").read_text() != "mine\n"


def test_usage(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    assert fsu("get").status == 2 and fsu("put").status == 2
    assert fsu("put", tmp_path / "a").status == 2
    assert fsu("get", tmp_path, tmp_path).status == 2
    result = fsu("get", f"{image}:/nothing", tmp_path)
    assert (result.status, result.err.decode()) == (1, f"fsu get: {image}:/nothing: No such file or directory\n")
    assert fsu("put", tmp_path / "nothing", image).status == 1
