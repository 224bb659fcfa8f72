# SPDX-License-Identifier: BSD-2-Clause
"""`fsu cp` with - for standard input and output."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Fsu, check

Give = Callable[[bytes], None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Gives standard input something to read."""

    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_into_and_out_of_images(fsu: Fsu, image: Path, given: Give) -> None:
    data = bytes(range(256)) * 20000
    given(data)
    assert fsu("cp", "-", f"{image}:/big") == (0, b"", b"")
    assert fsu("cp", f"{image}:/big", "-") == (0, data, b"")
    given(b"short")
    assert fsu("cp", "--mode", "600", "-", f"{image}:/big").status == 0
    assert fsu("cp", f"{image}:/big", f"{image}:/bi*", "-").out == b"shortshort"
    given(b"")
    assert fsu("cp", "-T", "-", f"{image}:/empty").status == 0
    assert fsu("stat", "-c", "%s %a", f"{image}:/big", f"{image}:/empty").out == b"5 600\n0 644\n"
    check(image)


def test_on_the_host(fsu: Fsu, tmp_path: Path, given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    given(b"x")
    assert fsu("cp", "-", tmp_path / "x").status == 0
    assert fsu("cp", tmp_path / "x", "-").out == b"x"
    monkeypatch.chdir(tmp_path)
    assert fsu("cp", "x", "host:-").status == 0 and (tmp_path / "-").read_text() == "x"
    assert fsu("cp", "./-", "-").out == b"x"


def test_what_cannot_be(fsu: Fsu, image: Path, given: Give, tmp_path: Path) -> None:
    given(b"x")
    for words, message in (
        (["cp", "-", f"{image}:/"], "standard input has no name"),
        (["cp", "-", f"{image}:/lost+found"], "standard input has no name"),
        (["cp", "-", f"{image}:/none/x"], "No such file"),
        (["cp", f"{image}:/lost+found", "-"], "Is a directory"),
        (["cp", f"{image}:/none", "-"], "No such file"),
        (["cp", "-", "-"], "cat copies it"),
        (["cp", "-", tmp_path], "standard input has no name"),
    ):
        result = fsu(*words)
        assert result.status == 1 and message in result.err.decode(), words
    assert fsu("mv", "-", f"{image}:/x").status == 2 and fsu("mv", f"{image}:/x", "-").status == 2
    assert fsu("ls", "-A", image).out == b"lost+found\n"
