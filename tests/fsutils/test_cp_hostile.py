# SPDX-License-Identifier: BSD-2-Clause
"""`fsu cp` where the image, the target or the user is not on its side."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rump.fsutils.copy import archive, copy_tree
from rump.fsutils.copy.host import HostTarget
from rump.fsutils.copy.kernel_source import KernelSource
from rump.fsutils.copy.target import Interrupted
from rump.fsutils.operand import parse
from rump.fsutils.session import Session

from .conftest import IS_ROOT, Fsu, call
from .hostile import damaged_image, image_of, rename_inside


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory that nothing may touch."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "file").write_text("untouched")
    yield path
    assert os.listdir(path) == ["file"]
    assert (path / "file").read_text() == "untouched"


@pytest.fixture
def soil(tmp_path: Path) -> Path:
    """An empty tree to make an image of."""
    path = tmp_path / "tree"
    path.mkdir()
    (path / "innocent").write_text("fine\n")
    return path


def copy(fsu: Fsu, image: Path, out: Path) -> tuple[int, list[str]]:
    """A copy of everything: status, and the complaints without what they begin with."""
    result = fsu("cp", "-a", f"{image}:/", out)
    lines = result.err.decode("utf-8", "replace").splitlines()
    assert (out / "innocent").read_text() == "fine\n"
    return result.status, [line.removeprefix("fsu cp: ") for line in lines]


def test_names_that_lead_elsewhere(fsu: Fsu, soil: Path, tmp_path: Path, outside: Path) -> None:
    for name in ("AAAAAAAAAAAAAAA", "BBBBBB", "CC", "D"):
        (soil / name).write_text("evil")
    (soil / "FFFFFFFFFF").mkdir()
    (soil / "FFFFFFFFFF/file").write_text("evil")
    image = image_of(soil, tmp_path / "x.img")
    rename_inside(image, b"AAAAAAAAAAAAAAA", b"../outside/evil")
    rename_inside(image, b"BBBBBB", b"/etc/x")
    rename_inside(image, b"FFFFFFFFFF", b"../outside")
    copy(fsu, image, tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["CC", "D", "innocent", "lost+found"]
    assert not os.path.exists("/etc/x")


def test_names_that_a_driver_lets_through(
    fsu: Fsu, soil: Path, tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (soil / "file").write_text("evil")
    (soil / "directory").mkdir()
    image = image_of(soil, tmp_path / "x.img")
    real, evil = KernelSource.rows, {b"file": b"../outside/file", b"directory": b".."}

    def rows(self: KernelSource, fd: int) -> Iterator[tuple[tuple[bytes, int, object], ...]]:
        for batch in real(self, fd):
            yield tuple((evil.get(name, name), cookie, row) for name, cookie, row in batch)

    monkeypatch.setattr(KernelSource, "rows", rows)
    status, lines = copy(fsu, image, tmp_path / "out")
    assert status == 1
    assert sorted(line.rpartition(": ")[2] for line in lines) == ["a name that no file can have; refused"] * 2
    assert sorted(os.listdir(tmp_path / "out")) == ["innocent", "lost+found"]


def test_a_directory_that_a_link_stands_in_for(fsu: Fsu, soil: Path, tmp_path: Path, outside: Path) -> None:
    """Two entries of one name: a link out of the target, and what would be written through it."""
    (soil / "aaaaaaaa").symlink_to(outside)
    (soil / "bbbbbbbb").mkdir()
    (soil / "bbbbbbbb/evil").write_text("evil")
    (soil / "cccccccc").symlink_to(outside / "file")
    (soil / "dddddddd").write_text("evil")
    image = image_of(soil, tmp_path / "x.img")
    rename_inside(image, b"bbbbbbbb", b"aaaaaaaa")
    rename_inside(image, b"dddddddd", b"cccccccc")
    status, lines = copy(fsu, image, tmp_path / "out")
    assert status == 1
    assert lines


def test_links_that_are_in_the_target_already(fsu: Fsu, soil: Path, tmp_path: Path, outside: Path) -> None:
    (soil / "file").write_text("new")
    (soil / "directory").mkdir()
    (soil / "directory/evil").write_text("evil")
    image = image_of(soil, tmp_path / "x.img")
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").symlink_to(outside / "file")
    (out / "directory").symlink_to(outside)
    status, lines = copy(fsu, image, out)
    assert status == 1
    assert [line.split(": ")[0] for line in lines] == [f"{out}/directory"]
    assert not (out / "file").is_symlink()
    assert (out / "file").read_text() == "new"
    (out / "again").symlink_to(outside / "file")
    assert fsu("cp", f"{image}:/file", out / "again").status == 0
    assert (out / "again").read_text() == "new"


def test_pipes_and_hard_links_in_the_target_are_replaced(fsu: Fsu, soil: Path, tmp_path: Path, outside: Path) -> None:
    (soil / "pipe").write_text("new")
    (soil / "linked").write_text("new")
    image = image_of(soil, tmp_path / "x.img")
    out = tmp_path / "out"
    out.mkdir()
    os.mkfifo(out / "pipe")
    os.link(outside / "file", out / "linked")
    assert copy(fsu, image, out) == (0, [])
    assert (out / "pipe").read_text() == (out / "linked").read_text() == "new"
    assert sorted(os.listdir(out)) == ["innocent", "linked", "lost+found", "pipe"]


def test_directories_inside_themselves(fsu: Fsu, soil: Path, tmp_path: Path) -> None:
    (soil / "a/b/c").mkdir(parents=True)
    (soil / "a/b/c/file").write_text("once")
    image = image_of(soil, tmp_path / "x.img", "link /a /a/b/c/loop", "link /a/b /second")
    status, lines = copy(fsu, image, tmp_path / "out")
    assert status == 1
    assert len(lines) == 2
    assert (tmp_path / "out/a/b/c/file").exists() or (tmp_path / "out/second/c/file").exists()


def test_a_file_that_cannot_be_read(fsu: Fsu, tmp_path: Path) -> None:
    """What was written of it is removed; the others are copied."""
    image = damaged_image(tmp_path)
    result = fsu("cp", "-a", f"{image}:/", tmp_path / "out")
    assert result.status == 1
    assert result.err.startswith(f"fsu cp: {image}:/broken: ".encode())
    assert result.err.count(b"\n") == 1
    assert sorted(os.listdir(tmp_path / "out")) == ["after", "before", "lost+found"]
    result = fsu("cp", f"{image}:/broken", tmp_path / "single")
    assert result.status == 1
    (tmp_path / "single").mkdir()
    (tmp_path / "single/broken").write_text("kept")
    result = fsu("cp", f"{image}:/broken", tmp_path / "single")
    assert result.status == 1
    assert os.listdir(tmp_path / "single") == ["broken"]
    assert (tmp_path / "single/broken").read_text() == "kept"


def test_an_image_that_ends_early(fsu: Fsu, soil: Path, tmp_path: Path) -> None:
    (soil / "zzz").write_bytes(os.urandom(1 << 20) * 6)
    image = image_of(soil, tmp_path / "x.img")
    os.truncate(image, 4 << 20)
    result = fsu("cp", "-a", f"{image}:/", tmp_path / "out")
    assert result.status == 1
    assert result.err
    assert not (tmp_path / "out/zzz").exists()


def test_a_directory_of_many_names(fsu: Fsu, soil: Path, tmp_path: Path) -> None:
    (soil / "many").mkdir()
    names = {f"name {number}" for number in range(3000)}
    for name in names:
        os.symlink("x", soil / "many" / name)
    image = image_of(soil, tmp_path / "x.img")
    assert copy(fsu, image, tmp_path / "out") == (0, [])
    assert set(os.listdir(tmp_path / "out/many")) == names


def test_a_deep_tree(fsu: Fsu, soil: Path, tmp_path: Path) -> None:
    """Deeper than descriptors may be open and paths be long; hard links from top to bottom."""
    depth, here = 300, os.open(soil, os.O_RDONLY)
    fds = [here]
    for level in range(depth):
        name = f"directory {level}"
        os.mkdir(name, 0o755, dir_fd=here)
        here = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        fds.append(here)
    os.link("innocent", "linked", src_dir_fd=fds[0], dst_dir_fd=here)
    for fd in fds:
        os.close(fd)
    image = image_of(soil, tmp_path / "x.img")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 185, before[1]))
    try:
        assert copy(fsu, image, tmp_path / "out") == (0, [])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert os.stat(tmp_path / "out/innocent").st_nlink == 2
    assert call("find", tmp_path / "out", "-name", "file").count("\n") == depth


# ---- the user and the host -------------------------------------------------------------------------------------------


class Impatient:
    """Interrupts after so many questions."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    @property
    def interrupted(self) -> bool:
        self.patience -= 1
        return self.patience < 0

    @interrupted.setter
    def interrupted(self, value: bool) -> None: ...


def test_an_interrupted_copy_leaves_no_unfinished_file(soil: Path, tmp_path: Path) -> None:
    (soil / "innocent").write_bytes(b"x" * (20 << 20))
    image = tmp_path / "x.img"
    call("mke2fs", "-q", "-t", "ext4", "-d", soil, image, "40M")
    with Session() as session:
        lwp, _ = session.resolve(parse(str(image), image_by_default=True))
        for patience in range(2, 5):
            target = HostTarget(KernelSource(lwp), archive(), Impatient(patience))
            out = tmp_path / f"out {patience}"
            try:
                assert copy_tree(b"/", target, os.fsencode(out)) == []
                assert (out / "innocent").stat().st_size == 20 << 20
            except Interrupted:
                assert not (out / "innocent").exists()
                assert out.exists()
        assert not (tmp_path / "out 2/innocent").exists()


def test_control_c(fsu: Fsu, ext4_image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag that the signal sets ends the command with 130."""
    real = Session.resolve

    def resolve(self: Session, operand: object) -> object:
        self.interrupted = True
        return real(self, operand)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "resolve", resolve)
    assert fsu("cp", "-a", f"{ext4_image}:/", tmp_path / "out").status == 130
    assert not (tmp_path / "out/data").exists()


def test_a_file_too_large_for_the_host(ext4_image: Path, tmp_path: Path) -> None:
    """As a full disk does: the file is removed and named, the others are there."""
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from rump.fsutils.main import main; sys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", script, "cp", "-a", f"{ext4_image}:/", out], capture_output=True, check=False
    )
    assert done.returncode == 1
    lines = sorted(line for line in done.stderr.decode().splitlines() if "File too large" in line)
    assert lines[-1] == f"fsu cp: {out}/sparse: File too large"
    assert not (out / "data").exists()
    assert (out / "etc/passwd").exists()


@pytest.mark.root
@pytest.mark.skipif(not IS_ROOT, reason="needs root to mount")
def test_a_full_disk(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", small], check=False).returncode:
        pytest.skip("cannot mount")
    try:
        result = fsu("cp", "-a", f"{ext4_image}:/", small)
        assert result.status == 1
        assert f"fsu cp: {small}/data: No space left on device\n".encode() in result.err
        assert not (small / "data").exists()
        assert (small / "etc/passwd").exists()
    finally:
        call("umount", small)


@pytest.mark.skipif(not IS_ROOT, reason="needs root to become somebody else")
def _is_for_everybody(program: str) -> bool:
    """Whether every folder on the way to a program may be entered by anybody."""
    return all(os.stat(folder).st_mode & 0o001 for folder in Path(os.path.realpath(program)).parents) and all(
        os.stat(folder).st_mode & 0o001 for folder in Path(program).parents
    )


def test_an_ordinary_user(ext4_image: Path) -> None:
    """Owners are not kept and nothing is said of it; the set-id bits go with them."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o777)
        shutil.copy(ext4_image, top / "x.img")
        script = "import sys; from rump.fsutils.main import main; sys.exit(main(sys.argv[1:]))"
        if not _is_for_everybody(sys.executable):
            pytest.skip("this interpreter is not for everybody")
        done = subprocess.run(
            [sys.executable, "-B", "-c", script, "cp", "-a", f"{top}/x.img:/data", f"{top}/x.img:/program",
             f"{top}/x.img:/shared", f"{top}/x.img:/character", f"{top}/x.img:/etc", top],
            capture_output=True, check=False, user=65534, group=65534, extra_groups=[],
        )  # fmt: skip
        if b"ModuleNotFoundError" in done.stderr or b"Permission denied" in done.stderr:
            pytest.skip("this checkout is not for everybody")
        assert done.stderr.decode().splitlines() == [f"fsu cp: {top}/character: Operation not permitted"]
        assert os.stat(top / "data").st_uid == 65534
        assert stat.S_IMODE(os.stat(top / "program").st_mode) == 0o755
        assert (top / "etc/passwd").exists()
        assert os.getxattr(top / "data", "user.colour") == b"blue\0ish"
