# SPDX-License-Identifier: BSD-2-Clause
"""Images mounted for real by ``fsu mount``: the command runs as people run it, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FSU = (sys.executable, "-m", "rump.fsutils")


def no_fuse() -> str | None:
    """Why nothing can be mounted here, None if it can."""
    if sys.platform != "linux" or not os.path.exists("/dev/fuse"):
        return "needs /dev/fuse"
    if os.geteuid() != 0:
        return "needs root"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse: {error.strerror}"
    if "CapEff:\t0000000000000000" in Path("/proc/self/status").read_text() or not shutil.which("mount"):
        return "may not mount"
    return None


def run(*words: str | os.PathLike[str], status: int = 0) -> str:
    """Run a program; its output and complaints.  It must end with `status`."""
    done = subprocess.run([os.fspath(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == status, f"{words}: {done.returncode}\n{text}"
    return text


def tool(name: str) -> str:
    """A program of the host; the test is skipped where it is missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"needs {name}")
    return path


def mounted(directory: Path) -> bool:
    """Whether something is mounted there, dead or alive."""
    return f" {directory} fuse.fsu " in Path("/proc/mounts").read_text()


class Mounts:
    """Mounts images; what is left mounted at the end of the test goes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._directories: list[Path] = []

    def __call__(self, image: str | Path, *words: str) -> Path:
        """Mount an image; where."""
        directory = self._folder / f"mounted{len(self._directories)}"
        directory.mkdir()
        self._directories.append(directory)
        assert run(*FSU, "mount", *words, image, directory) == ""
        return directory

    def end(self) -> None:
        """Nothing stays mounted."""
        for directory in self._directories:
            if mounted(directory):
                subprocess.run(["umount", "-l", directory], check=False)


def make_ext4(path: Path, size: str = "64M", *words: str) -> Path:
    """An image as mke2fs makes it."""
    run("truncate", "-s", size, path)
    run(tool("mke2fs"), "-q", "-t", "ext4", "-E", "root_owner=0:0", *words, path)
    return path


def fsck(image: Path) -> None:
    """e2fsck finds nothing wrong, and the file system was unmounted."""
    run(tool("e2fsck"), "-fn", image)
    assert "needs_recovery" not in run(tool("dumpe2fs"), "-h", image)
