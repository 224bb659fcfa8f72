# SPDX-License-Identifier: BSD-2-Clause
"""fsspec's own abstract test suites, on images of two formats, local and behind fsspec's memory file system."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("fsspec")

import fsspec
from fsspec.tests import abstract
from fsspec_images import make

from rump.fsutils.main import main

if TYPE_CHECKING:
    from rump.servers.fsspec import ImageFileSystem


class _Fixtures(abstract.AbstractFixtures):  # type: ignore[misc]
    """A new image for the tests of each class, mounted for writing all the time."""

    kind = "ext4"
    remote = False

    @pytest.fixture(scope="class")
    @classmethod
    def fs(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageFileSystem]:
        from rump.servers.fsspec import ImageFileSystem

        image = make(tmp_path_factory.mktemp("suite") / "disk.img", cls.kind)
        where = f"file://{image}"
        if cls.remote:
            where = f"memory://{cls.__name__}.img"
            fsspec.filesystem("memory").pipe(where, image.read_bytes())
        with ImageFileSystem(where, writable=True, auto_mkdir=True, sync=False) as fs:
            yield fs
        fs.clear_instance_cache()
        if cls.remote:
            fsspec.filesystem("memory").get(where, str(image))
        assert main(["fsck", "-q", str(image)]) == 0

    @pytest.fixture
    def fs_path(self) -> str:
        return "/"

    @pytest.fixture
    def local_path(self, tmp_path: Path) -> str:
        return str(tmp_path)


class _Memory:
    remote = True


class _Fat:
    kind = "vfat"


def _suites() -> dict[str, Any]:
    """A class for each suite and place."""
    suites = [getattr(abstract, f"Abstract{name}Tests") for name in ("Copy", "Get", "Put", "Open", "Pipe")]
    places = {"Ext4": (), "Fat": (_Fat,), "Memory": (_Memory,)}
    return {
        f"Test{suite.__name__[8:-5]}{place}": type(f"Test{suite.__name__[8:-5]}{place}", (*how, suite, _Fixtures), {})
        for suite in suites for place, how in places.items()
    }  # fmt: skip


globals().update(_suites())
