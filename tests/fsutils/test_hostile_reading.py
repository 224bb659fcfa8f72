# SPDX-License-Identifier: BSD-2-Clause
"""The verbs that read, on images with mistakes in them: messages, never a traceback, in bounded time."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from .conftest import Fsu, call, tool

VERBS = (
    ["tree", "-apsugDF", "{}"], ["grep", "-rc", "o", "{}"], ["sum", "-r", "-a", "crc32", "{}"],
    ["getfattr", "-Rd", "-m", "-", "{}"],
    ["getfacl", "-R", "{}"], ["head", "-n3", "{}:/*", "{}:/*/*"], ["tail", "-n3", "{}:/*", "{}:/*/*"],
    ["cat", "-A", "{}:/**/*"], ["du", "-a", "--time", "{}"], ["df", "{}"], ["ls", "-lv", "{}:/*"],
    ["find", "{}", "-name", "*a*", "-exec", "true", "{{}}", "+"],
)  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small ext2 image without checksums."""
    root = tmp_path_factory.mktemp("hostile") / "tree"
    (root / "a/b/c").mkdir(parents=True)
    for name in ("x", "a/xa", "a/b/long name", "a/b/c/z"):
        (root / name).write_text("some lines\nof text\n" * 200)
    (root / "link").symlink_to("a/b")
    image = root.parent / "sound.img"
    call(tool("mke2fs"), "-q", "-t", "ext2", "-N", "64", "-d", root, image, "512K")
    return image.read_bytes()


@pytest.mark.parametrize("seed", range(12))
def test_damaged_images(fsu: Fsu, sound: bytes, tmp_path: Path, seed: int) -> None:
    lots = random.Random(seed)
    image = tmp_path / "damaged.img"
    used = [at for at in range(0, len(sound), 64) if any(sound[at : at + 64])]
    data = bytearray(sound)
    for _ in range(lots.choice((1, 4, 30))):
        at = lots.choice(used) + lots.randrange(64)
        data[at] = lots.choice((0, 1, 0x7F, 0xFF, lots.randrange(256)))
    image.write_bytes(data[: len(data) - (seed % 3 == 2) * len(data) // 3])
    before = time.process_time()
    for words in VERBS:
        result = fsu(*(word.replace("{}", str(image)).replace("{" + str(image) + "}", "{}") for word in words))
        assert result.status in (0, 1, 2), words
        assert b"internal error" not in result.err and b"Traceback" not in result.err, (words, result.err)
    assert time.process_time() - before < 10
