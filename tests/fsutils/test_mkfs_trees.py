# SPDX-License-Identifier: BSD-2-Clause
"""`fsu mkfs -d`: file systems filled as they are made, as small as can be, from trees, images and archives."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from rump.fsutils.making import recipe
from rump.fsutils.making.measure import Tally

from .conftest import Fsu, Result, call, tool

MIB = 1 << 20
NOT_KEPT = b"not kept"


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree that every file system can hold: long names, many names, empty and large files."""
    root = tmp_path_factory.mktemp("plain")
    (root / "a directory with a long name").mkdir()
    (root / "many").mkdir()
    for number in range(120):
        (root / "many" / f"file {number:03} of many").write_bytes(b"x" * (number * 37 % 3000))
    (root / "SHORT.TXT").write_text("short\n")
    (root / "Grüße 世界").write_text("unicode\n")
    (root / "a directory with a long name" / "large").write_bytes(os.urandom(300_000))
    (root / "empty").touch()
    for path in (*root.rglob("*"), root):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    return root


def check(kind: str, image: Path) -> None:
    if kind.startswith("ext"):
        call(tool("e2fsck"), "-fn", image)
    elif kind == "exfat":
        call(tool("fsck.exfat"), "-n", image)
    elif kind != "cd9660":
        call(tool("fsck.fat"), "-n", image)


def same(fsu: Fsu, image: Path, tree: Path, tmp_path: Path) -> None:
    """What is in an image is what is in a tree."""
    out = tmp_path / "out"
    assert fsu("cp", "-R", f"{image}:/", out).status == 0
    (out / "lost+found").rmdir() if (out / "lost+found").exists() else None
    assert call("diff", "-r", out, tree) == ""
    subprocess.run(["rm", "-rf", out], check=True)


def good(result: Result) -> None:
    """It went well; that FAT keeps no owners may be said."""
    assert result.status == 0, result.err
    assert all(NOT_KEPT in line for line in result.err.splitlines())


@pytest.mark.parametrize("kind, size", [("ext4", "8M"), ("ext2", "4M"), ("vfat", "4M"), ("exfat", "8M")])
def test_filled(fsu: Fsu, tmp_path: Path, plain: Path, kind: str, size: str) -> None:
    image = tmp_path / "x.img"
    good(fsu("mkfs", "-t", kind, "-d", plain, image, size))
    check(kind, image)
    same(fsu, image, plain, tmp_path)


@pytest.mark.parametrize("kind, options", [
    ("ext2", []), ("ext4", ["-J", "size=0"]), ("ext4", ["-b", "4096", "-O", "inline_data"]), ("ext3", ["-I", "128"]),
    ("vfat", []), ("vfat", ["-F", "32", "-s", "1"]), ("vfat", ["-s", "8"]), ("exfat", []),
    ("exfat", ["-c", "512", "-b", "512"]), ("exfat", ["-s", "4096", "-b", "4K"]),
])  # fmt: skip
def test_as_small_as_can_be(fsu: Fsu, tmp_path: Path, plain: Path, kind: str, options: list[str],
                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    image = tmp_path / "x.img"
    made: list[int] = []
    usual = recipe.Recipe._made

    def counted(self: recipe.Recipe, *arguments: object) -> dict[str, str]:
        made.append(1)
        return usual(self, *arguments)          # type: ignore[arg-type]

    monkeypatch.setattr(recipe.Recipe, "_made", counted)
    good(fsu("mkfs", "-q", "-t", kind, *options, "-d", plain, image, "auto"))
    assert len(made) == 1                       # the first size did
    check(kind, image)
    same(fsu, image, plain, tmp_path)
    size = image.stat().st_size
    image.unlink()
    result = fsu("mkfs", "-q", "-t", kind, *options, "-d", plain, image, str(size - size // 25))
    assert result.status == 1 and (b"No space" in result.err or b"few" in result.err or b"free" in result.err)


def test_headroom(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    sizes = []
    for headroom in ([], ["--headroom", "1M"], ["--headroom", "100%"]):
        image = tmp_path / "x.img"
        good(fsu("mkfs", "-q", "-t", "vfat", "-s", "2", *headroom, "-d", plain, "--force", image, "auto"))
        sizes.append(image.stat().st_size)
    assert MIB <= sizes[1] - sizes[0] < MIB + 20_000
    assert sizes[0] * 0.8 < sizes[2] - sizes[0] < sizes[0] * 1.1


def test_headroom_is_not_what_root_keeps(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    """On ext, the blocks that are kept for root come on top."""
    image = tmp_path / "x.img"
    good(fsu("mkfs", "-q", "-t", "ext4", "-m", "20", "--headroom", "1M", "-d", plain, image, "auto"))
    available = int(fsu("df", "-k", "-P", f"{image}:/").out.splitlines()[1].split()[3])
    assert 900 <= available < 1200          # the driver keeps a few for itself, as Linux does


def test_a_size_that_did_not_do(fsu: Fsu, tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever counts may be mistaken: a larger one is tried, and nobody hears of it."""
    usual = Tally.of
    monkeypatch.setattr(Tally, "of", lambda self, cluster: usual(self, cluster) * 9 // 10)
    for kind in ("vfat", "ext4"):
        image = tmp_path / f"{kind}.img"
        good(fsu("mkfs", "-q", "-t", kind, "-d", plain, image, "auto"))
        check(kind, image)
        same(fsu, image, plain, tmp_path)


def test_everything_there_is(fsu: Fsu, tmp_path: Path, rich_tree: Path) -> None:
    image = tmp_path / "x.img"
    result = fsu("mkfs", "-q", "-t", "ext4", "-d", rich_tree, image, "auto")
    check("ext4", image)
    assert result == (0, b"", b"")
    owned = fsu("stat", "-c", "%u:%g %a", f"{image}:/").out
    st = rich_tree.stat()
    assert owned == b"%d:%d %o\n" % (st.st_uid, st.st_gid, st.st_mode & 0o7777)


def test_what_fat_cannot_hold(fsu: Fsu, tmp_path: Path) -> None:
    tree, image = tmp_path / "tree", tmp_path / "x.img"
    tree.mkdir()
    (tree / "file").write_text("there\n")
    (tree / "link").symlink_to("file")
    result = fsu("mkfs", "-q", "-t", "vfat", "-d", tree, image, "auto")
    assert result.status == 1 and b"link: " in result.err
    assert fsu("cat", f"{image}:/file").out == b"there\n"
    check("vfat", image)


def test_attributes_instead(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    image = tmp_path / "x.img"
    good(fsu("mkfs", "-q", "-d", plain, "--owner", "12:34", "--mtime", "@1000", "--mode", "u=rwX,go=", image, "auto"))
    assert fsu("stat", "-c", "%u:%g %a %Y", f"{image}:/SHORT.TXT").out == b"12:34 600 1000\n"
    image.unlink()
    good(fsu("mkfs", "-q", "-d", plain, "-E", "root_owner=5:6,root_perms=711", image, "auto"))
    assert fsu("stat", "-c", "%u:%g %a", f"{image}:/").out == b"5:6 711\n"


def archive(tree: Path) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(tree, ".")
    return out.getvalue()


@pytest.mark.parametrize("kind", ["ext4", "vfat", "exfat"])
def test_from_archives(fsu: Fsu, tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    data = archive(plain)
    (tmp_path / "x.tar").write_bytes(data)
    image = tmp_path / "x.img"
    good(fsu("mkfs", "-q", "-t", kind, "-d", tmp_path / "x.tar", image, "auto"))
    check(kind, image)
    same(fsu, image, plain, tmp_path)
    for size in ("auto", "8M"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))
        good(fsu("mkfs", "-q", "-t", kind, "--force", "-d", "-", image, size))
        check(kind, image)
        same(fsu, image, plain, tmp_path)


def test_a_bad_archive(fsu: Fsu, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"no archive")
    for size in ("auto", "4M"):
        result = fsu("mkfs", "-q", "-d", tmp_path / "x.tar", tmp_path / "x.img", size)
        assert result.status == 1 and b"not a sound archive" in result.err


def test_from_another_image(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    first, second = tmp_path / "one.img", tmp_path / "two.img"
    good(fsu("mkfs", "-q", "-t", "exfat", "-d", plain, first, "auto"))
    good(fsu("mkfs", "-q", "-t", "vfat", "-d", f"{first}:/", second, "auto"))
    check("vfat", second)
    same(fsu, second, plain, tmp_path)
    assert fsu("mkfs", "-q", "-t", "vfat", "-d", f"{first}:/nowhere", tmp_path / "x", "auto").status == 1


def test_a_tree_that_is_not_there(fsu: Fsu, tmp_path: Path) -> None:
    for size in ("auto", "4M"):
        result = fsu("mkfs", "-q", "-d", tmp_path / "nowhere", tmp_path / "x.img", size)
        assert result.status == 1 and b"nowhere" in result.err


def test_no_room(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    """Nothing is half filled for want of room, and no image is left that was not there."""
    result = fsu("mkfs", "-t", "vfat", "-d", plain, tmp_path / "x.img", "360K")
    assert result.status == 1 and b"free" in result.err and not result.out
    assert not (tmp_path / "x.img").exists()


@pytest.mark.parametrize("kind", ["ext4", "vfat", "exfat", "cd9660"])
def test_reproducible(fsu: Fsu, tmp_path: Path, plain: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    size = [] if kind == "cd9660" else ["auto"]
    for name in "ab":
        good(fsu("mkfs", "-q", "-t", kind, "-d", plain, tmp_path / name, *size))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_in_a_partition(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    disk = tmp_path / "disk.img"
    with open(disk, "wb") as file:
        file.truncate(24 * MIB)
    subprocess.run([tool("sfdisk"), "-q", disk], input="label: gpt\nsize=8M, name=one\nsize=8M, name=two\n", text=True,
                   check=True, capture_output=True)  # fmt: skip
    before = disk.read_bytes()
    good(fsu("mkfs", "-q", "-t", "vfat", "-d", plain, f"{disk}@two"))
    after = disk.read_bytes()
    low, high = 9 * MIB, 17 * MIB
    assert after[:low] == before[:low] and after[high:] == before[high:] and len(after) == len(before)
    (tmp_path / "part").write_bytes(after[low:high])
    check("vfat", tmp_path / "part")
    same(fsu, tmp_path / "part", plain, tmp_path)


def test_an_iso(fsu: Fsu, tmp_path: Path, plain: Path) -> None:
    image = tmp_path / "x.iso"
    result = fsu("mkfs", "-t", "cd9660", "-V", "MY DISC", "-d", plain, image)
    assert result.status == 0 and b'ISO 9660 "MY DISC"' in result.out
    assert image.stat().st_size < 2 * MIB and image.stat().st_size % 2048 == 0
    same(fsu, image, plain, tmp_path)
    listed = call(tool("xorriso"), "-indev", image, "-find", "/", "-type", "f")
    assert listed.count("\n") == 124
    assert fsu("mkfs", "-q", "-t", "cd9660", image).status == 1         # there is one already
    good(fsu("mkfs", "-q", "-t", "cd9660", "--force", "-r", "-d", plain, image))
    assert fsu("stat", "-c", "%u:%g %a", f"{image}:/many").out == b"0:0 555\n"


@pytest.mark.parametrize("kind, options", [("ext4", []), ("ext2", ["-b", "1024"]), ("vfat", []), ("exfat", [])])
@pytest.mark.parametrize("archived", [False, True])
def test_holes_take_room_where_they_are_filled(
    fsu: Fsu, tmp_path: Path, kind: str, options: list[str], archived: bool
) -> None:  # fmt: skip
    """Data behind a hole, before one, and nothing but one."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, at in (("behind", [5 * MIB]), ("before", [0]), ("several", range(0, 4 * MIB, MIB)), ("none", [])):
        with open(tree / name, "wb") as file:
            for offset in at:
                file.seek(offset)
                file.write(b"data" * 10_000)
            file.truncate(6 * MIB)
    for path in (*tree.iterdir(), tree):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    source = tree
    if archived:
        source = tmp_path / "tree.tar"
        call(tool("tar"), "-S", "--format=pax", "-C", tree, "-cf", source, ".")
    image = tmp_path / "x.img"
    good(fsu("mkfs", "-q", "-t", kind, *options, "-d", source, image, "auto"))
    size = image.stat().st_size
    assert size < 2 * MIB if kind.startswith("ext") else 24 * MIB <= size < 32 * MIB
    check(kind, image)
    same(fsu, image, tree, tmp_path)


@pytest.mark.parametrize("kind", ["vfat", "exfat"])
def test_nothing_is_said_of_a_root_that_keeps_nothing(fsu: Fsu, tmp_path: Path, kind: str) -> None:
    """The root has no entry, and so no times; permissions that it does not have are said."""
    tree = tmp_path / "tree"
    tree.mkdir(0o755)
    (tree / "file").touch(0o644)
    os.chown(tree, 0, 0) if os.geteuid() == 0 else None
    done = fsu("mkfs", "-q", "-t", kind, "-d", tree, "--owner", "0:0", tmp_path / "x.img", "8M")
    assert (done.status, done.err) == (0, b"")
    tree.chmod(0o700)
    done = fsu("mkfs", "-q", "-t", kind, "-d", tree, "--owner", "0:0", tmp_path / "y.img", "8M")
    assert done.status == 0 and b"y.img:/: attributes that the target cannot hold" in done.err


@pytest.mark.parametrize("kind, called", [("vfat", b"FAT"), ("exfat", b"exFAT")])
def test_what_cannot_be_held_is_said_in_the_same_words(fsu: Fsu, tmp_path: Path, kind: str, called: bytes) -> None:
    image = tmp_path / "x.img"
    assert fsu("mkfs", "-q", "-t", kind, image, "8M").status == 0
    done = fsu("ln", "-s", "target", f"{image}:/link")
    assert done.status == 1 and b": %b has files and directories only: " % called in done.err, done.err
    assert fsu("touch", f"{image}:/f").status == 0
    done = fsu("touch", "-d", "1975-01-01T00:00:00Z", f"{image}:/f")
    assert done.status == 1 and b"time 1975-01-01T00:00:00Z: only years from 1980 to 2107" in done.err
