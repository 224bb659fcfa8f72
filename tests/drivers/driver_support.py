# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of drivers share: a volume on a device, without a kernel, and the few things tests do all the time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import DATA, END, HOLE, FileSystem, MountArguments, Services
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
    """A mounted image."""

    def __init__(
        self, driver: FileSystem, device: Any, options: dict[str, str], cache_bytes: int, **services: Callable[..., Any]
    ) -> None:
        self.device = device
        self.log: list[str] = []
        offered = Services(
            lambda: 0, bytes, self.log.append, lambda seed, data: 0, lambda *_: [], lambda: None, lambda *_: None,
            **services,
        )  # fmt: skip
        self.volume = driver.mount(MountArguments(device, offered, options=options, cache_bytes=cache_bytes))

    def entries(self, directory: tuple[int, int] | None = None, step: int = 1000) -> list[tuple[bytes, Any]]:
        """The names in a directory with their attributes."""
        found = []
        cookie = 0
        while cookie != END:
            entries, cookie = self.volume.list_attributes(directory or self.volume.root()[:2], cookie, step)
            found += [(name, attributes) for name, _, attributes in entries]
        return found

    def walk(self, directory: tuple[int, int] | None = None, path: bytes = b"", depth: int = 0) -> Iterator[Any]:
        """(path, attributes) of everything; directories before what is in them."""
        assert depth < 100
        for name, attributes in self.entries(directory):
            yield path + name, attributes
            if attributes and attributes[2] & 0o170000 == 0o040000:
                yield from self.walk(attributes[:2], path + name + b"/", depth + 1)

    def names(self) -> list[bytes]:
        """The paths of everything, sorted."""
        return sorted(path for path, _ in self.walk())

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
                assert at == offset
                assert length > 0
                if kind == DATA:
                    parts.append(self.device.read(place, length))
                elif kind == HOLE:
                    parts.append(bytes(length))
                else:
                    parts.append(self.volume.read(attributes[:2], at, length))
                    assert len(parts[-1]) == length
                offset += length
        assert self.volume.map(attributes[:2], offset, 1) == ()
        return b"".join(parts)

    def read(self, path: bytes) -> bytes:
        return self.content(self.find(path))


class Mounts:
    """Mounts images with one driver: ``mounts(image, **options)``, the image a path, bytes or a device.

    make   what makes a `Mounted` of a driver, a device, options and the bound of its cache
    """

    def __init__(self, make: Callable[..., Any], driver: FileSystem, memory_device: Any) -> None:
        self._make = make
        self._driver = driver
        self._memory_device = memory_device
        self._files: list[FileDevice] = []

    def __call__(self, image: Any, *, cache_bytes: int = 16 << 20, **options: str) -> Any:
        device = image
        if isinstance(image, Path):
            device = FileDevice(image)
            self._files.append(device)
        elif not isinstance(image, self._memory_device):
            device = self._memory_device(image)
        return self._make(self._driver, device, options, cache_bytes)

    def close(self) -> None:
        for file in self._files:
            file.close()
