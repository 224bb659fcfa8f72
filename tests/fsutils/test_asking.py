# SPDX-License-Identifier: BSD-2-Clause
"""What asks before it acts, or leaves no trace: -i of cp, mv, ln and rm, and rm -P."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Fsu, check


class Talk:
    """Runs `fsu` on an image with answers to its questions."""

    def __init__(self, fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._fsu = fsu
        self._monkeypatch = monkeypatch
        self.image = image

    def __call__(self, answers: str, *words: str) -> tuple[int, str]:
        """Status, and what was asked and said."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(answers).encode())))
        result = self._fsu(*(f"{self.image}:{word}" if word[0] == "/" else word for word in words))
        return result.status, result.err.decode().replace(f"{self.image}:", "")

    def read(self, path: str) -> str:
        """What is in a file; "" if it is not there."""
        return self._fsu("cat", f"{self.image}:{path}").out.decode()


@pytest.fixture
def talk(fsu: Fsu, image: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Talk]:
    for name in ("a", "b", "d/e/f"):
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_text(name)
    fsu("cp", "-R", f"{tmp_path}/t/.", f"{image}:/")
    yield Talk(fsu, image, monkeypatch)
    check(image)


def test_cp(talk: Talk) -> None:
    assert talk("n", "cp", "-i", "/a", "/b") == (0, "fsu cp: overwrite '/b'? ")
    assert talk.read("/b") == "b"
    assert talk("y", "cp", "-i", "/a", "/b") == (0, "fsu cp: overwrite '/b'? ")
    assert talk.read("/b") == "a"
    assert talk("", "cp", "-i", "/d/e/f", "/b")[0] == 0 and talk.read("/b") == "a"      # no answer is no
    assert talk("", "cp", "-i", "/a", "/c") == (0, "") and talk.read("/c") == "a"


def test_cp_of_trees(talk: Talk) -> None:
    talk("", "cp", "-R", "/d", "/copy")
    talk("", "cp", "/a", "/d/e/f")
    assert talk("n", "cp", "-Ri", "-T", "/d", "/copy") == (0, "fsu cp: overwrite '/copy/e/f'? ")
    assert talk.read("/copy/e/f") == "d/e/f"
    assert talk("y", "cp", "-Ri", "-T", "/d", "/copy")[0] == 0 and talk.read("/copy/e/f") == "a"


def test_mv(talk: Talk, tmp_path: Path) -> None:
    assert talk("n", "mv", "-i", "/a", "/b") == (0, "fsu mv: overwrite '/b'? ")
    assert talk.read("/a") == "a" and talk.read("/b") == "b"
    assert talk("y", "mv", "-i", "/a", "/b")[0] == 0
    assert talk.read("/a") == "" and talk.read("/b") == "a"
    assert talk("", "mv", "-i", "-f", "/d/e/f", "/b") == (0, "") and talk.read("/b") == "d/e/f"
    (tmp_path / "host").write_text("host")
    assert talk("n", "mv", "-i", f"host:{tmp_path}/host", "/b") == (0, "fsu mv: overwrite '/b'? ")
    assert (tmp_path / "host").exists()
    assert talk("yn", "mv", "-i", f"host:{tmp_path}/host", "/b") == (0, "fsu mv: overwrite '/b'? ")     # asked once
    assert not (tmp_path / "host").exists() and talk.read("/b") == "host"


def test_ln(talk: Talk) -> None:
    assert talk("n", "ln", "-i", "/a", "/b") == (0, "fsu ln: replace '/b'? ") and talk.read("/b") == "b"
    assert talk("y", "ln", "-i", "/a", "/b")[0] == 0 and talk.read("/b") == "a"
    assert talk("y", "ln", "-si", "d", "/b")[0] == 0
    assert talk("", "ln", "-s", "-h", "-f", "e", "/b") == (0, "")


def test_rm(talk: Talk) -> None:
    assert talk("ny", "rm", "-i", "/a", "/b") == (0, "fsu rm: remove '/a'? fsu rm: remove '/b'? ")
    assert talk.read("/a") == "a" and talk.read("/b") == ""
    assert talk("n", "rm", "-ri", "/d") == (0, "fsu rm: go through directory '/d'? ")
    asked = "fsu rm: go through directory '/d'? fsu rm: remove '/d/e/f'? "
    assert talk("yn", "rm", "-ri", "/d") == (0, asked) and talk.read("/d/e/f") == "d/e/f"
    assert talk("yyn", "rm", "-ri", "/d") == (0, asked + "fsu rm: remove '/d/e'? ") and talk.read("/d/e/f") == ""
    assert talk("", "rm", "-i", "-f", "/a", "/nothing") == (0, "") and talk.read("/a") == ""
    assert talk("", "rm", "-f", "-i", "/nothing")[0] == 1
    assert talk("yyy", "rm", "-ri", "/d")[0] == 0 and talk("", "ls", "/d")[0] == 1


def test_rm_overwrites(talk: Talk, fsu: Fsu, tmp_path: Path) -> None:
    secret = b"what nobody may read " * 4000
    for name in ("s1", "s2", "s3"):
        (tmp_path / name).write_bytes(name.encode() + secret)
        fsu("cp", tmp_path / name, f"{talk.image}:/{name}")
    fsu("ln", f"{talk.image}:/s2", f"{talk.image}:/other name")
    assert talk("", "rm", "-P", "/s1", "/s2")[0] == 0
    assert talk("", "rm", "/s3")[0] == 0
    left = talk.image.read_bytes()
    assert b"s1what" not in left and b"s3what" in left
    assert talk.read("/other name").encode() == b"s2" + secret       # it has another name still


def test_rm_overwrites_trees_and_undeletes_nothing(talk: Talk) -> None:
    assert talk("", "rm", "-rP", "/d")[0] == 0 and b"d/e/f" not in talk.image.read_bytes()
    status, said = talk("", "rm", "-W", "/a")
    assert status == 1 and said == "fsu rm: /a: no whiteout: Operation not supported\n" and talk.read("/a") == "a"
