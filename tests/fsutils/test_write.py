# SPDX-License-Identifier: BSD-2-Clause
"""`fsu write`: standard input into a file."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from .conftest import Fsu, Result, check, debugfs


class Writer:
    """Runs `fsu write` with something to read."""

    def __init__(self, fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._fsu = fsu
        self._monkeypatch = monkeypatch
        self.image = image

    def __call__(self, data: bytes, path: str, *options: str) -> Result:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return self._fsu("write", *options, f"{self.image}:{path}")

    def read(self, path: str) -> bytes:
        """What is in a file now."""
        result = self._fsu("cat", f"{self.image}:{path}")
        assert result.status == 0
        return result.out


@pytest.fixture
def write(fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    return Writer(fsu, image, monkeypatch)


def test_a_new_file_an_old_one_and_more_of_it(write: Writer) -> None:
    assert write(b"a long first version\n", "/note") == Result(0, b"", b"")
    assert write.read("/note") == b"a long first version\n"
    inode = debugfs(write.image, "stat /note").split()[1]
    assert write(b"short\n", "/note").status == 0
    assert write.read("/note") == b"short\n"                    # nothing of the longer one is left
    assert write(b"and more\n", "/note", "-a").status == 0
    assert write.read("/note") == b"short\nand more\n"
    assert debugfs(write.image, "stat /note").split()[1] == inode
    assert write(b"x", "/other", "--append").status == 0
    assert write(b"", "/note").status == 0 and write.read("/note") == b""
    check(write.image)


def test_a_big_one(write: Writer) -> None:
    data = bytes(range(256)) * 12345
    assert write(data, "/big").status == 0 and write.read("/big") == data
    assert write(data[:5000], "/big").status == 0 and write.read("/big") == data[:5000]
    check(write.image)


@pytest.mark.parametrize(
    ("path", "message"),
    [("/lost+found", "Is a directory"), ("/no/where", "No such file or directory"),
     ("/full", "No space left on device")],
)  # fmt: skip
def test_what_cannot_be(write: Writer, path: str, message: str) -> None:
    result = write(bytes(33 << 20) if path == "/full" else b"x", path)
    assert (result.status, result.out) == (1, b"")
    said = result.err.decode()
    assert said.startswith(f"fsu write: {write.image}:{path}: ") and said.endswith(f"{message}\n")
    check(write.image)


def test_an_image_is_no_file(fsu: Fsu, image: Path) -> None:
    assert fsu("write", image).status == 2
    assert fsu("write").status == 2
