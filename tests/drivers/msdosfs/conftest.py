# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: images made by mkfs.fat and filled by mtools, and volumes mounted on them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rump.drivers.fs.msdosfs import driver
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import DATA, END, MountArguments, Services
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for fat_session


def _load_memory_device() -> Any:
    path = Path(__file__).parents[2] / "kernel" / "dev" / "memory_device.py"
    spec = importlib.util.spec_from_file_location("msdosfs_memory_device", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MemoryDevice


class FileDevice(BlockDevice):
    """A file as a device, for volumes too large to hold in memory."""

    def __init__(self, path: Path) -> None:
        self.data = path.open("rb")
        self.name = path.name
        self.size = path.stat().st_size
        self.sector_size = 512
        self.read_only = True

    def readinto(self, offset: int, buffer: Any) -> None:
        view = memoryview(buffer).cast("B")
        if os.preadv(self.data.fileno(), [view], offset) != len(view):
            raise fault(e.EIO, self.name)

    def close(self) -> None:
        self.data.close()


class Mounted:
    """A mounted image, with the few things tests do all the time."""

    def __init__(self, device: Any, options: dict[str, str], cache_bytes: int) -> None:
        self.device = device
        self.log: list[str] = []
        services = Services(
            lambda: 0, bytes, self.log.append, lambda seed, data: 0, lambda *_: [], lambda: None, lambda *_: None
        )
        self.volume = driver.mount(MountArguments(device, services, options=options, cache_bytes=cache_bytes))

    def entries(self, directory: tuple[int, int], step: int = 100) -> list[tuple[bytes, Any]]:
        """The names in a directory with their attributes."""
        found = []
        cookie = 0
        while cookie != END:
            entries, cookie = self.volume.list_attributes(directory, cookie, step)
            found += [(name, attributes) for name, _, attributes in entries]
        return found

    def walk(self, directory: tuple[int, int] | None = None, path: bytes = b"", depth: int = 0) -> Iterator[Any]:
        """(path, attributes) of everything; directories before what is in them."""
        assert depth < 100
        for name, attributes in self.entries(directory or self.volume.root()[:2]):
            yield path + name, attributes
            if attributes and attributes[2] & 0o170000 == 0o040000:
                yield from self.walk(attributes[:2], path + name + b"/", depth + 1)

    def find(self, path: bytes) -> Any:
        """The attributes of a path, by lookups."""
        found = self.volume.root()
        for name in path.split(b"/"):
            found = self.volume.lookup(found[:2], name)
        return found

    def content(self, attributes: Any, step: int = 1 << 40) -> bytes:
        """A file's bytes, as the kernel reads them."""
        parts = []
        offset = 0
        while offset < attributes[7]:
            runs = self.volume.map(attributes[:2], offset, min(step, attributes[7] - offset))
            assert runs
            for kind, at, length, place in runs:
                assert (kind, at) == (DATA, offset)
                assert length > 0
                parts.append(self.device.read(place, length))
                offset += length
        assert self.volume.map(attributes[:2], offset, 1) == ()
        return b"".join(parts)


@pytest.fixture(scope="session")
def memory_device() -> Any:
    return _load_memory_device()


@pytest.fixture(scope="session")
def mounted(memory_device: Any) -> Iterator[Callable[..., Mounted]]:
    """``mounted(image, **options)``: the image a path, bytes or a device."""

    files: list[FileDevice] = []

    def make(image: Any, *, cache_bytes: int = 16 << 20, **options: str) -> Mounted:
        if isinstance(image, Path):
            files.append(FileDevice(image))
            return Mounted(files[-1], options, cache_bytes)
        device = image if isinstance(image, memory_device) else memory_device(image)
        return Mounted(device, options, cache_bytes)

    yield make
    for file in files:
        file.close()


@pytest.fixture(scope="session")
def run_tool() -> Callable[..., str]:
    """Run another's tool; the test is skipped where there is none."""

    def run(name: str, *arguments: object) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if path is None:
            pytest.skip(f"{name} is not installed")
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        command = [path, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, env=environment, check=False)
        assert done.returncode == 0, f"{command[:4]}: {done.stdout!r}{done.stderr!r}"
        return done.stdout.decode("utf-8", "surrogateescape")

    return run


@pytest.fixture(scope="session")
def make_image(tmp_path_factory: pytest.TempPathFactory, run_tool: Callable[..., str]) -> Callable[..., Path]:
    """``make_image(megabytes, *mkfs arguments)``: an empty volume's path."""

    def make(megabytes: float, *arguments: object) -> Path:
        path = tmp_path_factory.mktemp("fat") / "fat.img"
        with path.open("wb") as file:
            file.truncate(int(megabytes * (1 << 20)))
        run_tool("mkfs.fat", "-i", "1234abcd", "-n", "TESTVOL", *arguments, path)
        return path

    return make
