# SPDX-License-Identifier: BSD-2-Clause
"""`fsu tar -c`: unpacked by GNU tar and by Python's own reader, and held against the tree."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from rump.fsutils.archive import pax

from . import snapshots
from .conftest import IS_ROOT, OLD, Fsu, call, tool
from .hostile import damaged_image


@pytest.fixture(scope="session")
def unpacked(ext4_image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the image, unpacked by GNU tar."""
    from rump.fsutils.main import main

    root = tmp_path_factory.mktemp("tar")
    archive = root / "all.tar"
    main(["tar", "-cSf", str(archive), f"{ext4_image}:/"])
    (root / "out").mkdir()
    done = subprocess.run(
        [tool("tar"), "--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf", archive, "-C", root / "out"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root / "out"


@pytest.mark.parametrize("name", sorted(snapshots.COLUMNS))
def test_archives_hold_the_tree(tree: Path, unpacked: Path, name: str) -> None:
    if name == "owner" and not IS_ROOT:
        pytest.skip("needs root to give files away")
    expected, got = snapshots.column(tree, name), snapshots.column(unpacked, name)
    expected.pop(b"socket", None)
    if name == "holes":
        expected.pop(b"sparse"), got.pop(b"sparse")     # with inline_data mke2fs adds a block
        assert os.stat(unpacked / "sparse").st_blocks < 100
    if name in ("mtime", "mode", "owner"):
        expected.pop(b""), got.pop(b"")
    assert got == expected
    assert os.stat(unpacked / "data").st_mtime_ns == OLD


def test_hard_links(tree: Path, unpacked: Path) -> None:
    assert snapshots.links(unpacked) == {group for group in snapshots.links(tree) if group != {b"socket"}}


def test_an_archive_is_the_same_every_time(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    first, second = (fsu("tar", "-c", ext4_image).out for _ in range(2))
    assert first == second
    assert len(first) % pax.RECORD == 0
    fsu("tar", "-c", "-f", tmp_path / "x.tar", ext4_image)
    assert (tmp_path / "x.tar").read_bytes() == first
    names = members(first)
    assert names.index("./etc") < names.index("./etc/passwd") < names.index("./fifo")


@pytest.mark.parametrize(
    ("option", "program"), [("-z", "gzip"), ("--gzip", "gzip"), ("-j", "bzip2"), ("-J", "xz"), ("--zstd", "zstd")]
)
def test_compression(fsu: Fsu, ext4_image: Path, tmp_path: Path, option: str, program: str) -> None:
    result = fsu("tar", "-c", option, "-f", tmp_path / "x", f"{ext4_image}:/etc")
    if option == "--zstd" and result.status == 2:
        assert b"zstd" in result.err
        return
    plain = fsu("tar", "-c", f"{ext4_image}:/etc").out
    done = subprocess.run([tool(program), "-dc"], input=(tmp_path / "x").read_bytes(), capture_output=True, check=True)
    assert done.stdout == plain


def members(archive: bytes) -> list[str]:
    """The names in an archive, in order."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_names_of_members(fsu: Fsu, ext4_image: Path) -> None:
    def names(*words: str) -> list[str]:
        result = fsu("tar", *words)
        assert (result.status, result.err) == (0, b"")
        return members(result.out)

    etc = ["etc", "etc/group", "etc/link", "etc/passwd"]
    assert names("-c", f"{ext4_image}:/etc") == etc
    assert names("c", f"{ext4_image}:/etc/") == etc
    assert names("-c", "-C", str(ext4_image), "etc") == etc
    assert names("-c", "-C", f"{ext4_image}:/etc", "passwd", "group") == ["passwd", "group"]
    assert names("-c", "-C", f"{ext4_image}:/etc", ".") == [".", "./group", "./link", "./passwd"]
    assert names("-c", "--exclude=p*", "--exclude", "etc/l*", f"{ext4_image}:/etc") == ["etc", "etc/group"]
    assert names("-c", "--exclude=er", f"{ext4_image}:/deep") == ["deep"]


def test_verbose(fsu: Fsu, ext4_image: Path, tmp_path: Path) -> None:
    assert fsu("tar", "cvf", tmp_path / "x", f"{ext4_image}:/etc").out == b"etc/\netc/group\netc/link\netc/passwd\n"


def test_hard_names(tmp_path: Path, fsu: Fsu) -> None:
    """Names and targets that do not fit the header, in Unicode and not."""
    root = tmp_path / "tree"
    top = os.fsencode(root)
    names = [b"x" * 200, b"\xff" * 200, b"d" * 120 + b"/" + b"e" * 90, "ü".encode() * 70, b"s/" * 90 + b"f", b"y" * 100]
    for name in names:
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(name[:10])
    os.symlink(b"\xfe" * 150, os.path.join(top, b"link"))
    os.symlink(b"l" * 100, os.path.join(top, b"l" * 101))
    image = tmp_path / "x.img"
    call(tool("mke2fs"), "-q", "-t", "ext4", "-d", root, image, "8M")
    archive = fsu("tar", "-c", "--exclude=lost+found", image)
    assert (archive.status, archive.err) == (0, b"")
    (tmp_path / "out").mkdir()
    subprocess.run([tool("tar"), "-x", "-C", tmp_path / "out"], input=archive.out, check=True, capture_output=True)
    for name in ("name", "contents", "symlink"):
        assert snapshots.column(tmp_path / "out", name) == snapshots.column(root, name)


def test_numbers_out_of_range() -> None:
    member = pax.Member(b"f", pax.FILE, 0o644, 2**32 - 2, 2_097_152, -1_500_000_000)
    member.size = 1 << 40
    header = pax.headers(member)
    read = tarfile.TarInfo.frombuf(header[-512:], "utf-8", "surrogateescape")
    assert read.name == "f"
    with tarfile.open(fileobj=io.BytesIO(header + pax.END)) as archive:
        got = archive.next()
    assert got is not None
    assert (got.uid, got.gid, got.size, got.mtime) == (2**32 - 2, 2_097_152, 1 << 40, -1.5)


def test_a_file_that_cannot_be_read_is_zeros(fsu: Fsu, tmp_path: Path) -> None:
    """Its header has promised so many bytes; the others are whole."""
    image = damaged_image(tmp_path)
    result = fsu("tar", "-c", "-f", tmp_path / "x.tar", image)
    assert result.status == 1
    assert f"{image}:/broken: ".encode() in result.err
    with tarfile.open(tmp_path / "x.tar") as archive:
        assert archive.getmember("./broken").size == 3 << 20
        file = archive.extractfile("./after")
        assert file is not None and file.read() == b"whole\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["-xc", "-f", "x"], 2, "one of -c and -x"),
        (["-x", "-f", "/nowhere/x"], 1, "fsu tar: /nowhere/x: No such file or directory"),
        (["x.img"], 2, "one of -c and -x"),
        (["-c"], 2, "archive what?"),
        (["-c", "{image}:/nowhere"], 1, "{image}:/nowhere: No such file or directory"),
        (["-cf", "/nowhere/x", "{image}"], 1, "fsu tar: /nowhere/x: No such file or directory"),
    ],
)
def test_mistakes(fsu: Fsu, ext4_image: Path, words: list[str], status: int, message: str) -> None:
    result = fsu("tar", *(word.format(image=ext4_image) for word in words))
    assert result.status == status
    assert message.format(image=ext4_image) in result.err.decode()


def test_no_unfinished_archive_stays(fsu: Fsu, ext4_image: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    result = fsu("tar", "-cf", "/dev/full", ext4_image)
    assert result.status == 1
    assert b"fsu tar: /dev/full: No space left on device\n" in result.err
