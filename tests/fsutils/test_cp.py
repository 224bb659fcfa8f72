# SPDX-License-Identifier: BSD-2-Clause
"""`fsu cp`: what it keeps, held against the tree that the image was made of, and where it puts what."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from . import snapshots
from .conftest import IS_ROOT, OLD, ZEROS_TO_BE, Fsu, call, tool

NEGATIVE = -1_000_000_000 + 500_000


def run(fsu: Fsu, *arguments: str | os.PathLike[str]) -> bytes:
    """A copy that must work; what it printed."""
    result = fsu("cp", *arguments)
    assert (result.status, result.err) == (0, b"")
    return result.out


@pytest.fixture(scope="session")
def rich_image(rich_tree: Path) -> Path:
    """An ext4 image of `rich_tree`; "early" is of 1969.

    mke2fs makes holes of zeros, so that "zeros" gets its contents only now.
    """
    image = rich_tree.parent / "rich.img"
    call(tool("mke2fs"), "-q", "-t", "ext4", "-d", rich_tree, image, "32M")
    image.write_bytes(image.read_bytes().replace(ZEROS_TO_BE, bytes(len(ZEROS_TO_BE))))
    stat = os.stat(rich_tree / "zeros")
    (rich_tree / "zeros").write_bytes(bytes(100_000))
    os.utime(rich_tree / "zeros", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    commands = image.with_suffix(".debugfs")
    commands.write_text(f"sif /early mtime @{2**32 - 1}\nsif /early mtime_extra {500_000 << 2}\n")
    call(tool("debugfs"), "-w", "-f", commands, image)
    return image


@pytest.fixture(scope="session")
def copies(tree: Path, ext4_image: Path, rich_tree: Path, rich_image: Path) -> list[tuple[Path, Path]]:
    """(tree, copy of its image) of both trees."""
    from rump.fsutils.main import main

    pairs = []
    for source, image in ((tree, ext4_image), (rich_tree, rich_image)):
        copy = image.with_suffix(".copy")
        assert main(["cp", "-aR", f"{image}:/", str(copy)]) == 0
        pairs.append((source, copy))
    return pairs


@pytest.mark.parametrize("name", sorted(snapshots.COLUMNS))
def test_archive_copies_are_the_tree(copies: list[tuple[Path, Path]], name: str) -> None:
    if name == "owner" and not IS_ROOT:
        pytest.skip("needs root to give files away")
    for source, copy in copies:
        expected, got = snapshots.column(source, name), snapshots.column(copy, name)
        expected.pop(b""), got.pop(b"")             # of the root directory mke2fs has its own opinion
        if name == "mtime":
            expected.pop(b"early", None), got.pop(b"early", None)
        if name == "holes":
            expected.pop(b"sparse", None), got.pop(b"sparse", None)    # with inline_data mke2fs adds a block
        assert got == expected
        assert got


def test_hard_links_are_links_of_the_same_files(copies: list[tuple[Path, Path]]) -> None:
    for source, copy in copies:
        assert snapshots.links(copy) == snapshots.links(source)


def test_nanoseconds_and_times_before_1970_are_kept(
    fsu: Fsu, ext4_image: Path, rich_image: Path, tmp_path: Path
) -> None:
    run(fsu, "-a", f"{ext4_image}:/data", f"{ext4_image}:/etc/link", f"{rich_image}:/early", tmp_path)
    data = os.stat(tmp_path / "data")
    assert (data.st_mtime_ns, data.st_atime_ns) == (OLD, OLD + 1)
    assert os.lstat(tmp_path / "link").st_mtime_ns == OLD
    assert os.stat(tmp_path / "early").st_mtime_ns == NEGATIVE


def test_devices_and_fifos_are_made(copies: list[tuple[Path, Path]]) -> None:
    copy = copies[0][1]
    assert stat.S_ISFIFO(os.lstat(copy / "fifo").st_mode)
    assert stat.S_ISSOCK(os.lstat(copy / "socket").st_mode)
    if IS_ROOT:
        assert os.lstat(copy / "block").st_rdev == os.makedev(259, 300)


def test_without_flags_a_file_gets_what_umask_leaves(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        run(fsu, f"{ext4_image}:/program", tmp_path / "copy")
    finally:
        os.umask(before)
    status = os.stat(tmp_path / "copy")
    assert stat.S_IMODE(status.st_mode) == 0o750
    assert status.st_uid == os.geteuid()
    assert status.st_mtime_ns > OLD + 10**18 // 10
    assert os.umask(before) == before


# ---- where copies go -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "made"),
    [
        ("/etc/passwd", "new", "new"),
        ("/etc/passwd", "there", "there/passwd"),
        ("/etc", "new", "new/passwd"),
        ("/etc/", "new", "new/passwd"),
        ("/etc", "there", "there/etc/passwd"),
        ("/etc/", "there", "there/etc/passwd"),
        ("/etc", "there/", "there/etc/passwd"),
        ("/etc/.", "there", "there/passwd"),
        ("/etc/.", "new", "new/passwd"),
        ("/etc", "new/", "new/passwd"),
        ("/", "new", "new/etc/passwd"),
        ("/", "there", "there/etc/passwd"),
        ("/.", "there", "there/etc/passwd"),
        ("/deep/..", "there", "there/etc/passwd"),
    ],
)
def test_copies_go_where_cp_puts_them(
    fsu: Fsu, ext4_image: Path, tmp_path: Path, source: str, target: str, made: str
) -> None:
    (tmp_path / "there").mkdir()
    result = fsu("cp", "-R", f"{ext4_image}:{source}", f"{tmp_path}/{target}")
    assert result.status == 0, result.err
    assert (tmp_path / made).read_text().startswith("root:x:0:0")


def test_several_operands_go_into_a_directory(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    sources = [f"{ext4_image}:/etc/passwd", f"{ext4_image}:/data", f"{ext4_image}:/same data"]
    run(fsu, "-a", "-t", tmp_path, *sources)
    assert sorted(os.listdir(tmp_path)) == ["data", "passwd", "same data"]
    assert os.path.samefile(tmp_path / "data", tmp_path / "same data")
    result = fsu("cp", *sources, tmp_path / "nowhere")
    assert result.status == 1
    assert b"nowhere: " in result.err


def test_the_target_itself(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/kept").touch()
    run(fsu, "-RT", f"{ext4_image}:/etc", tmp_path / "there")
    assert {"kept", "passwd", "group"} <= set(os.listdir(tmp_path / "there"))
    result = fsu("cp", "-T", f"{ext4_image}:/data", tmp_path / "there")
    assert result.status == 1
    assert b"cannot overwrite a directory" in result.err


def test_a_partition_of_a_disk(fsu: Fsu, disk_image: Path, tmp_path: Path) -> None:
    run(fsu, f"{disk_image}@rootfs:/etc/passwd", f"{disk_image}@1:/HELLO.TXT", tmp_path)
    assert (tmp_path / "HELLO.TXT").read_text() == "hello\r\n" or (tmp_path / "HELLO.TXT").read_bytes() == b"hello\r\n"
    assert (tmp_path / "passwd").exists()


def test_symbolic_links(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    link = f"{ext4_image}:/etc/link"
    run(fsu, link, tmp_path / "followed")
    assert not (tmp_path / "followed").is_symlink()
    for flags in ("-P", "-d", "-R", "-a"):
        run(fsu, flags, link, tmp_path / "link")
        assert os.readlink(tmp_path / "link") == "passwd"
    run(fsu, "-RH", link, tmp_path / "H")
    assert (tmp_path / "H").read_bytes() == (tmp_path / "followed").read_bytes()
    run(fsu, "-RL", f"{ext4_image}:/etc", tmp_path / "L")
    assert not (tmp_path / "L/link").is_symlink()
    assert (tmp_path / "L/link").read_bytes() == (tmp_path / "followed").read_bytes()


def test_holes_as_asked(fsu: Fsu, rich_image: Path, tmp_path: Path) -> None:
    for name, sparse, blocks in (
        ("zeros", "auto", 200), ("zeros", "always", 0), ("zeros", "never", 200),
        ("ends with a hole", "auto", 8), ("ends with a hole", "never", 39062), ("small hole", "never", 24),
    ):  # fmt: skip
        run(fsu, f"--sparse={sparse}", f"{rich_image}:/{name}", tmp_path / "out")
        status = os.stat(tmp_path / "out")
        assert (status.st_blocks >= blocks) if blocks > 100 or sparse == "never" else (status.st_blocks <= blocks + 8)
        assert status.st_size == {"zeros": 100_000, "small hole": 8202}.get(name, 20_000_000)


def test_existing_files(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    source, target = f"{ext4_image}:/data", tmp_path / "file"
    target.write_text("mine")
    target.chmod(0o604)
    run(fsu, "-n", source, target)
    run(fsu, "-u", source, target)
    assert target.read_text() == "mine"
    run(fsu, source, target)
    assert target.stat().st_size == 262144
    assert stat.S_IMODE(target.stat().st_mode) == 0o604
    target.write_text("mine")
    os.utime(target, ns=(OLD - 1, OLD - 1))
    run(fsu, "-up", source, target)
    assert target.stat().st_size == 262144


def test_what_is_kept_can_be_chosen(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    source = f"{ext4_image}:/data"
    run(fsu, "-p", source, tmp_path / "p")
    assert (tmp_path / "p").stat().st_mtime_ns == OLD
    assert os.listxattr(tmp_path / "p") == []
    run(fsu, "--preserve", source, tmp_path / "preserve")
    assert (tmp_path / "preserve").stat().st_mtime_ns == OLD
    run(fsu, "-a", "--no-preserve=timestamps,xattr", source, tmp_path / "a")
    assert (tmp_path / "a").stat().st_mtime_ns != OLD
    assert os.listxattr(tmp_path / "a") == []
    run(fsu, "--preserve=xattr", source, tmp_path / "x")
    assert os.getxattr(tmp_path / "x", "user.colour") == b"blue\0ish"
    assert fsu("cp", "--preserve=colour", source, tmp_path / "z").status == 2


def test_verbose(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    out = run(fsu, "-Rv", f"{ext4_image}:/etc", tmp_path / "o")
    lines = set(out.splitlines())
    assert f"'{ext4_image}:/etc' -> '{tmp_path}/o'".encode() in lines
    assert f"'{ext4_image}:/etc/passwd' -> '{tmp_path}/o/passwd'".encode() in lines


def test_into_what_is_no_file(fsu: Fsu, fsu_process: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    run(fsu, f"{ext4_image}:/data", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    result = fsu_process("cp", f"{ext4_image}:/etc/passwd", "/dev/stdout")
    assert (result.status, result.out[:5]) == (0, b"root:")
    with open(tmp_path / "redirected", "wb") as file:
        env = {**os.environ}
        command = [sys.executable, "-m", "rump.fsutils", "cp", f"{ext4_image}:/etc/passwd", "/dev/stdout"]
        subprocess.run(command, stdout=file, check=True, env=env)
    assert (tmp_path / "redirected").read_bytes().startswith(b"root:")
    assert os.path.islink("/dev/stdout")


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["cp", "{image}:/nothing", "{out}"], 1, b"fsu cp: {image}:/nothing: No such file or directory\n"),
        (["cp", "{image}:/etc", "{out}"], 1, b"fsu cp: {image}:/etc: is a directory; -R copies it\n"),
        (["cp", "{image}:/fifo", "{out}"], 1, b"-R copies it as what it is"),
        (["cp", "{image}:/data", "{out}/none/x"], 1, b"No such file or directory"),
        (["cp", "{image}:/data", "{out}/"], 1, b"fsu cp: {out}/: Not a directory\n"),
        (["cp", "{image}:/data"], 2, b"where to?"),
        (["cp"], 2, b"copy what?"),
        (["cp", "-T", "-t", "{out}", "{image}:/data"], 2, b"-T"),
    ],
)
def test_errors(
    fsu: Fsu, ext4_image: Path, tmp_path: Path, arguments: list[str], status: int, message: bytes
) -> None:
    names = {"image": str(ext4_image), "out": str(tmp_path / "out")}
    result = fsu(*(word.format(**names) for word in arguments))
    assert result.status == status
    assert message.decode().format(**names).encode() in result.err
    assert os.listdir(tmp_path) == []


def test_the_rest_goes_on(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    (tmp_path / "out/passwd/in the way").mkdir(parents=True)
    result = fsu("cp", "-R", f"{ext4_image}:/etc/.", f"{ext4_image}:/nowhere", f"{ext4_image}:/data", tmp_path / "out")
    assert result.status == 1
    assert result.err.decode().splitlines() == [
        f"fsu cp: {tmp_path}/out/passwd: cannot overwrite a directory with what is none",
        f"fsu cp: {ext4_image}:/nowhere: No such file or directory",
    ]
    assert {"data", "group", "link"} <= set(os.listdir(tmp_path / "out"))
