# SPDX-License-Identifier: BSD-2-Clause
"""The fsspec file system on images of this host: URLs, what is told of files, writing, transactions, processes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fsspec")

import fsspec
from fsspec_images import copied, make

from rump.fsutils.image import open_image
from rump.fsutils.main import main
from rump.servers.fsspec import ImageFileSystem

NS = 1_600_000_000_123_456_789


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ext4 image with a file, a directory and links; not to be changed."""
    root = tmp_path_factory.mktemp("files")
    (root / "tree/etc").mkdir(parents=True)
    (root / "tree/etc/fstab").write_text("/dev/sda1 / ext4\n")
    (root / "tree/etc/link").symlink_to("fstab")
    (root / "tree/round").symlink_to(".")
    (root / "tree/nowhere").symlink_to("none")
    os.chmod(root / "tree/etc/fstab", 0o640)
    os.utime(root / "tree/etc/fstab", ns=(NS, NS))
    return make(root / "disk.img", "ext4", "8M", "-d", str(root / "tree"))


@pytest.fixture
def image(pristine: Path, tmp_path: Path) -> Path:
    return copied(pristine, tmp_path / "disk.img")


@pytest.fixture
def fs(image: Path) -> Iterator[ImageFileSystem]:
    fs = ImageFileSystem(str(image), sync=False)
    yield fs
    fs.close()
    ImageFileSystem.clear_instance_cache()
    assert main(["fsck", "-q", str(image)]) == 0


def read(url: str, **options: Any) -> bytes:
    with fsspec.open(url, **options) as file:
        return bytes(file.read())


# ---- URLs ------------------------------------------------------------------------------------------------------------


def test_urls(pristine: Path) -> None:
    line = b"/dev/sda1 / ext4\n"
    for url in (f"rump://etc/fstab::file://{pristine}", f"rump:///etc/fstab::{pristine}"):
        assert read(url) == line
    fs, path = fsspec.url_to_fs(f"rump://etc/fstab::file://{pristine}")
    assert path == "/etc/fstab" and fs.unstrip_protocol(path) == "rump:///etc/fstab"
    assert fsspec.filesystem("rump", fo=str(pristine)).cat("etc/fstab") == line
    assert [file.path for file in fsspec.open_files(f"rump://etc/*::file://{pristine}")] == ["/etc/fstab", "/etc/link"]
    mapper = fsspec.get_mapper(f"rump://etc::file://{pristine}")
    assert mapper["fstab"] == line and sorted(mapper) == ["fstab", "link"]
    with pytest.raises(ValueError, match="which image"):
        fsspec.filesystem("rump")
    with pytest.raises(FileNotFoundError):
        read("rump://x::file:///none/disk.img")
    with pytest.raises(FileNotFoundError):
        fsspec.filesystem("rump", fo="/none/disk.img").exists("/")


def test_images_in_images(pristine: Path, tmp_path: Path) -> None:
    """An image inside an image, and one in a zip archive."""
    outer = make(tmp_path / "outer.img", "ext4", "24M")
    with open_image(outer, writable=True) as opened:
        opened.copy_in(pristine, "/inner.img")
    assert read(f"rump://etc/fstab::rump://inner.img::file://{outer}") == b"/dev/sda1 / ext4\n"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(pristine, "disk.img")
    assert read(f"rump://etc/link::zip://disk.img::file://{tmp_path}/a.zip") == b"/dev/sda1 / ext4\n"


def test_partitions(pristine: Path, tmp_path: Path) -> None:
    """By option and in the URL; a name in the root that looks like a partition is a name."""
    disk = tmp_path / "parts.img"
    data = pristine.read_bytes()
    table = bytearray(512)
    for row, start in enumerate((2048, 2048 + len(data) // 512)):
        entry = bytes([0, 0, 0, 0, 0x83, 0, 0, 0]) + start.to_bytes(4, "little")
        entry += (len(data) // 512).to_bytes(4, "little")
        table[446 + 16 * row : 462 + 16 * row] = entry
    table[510:] = b"\x55\xaa"
    disk.write_bytes(bytes(table) + bytes(2047 * 512) + data + data)
    with fsspec.open(f"rump://@2/@1::file://{disk}", "w") as file:
        file.write("second")
    assert read(f"rump:///@1::file://{disk}", partition=2) == b"second"
    assert read(f"rump://@2/@1::file://{disk}") == b"second"
    with pytest.raises(FileNotFoundError):
        read(f"rump://@1/@1::file://{disk}")
    with pytest.raises(OSError, match="several partitions hold file systems"):
        read(f"rump:///@1::file://{disk}")
    with pytest.raises(OSError, match=r"no partition .*7"):
        read(f"rump://@7/x::file://{disk}")
    fs, _ = fsspec.url_to_fs(f"rump://@2/::file://{disk}")
    assert fs.unstrip_protocol("/@1") == "rump://@2/@1" and fs.ls("/", detail=False)[0] == "/@1"


def test_the_entry_point() -> None:
    """An installed distribution needs no import."""
    found = [each.value for each in entry_points(group="fsspec.specs") if each.name == "rump"]
    if not found:
        pytest.skip("not installed")
    assert found == ["rump.servers.fsspec.ImageFileSystem"]


# ---- what is told ----------------------------------------------------------------------------------------------------


def test_info(fs: ImageFileSystem) -> None:
    info = fs.info("/etc/fstab")
    assert (info["type"], info["size"], info["mode"], info["mtime_ns"]) == ("file", 17, 0o100640, NS)
    assert info["mtime"] == NS / 1e9 and info["nlink"] == 1 and info["ino"] > 10 and not info["islink"]
    assert fs.modified("/etc/fstab") == datetime.fromtimestamp(NS / 1e9, tz=UTC)
    assert fs.created("/etc/fstab").tzinfo is UTC
    assert fs.info("/etc")["type"] == "directory" and fs.ls("/etc/fstab", detail=False) == ["/etc/fstab"]
    link = fs.info("/etc/link")
    assert link["islink"] and link["destination"] == "fstab" and link["size"] == 17 and fs.islink("/etc/link")
    assert fs.lexists("/nowhere") and not fs.exists("/nowhere") and fs.info("/nowhere")["type"] == "other"
    assert not fs.exists("/etc/fstab/x") and not fs.lexists("/x")
    assert not fs.isdir("/etc/fstab") and fs.isfile("/etc/link")
    with pytest.raises(FileNotFoundError):
        fs.info("/none")
    listed = {each["name"]: each for each in fs.ls("/etc")}
    assert listed["/etc/fstab"] == info and listed["/etc/link"] == link
    before = fs.ukey("/etc/fstab")
    assert fs.ukey("/etc/fstab") == before != fs.ukey("/etc") and fs.checksum("/etc/fstab") == fs.checksum("/etc/fstab")


def test_walking_does_not_go_in_circles(fs: ImageFileSystem) -> None:
    assert fs.isdir("/round") and fs.isfile("/round/round/etc/fstab")
    assert fs.find("/") == ["/etc/fstab", "/etc/link", "/nowhere", "/round"]
    assert fs.glob("/**/fst*") == ["/etc/fstab"]
    assert [path for path, _, _ in fs.walk("/")] == ["/", "/etc", "/lost+found"]
    assert fs.du("/etc") == 34
    assert fs.expand_path("/e*", recursive=True) == ["/etc", "/etc/fstab", "/etc/link"]


# ---- files -----------------------------------------------------------------------------------------------------------


def test_modes(fs: ImageFileSystem) -> None:
    with fs.open("/f", "xb") as file:
        assert file.writable() and not file.readable() and file.write(b"0123456789") == 10 and file.tell() == 10
    with pytest.raises(FileExistsError):
        fs.open("/f", "xb")
    with fs.open("/f", "r+b") as file:
        file.seek(3)
        file.write(b"abc")
        file.seek(-2, 2)
        assert file.read() == b"89" and file.size == 10
        file.truncate(9)
    with fs.open("/f", "ab") as file:
        file.write(b"!")
    with fs.open("/f") as file:
        assert file.read(4) == b"012a" and file.readinto(bytearray(2)) == 2 and file.peek(1)[:1] == b"6"
        assert file.readuntil(b"8") == b"678" and file.read() == b"!" and file.size == 10
    with fs.open("/f", "w+b") as file:
        file.write(b"new\nlines\n")
        file.seek(0)
        assert list(file) == [b"new\n", b"lines\n"]
    with fs.open("/f", "r", encoding="utf-8") as file:
        assert file.readlines() == ["new\n", "lines\n"]
    where = fs.mount.options.fo
    with fsspec.open(f"rump://f.gz::{where}", "wt", compression="infer", sync=False) as file:
        file.write("packed")
    with fsspec.open(f"rump://f.gz::{where}", "rt", compression="infer", sync=False) as file:
        assert file.read() == "packed"
    assert fs.cat_file("/f", 1, -2) == b"ew\nline" and fs.cat_file("/f", -3) == b"es\n" and fs.cat_file("/f", 99) == b""
    assert fs.cat_ranges(["/f", "/none"], [0, 0], [3, 3])[0] == b"new"
    with pytest.raises(IsADirectoryError):
        fs.open("/etc")
    with pytest.raises(ValueError):
        fs.open("/f", "rwb")
    with pytest.raises(FileNotFoundError):
        fs.pipe("/no/dir", b"")


def test_changes(fs: ImageFileSystem, tmp_path: Path) -> None:
    fs.makedirs("/a/b", exist_ok=False)
    fs.makedirs("/a/b", exist_ok=True)
    with pytest.raises(FileExistsError):
        fs.makedirs("/a/b")
    with pytest.raises(FileNotFoundError):
        fs.mkdir("/x/y", create_parents=False)
    fs.touch("/a/b/file")
    fs.pipe({"/a/one": b"1", "/a/two": b"22"})
    fs.touch("/a/two", truncate=False)
    assert fs.cat("/a", recursive=True, on_error="omit") == {"/a/b/file": b"", "/a/one": b"1", "/a/two": b"22"}
    fs.mv("/a/b", "/c")
    fs.mv("/a/one", "/c")
    fs.cp_file("/a/two", "/c/deux")
    assert fs.find("/c") == ["/c/deux", "/c/file", "/c/one"]
    with pytest.raises(OSError, match="onto itself"):
        fs.cp_file("/c/one", "/c/one")
    fs.copy("/c", "/d", recursive=True)
    fs.link("/d/one", "/d/uno")
    fs.symlink("/c", "/d/c")
    fs.chmod("/d/one", 0o600)
    fs.utime("/d/one", None, NS)
    assert fs.info("/d/uno")["nlink"] == 2 and fs.info("/d/uno")["mode"] & 0o777 == 0o600
    fs.get("/d/", str(tmp_path / "out"), recursive=True)
    assert (tmp_path / "out/deux").read_bytes() == b"22"
    fs.put(str(tmp_path / "out/one"), "/e/")
    with pytest.raises(IsADirectoryError):
        fs.rm("/d")
    fs.rm("/d/c", recursive=True)                       # the link, not what it leads to
    fs.rm(["/d", "/nowhere"], recursive=True)
    fs.rm("/a/t*")
    with pytest.raises(FileNotFoundError):
        fs.rm("/d", recursive=True)
    with pytest.raises(OSError):
        fs.rmdir("/c")
    assert [path for path in fs.find("/") if path > "/a" and not path.startswith("/etc")] == [
        "/c/deux", "/c/file", "/c/one", "/e/one", "/round",
    ]  # fmt: skip


def test_transactions(fs: ImageFileSystem) -> None:
    """New files have their names when all is written, or never."""
    with fs.transaction:
        for path, mode in (("/t1", "wb"), ("/t2", "xb"), ("/etc/fstab", "ab")):
            with fs.open(path, mode) as file:
                file.write(b"new")
        assert not fs.exists("/t1") and fs.info("/etc/fstab")["size"] == 17
    assert fs.cat(["/t1", "/t2"]) == {"/t1": b"new", "/t2": b"new"} and fs.cat("/etc/fstab").endswith(b"ext4\nnew")
    with pytest.raises(ZeroDivisionError), fs.transaction:
        fs.pipe("/t1", b"never")
        raise ZeroDivisionError
    assert fs.cat("/t1") == b"new"
    assert [name for name in fs.find("/") if "rump-" in name] == []
    file = fs.open("/t3", "wb", autocommit=False)
    file.write(b"3")
    file.commit()
    assert fs.cat("/t3") == b"3"
    with pytest.raises(RuntimeError):
        file.commit()
