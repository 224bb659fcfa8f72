# SPDX-License-Identifier: BSD-2-Clause
"""Files of hosts and file systems that do not tell holes from data."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rump.fsutils.copy import host_source
from rump.fsutils.copy.report import BadSource

from .conftest import Fsu, check


@pytest.mark.parametrize("refused", ["SEEK_DATA", "SEEK_HOLE", "both"])
def test_lseek_refuses(
    fsu: Fsu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """Whatever lseek(2) does not know, the copy is whole."""
    data = bytes(range(256)) * 8192
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/big").write_bytes(data)
    lseek = os.lseek
    names = ("SEEK_DATA", "SEEK_HOLE") if refused == "both" else (refused,)
    unknown = {getattr(os, name) for name in names}
    asked: list[int] = []

    def refusing(fd: int, position: int, whence: int) -> int:
        if whence in unknown:
            asked.append(whence)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return lseek(fd, position, whence)

    monkeypatch.setattr(os, "lseek", refusing)
    source = host_source.HostSource()
    fd = os.open(tmp_path / "tree/big", os.O_RDONLY)
    try:
        assert list(source.parts(fd, 0, len(data))) == [(0, len(data))]
        assert list(source.parts(fd, 5, 70)) == [(5, 65)]
    finally:
        os.close(fd)
    image = tmp_path / "x.img"
    assert fsu("mkfs", "-q", "-t", "ext4", image, "16M").status == 0
    assert fsu("cp", "-R", f"{tmp_path}/tree", f"{image}:/").status == 0
    assert fsu("cat", f"{image}:/tree/big").out == data
    assert asked
    monkeypatch.undo()
    check(image)


def test_other_errors_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(fd: int, position: int, whence: int) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "lseek", failing)
    (tmp_path / "file").write_bytes(b"x")
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with pytest.raises(BadSource):
            list(host_source.HostSource().parts(fd, 0, 1))
    finally:
        os.close(fd)
