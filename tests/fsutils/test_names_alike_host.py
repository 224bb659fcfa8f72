# SPDX-License-Identifier: BSD-2-Clause
"""A host that does not tell names apart by case: what a copy has just made is never lost to the next file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rump.fsutils.copy import host

from .conftest import Fsu
from .test_names_alike import pairs

__all__ = ["pairs"]


class Folding:
    """The `os` of a host that keeps the case of names but does not tell them apart by it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def _there(name: bytes, folder: int | None) -> bytes:
        """The name that a file has which is meant."""
        if folder is None:
            return name
        names = map(os.fsencode, os.listdir(folder))
        return next((each for each in names if each.lower() == name.lower()), name)

    def open(self, name: bytes, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        return os.open(self._there(name, dir_fd), flags, mode, dir_fd=dir_fd)

    def stat(self, name: bytes, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        return os.stat(self._there(name, dir_fd), dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    def mkdir(self, name: bytes, mode: int, *, dir_fd: int) -> None:
        os.mkdir(self._there(name, dir_fd), mode, dir_fd=dir_fd)

    def rename(self, old: bytes, new: bytes, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        os.rename(old, self._there(new, dst_dir_fd), src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def unlink(self, name: bytes, *, dir_fd: int) -> None:
        os.unlink(self._there(name, dir_fd), dir_fd=dir_fd)


@pytest.mark.parametrize("there", [False, True], ids=["new", "there"])
def test_nothing_is_lost(
    fsu: Fsu, tmp_path: Path, pairs: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """In directories that the copy makes and in those that are there; both names are in the message."""
    image, out = tmp_path / "x.img", tmp_path / "out"
    assert fsu("mkfs", "-q", "-t", "ext4", image, "8M").status == 0
    assert fsu("cp", "-R", f"{pairs}/.", f"{image}:/").status == 0
    if there:
        (out / "d").mkdir(parents=True)
        (out / "D").mkdir()
        (out / "D").rmdir()
    folding = Folding()
    monkeypatch.setattr(host, "os", folding)
    monkeypatch.setattr(host, "_open", folding.open)
    result = fsu("cp", "-R", f"{image}:/", out, *(["-T"] if there else []))
    assert result.status == 1
    lines = result.err.splitlines()
    for one, other in ((b"B", b"b"), (b"BIG", b"big"), (b"D", b"d")):
        refusals = [b"will not overwrite '%s'" % name for name in (one, other)]
        assert any(refusal in line for line in lines for refusal in refusals), result.err
    files = [path for path in out.rglob("*") if path.is_file()]
    found = {path.relative_to(out).as_posix().lower(): path.read_bytes()[:1] for path in files}
    assert set(found) in ({"b", "big", "d/x", "other"}, {"b", "big", "d/y", "other"})


def test_a_second_copy_replaces_the_first(
    fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that were there before, in whatever case, are no twins; neither are hard links."""
    image, out, tree = tmp_path / "x.img", tmp_path / "out", tmp_path / "tree"
    tree.mkdir()
    (tree / "Name").write_text("new")
    (tree / "one").write_text("same")
    (tree / "two").hardlink_to(tree / "one")
    out.mkdir()
    (out / "name").write_text("old")
    assert fsu("mkfs", "-q", "-t", "ext4", image, "8M").status == 0
    assert fsu("cp", "-aR", f"{tree}/.", f"{image}:/").status == 0
    folding = Folding()
    monkeypatch.setattr(host, "os", folding)
    monkeypatch.setattr(host, "_open", folding.open)
    for _ in range(2):
        result = fsu("cp", "-aRT", f"{image}:/", out)
        assert (result.status, result.err) == (0, b"")
    assert (out / "name").read_text() == "new" and (out / "two").read_text() == "same"
