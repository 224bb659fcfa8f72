# SPDX-License-Identifier: BSD-2-Clause
"""Naming what is not a file system we drive."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
import tarfile
import zipfile

import pytest

from rump.kernel.dev.identify import MAGICS, identify

SIZE = 1 << 20


def placed(*pieces: tuple[int, bytes], size: int = SIZE) -> bytearray:
    data = bytearray(size)
    for at, piece in pieces:
        at += size if at < 0 else 0
        data[at : at + len(piece)] = piece
    return data


@pytest.mark.parametrize(("offset", "magic", "name"), MAGICS)
def test_every_row_is_found(memory_device, offset, magic, name):
    assert identify(memory_device(placed((offset, magic)))) == name


@pytest.mark.parametrize("page", [4096, 8192, 16384, 32768, 65536])
def test_swap(memory_device, page):
    assert identify(memory_device(placed((page - 10, b"SWAPSPACE2")))) == "Linux swap"
    assert identify(memory_device(placed((page - 10, b"SWAP-SPACE")))) == "Linux swap"
    assert "suspended" in identify(memory_device(placed((page - 10, b"S1SUSPEND\0"))))


def test_swap_by_mkswap(tmp_path, run_tool, memory_device):
    path = tmp_path / "swap.img"
    path.write_bytes(bytes(SIZE))
    path.chmod(0o600)
    run_tool("mkswap", path)
    assert identify(memory_device(path.read_bytes())) == "Linux swap"


def test_raid_at_the_end(memory_device):
    magic = b"\xfc\x4e\x2b\xa9"
    for size in (SIZE, SIZE + 5 * 4096 + 512):
        newer = placed(((size - 8192) & ~4095, magic + b"\1\0\0\0"), size=size)
        assert identify(memory_device(newer)) == "Linux RAID member (metadata 1.0)"
        older = placed(((size & ~65535) - 65536, magic), size=size)
        assert identify(memory_device(older)) == "Linux RAID member (metadata 0.90)"


def test_zfs_and_udf(memory_device):
    assert identify(memory_device(placed((131072 + 1024 * 77, b"\x0c\xb1\xba\0\0\0\0\0")))) == "ZFS pool member"
    assert identify(memory_device(placed((131072, b"\0\0\0\0\0\xba\xb1\x0c")))) == "ZFS pool member"
    udf = ((32769, b"BEA01"), (34817, b"NSR02"), (36865, b"TEA01"))
    assert identify(memory_device(placed(*udf))) == "UDF"
    bridge = ((32769, b"CD001"), (34817, b"CD001"), (36865, b"BEA01"), (38913, b"NSR03"))
    assert identify(memory_device(placed(*bridge))) == "UDF and ISO 9660"


def archives():
    content = b"content " * 1000
    yield "gzip compressed data", gzip.compress(content, mtime=0)
    yield "xz compressed data", lzma.compress(content)
    yield "bzip2 compressed data", bz2.compress(content)
    box = io.BytesIO()
    with tarfile.open(fileobj=box, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("name"))
    yield "tar archive", box.getvalue()
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        archive.writestr("name", content)
    yield "zip archive", box.getvalue()


@pytest.mark.parametrize(("name", "data"), list(archives()), ids=lambda value: value if isinstance(value, str) else "")
def test_archives(memory_device, name, data):
    assert identify(memory_device(data)) == name


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter need not be ELF elsewhere")
def test_elf(memory_device):
    with open(sys.executable, "rb") as file:
        assert identify(memory_device(file.read(4096))) == "ELF file"


def test_nothing(memory_device):
    assert identify(memory_device(bytes(SIZE))) is None
    for size in (0, 1, 7, 511, 512, 4096, 66000):
        assert identify(memory_device(bytes(size))) is None
    noise = random.Random(5)
    for size in (10, 600, 5000, 70000):
        identify(memory_device(noise.randbytes(size)))


def test_reads_little(memory_device):
    device = memory_device(bytes(4 << 20))
    identify(device)
    assert device.bytes_read <= 400 * 1024
