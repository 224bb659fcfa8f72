# SPDX-License-Identifier: BSD-2-Clause
"""Programs that ask much of a file system, on a mount: tar, rsync, git, sqlite, fio; the image is clean behind them."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuse_mounts import FSU, Mounts, fsck, make_ext4, no_fuse, run, tool


class Volume:
    """A mounted image.

    unix    it keeps owners, modes, links and special files
    """

    def __init__(self, directory: Path, *, unix: bool) -> None:
        self.directory = directory
        self.unix = unix

    def place(self, name: str) -> Path:
        """A new directory, for one test."""
        made = self.directory / name
        made.mkdir()
        return made


@pytest.fixture(scope="module", params=["ext4", "fat"])
def volume(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Volume]:
    """A volume that the tests of this module share; in the end the checker of its kind must find nothing."""
    reason = no_fuse()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("programs")
    image = folder / "image"
    if request.param == "ext4":
        make_ext4(image, "128M")
    else:
        run(tool("mkfs.fat"), "-F", "32", "-C", image, str(128 << 10))
    found = Mounts(folder)
    directory = found(image)
    yield Volume(directory, unix=request.param == "ext4")
    run(*FSU, "umount", directory)
    found.end()
    if request.param == "ext4":
        fsck(image)
    else:
        run(tool("fsck.fat"), "-n", image)


def tree(top: Path, *, unix: bool) -> Path:
    """A tree of files for others to copy."""
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "big").write_bytes(os.urandom(300_000))
    for number in range(120):
        (top / "a" / "b" / f"a file with a long name, {number}.txt").write_text(f"{number}" * number)
    if unix:
        os.link(top / "a" / "big", top / "a" / "b" / "linked")
        os.symlink("../big", top / "a" / "b" / "s")
        os.mkfifo(top / "p", 0o620)
        os.chown(top / "a" / "big", 1234, 4321)
        os.setxattr(top / "a", "user.note", b"kept")
    for path in [*sorted(top.rglob("*"), reverse=True), top]:
        time = 10**18 + 2 * 10**9 * len(path.name) + (len(path.name) if unix else 0)
        os.utime(path, ns=(time, time), follow_symlinks=False)
    return top


def test_tar(volume: Volume, tmp_path: Path) -> None:
    origin, place = tree(tmp_path / "origin", unix=volume.unix), volume.place("tar")
    owners = () if volume.unix else ("--no-same-owner", "--no-same-permissions")
    with subprocess.Popen(["tar", "--xattrs", "-cf", "-", "-C", origin, "."], stdout=subprocess.PIPE) as pack:
        subprocess.run(["tar", "--xattrs", "-xpf", "-", *owners, "-C", place], stdin=pack.stdout, check=True)
    assert same(origin, place, unix=volume.unix)
    assert not volume.unix or os.getxattr(place / "a", "user.note") == b"kept"
    assert run("tar", "--compare", "-f", packed(place, tmp_path), "-C", place) == ""


def packed(place: Path, folder: Path) -> Path:
    """A mounted tree in an archive of the host's."""
    run("tar", "--xattrs", "-cf", folder / "again.tar", "-C", place, ".")
    return folder / "again.tar"


def test_cp(volume: Volume, tmp_path: Path) -> None:
    origin, place = tree(tmp_path / "origin", unix=volume.unix), volume.place("cp")
    run("cp", *(["-a"] if volume.unix else ["-r", "--preserve=timestamps"]), origin, place / "copy")
    assert same(origin, place / "copy", unix=volume.unix)
    run("rm", "-r", place / "copy")
    assert os.listdir(place) == []


def test_rsync(volume: Volume, tmp_path: Path) -> None:
    rsync, place = tool("rsync"), volume.place("rsync")
    origin = tree(tmp_path / "origin", unix=volume.unix)
    words = (rsync, "-aHX" if volume.unix else "-rt")
    run(*words, f"{origin}/", f"{place}/")
    assert same(origin, place, unix=volume.unix)
    assert run(*words, "-i", f"{origin}/", f"{place}/") == ""
    (origin / "a" / "big").write_bytes(b"changed" * 50_000)
    run("rm", "-r", origin / "a" / "b")
    run(*words, "--delete", "--inplace", f"{origin}/", f"{place}/")
    assert (place / "a" / "big").read_bytes() == b"changed" * 50_000
    assert os.listdir(place / "a") == ["big"]


def test_git(volume: Volume) -> None:
    place = volume.place("git")
    git = (tool("git"), "-C", place, "-c", "user.name=n", "-c", "user.email=e", "-c", "safe.directory=*")
    run(*git, "init", "-q")
    for number in range(30):
        (place / f"{number}.txt").write_text(f"{number}\n" * number)
    run(*git, "add", ".")
    run(*git, "commit", "-qm", "one")
    run(*git, "mv", "3.txt", "three.txt")
    run(*git, "commit", "-qam", "two")
    run(*git, "gc", "-q")
    run(*git, "fsck", "--strict")
    assert run(*git, "status", "--porcelain") == ""
    run(*git, "clone", "-q", "--no-hardlinks", place, place / "clone")
    assert (place / "clone" / "three.txt").read_text() == "3\n" * 3


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_sqlite(volume: Volume, mode: str) -> None:
    """Two connections, one of which reads what the other writes: with locks and, in WAL mode, common memory."""
    path = volume.place(f"sqlite-{mode}") / "db"
    writer = sqlite3.connect(path)
    writer.execute(f"pragma journal_mode={mode}")
    writer.execute("create table t (a integer primary key, b text)")
    reader = sqlite3.connect(path)
    for number in range(20):
        with writer:
            writer.executemany("insert into t (b) values (?)", [(f"{number}.{k}",) for k in range(50)])
        assert reader.execute("select count(*) from t").fetchone() == (50 * number + 50,)
    with pytest.raises(sqlite3.OperationalError, match="locked"), writer:
        writer.execute("insert into t (b) values ('held')")
        other = sqlite3.connect(path, timeout=0)
        try:
            other.execute("insert into t (b) values ('refused')")
        finally:
            other.close()
    reader.close()
    writer.close()
    writer = sqlite3.connect(path)
    assert writer.execute("pragma integrity_check").fetchone() == ("ok",)
    assert writer.execute("select count(*), max(b) from t").fetchone() == (1000, "9.9")
    writer.execute("vacuum")
    writer.close()


@pytest.mark.parametrize("engine", ["psync", "mmap"])
def test_fio(volume: Volume, engine: str) -> None:
    """Random reads and writes whose contents are verified."""
    fio, place = tool("fio"), volume.place(f"fio-{engine}")
    said = run(
        fio, "--name=mixed", f"--directory={place}", f"--ioengine={engine}", "--rw=randrw", "--bs=4k", "--size=4m",
        "--numjobs=2", "--thread", "--verify=crc32c", "--do_verify=1", "--fsync=64", "--fallocate=none", "--randseed=7",
        "--verify_state_save=0",
    )  # fmt: skip
    assert len(re.findall(r"err= 0", said)) == 2
    assert "verify" not in said


def test_at_once(volume: Volume) -> None:
    """Several threads make, move, read and remove files in the same directories."""
    place = volume.place("at once")
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(40):
                path, moved = place / f"{number}-{turn}", place / f"moved {number}-{turn}"
                path.write_bytes(bytes([number]) * 3000)
                os.rename(path, moved)
                assert moved.read_bytes() == bytes([number]) * 3000
                assert moved.name in os.listdir(place)
                if turn % 3:
                    moved.unlink()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(os.listdir(place)) == sorted(f"moved {n}-{t}" for n in range(4) for t in range(0, 40, 3))


def same(one: Path, two: Path, *, unix: bool) -> bool:
    """Two trees are the same: names, types, contents, times; where they are kept modes, owners, links."""
    def rows(top: Path) -> list[tuple[object, ...]]:
        numbers: dict[int, str] = {}
        found: list[tuple[object, ...]] = []
        for path in sorted([top, *top.rglob("*")]):
            st = path.lstat()
            name = str(path.relative_to(top))
            kept = (st.st_mode, st.st_uid, st.st_gid) if unix else ()
            found.append((
                name, stat.S_IFMT(st.st_mode), *kept, name == "." or st.st_mtime_ns,
                numbers.setdefault(st.st_ino, name), path.read_bytes() if stat.S_ISREG(st.st_mode) else None,
                os.readlink(path) if path.is_symlink() else None,
            ))  # fmt: skip
        return found

    return rows(one) == rows(two)
