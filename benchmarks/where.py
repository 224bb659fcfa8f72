# SPDX-License-Identifier: BSD-2-Clause
"""What the same driver costs, wherever it runs: in this process, isolated, behind a socket, behind a mount.

    python benchmarks/where.py [--files 2000] [--rounds 5] [--markdown FILE]

One ext4 image, made by mke2fs of a tree on the host; the host's own system calls on that tree are the measure.  Of each
place the same four things: stat of a path, open and close, pread of 4 KiB, and a walk (names and attributes of all).
Microseconds of wall time by the clock, the best of some rounds in which the places take turns.
"""

from __future__ import annotations

import argparse
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from measure import machine

import rump.servers
from rump.kernel import abi, boot
from rump.rumpuser.host import default

CALLS = 2_000
FILE = "d0/d1/file"
SECRET = "a secret of the benchmark"
TITLES = ("stat", "open + close", "pread 4 KiB", "walk, a file")


class Place:
    """Somewhere that system calls go: an lwp's methods, or the host's."""

    def __init__(self, stack: ExitStack, name: str, root: str, calls: Any) -> None:
        self.name, self.best = name, [float("inf")] * len(TITLES)
        self._root, self._calls = root.encode(), calls
        self._path = self._root + b"/" + FILE.encode()
        self._fd = calls.open(self._path, os.O_RDONLY)
        stack.callback(calls.close, self._fd)

    def round(self, files: int) -> None:
        """Everything once more; the best counts."""
        calls, path, fd = self._calls, self._path, self._fd
        took = [
            each(lambda: calls.stat(path)),
            each(lambda: calls.close(calls.open(path, os.O_RDONLY))),
            each(lambda: calls.pread(fd, 4096, 0)),
            self._walk() / files,
        ]
        self.best = [min(pair) for pair in zip(self.best, took, strict=True)]

    def _walk(self) -> float:
        start = time.perf_counter()
        walk_host(self._root) if self._calls is os else walk(self._calls, self._root)
        return (time.perf_counter() - start) * 1e6


def each(function: Callable[[], object]) -> float:
    """Microseconds a call."""
    start = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - start) / CALLS * 1e6


def walk_host(folder: bytes) -> None:
    """All below, as the host's own programs do it: os.scandir, and lstat of each."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
                walk_host(entry.path)


def walk(lwp: Any, folder: bytes) -> None:
    """All below, by names and attributes."""
    for name in names(lwp, folder):
        path = folder + b"/" + name
        if stat.S_ISDIR(lwp.lstat(path).st_mode):
            walk(lwp, path)


def names(lwp: Any, folder: bytes) -> list[bytes]:
    """What is in a folder."""
    fd = lwp.open(folder, abi.O_RDONLY | abi.O_DIRECTORY)
    try:
        found: list[bytes] = []
        while entries := lwp.getdents(fd):
            found += [entry[0] for entry in entries if entry[0] not in (b".", b"..")]
        return found
    finally:
        lwp.close(fd)


def make(work: Path, files: int) -> tuple[Path, Path]:
    """A tree, and an image of it."""
    tree, image = work / "tree", work / "image"
    (tree / FILE).parent.mkdir(parents=True)
    (tree / FILE).write_bytes(bytes(range(256)) * 256)
    for number in range(files - 1):
        folder = tree / f"f{number // 40:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"file{number:05}").write_bytes(b"x" * (number % 3000))
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image, "128M"], check=True)
    return tree, image


def mounted(stack: ExitStack, image: Path, isolate: bool) -> Any:
    """An lwp of a kernel in this process, with the image at /mnt."""
    kernel = stack.enter_context(boot(default()))
    kernel.etfs_register(b"/dev/disk", bytes(image))
    kernel.lwp.mkdir(b"/mnt")
    options = {"isolate": "always"} if isolate else {}
    kernel.lwp.mount("ext2fs", b"/mnt", abi.MNT_RDONLY, b"/dev/disk", options=options)
    return kernel.lwp


def serve(stack: ExitStack, work: Path, image: Path, url: str, secret: bool) -> Any:
    """An lwp of a `rump_server` in a process of its own."""
    words = ["-s", "-v", "-d", f"key=/dev/disk,hostpath={image},size=host,ro", "--no-isolate"]
    if secret:
        file = work / "secret"
        file.write_text(SECRET)
        file.chmod(0o600)
        words += ["--secret-file", str(file)]
    server = subprocess.Popen([sys.executable, "-m", "rump.servers.rump_server", *words, url],
                              stderr=subprocess.PIPE, text=True)  # fmt: skip
    stack.callback(server.wait)
    stack.callback(server.terminate)
    assert server.stderr is not None
    address = next(word for line in server.stderr for word in line.split() if word.startswith(("unix://", "tcp://")))
    lwp = stack.enter_context(rump.servers.connect(address, secret=SECRET.encode() if secret else None))
    lwp.mkdir(b"/mnt")
    lwp.mount("ext2fs", b"/mnt", abi.MNT_RDONLY, b"/dev/disk")
    return lwp


def fuse(stack: ExitStack, work: Path, image: Path) -> Path:
    """The image mounted on the host."""
    folder = work / "mnt"
    folder.mkdir()
    fsu = [sys.executable, "-m", "rump.fsutils"]
    subprocess.run([*fsu, "mount", "-r", image, folder], check=True)
    stack.callback(subprocess.run, [*fsu, "umount", folder], check=True)
    return folder


def places(stack: ExitStack, work: Path, tree: Path, image: Path) -> list[Place]:
    """All that can be had here."""
    found = [
        Place(stack, "the host's own system calls", str(tree), os),
        Place(stack, "in the process", "/mnt", mounted(stack, image, False)),
        Place(stack, "isolated", "/mnt", mounted(stack, image, True)),
        Place(stack, "a server, unix", "/mnt", serve(stack, work, image, f"unix://{work}/socket", False)),
        Place(stack, "a server, tcp", "/mnt", serve(stack, work, image, "tcp://127.0.0.1:0/", True)),
    ]
    if os.access("/dev/fuse", os.R_OK | os.W_OK):
        found.append(Place(stack, "a mount (FUSE)", str(fuse(stack, work, image)), os))
    return found


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder, ExitStack() as stack:
        work = Path(folder)
        tree, image = make(work, options.files)
        there = places(stack, work, tree, image)
        for _ in range(options.rounds):
            for place in there:
                place.round(options.files)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    lines = [f"| us | {' | '.join(TITLES)} |", "|---|" + "---|" * len(TITLES)]
    lines += [f"| {place.name} | {' | '.join(f'{value:.1f}' for value in place.best)} |" for place in there]
    text = f"Measured {day} on {machine()}.\n\n" + "\n".join(lines) + "\n"
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
