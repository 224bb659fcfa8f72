# SPDX-License-Identifier: BSD-2-Clause
"""The Python library: images and paths in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rump.fsutils.image import Image, mount, open_image
from rump.kernel import boot
from rump.rumpuser.host import default


@pytest.fixture
def image(ext4_image: Path) -> Iterator[Image]:
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


def test_reading(image: Image, tree: Path) -> None:
    passwd = image / "etc" / "passwd"
    assert passwd.read_text() == (tree / "etc/passwd").read_text()
    assert (image / "data").read_bytes() == (tree / "data").read_bytes()
    with passwd.open("rb") as file:
        assert file.readline().startswith(b"root:")
        file.seek(5)
        assert file.read(1) == b"x"
    with passwd.open() as text:
        assert [line.split(":")[0] for line in text] == ["root", "ann"]
    with pytest.raises(FileNotFoundError):
        (image / "none").read_bytes()
    with pytest.raises(IsADirectoryError):
        (image / "etc").open()
    with pytest.raises(ValueError):
        passwd.open("rwb")  # type: ignore[call-overload]


def test_asking(image: Image) -> None:
    assert image.root.is_dir() and (image / "etc").exists() and not (image / "none").exists()
    assert (image / "dangling").is_symlink() and not (image / "dangling").exists()
    assert (image / "fifo").is_fifo() and (image / "data").is_file() and not (image / "etc/passwd/x").exists()
    assert (image / "etc/link").readlink() == "passwd"
    assert (image / "absolute").resolve() == image / "etc/passwd"
    assert (image / "data").stat().st_mtime_ns == 1_000_000_000_123_456_789
    assert (image / "etc/link").lstat().st_size == 6
    assert image.statvfs().f_files == 6144 and image.describe()["label"] == "treasury"


def test_paths(image: Image) -> None:
    path = image.path("/deep/er/file.tar.gz")
    assert (path.name, path.stem, path.suffix) == ("file.tar.gz", "file.tar", ".gz")
    assert path.parts == ("/", "deep", "er", "file.tar.gz")
    assert [str(parent) for parent in path.parents] == ["/deep/er", "/deep", "/"]
    assert path.relative_to(image / "deep") == "er/file.tar.gz"
    assert str(image / "a" / "/b") == "/b" and repr(image / "a") == "ImagePath('/a')"
    assert len({image / "a", image.root / "a", image / "b"}) == 2 and image / "a" < image / "b"
    assert bytes(image / b"\xff") == b"/\xff" and str(image / b"\xff") == "/\udcff"
    with pytest.raises(ValueError):
        path.relative_to(image / "etc")


def test_directories(image: Image) -> None:
    assert [path.name for path in (image / "etc").iterdir()] == ["group", "link", "passwd"]
    found = {str(path): (directories, files) for path, directories, files in (image / "deep").walk()}
    assert found["/deep"] == (["er"], []) and found["/deep/er/and/deeper"] == ([], ["treasure"])
    assert [str(path) for path in image.root.glob("etc/*s*")] == ["/etc/passwd"]
    assert [str(path) for path in image.root.rglob("treasure")] == ["/deep/er/and/deeper/treasure"]
    assert [str(path) for path in image.root.glob("**/[gp]*")] == ["/etc/group", "/etc/passwd", "/program"]
    assert next(str(path) for path in image.root.glob("deep/**")) == "/deep"
    assert list((image / "etc/passwd").glob("*")) == []


def test_partitions(disk_image: Path) -> None:
    with open_image(f"{disk_image}@2") as image:
        assert (image / "etc/passwd").exists()
    with open_image(disk_image, partition=1) as image:
        assert (image / "hello.txt").read_bytes() == b"hello\r\n"
    with pytest.raises(OSError, match="several partitions"):
        open_image(disk_image)


def test_images_are_not_written_to(image: Image) -> None:
    with pytest.raises(OSError) as caught:
        (image / "new").write_text("x")
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
