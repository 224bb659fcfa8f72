# SPDX-License-Identifier: BSD-2-Clause
"""`fsu tar -x`: other programs' archives and our own, into images and directories, and archives that mean harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from . import snapshots
from .conftest import IS_ROOT, Fsu, call, check, tool
from .test_cp_in import FROM_ROOT, run, same


@pytest.fixture(scope="session")
def archive(rich_tree: Path) -> Path:
    """A pax archive of `rich_tree` that GNU tar made, with holes, attributes and nanoseconds."""
    path = rich_tree.parent / "gnu.tar"
    call(tool("tar"), "--format=pax", "--xattrs", "--xattrs-include=*", "-S", "-C", rich_tree, "-cf", path, ".")
    return path


def test_an_archive_of_gnu_tar(fsu: Fsu, archive: Path, rich_tree: Path, image: Path, tmp_path: Path) -> None:
    run(fsu, "tar", "-x", "-f", archive, "-C", f"{image}:/")
    check(image)
    run(fsu, "cp", "-a", f"{image}:/.", tmp_path / "out")
    same(rich_tree, tmp_path / "out")
    (tmp_path / "host").mkdir()
    run(fsu, "tar", "xpf", archive, "-C", tmp_path / "host")
    same(rich_tree, tmp_path / "host")


def test_our_own(fsu: Fsu, tree: Path, image: Path, tmp_path: Path) -> None:
    run(fsu, "cp", "-a", f"{tree}/.", f"{image}:/")
    assert fsu("tar", "-cSf", tmp_path / "x.tar", "--exclude=lost+found", image).status == 0
    run(fsu, "mkdir", f"{image}:/again")
    run(fsu, "tar", "-xf", tmp_path / "x.tar", "-C", f"{image}:/again")
    check(image)
    run(fsu, "cp", "-a", f"{image}:/again", tmp_path / "out")
    (tmp_path / "expected").mkdir()
    call("cp", "-a", f"{tree}/.", tmp_path / "expected")
    (tmp_path / "expected/socket").unlink()             # archives hold none
    os.utime(tmp_path / "expected", ns=(tree.stat().st_atime_ns, tree.stat().st_mtime_ns))
    same(tmp_path / "expected", tmp_path / "out")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_formats(fsu: Fsu, tree: Path, image: Path, tmp_path: Path, form: int) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", format=form) as made:
        for name in ("etc", "data", "same data", "deep", "empty", "fifo"):
            made.add(tree / name, f"some/where/{name}")
    run(fsu, "tar", "-xf", tmp_path / "x.tar", "-C", f"{image}:/")
    check(image)
    run(fsu, "cp", "-a", f"{image}:/some/where", tmp_path / "out")
    for name in ("contents", "mode", "owner", "symlink", "hard link", "mtime"):
        expected, got = snapshots.column(tree, name), snapshots.column(tmp_path / "out", name)
        assert {path: expected[path] for path in got if path} == {path: got[path] for path in got if path}
    assert run(fsu, "stat", "-c", "%a", f"{image}:/some") == b"755\n"


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed(
    fsu: Fsu, archive: Path, image: Path, tmp_path: Path, squeeze: Callable[[bytes], bytes]
) -> None:  # fmt: skip
    (tmp_path / "x").write_bytes(squeeze(archive.read_bytes()))
    run(fsu, "tar", "-xf", tmp_path / "x", "-C", f"{image}:/")
    assert run(fsu, "cat", f"{image}:/one") == b"linked\n"


def test_from_a_pipe(archive: Path, rich_tree: Path, image: Path, fsu: Fsu, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rump.fsutils", "tar", "-x", "-C", f"{image}:/"]
    with open(archive, "rb") as file, subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE) as cat:
        done = subprocess.run(command, stdin=cat.stdout, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    run(fsu, "cp", "-a", f"{image}:/.", tmp_path / "out")
    same(rich_tree, tmp_path / "out")


def test_what_is_chosen(fsu: Fsu, archive: Path, image: Path, tmp_path: Path) -> None:
    at = f"{image}:/"
    out = run(fsu, "tar", "-xvf", archive, "-C", at, "--exclude=[bt]*", "one", "./zeros", "below")
    assert sorted(out.splitlines()) == [b"./one", b"./zeros"]
    run(fsu, "mkdir", f"{image}:/stripped")
    (tmp_path / "t/a/b").mkdir(parents=True)
    (tmp_path / "t/a/b/c").write_text("c")
    call("tar", "-C", tmp_path / "t", "-cf", tmp_path / "t.tar", "a")
    run(fsu, "tar", "-xf", tmp_path / "t.tar", "-C", f"{image}:/stripped", "--strip-components=1",
        "--owner=5:6", "--mode=a=r", "--mtime=@1000")  # fmt: skip
    assert run(fsu, "stat", "-c", "%n %u:%g %a %Y", f"{image}:/stripped/b/c").split()[1:] == [b"5:6", b"444", b"1000"]
    check(image)


def test_what_is_there(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as made:
        for name, data in (("f", b"new"), ("f", b"newest"), ("link", b"new"), ("d", b"new")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    run(fsu, "mkdir", f"{image}:/d")
    run(fsu, "ln", "-s", "/etc", f"{image}:/link")
    result = fsu("tar", "-xf", tmp_path / "x.tar", "-C", f"{image}:/")
    assert result.status == 1 and result.err.decode() == "fsu tar: d: cannot overwrite a directory with what is none\n"
    assert run(fsu, "cat", f"{image}:/f", f"{image}:/link") == b"newestnew"
    result = fsu("tar", "-xkf", tmp_path / "x.tar", "-C", f"{image}:/")
    assert result.status == 1 and result.err.count(b"is there already") == 4
    check(image)


@pytest.mark.parametrize("inside", [False, True])
def test_archives_that_mean_harm(fsu: Fsu, image: Path, tmp_path: Path, inside: bool) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("untouched")
    top = tmp_path / "top"
    top.mkdir()

    def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, io.BytesIO | None]:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        info.size = 4 if kind == tarfile.REGTYPE else 0
        return info, io.BytesIO(b"evil") if kind == tarfile.REGTYPE else None

    with tarfile.open(tmp_path / "x.tar", "w") as made:
        for one in (
            member("../outside/a"), member("a/../../outside/b"), member(str(outside / "c")),
            member("link", tarfile.SYMTYPE, "../outside"), member("link/d"), member("link/file"),
            member("hard", tarfile.LNKTYPE, "../outside/file"), member("hard2", tarfile.LNKTYPE, "link/file"),
            member("through", tarfile.SYMTYPE, "../outside/file"), member("through"), member("..", tarfile.DIRTYPE),
            member("good"),
        ):  # fmt: skip
            made.addfile(*one)
    result = fsu("tar", "-xf", tmp_path / "x.tar", "-C", f"{image}:/" if inside else top)
    assert result.status == 1
    assert result.err.count(b"a name that leads elsewhere; refused") == 4
    assert sorted(os.listdir(outside)) == ["file"] and (outside / "file").read_text() == "untouched"
    if inside:
        assert run(fsu, "cat", f"{image}:/good", f"{image}:/through") == b"evilevil"
        check(image)
    else:
        assert (top / "good").read_bytes() == b"evil" and not (top / "through").is_symlink()
        assert (top / str(outside / "c").lstrip("/")).read_bytes() == b"evil"


def test_broken_archives(fsu: Fsu, archive: Path, image: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    broken = tmp_path / "x.tar"
    for data in (b"", b"no archive" * 1000, whole[:7000], gzip.compress(whole)[:-1000], whole[: len(whole) // 2]):
        broken.write_bytes(data)
        result = fsu("tar", "-xf", broken, "-C", f"{image}:/")
        assert result.status == 1, data[:10]
        assert b"internal error" not in result.err and result.err.count(b"\n") < 4
        check(image)


def test_a_full_image(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    run(fsu, "mkfs", "-q", image, "4M")
    with tarfile.open(tmp_path / "x.tar", "w") as made:
        for number in range(6):
            info = tarfile.TarInfo(f"d/{number}")
            info.size = 1 << 20 if number < 5 else 10
            made.addfile(info, io.BytesIO(os.urandom(info.size)))
    result = fsu("tar", "-xf", tmp_path / "x.tar", "-C", f"{image}:/")
    assert result.status == 1 and b"No space left on device" in result.err
    assert b"5\n" in run(fsu, "ls", f"{image}:/d")
    check(image)


def test_who_owns_what_on_the_host(fsu: Fsu, archive: Path, rich_tree: Path, tmp_path: Path) -> None:
    if not IS_ROOT:
        pytest.skip("needs root")
    (tmp_path / "out").mkdir()
    run(fsu, "tar", "-xf", archive, "-C", tmp_path / "out", "--no-same-owner", "--no-xattrs", "-m")
    assert {(st.st_uid, st.st_gid) for st in snapshots.walk(tmp_path / "out").values()} == {(0, 0)}
    assert os.listxattr(tmp_path / "out/one") == []
    assert (tmp_path / "out/one").stat().st_mtime > rich_tree.stat().st_mtime
    assert "mtime" in FROM_ROOT
