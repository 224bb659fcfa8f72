# SPDX-License-Identifier: BSD-2-Clause
"""The image that the package carries, and the tour of the README on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from rump.fsutils.example import image

README = Path(__file__).parents[2] / "README.md"


def test_never_over_a_file(fsu, tmp_path):
    """It writes a new file, sparse, and no other."""
    target = tmp_path / "demo.img"
    assert fsu("example", target)[0] == 0
    assert target.read_bytes() == image()
    assert os.stat(target).st_blocks * 512 < len(image()) // 2
    status, out, errors = fsu("example", target)
    assert (status, out) == (1, b"")
    assert b"File exists" in errors


def test_others_read_it(fsu, tmp_path):
    """The partition tools and the checkers of others find nothing wrong."""
    if not shutil.which("sgdisk") or not shutil.which("fsck.fat"):
        pytest.skip("sgdisk and fsck.fat are not installed")
    data = image()
    disk, esp, root = tmp_path / "disk.img", tmp_path / "esp.img", tmp_path / "root.img"
    disk.write_bytes(data)
    esp.write_bytes(data[64 * 512 : 1088 * 512])
    root.write_bytes(data[1088 * 512 : 3136 * 512])
    assert b"No problems found" in subprocess.run(["sgdisk", "-v", disk], capture_output=True, check=True).stdout
    subprocess.run(["fsck.fat", "-n", esp], capture_output=True, check=True)
    subprocess.run(["e2fsck", "-fn", root], capture_output=True, check=True)


def _tour() -> list[str]:
    """The commands of the README's tour."""
    return re.findall(r"^\$ (fsu .*)$", README.read_text(), re.MULTILINE)


def test_the_tour_is_true(fsu, tmp_path, monkeypatch):
    """What the README shows is what comes out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    blocks = re.findall(r"^```console\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    shown = re.findall(r"^\$ fsu (.*)\n((?:(?!\$ ).*\n)*)", "".join(blocks), re.MULTILINE)
    assert len(shown) == len(_tour()) > 5
    for command, expected in shown:
        words = command.partition(" | ")[0].split()
        status, out, errors = fsu(*words)
        assert (status, errors) == (0, b""), command
        if " | " not in command:
            assert out.decode() == expected, command
