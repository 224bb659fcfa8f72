# SPDX-License-Identifier: BSD-2-Clause
"""Images behind a web server and in memory: how little of them is fetched, and what goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

import fsspec
from fsspec.implementations.http import HTTPFileSystem
from fsspec_images import Server, make

from rump.servers.fsspec import ImageFileSystem

BLOCK = 1 << 16
CONTENTS = bytes(range(256)) * (3 << 12)            # 3 MiB


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """64 MiB of ext4: 300 files in 10 directories, and /big."""
    root = tmp_path_factory.mktemp("remote")
    for directory in range(10):
        (root / f"tree/d{directory}").mkdir(parents=True)
        for file in range(30):
            (root / f"tree/d{directory}/f{file}").write_text(f"{directory} {file}\n")
    (root / "tree/big").write_bytes(CONTENTS)
    return make(root / "disk.img", "ext4", "64M", "-d", str(root / "tree")).read_bytes()


@pytest.fixture
def server(image: bytes) -> Iterator[Server]:
    with Server(image) as server:
        yield server
    for kind in (ImageFileSystem, HTTPFileSystem):
        kind.clear_instance_cache()


def test_listing_takes_few_requests(server: Server) -> None:
    """A recursive listing with all attributes: a twentieth of the image, in a dozen requests, and none again."""
    fs, path = fsspec.url_to_fs(f"rump:///::{server.url}", block_size=BLOCK)
    found = fs.find(path, withdirs=True, detail=True)
    assert len(found) == 313 and found["/d3/f7"]["size"] == 4
    assert len(server.ranges) <= 12 and server.heads <= 2
    assert sum(last + 1 - first for first, last in server.ranges) < len(server.contents) // 20
    asked = len(server.ranges)
    assert len(fs.find(path)) == 301
    assert len(server.ranges) == asked


def test_reading_on_fetches_ahead(server: Server) -> None:
    """A file read from beginning to end: fewer and bigger requests, and none for what is there."""
    with fsspec.open(f"rump://big::{server.url}", block_size=BLOCK) as file:
        assert file.read() == CONTENTS
    assert len(server.ranges) <= 24                  # 3 MiB are 48 blocks
    assert len(set(server.ranges)) == len(server.ranges)


def test_a_range_of_a_file(server: Server) -> None:
    """Only the blocks around it are fetched; several ranges come by one call."""
    fs, _ = fsspec.url_to_fs(f"rump:///::{server.url}", block_size=BLOCK)
    assert fs.cat_file("/big", 1 << 20, (1 << 20) + 10) == CONTENTS[:10]
    assert sum(last + 1 - first for first, last in server.ranges) < 1 << 20
    assert fs.cat_ranges(["/big", "/big"], [0, 2 << 20], [4, (2 << 20) + 4]) == [CONTENTS[:4]] * 2
    assert fs.tail("/big", 5) == CONTENTS[-5:] and fs.head("/big", 5) == CONTENTS[:5]


def test_little_is_kept(server: Server) -> None:
    """The cache has a bound, and what does not fit is fetched again."""
    fs, _ = fsspec.url_to_fs(f"rump:///::{server.url}", block_size=4096, cache_size=1 << 16)
    assert fs.cat("/big") == CONTENTS
    assert len(fs.mount.remote._blocks) <= 16


@pytest.mark.parametrize("heeds", [True, False], ids=["strong tag", "weak tag"])
def test_a_changed_image(server: Server, heeds: bool) -> None:
    """What has been replaced is told, whether the server compares the tags or we do; then it is looked at anew."""
    server.tag = '"1"' if heeds else 'W/"1"'
    fs, _ = fsspec.url_to_fs(f"rump:///::{server.url}", block_size=BLOCK)
    with fs.open("/big") as file:
        assert file.read(10) == CONTENTS[:10]
        server.tag = '"2"' if heeds else 'W/"2"'
        with pytest.raises(OSError, match="has changed since it was opened"):
            fs.cat("/d3/f7"), fs.cat("/big")
        with pytest.raises(OSError, match="has changed since it was opened"):
            fs.ls("/")
        with pytest.raises(OSError, match="has changed since it was opened"):
            file.read()
    assert fs.cat("/d3/f7") == b"3 7\n"


def test_servers_that_fail(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """No ranges, short answers, nothing there: an error that names the image, and no image is taken for another."""
    caplog.set_level(logging.CRITICAL)
    server.ignores.add("range")
    with pytest.raises(OSError, match=r"disk\.img"):
        fsspec.filesystem("rump", fo=server.url, block_size=BLOCK).ls("/")
    server.ignores.clear()
    server.cut = 1
    with pytest.raises(OSError, match="bytes at 0 came"):
        fsspec.filesystem("rump", fo=server.url, block_size=2 * BLOCK).ls("/")
    with pytest.raises(OSError):
        fsspec.filesystem("rump", fo="http://127.0.0.1:9/none.img").ls("/")


def test_writing_needs_parts_of_files(server: Server) -> None:
    """Over the web, and through a cache of fsspec's, an image is read-only; the error says why."""
    fs = fsspec.filesystem("rump", fo=server.url)
    with pytest.raises(OSError, match="HTTPFileSystem cannot write parts of a file") as caught:
        fs.pipe("/new", b"")
    assert caught.value.errno == 30
    cached = fsspec.filesystem("rump", fo=f"simplecache::{server.url}")
    assert cached.cat("/d0/f0") == b"0 0\n"
    with pytest.raises(OSError, match="would change its own copy only"):
        cached.touch("/new")
    assert fs.cat("/d0/f0") == b"0 0\n"


def test_writing_in_memory(tmp_path: Path) -> None:
    """Where parts of files can be written, images are; the other file system's file is the one that changes."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/written.img", make(tmp_path / "disk.img").read_bytes())
    with fsspec.open("rump://a/b::memory://written.img", "wb", rump={"auto_mkdir": True}) as file:
        file.write(b"behind the memory")
    assert fsspec.open("rump://a/b::memory://written.img", rump={"cache_size": 0}).open().read() == b"behind the memory"
    (tmp_path / "out.img").write_bytes(memory.cat("/written.img"))
    assert fsspec.filesystem("rump", fo=str(tmp_path / "out.img")).cat("/a/b") == b"behind the memory"
    memory.rm("/written.img")


def test_truncated_and_hostile_images(tmp_path: Path, image: bytes) -> None:
    """Cut short, damaged, no image at all: OSError, nothing else."""
    memory = fsspec.filesystem("memory")
    cases = {"empty": b"", "text": b"hello", "zeros": bytes(1 << 20), "cut": image[: 1 << 20],
             "damaged": image[:1024] + bytes(range(256)) * 4 + image[2048:]}  # fmt: skip
    for name, contents in cases.items():
        memory.pipe(f"/{name}.img", contents)
        fs = fsspec.filesystem("rump", fo=f"memory://{name}.img")
        for ask in (fs.find, fs.walk, fs.du, fs.ls, *((fs.exists, fs.isdir) if name != "cut" else ())):
            with pytest.raises(OSError, match=name):
                ask("/")
        memory.rm(f"/{name}.img")
