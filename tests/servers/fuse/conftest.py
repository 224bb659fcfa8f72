# SPDX-License-Identifier: BSD-2-Clause
"""Mounts for the tests: one of their own, or one that a module shares."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = os.path.dirname(__file__)
if HERE not in sys.path:
    sys.path.insert(0, HERE)        # for `fuse_mounts` and its like

from fuse_mounts import FSU, Mounts, fsck, make_ext4, no_fuse, run  # noqa: E402


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Mounts]:
    """Mounts images; skips where that cannot be."""
    reason = no_fuse()
    if reason:
        pytest.skip(reason)
    found = Mounts(tmp_path)
    yield found
    found.end()


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """A mounted ext4 that the tests of a module share; in the end it must be as e2fsck wants it."""
    reason = no_fuse()
    if reason:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="rump-fuse-") as name:
        folder = Path(name)
        folder.chmod(0o755)             # for tests that are other users
        image = make_ext4(folder / "image")
        found = Mounts(folder)
        directory = found(image, "-o", "allow_other")
        yield directory
        run(*FSU, "umount", directory)
        found.end()
        fsck(image)


@pytest.fixture
def place(shared: Path, request: pytest.FixtureRequest) -> Path:
    """A new directory in the shared mount, for one test."""
    directory = shared / request.node.name
    directory.mkdir()
    return directory
