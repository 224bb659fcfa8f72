# SPDX-License-Identifier: BSD-2-Clause
"""The Python library: images and paths in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rump.fsutils.image import Image, mount, open_image
from rump.kernel import abi, boot
from rump.rumpuser.host import default

from .conftest import check


@pytest.fixture
def opened(ext4_image: Path) -> Iterator[Image]:
    with open_image(ext4_image) as opened:
        yield opened


@pytest.fixture
def scratch() -> Iterator[Image]:
    """A tmpfs to write in."""
    with boot(default()) as kernel:
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.lwp.mount("tmpfs", b"/mnt")
        lwp = kernel.newproc()
        lwp.chroot(b"/mnt")
        lwp.chdir(b"/")
        yield mount(lwp)


def test_reading(opened: Image, tree: Path) -> None:
    passwd = opened / "etc" / "passwd"
    assert passwd.read_text() == (tree / "etc/passwd").read_text()
    assert (opened / "data").read_bytes() == (tree / "data").read_bytes()
    with passwd.open("rb") as file:
        assert file.readline().startswith(b"root:")
        file.seek(5)
        assert file.read(1) == b"x"
    with passwd.open() as text:
        assert [line.split(":")[0] for line in text] == ["root", "ann"]
    with pytest.raises(FileNotFoundError):
        (opened / "none").read_bytes()
    with pytest.raises(IsADirectoryError):
        (opened / "etc").open()
    with pytest.raises(ValueError):
        passwd.open("rwb")  # type: ignore[call-overload]


def test_asking(opened: Image) -> None:
    assert opened.root.is_dir() and (opened / "etc").exists() and not (opened / "none").exists()
    assert (opened / "dangling").is_symlink() and not (opened / "dangling").exists()
    assert (opened / "fifo").is_fifo() and (opened / "data").is_file() and not (opened / "etc/passwd/x").exists()
    assert (opened / "etc/link").readlink() == "passwd"
    assert (opened / "absolute").resolve() == opened / "etc/passwd"
    assert (opened / "data").stat().st_mtime_ns == 1_000_000_000_123_456_789
    assert (opened / "etc/link").lstat().st_size == 6
    assert opened.statvfs().f_files == 6144 and opened.describe()["label"] == "treasury"


def test_paths(opened: Image) -> None:
    path = opened.path("/deep/er/file.tar.gz")
    assert (path.name, path.stem, path.suffix) == ("file.tar.gz", "file.tar", ".gz")
    assert path.parts == ("/", "deep", "er", "file.tar.gz")
    assert [str(parent) for parent in path.parents] == ["/deep/er", "/deep", "/"]
    assert path.relative_to(opened / "deep") == "er/file.tar.gz"
    assert str(opened / "a" / "/b") == "/b" and repr(opened / "a") == "ImagePath('/a')"
    assert len({opened / "a", opened.root / "a", opened / "b"}) == 2 and opened / "a" < opened / "b"
    assert bytes(opened / b"\xff") == b"/\xff" and str(opened / b"\xff") == "/\udcff"
    with pytest.raises(ValueError):
        path.relative_to(opened / "etc")


def test_directories(opened: Image) -> None:
    assert [path.name for path in (opened / "etc").iterdir()] == ["group", "link", "passwd"]
    found = {str(path): (directories, files) for path, directories, files in (opened / "deep").walk()}
    assert found["/deep"] == (["er"], []) and found["/deep/er/and/deeper"] == ([], ["treasure"])
    assert [str(path) for path in opened.root.glob("etc/*s*")] == ["/etc/passwd"]
    assert [str(path) for path in opened.root.rglob("treasure")] == ["/deep/er/and/deeper/treasure"]
    assert [str(path) for path in opened.root.glob("**/[gp]*")] == ["/etc/group", "/etc/passwd", "/program"]
    assert next(str(path) for path in opened.root.glob("deep/**")) == "/deep"
    assert list((opened / "etc/passwd").glob("*")) == []


def test_partitions(disk_image: Path) -> None:
    with open_image(f"{disk_image}@2") as image:
        assert (image / "etc/passwd").exists()
    with open_image(disk_image, partition=1) as image:
        assert (image / "hello.txt").read_bytes() == b"hello\r\n"
    with pytest.raises(OSError, match="several partitions"):
        open_image(disk_image)


def test_images_are_not_written_to(opened: Image) -> None:
    with pytest.raises(OSError) as caught:
        (opened / "new").write_text("x")
    assert "read" in str(caught.value).lower()


def test_writing(scratch: Image) -> None:
    (scratch / "a/b").mkdir(parents=True)
    (scratch / "a/b").mkdir(exist_ok=True)
    with pytest.raises(FileExistsError):
        (scratch / "a").mkdir()
    file = scratch / "a/b/file"
    assert file.write_text("Grüße") == 5 and file.read_text() == "Grüße"
    with file.open("a") as more:
        more.write("!")
    with file.open("r+b") as both:
        both.write(b"g")
        both.seek(0)
        assert both.read().decode() == "grüße!"
        both.truncate(1)
    assert file.read_bytes() == b"g"
    with file.open("wb") as again:
        again.write(b"x" * 200_000)
    assert file.stat().st_size == 200_000
    with pytest.raises(FileExistsError):
        file.open("xb")
    other = file.rename(scratch / "moved")
    assert not file.exists() and other.stat().st_size == 200_000
    (scratch / "link").symlink_to("moved")
    (scratch / "same").hardlink_to(other)
    assert (scratch / "link").read_bytes() == (scratch / "same").read_bytes() and other.stat().st_nlink == 2
    other.chmod(0o600)
    assert other.stat().st_mode & 0o777 == 0o600
    other.unlink()
    other.unlink(missing_ok=True)
    (scratch / "new").touch()
    assert (scratch / "new").read_bytes() == b""
    (scratch / "a/b").rmdir()
    assert [path.name for path in scratch.root.iterdir()] == ["a", "link", "new", "same"]


# ---- writing ---------------------------------------------------------------------------------------------------------


def test_an_image_is_written_to(image: Path, tree: Path, tmp_path: Path) -> None:
    with open_image(image, writable=True) as opened:
        root = opened.root
        (root / "note").write_text("remember the milk\n")
        with (root / "note").open("a") as file:
            file.write("and the bread\n")
        with (root / "data").open("w+b") as binary:
            binary.write(bytes(range(256)) * 100)
            binary.seek(10)
            binary.write(b"here")
            binary.seek(8)
            assert binary.read(8) == b"\x08\x09here\x0e\x0f"
        (root / "a/b").mkdir(parents=True)
        (root / "note").rename(root / "a/note")
        (root / "link").symlink_to("a/note")
        (root / "hard").hardlink_to(root / "a/note")
        (root / "fifo").mkfifo(0o600)
        (root / "null").mknod(abi.S_IFCHR | 0o666, abi.makedev(1, 3))
        (root / "data").truncate(5)
        (root / "data").chmod(0o640)
        (root / "data").chown(5, 6)
        (root / "data").set_times(10**9, None)
        (root / "data").set_xattr("user.x", b"y")
        (root / "data").set_xattr("user.z", b"")
        (root / "data").remove_xattr("user.z")
        (root / "link").chown(7, 8, follow_symlinks=False)
        assert opened.copy_in(tree / "deep", "/deep") == []
        opened.sync()
        (root / "gone/below").mkdir(parents=True)
        (root / "gone/below/x").touch()
        (root / "gone").rmtree()
        with pytest.raises(OSError):
            (root / "a").rmdir()
    check(image)
    with open_image(image) as opened:
        assert (opened / "link").read_text() == "remember the milk\nand the bread\n"
        stat = (opened / "data").stat()
        assert (stat.st_size, stat.st_mode & 0o7777, stat.st_uid, stat.st_gid) == (5, 0o640, 5, 6)
        assert stat.st_atime_ns == 10**9
        assert (opened / "data").xattrs() == {"user.x": b"y"} and (opened / "hard").stat().st_nlink == 2
        assert (opened / "null").is_char_device() and (opened / "fifo").is_fifo()
        assert (opened / "link").lstat().st_uid == 7 and not (opened / "gone").exists()
        assert opened.copy_out("/deep", tmp_path / "out") == []
        with pytest.raises(OSError, match="Read-only"):
            (opened / "x").touch()
    assert (tmp_path / "out/er/and/deeper/treasure").read_text() == "gold\n"


def test_an_exception_does_not_spoil_an_image(image: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_image(image, writable=True, sync=False) as opened:
        (opened / "a").mkdir()
        (opened / "f").open("w")
        raise ZeroDivisionError
    check(image)
    with open_image(image) as opened:
        assert (opened / "a").is_dir()
