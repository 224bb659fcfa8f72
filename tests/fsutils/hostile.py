# SPDX-License-Identifier: BSD-2-Clause
"""Images that mean harm, made by the ext2 tools and a patch here and there."""

from __future__ import annotations

import os
from pathlib import Path

from .conftest import call, tool


def image_of(tree: Path, image: Path, *commands: str) -> Path:
    """An ext2 image - which has no checksums - of a tree, after some debugfs commands."""
    call(tool("mke2fs"), "-q", "-t", "ext2", "-b", "1024", "-d", tree, image, "16M")
    for command in commands:
        call(tool("debugfs"), "-w", "-R", command, image)
    return image


def rename_inside(image: Path, old: bytes, new: bytes) -> None:
    """Give a file in an image a name of the same length that no kernel would let it have."""
    assert len(old) == len(new)
    data = image.read_bytes()
    assert data.count(old) == 1
    image.write_bytes(data.replace(old, new))


def damaged_image(directory: Path) -> Path:
    """"before", "broken" - 3 MiB, of which all but the first blocks lie outside the device - and "after"."""
    tree = directory / "damaged"
    tree.mkdir()
    (tree / "before").write_bytes(b"whole\n")
    (tree / "broken").write_bytes(os.urandom(1 << 16) * 48)
    (tree / "after").write_bytes(b"whole\n")
    return image_of(tree, directory / "damaged.img", "sif /broken block[IND] 8388600")
