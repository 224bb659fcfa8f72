# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the commands share: a host tree with every kind of file, images of it, ways to run `fsu`."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from rump.fsutils.main import main

OLD = 1_000_000_000_123_456_789         # 2001-09-09 01:46:40.123456789 UTC
ZEROS_TO_BE = b"these are zeros!"
IS_ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


class Result(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: bytes
    err: bytes


class Fsu(Protocol):
    """Runs a command line."""

    def __call__(self, *arguments: str | os.PathLike[str]) -> Result: ...


def tool(name: str) -> str:
    """A program of the host; the test is skipped where it is missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def call(*arguments: str | os.PathLike[str]) -> str:
    """Run a program of the host; its output.  Fails if it does."""
    done = subprocess.run([os.fspath(a) for a in arguments], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def fsu(monkeypatch: pytest.MonkeyPatch) -> Fsu:
    """Runs `fsu` in this process, in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LS_COLORS", raising=False)

    def run(*arguments: str | os.PathLike[str]) -> Result:
        out, err = io.BytesIO(), io.BytesIO()
        status = main([os.fspath(a) for a in arguments], out, err)
        return Result(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def fsu_process() -> Fsu:
    """Runs `fsu` as a process of its own, in UTC."""

    def run(*arguments: str | os.PathLike[str]) -> Result:
        command = [sys.executable, "-m", "rump.fsutils", *map(os.fspath, arguments)]
        done = subprocess.run(command, capture_output=True, env={**os.environ, "TZ": "UTC"}, timeout=60, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    return run


class Original(Protocol):
    """Runs one of the original's programs."""

    def __call__(self, name: str, *arguments: str | os.PathLike[str], stdin: bytes = b"") -> Result: ...


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Original:
    """Runs fsu_ls and its like in this process, in UTC, with nothing of the user's around them."""
    from rump.fsutils.original.main import main as run_original

    for name in ("COLUMNS", "LS_COLORS", "BLOCKSIZE", "FSU_DEVICE", "FSU_TYPE", "FSU_MNTOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(name: str, *arguments: str | os.PathLike[str], stdin: bytes = b"") -> Result:
        out, err = io.BytesIO(), io.BytesIO()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = run_original([os.fspath(a) for a in arguments], out, err, name=f"fsu_{name}")
        return Result(status, out.getvalue(), err.getvalue())

    return run


def populate(root: Path) -> None:
    """Every kind of file there is, with attributes that are easy to get wrong."""
    (root / "etc").mkdir(mode=0o755)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nann:x:1234:567::/home/ann:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nstaff:x:567:ann\n")
    (root / "etc/link").symlink_to("passwd")
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "dangling").symlink_to("nowhere")
    (root / "a long target").symlink_to("x" * 200)
    (root / "empty").touch(mode=0o600)
    (root / ".hidden").write_bytes(b"you found me\n")
    (root / "data").write_bytes(bytes(range(256)) * 1024)
    os.link(root / "data", root / "same data")
    with open(root / "sparse", "wb") as file:
        for place in (1 << 20, 4 << 20):
            file.seek(place)
            file.write(b"island")
    (root / "program").write_bytes(b"#!/bin/sh\n")
    (root / "program").chmod(0o4755)
    (root / "shared").mkdir()
    (root / "shared").chmod(0o2775)
    (root / "scratch").mkdir()
    (root / "scratch").chmod(0o1777)
    (root / "deep/er/and/deeper").mkdir(parents=True)
    (root / "deep/er/and/deeper/treasure").write_text("gold\n")
    Path(os.fsdecode(os.fsencode(root) + b"/not utf-8 \xff")).write_text("latin\n")
    (root / "two\nlines").write_text("newline\n")
    (root / "\x1b[31mred").write_text("escape\n")
    (root / "Grüße 世界").write_text("unicode\n")
    os.mkfifo(root / "fifo", 0o640)
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(root, os.O_RDONLY)
        try:
            listener.bind(f"/proc/self/fd/{here}/socket" if Path("/proc/self/fd").is_dir() else str(root / "socket"))
        finally:
            os.close(here)
    if IS_ROOT:
        os.mknod(root / "character", 0o20660, os.makedev(1, 3))
        os.mknod(root / "block", 0o60660, os.makedev(259, 300))
        os.chown(root / "data", 1234, 567)
        os.chown(root / "deep", 70000, 80000)
    try:
        os.setxattr(root / "data", b"user.colour", b"blue\0ish")
    except (OSError, AttributeError):
        pass
    for name in ("data", "empty", "etc", "shared"):
        os.utime(root / name, ns=(OLD + 1, OLD))
    os.utime(root / "etc/link", ns=(OLD + 1, OLD), follow_symlinks=False)


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host tree with every kind of file; not to be changed."""
    root = tmp_path_factory.mktemp("fsu") / "tree"
    root.mkdir(mode=0o755)
    populate(root)
    return root


@pytest.fixture(scope="session")
def rich_tree(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More kinds of what `cp -a` keeps: attributes in all name spaces, holes in odd places, many links."""
    root = tmp_path_factory.mktemp("rich") / "tree"
    root.mkdir(mode=0o750)
    (root / "one").write_text("linked\n")
    (root / "below").mkdir(mode=0o2711)
    for name in ("two", "below/three", "below/four"):
        os.link(root / "one", root / name)
    with open(root / "begins with a hole", "wb") as file:
        file.seek(8192)
        file.write(b"x" * 100)
    with open(root / "ends with a hole", "wb") as file:
        file.write(b"y" * 4096)
        file.truncate(20_000_000)
    with open(root / "small hole", "wb") as file:
        file.write(b"a" * 4096)
        file.seek(8192)
        file.write(b"b" * 10)
    (root / "zeros").write_bytes(ZEROS_TO_BE * 6250)
    with open(root / "islands", "wb") as file:
        for place in (1 << 20, 4 << 20):
            file.seek(place)
            file.write(b"island")
    (root / "nothing but a hole").touch()
    os.truncate(root / "nothing but a hole", 1 << 20)
    (root / "no mode").write_text("secret")
    (root / "no mode").chmod(0)
    (root / "big").write_bytes(os.urandom(1 << 16) * 40 + b"tail")
    (root / "early").write_text("1938\n")
    if IS_ROOT:
        os.setxattr(root / "one", b"trusted.of", b"root")
        os.setxattr(root / "below", b"user.on a directory", b"\0\1")
        os.setxattr(root / "big", b"security.capability", bytes.fromhex("0100000200040000") + bytes(12))
        os.chown(root / "big", 12, 34)
        os.chown(root / "below", 4_000_000_000, 4_000_000_001)
        os.symlink("target", root / "owned link")
        os.lchown(root / "owned link", 55, 66)
    return root


@pytest.fixture(scope="session")
def ext4_image(tree: Path) -> Path:
    """An ext4 image of `tree`, label "treasury"; not to be changed."""
    image = tree.parent / "ext4.img"
    call(tool("mke2fs"), "-q", "-t", "ext4", "-L", "treasury", "-U", "01234567-89ab-cdef-0123-456789abcdef",
         "-O", "inline_data", "-d", tree, image, "24M")  # fmt: skip
    commands = image.with_suffix(".debugfs")
    commands.write_text("".join(f"sif /{name} {field} {value}\n" for name in ("data", "etc/link")
                                for field, value in (("mtime_extra", OLD % 10**9 << 2),
                                                     ("atime_extra", (OLD + 1) % 10**9 << 2))))  # fmt: skip
    call(tool("debugfs"), "-w", "-f", commands, image)      # mke2fs -d does not bring nanoseconds along
    return image


@pytest.fixture(scope="session")
def fat_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FAT16 image with /HELLO.TXT and /Folder/A longer name.txt; not to be changed."""
    root = tmp_path_factory.mktemp("fat")
    image = root / "fat.img"
    (root / "HELLO.TXT").write_text("hello\r\n")
    (root / "Folder").mkdir()
    (root / "Folder/A longer name.txt").write_text("long\n")
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    call(tool("mkfs.fat"), "-F", "16", "-n", "STICK", image)
    call(tool("mcopy"), "-s", "-i", image, root / "HELLO.TXT", root / "Folder", "::")
    return image


@pytest.fixture(scope="session")
def disk_image(ext4_image: Path, fat_image: Path) -> Path:
    """A GPT disk: 1 "efi" is `fat_image`, 2 "rootfs" is `ext4_image`; not to be changed."""
    image = ext4_image.parent / "disk.img"
    sizes = fat_image.stat().st_size, ext4_image.stat().st_size
    with open(image, "wb") as file:
        file.truncate(sizes[0] + sizes[1] + (4 << 20))
    layout = (
        "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n"
        f"start=2048, size={sizes[0] // 512}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=efi\n"
        f"size={sizes[1] // 512}, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=rootfs\n"
    )
    subprocess.run([tool("sfdisk"), "-q", image], input=layout, text=True, check=True, capture_output=True)
    with open(image, "r+b") as file:
        file.seek(1 << 20)
        file.write(fat_image.read_bytes())
        file.seek((1 << 20) + sizes[0])
        file.write(ext4_image.read_bytes())
    return image


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An empty ext4 image that may be written to, of 32 MiB."""
    path = tmp_path / "x.img"
    assert main(["mkfs", "-q", "-t", "ext4", str(path), "32M"], io.BytesIO(), io.BytesIO()) == 0
    return path


def check(*images: Path) -> None:
    """Have e2fsck look for mistakes in images."""
    for path in images:
        call(tool("e2fsck"), "-fn", path)


def debugfs(image: Path, request: str) -> str:
    """What e2fsprogs says of something in an image."""
    return call(tool("debugfs"), "-R", request, image)
