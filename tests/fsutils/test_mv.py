# SPDX-License-Identifier: BSD-2-Clause
"""`fsu mv` in all four directions: nothing is lost on the way, and nothing is removed that was not copied."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from . import snapshots
from .conftest import IS_ROOT, OLD, Fsu, check
from .test_cp_in import run, same


@pytest.fixture
def copy(rich_tree: Path, tmp_path: Path) -> Path:
    """A copy of `rich_tree` that may be moved."""
    from rump.fsutils.main import main

    assert main(["cp", "-a", str(rich_tree), str(tmp_path / "copy")]) == 0
    return tmp_path / "copy"


def test_there_and_back(fsu: Fsu, image: Path, copy: Path, rich_tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "y.img"
    run(fsu, "mkfs", "-q", other, "32M")
    run(fsu, "mv", copy, f"{image}:/")
    assert not copy.exists()
    run(fsu, "mv", f"{image}:/copy", f"{other}:/moved")
    run(fsu, "mv", f"{other}:/moved", f"{other}:/lost+found/moved again")
    run(fsu, "mv", f"{other}:/lost+found/moved again", tmp_path / "back")
    same(rich_tree, tmp_path / "back")
    for path in (image, other):
        assert run(fsu, "find", path) == f"{path}:/\n{path}:/lost+found\n".encode()
    check(image, other)


def test_on_the_host(fsu: Fsu, copy: Path, rich_tree: Path, tmp_path: Path) -> None:
    run(fsu, "mv", copy, tmp_path / "moved")
    assert not copy.exists()
    same(rich_tree, tmp_path / "moved")
    shm = Path("/dev/shm")
    if shm.is_dir() and os.stat(shm).st_dev != os.stat(tmp_path).st_dev and IS_ROOT:
        target = shm / f"rump-test-{os.getpid()}"
        try:
            run(fsu, "mv", "--no-sync", tmp_path / "moved", target)
            assert not (tmp_path / "moved").exists()
            for name in ("contents", "mode", "owner", "symlink", "hard link"):
                assert snapshots.column(target, name) == snapshots.column(rich_tree, name)
        finally:
            shutil.rmtree(target, ignore_errors=True)


def test_renaming(fsu: Fsu, image: Path) -> None:
    at = f"{image}:"
    run(fsu, "mkdir", "-p", f"{at}/a/b", f"{at}/d", f"{at}/full/x")
    run(fsu, "touch", f"{at}/f", f"{at}/g")
    assert run(fsu, "mv", "-v", f"{at}/f", f"{at}/g") == f"'{at}/f' -> '{at}/g'\n".encode()
    assert run(fsu, "mv", "-v", f"{at}/g", f"{at}/a", f"{at}/d/") == (
        f"'{at}/g' -> '{at}/d/g'\n'{at}/a' -> '{at}/d/a'\n".encode())  # fmt: skip
    run(fsu, "mv", "-T", f"{at}/d/a", f"{at}/e")
    run(fsu, "mv", "-t", f"{at}/e/b", f"{at}/d")
    found = run(fsu, "find", image, "-name", "lost+found", "-prune", "-o", "-print")
    assert found.decode().replace(at, "").split() == [
        "/", "/e", "/e/b", "/e/b/d", "/e/b/d/g", "/full", "/full/x"]  # fmt: skip
    check(image)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("/nothing", "/x", "/nothing: No such file or directory"),
        ("/d", "/d/e/f", "into a directory below itself: Invalid argument"),
        ("/f", "/none/f", "/none/f: No such file or directory"),
        ("/d", "/f", "Not a directory"),
        ("-T /f", "/d", "Is a directory"),
        ("-T /d", "/full", "Directory not empty"),
        ("/f", "/f", ""),
    ],
)
def test_what_cannot_be_renamed(fsu: Fsu, image: Path, source: str, target: str, message: str) -> None:
    at = f"{image}:"
    run(fsu, "mkdir", "-p", f"{at}/d/e", f"{at}/full/x")
    run(fsu, "touch", f"{at}/f")
    before = run(fsu, "find", image)
    words = [at + word if word.startswith("/") else word for word in (*source.split(), target)]
    result = fsu("mv", *words)
    assert (result.status == 1) == bool(message)
    assert message in result.err.decode()
    assert run(fsu, "find", image) == before
    check(image)


def test_the_root_stays(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    assert fsu("mv", f"{image}:/", tmp_path).status == 2
    assert fsu("mv", f"{image}:/.", f"{image}:/x").status == 2
    (tmp_path / "d").mkdir()
    assert fsu("mv", "-T", tmp_path / "d", f"{image}:/").status == 1


def test_what_is_there(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).write_text(name)
    os.utime(tmp_path / "old", ns=(OLD, OLD))
    target = f"{image}:/file"
    run(fsu, "cp", "-p", tmp_path / "new", target)
    run(fsu, "mv", "-n", tmp_path / "old", target)
    run(fsu, "mv", "-u", tmp_path / "old", target)
    assert (tmp_path / "old").exists() and run(fsu, "cat", target) == b"new"
    run(fsu, "mv", tmp_path / "old", target)
    assert not (tmp_path / "old").exists() and run(fsu, "cat", target) == b"old"
    run(fsu, "mkdir", f"{image}:/d", f"{image}:/full", f"{image}:/full/x")
    for name in ("d", "full"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inside").touch()
    run(fsu, "mv", "-T", tmp_path / "d", f"{image}:/d")
    result = fsu("mv", "-T", tmp_path / "full", f"{image}:/full")
    assert result.status == 1 and b"Directory not empty" in result.err
    assert (tmp_path / "full/inside").exists() and run(fsu, "ls", f"{image}:/d") == b"inside\n"
    check(image)


def test_what_was_not_copied_in_full_stays(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    run(fsu, "mkfs", "-q", image, "4M")
    (tmp_path / "tree").mkdir()
    for number in range(5):
        (tmp_path / f"tree/{number}").write_bytes(os.urandom(1 << 20))
    (tmp_path / "small").write_text("small")
    result = fsu("mv", tmp_path / "tree", tmp_path / "small", f"{image}:/")
    assert result.status == 1 and b"needs 5.1M" in result.err
    assert not (tmp_path / "small").exists()
    result = fsu("mv", "--force", tmp_path / "tree", f"{image}:/")
    assert result.status == 1 and b"No space left on device" in result.err
    assert len(list((tmp_path / "tree").iterdir())) == 5
    check(image)
