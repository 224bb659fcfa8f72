# SPDX-License-Identifier: BSD-2-Clause
"""`fsu cp` into images, between them and on the host: nothing is lost; e2fsck and the Linux kernel agree."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import snapshots
from .conftest import IS_ROOT, OLD, Fsu, call, check, debugfs, tool

FROM_ROOT = ("name", "contents", "mode", "owner", "mtime", "symlink", "hard link", "holes", "node", "xattr")


def run(fsu: Fsu, *arguments: str | os.PathLike[str]) -> bytes:
    """A command that must work; what it printed."""
    result = fsu(*arguments)
    assert (result.status, result.err) == (0, b"")
    return result.out


@pytest.fixture
def mounted(image: Path, tmp_path: Path) -> Iterator[Path]:
    """Where the Linux kernel mounts the image when `mount_now` has been made in there."""
    if not IS_ROOT:
        pytest.skip("needs root to mount")
    where = tmp_path / "mounted"
    where.mkdir()
    yield where
    subprocess.run([tool("umount"), where], check=False, capture_output=True)


def mount_now(image: Path, where: Path) -> None:
    done = subprocess.run([tool("mount"), "-o", "loop,ro,noload", image, where], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.decode()}")


def same(expected: Path, got: Path, *, seconds: bool = False) -> None:
    """Two trees are alike, but for what is below lost+found.  Times in nanoseconds unless told."""
    for name in FROM_ROOT:
        if name == "owner" and not IS_ROOT:
            continue
        assert snapshots.column(got, name) == snapshots.column(expected, name), name
    assert snapshots.links(got) == snapshots.links(expected)
    if not seconds:
        times = [{path: st.st_mtime_ns for path, st in snapshots.walk(root).items()} for root in (expected, got)]
        assert times[0] == times[1]


@pytest.mark.parametrize("which", ["tree", "rich_tree"])
def test_there_and_back(fsu: Fsu, image: Path, tmp_path: Path, which: str, request: pytest.FixtureRequest) -> None:
    tree: Path = request.getfixturevalue(which)
    run(fsu, "cp", "-aR", f"{tree}/.", f"{image}:/")
    check(image)
    run(fsu, "cp", "-aR", f"{image}:/.", tmp_path / "out")
    same(tree, tmp_path / "out")


def test_the_kernel_agrees(fsu: Fsu, image: Path, tree: Path, mounted: Path) -> None:
    run(fsu, "cp", "-aR", f"{tree}/.", f"{image}:/")
    mount_now(image, mounted)
    same(tree, mounted)


def test_from_image_to_image(fsu: Fsu, image: Path, rich_tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.img"
    run(fsu, "mkfs", "-q", "-t", "ext2", "-b", "1024", other, "32M")
    run(fsu, "cp", "-a", rich_tree, f"{image}:/tree")
    run(fsu, "cp", "-a", f"{image}:/tree/.", f"{other}:/")
    check(image, other)
    run(fsu, "cp", "-a", f"{other}:/.", tmp_path / "out")
    left = {b"early"}           # ext2 has inodes without room for such times
    for name in FROM_ROOT:
        expected, got = snapshots.column(rich_tree, name), snapshots.column(tmp_path / "out", name)
        assert {path for path in expected if expected[path] != got[path]} <= (left if name == "mtime" else set()), name


def test_within_an_image(fsu: Fsu, image: Path, rich_tree: Path, tmp_path: Path) -> None:
    run(fsu, "cp", "-a", rich_tree, f"{image}:/tree")
    run(fsu, "cp", "-a", f"{image}:/tree", f"{image}:/again")
    check(image)
    run(fsu, "cp", "-a", f"{image}:/again", tmp_path / "out")
    same(rich_tree, tmp_path / "out")


def test_on_the_host(fsu: Fsu, rich_tree: Path, tmp_path: Path) -> None:
    run(fsu, "cp", "-a", rich_tree, tmp_path / "out")
    same(rich_tree, tmp_path / "out")
    result = fsu("cp", "-R", tmp_path / "out", tmp_path / "out/below")
    assert result.status == 1 and b"a directory inside itself" in result.err


def test_files_of_others_become_roots(fsu: Fsu, image: Path, tree: Path) -> None:
    before = os.umask(0o027)
    try:
        run(fsu, "cp", "-R", tree / "data", tree / "deep", f"{image}:/")
    finally:
        os.umask(before)
    out = run(fsu, "stat", "-c", "%n %u:%g %a", f"{image}:/data", f"{image}:/deep", f"{image}:/deep/er")
    assert [line.rpartition(b":/")[2] for line in out.splitlines()] == [
        b"data 0:0 640", b"deep 0:0 750", b"deep/er 0:0 750"]  # fmt: skip


def test_what_is_there(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "file", f"{image}:/file"
    source.write_text("first")
    run(fsu, "cp", "-p", source, target)
    run(fsu, "chmod", "604", target)
    run(fsu, "chown", "5:6", target)
    source.write_text("second")
    os.utime(source, ns=(OLD, OLD))
    for option in ("-n", "-u"):
        run(fsu, "cp", option, source, target)
        assert run(fsu, "cat", target) == b"first"
    run(fsu, "cp", source, target)
    assert run(fsu, "cat", target) == b"second"
    assert run(fsu, "stat", "-c", "%u:%g %a", target) == b"5:6 604\n"
    run(fsu, "mkdir", f"{image}:/directory")
    result = fsu("cp", "-T", source, f"{image}:/directory")
    assert result.status == 1 and b"cannot overwrite a directory" in result.err
    run(fsu, "ln", "-s", "/etc/passwd", f"{image}:/link")
    run(fsu, "cp", source, f"{image}:/link")
    assert run(fsu, "cat", f"{image}:/link") == b"second"
    assert sorted(run(fsu, "ls", image).split()) == [b"directory", b"file", b"link", b"lost+found"]
    check(image)


def test_a_hard_link_to_what_was_there(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_text("new")
    os.link(tmp_path / "tree/a", tmp_path / "tree/b")
    for _ in range(2):
        run(fsu, "cp", "-a", f"{tmp_path}/tree/.", f"{image}:/")
    assert run(fsu, "stat", "-c", "%h", f"{image}:/a", f"{image}:/b") == b"2\n2\n"
    check(image)


def test_a_tree_over_itself(fsu: Fsu, image: Path, tree: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run(fsu, "cp", "-aR", f"{tree}/.", f"{image}:/")
    check(image)
    run(fsu, "cp", "-aR", f"{image}:/.", tmp_path / "out")
    same(tree, tmp_path / "out")


def test_into_a_partition(fsu: Fsu, disk_image: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    call("cp", "--sparse=always", disk_image, disk)
    (tmp_path / "note").write_text("hello\n")
    run(fsu, "cp", tmp_path / "note", f"{disk}@rootfs:/etc/note")
    assert run(fsu, "cat", f"{disk}@2:/etc/note", f"{disk}@rootfs:/etc/group").startswith(b"hello\nroot:")
    run(fsu, "cp", f"{disk}@1:/HELLO.TXT", f"{disk}@2:/hello")
    assert run(fsu, "cat", f"{disk}@2:/hello") == b"hello\r\n"
    part = tmp_path / "part.img"
    with open(disk, "rb") as file:
        start = (1 << 20) + (16 << 20)
        file.seek(start)
        part.write_bytes(file.read(24 << 20))
    check(part)


def test_sparse(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(bytes(1 << 20) + b"end")
    for option, blocks in (("auto", 2048), ("always", 0), ("never", 2048)):
        run(fsu, "cp", f"--sparse={option}", tmp_path / "zeros", f"{image}:/{option}")
        assert abs(int(run(fsu, "stat", "-c", "%b", f"{image}:/{option}")) - blocks) < 16
        assert run(fsu, "cat", f"{image}:/{option}") == bytes(1 << 20) + b"end"
    with open(tmp_path / "hole", "wb") as file:
        file.truncate(4 << 30)
    run(fsu, "cp", tmp_path / "hole", f"{image}:/hole")
    assert run(fsu, "stat", "-c", "%b %s", f"{image}:/hole").split() == [b"0", b"%d" % (4 << 30)]
    check(image)


def test_from_a_pipe(fsu: Fsu, image: Path) -> None:
    command = [sys.executable, "-m", "rump.fsutils", "cp", "/dev/stdin", f"{image}:/note"]
    done = subprocess.run(command, input=b"from a pipe\n" * 10000, check=True, capture_output=True)
    assert done.stderr == b""
    assert run(fsu, "cat", f"{image}:/note") == b"from a pipe\n" * 10000
    assert run(fsu, "stat", "-c", "%a %u", f"{image}:/note") == b"644 0\n"
    check(image)


# ---- what is changed on the way --------------------------------------------------------------------------------------


def test_owners_and_modes_and_times_can_be_given(fsu: Fsu, image: Path, tree: Path) -> None:
    run(fsu, "cp", "-aR", "--owner=11:12", "--mode=u=rwX,go=rX", "--mtime=@1000000000.5", f"{tree}/.", f"{image}:/")
    forms = run(fsu, "find", f"{image}:/", "-name", "lost+found", "-prune", "-o", "-printf", "%y %m %U:%G %T@\n")
    lines = set(forms.splitlines())
    expected = {b"d 755", b"d 2755", b"f 644", b"f 755", b"p 644", b"s 755", b"s 644", b"l 777", b"c 644", b"b 644"}
    assert {line.partition(b" 11:12 ")[0] for line in lines} <= expected
    assert {line.split()[-1].rstrip(b"0") for line in lines} == {b"1000000000.5"}
    check(image)


def test_numbers_can_be_shifted(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    if not IS_ROOT:
        pytest.skip("needs root to give files away")
    for uid, gid in ((0, 0), (1000, 1000), (1009, 1009), (1010, 5)):
        (tmp_path / f"of{uid}").touch()
        os.chown(tmp_path / f"of{uid}", uid, gid)
    files = sorted(tmp_path.glob("of*"))
    run(fsu, "cp", "--map-uid=1000:0:10", "--map-uid=0:50", "--map-gid=5:6", *files, f"{image}:/")
    out = run(fsu, "stat", "-c", "%u:%g", *(f"{image}:/{path.name}" for path in files))
    assert out.split() == [b"50:0", b"0:1000", b"9:1009", b"1010:6"]


@pytest.mark.parametrize(
    "option", ["--owner=x", "--owner=4294967295", "--map-uid=1", "--map-gid=1:2:4294967295", "--mtime=soon", "--mode=z"]
)
def test_changes_that_make_no_sense(fsu: Fsu, image: Path, tmp_path: Path, option: str) -> None:
    result = fsu("cp", option, image, f"{image}:/")
    assert result.status == 2 and result.out == b""


# ---- room, and what goes wrong ---------------------------------------------------------------------------------------


def test_no_room(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for number in range(3):
        (tmp_path / f"tree/{number}").write_bytes(os.urandom(1 << 20) * 12)
    result = fsu("cp", "-R", tmp_path / "tree", f"{image}:/")
    assert result.status == 1
    assert result.err.startswith(f"fsu cp: {image}:/: needs 37M, ".encode())
    assert run(fsu, "ls", image) == b"lost+found\n"
    result = fsu("cp", "-R", "--force", tmp_path / "tree", f"{image}:/")
    assert result.status == 1
    assert result.err.decode().splitlines() == [f"fsu cp: {image}:/tree/2: No space left on device"]
    assert run(fsu, "ls", f"{image}:/tree") == b"0\n1\n"
    check(image)


def test_no_inodes(fsu: Fsu, tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    run(fsu, "mkfs", "-q", "-N", "32", image, "4M")
    (tmp_path / "tree").mkdir()
    for number in range(40):
        (tmp_path / f"tree/{number}").touch()
    result = fsu("cp", "-R", f"{tmp_path}/tree/.", f"{image}:/")
    assert result.status == 1 and b"inodes, " in result.err
    assert run(fsu, "ls", image) == b"lost+found\n"
    result = fsu("cp", "-R", "--force", f"{tmp_path}/tree/.", f"{image}:/")
    assert result.status == 1 and b"No space left on device" in result.err
    assert len(run(fsu, "ls", image).split()) > 20
    check(image)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("{tmp}/nothing", "{image}:/", "{tmp}/nothing: No such file or directory"),
        ("{tmp}", "{image}:/", "{tmp}: is a directory; -R copies it"),
        ("{tmp}/file", "{image}:/none/x", "{image}:/none/x: No such file or directory"),
        ("{tmp}/file", "{image}:/new/", "{image}:/new/: Not a directory"),
        ("{tmp}/file", "{image}", "{image}: an image; {image}:/ is a path in it, host:{image} would replace it"),
        ("{tmp}/file", "{tmp}/nothing.img:/x", "No such file or directory"),
    ],
)
def test_errors(fsu: Fsu, image: Path, tmp_path: Path, source: str, target: str, message: str) -> None:
    names = {"image": image, "tmp": tmp_path}
    (tmp_path / "file").write_text("x")
    before = image.read_bytes()
    result = fsu("cp", source.format(**names), target.format(**names))
    assert result.status == 1
    assert message.format(**names) in result.err.decode()
    assert len(image.read_bytes()) == len(before)
    assert run(fsu, "ls", image) == b"lost+found\n"
    check(image)


def test_unreadable_files_do_not_stop_the_others(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/good").write_text("good")
    (tmp_path / "tree/long").symlink_to("x" * 4000)
    (tmp_path / "tree/sub/good").write_text("good")
    run(fsu, "mkdir", f"{image}:/tree", f"{image}:/tree/good")
    result = fsu("cp", "-R", tmp_path / "tree", f"{image}:/")
    assert result.status == 1
    assert f"{image}:/tree/good: cannot overwrite a directory" in result.err.decode()
    assert run(fsu, "cat", f"{image}:/tree/sub/good") == b"good"
    check(image)


def test_modes_that_let_nobody_in(fsu: Fsu, image: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed/inside").write_text("x")
    (tmp_path / "closed/inside").chmod(0o000 if IS_ROOT else 0o400)
    (tmp_path / "closed").chmod(0o500)
    run(fsu, "cp", "-a", tmp_path / "closed", f"{image}:/")
    assert stat.S_IMODE(int(run(fsu, "stat", "-c", "%f", f"{image}:/closed"), 16)) == 0o500
    assert "Mode:  0500" in debugfs(image, "stat /closed")
    (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize("kind", ["vfat", "exfat"])
def test_times_out_of_range(fsu: Fsu, tmp_path: Path, kind: str) -> None:
    """Files of 1970, which reproducible builds make, are no failure: they get the nearest time there is."""
    (tmp_path / "tree").mkdir()
    for name, seconds in (("old", 0), ("usual", 1_000_000_000), ("late", 7_000_000_000)):
        (tmp_path / "tree" / name).touch()
        os.utime(tmp_path / "tree" / name, (seconds, seconds))
    image = tmp_path / "image"
    assert fsu("mkfs", "-q", "-t", kind, image, "8M").status == 0
    for source in (tmp_path / "tree", tmp_path / "tree" / "old"):
        done = fsu("cp", "-a", source, f"{image}:/")
        assert done.status == 0 and done.err.count(b"nearest") == 1, done
    operands = tmp_path / "tree" / "old", tmp_path / "tree" / "late"
    assert fsu("cp", "-a", *operands, f"{image}:/tree").status == 0
    out = fsu("find", f"{image}:/", "-type", "f", "-printf", "%f %TY\\n").out
    assert sorted(out.split(b"\n"))[1:] == [b"late 2107", b"old 1980", b"old 1980", b"usual 2001"]
