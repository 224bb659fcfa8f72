# SPDX-License-Identifier: BSD-2-Clause
"""Random trees, made by random operations: as tmpfs has them, so the volume does, while it is filled and ever after."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from author_support import (
    NANO,
    NOW,
    SECTOR,
    Bare,
    Memory,
    MemoryFile,
    boot,
    by_bsdtar,
    by_us,
    filled,
    inside,
    needs,
    volume_sectors,
)

from rump.conformance.bodies import collect, suited
from rump.conformance.drivers import Subject
from rump.conformance.hosts import HOSTS
from rump.conformance.runner import run_body
from rump.kernel import abi

if TYPE_CHECKING:
    from collections.abc import Callable

    from author_support import Tree

NAMES = (b"a", b"A", b"b.txt", b"B.TXT", b"c" * 130, b"\xff\xfe", "日本".encode(), b"d.d.d", b"e;1", b"f" * 255)


class Twice:
    """Does everything in two places, and sees to it that it goes the same way."""

    def __init__(self, lwp: Any, places: tuple[bytes, bytes], seed: int) -> None:
        self.lwp = lwp
        self.places = places
        self.chance = random.Random(seed)
        self.folders = [b"."]
        self.files = [b"./none"]

    def do(self, call: Callable[[Any], object]) -> bool:
        """Whether it worked."""
        outcomes = []
        for place in self.places:
            self.lwp.chdir(place)
            try:
                outcomes.append((0, call(self.lwp)))
            except OSError as error:
                outcomes.append((error.errno, None))
        assert outcomes[0] == outcomes[1]
        return outcomes[0][0] == 0

    def path(self) -> bytes:
        folder = self.chance.choice(self.folders[-6:])
        return folder + b"/" + self.chance.choice(NAMES)

    def some_file(self) -> bytes:
        return self.chance.choice(self.files[-12:])

    def step(self) -> None:
        chance = self.chance
        step = chance.choice((self.mkdir, self.write, self.write, self.write, self.link, self.symlink, self.rename,
                              self.remove, self.truncate, self.attributes, self.populate))  # fmt: skip
        step(self.path(), chance.randrange(1 << 30))

    def mkdir(self, path: bytes, number: int) -> None:
        if self.do(lambda lwp: lwp.mkdir(path, 0o700 | number & 0o77)):
            self.folders.append(path)

    def write(self, path: bytes, number: int) -> None:
        """Somewhere in a file, new or old."""
        path = self.some_file() if number % 3 else path
        at, length = number % 9000, number % 70_001

        def call(lwp: Any) -> object:
            fd = lwp.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_NOFOLLOW, 0o644)
            try:
                return lwp.pwrite(fd, (b"%d " % number * (length // 4 + 1))[:length], at)
            finally:
                lwp.close(fd)

        if self.do(call):
            self.files.append(path)

    def truncate(self, _: bytes, number: int) -> None:
        path = self.some_file()
        self.do(lambda lwp: lwp.truncate(path, number % 90_000))

    def link(self, path: bytes, _: int) -> None:
        other = self.some_file()
        if self.do(lambda lwp: lwp.linkat(abi.AT_FDCWD, other, abi.AT_FDCWD, path, 0)):
            self.files.append(path)

    def symlink(self, path: bytes, number: int) -> None:
        self.do(lambda lwp: lwp.symlink(b"../%d" % number * (1 + number % 90), path))

    def rename(self, path: bytes, number: int) -> None:
        other = self.some_file() if number % 2 else self.chance.choice(self.folders)
        if self.do(lambda lwp: lwp.rename(other, path)):
            (self.files if number % 2 else self.folders).append(path)

    def remove(self, path: bytes, number: int) -> None:
        path = path if number % 3 else self.some_file()
        self.do(lambda lwp: lwp.unlink(path)) or self.do(lambda lwp: lwp.rmdir(path))

    def attributes(self, _: bytes, number: int) -> None:
        path = self.some_file()
        time = number % NOW * NANO
        self.do(lambda lwp: lwp.chmod(path, number & 0o7777))
        self.do(lambda lwp: lwp.chown(path, number, number >> 3))
        self.do(lambda lwp: lwp.utimens(path, time, time))

    def populate(self, _: bytes, number: int) -> None:
        folder = self.chance.choice(self.folders)
        names = self.chance.sample(NAMES, 4)
        rows = tuple([
            (name, abi.S_IFREG | 0o600, at, number, 0, b"", 0, NANO, NANO, 0, b"%d" % number * (at * 300), ())
            for at, name in enumerate(names)
        ])  # fmt: skip

        def call(lwp: Any) -> object:
            fd = lwp.open(folder, abi.O_RDONLY | abi.O_DIRECTORY)
            try:
                return lwp.rump_populate(fd, rows)
            finally:
                lwp.close(fd)

        if self.do(call):
            self.files += [folder + b"/" + name for name in names]


def made(seed: int, options: dict[str, str], marshal: bool) -> tuple[bytes, dict[bytes, Any]]:
    """A random volume, and what is in it."""
    platform = Memory(now=NOW * NANO, seed=1)
    platform.files[b"iso"] = MemoryFile(bytes(24 << 20))
    wanted: dict[bytes, Any] = {}

    def fill(t: Tree) -> None:
        both = Twice(t.lwp, (b"/mnt", b"/model"), seed)
        for _ in range(150):
            both.step()
        listings = []
        for place in both.places:
            t.lwp.chdir(place)
            listings.append({path: file._replace(mtime=0) for path, file in inside(t.lwp)})
        assert listings[0] == listings[1]
        wanted.update(listings[0])
        t.lwp.chdir(b"/mnt")

    with boot(Bare(platform), marshal=marshal) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
        kernel.lwp.mkdir(b"/model", 0o755)
        kernel.lwp.mount("tmpfs", b"/model")
        filled(kernel, fill, options)
    data = bytes(platform.files[b"iso"].data)
    return data[: volume_sectors(data) * SECTOR], wanted


@pytest.mark.parametrize("seed", range(12))
def test_random_trees(seed: int, tmp_path: Path) -> None:
    options = ({}, {"level": "1"}, {"zeroed": "1"}, {"allow-deep": "1"})[seed % 4]
    data, wanted = made(seed, options, marshal=seed % 3 == 0)
    found = {path: file._replace(mtime=0) for path, file in by_us(data).items()}
    found.pop(b"rr_moved", None)
    assert found == wanted and len(wanted) > 10


@needs("bsdtar")
@pytest.mark.parametrize("seed", range(100, 104))
def test_random_trees_as_libarchive_has_them(seed: int, tmp_path: Path) -> None:
    data, wanted = made(seed, {"level": "2"}, marshal=False)
    path = tmp_path / "iso"
    path.write_bytes(data)
    found = by_bsdtar(path)
    assert {name: (file.what, file.uid) for name, file in found.items()} == {
        name: (file.what, file.uid) for name, file in wanted.items()
    }


NOT_HERE = {
    "directories_no_more_files",        # there is no table of them that could fill up
    "times_new_file",                   # a time of birth is kept where it is given, else there is none
    "sizes_big_and_small",              # a name takes room, too
    "space_open_files_keep_their_room",     # likewise
    "poll_timeout",                     # wants a clock of nanoseconds
}


@pytest.mark.parametrize("options, about", [
    ({}, ("",)), ({"level": "1", "zeroed": "1"}, ("data", "holes", "filling")),
], ids=["all", "whole files"])  # fmt: skip
def test_the_suite_finds_a_file_system_to_write_to(options: dict[str, str], about: tuple[str, ...]) -> None:
    """What all file systems are held to, while one is filled."""
    subject = Subject("new-iso", "cd9660", newfs=options, size=24 << 20, options={"author": ""}, extras=("byte_names",))
    bodies = suited(subject, collect())
    assert len(bodies) > 200
    problems = {}
    for name in sorted(name for name in {*bodies} - NOT_HERE if name.startswith(about)):
        with HOSTS["bare-memory"]() as machine:
            problem = run_body(machine, subject, name, bodies[name], marshal=not options).problem
        if problem is not None:
            problems[name] = problem
    assert problems == {}
