# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures: images made by mkfs.fat and filled by mtools, and volumes mounted on them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from driver_support import Mounted, Mounts

from rump.drivers.fs.msdosfs import driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for fat_session


@pytest.fixture(scope="session")
def mounted(memory_device: Any) -> Iterator[Mounts]:
    mounts = Mounts(Mounted, driver, memory_device)
    yield mounts
    mounts.close()


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
