# SPDX-License-Identifier: BSD-2-Clause
"""A volume being written to, without names: what tests of block maps and of files' contents need."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess

from ext2_support import E2FSCK, mke2fs, run, services
from memory_support import InPlace, Memory

from rump.drivers.fs.ext2fs import superblock
from rump.drivers.fs.ext2fs.bmap import Maps
from rump.drivers.fs.ext2fs.groups import Groups
from rump.drivers.fs.ext2fs.writing.alloc import Allocator
from rump.drivers.fs.ext2fs.writing.data import FileData
from rump.drivers.fs.ext2fs.writing.inode import WritableInodes
from rump.drivers.fs.ext2fs.writing.maps import BlockMaps
from rump.drivers.fs.ext2fs.writing.medium import WritableMedium
from rump.drivers.fs.ext2fs.writing.orphans import Orphans
from rump.drivers.fs.ext2fs.writing.state import State, SuperblockFields
from rump.kernel.vfs.transaction import Store

GARBAGE = 0xEE          # what all free blocks hold


class Stingy(Allocator):
    """Gives out runs of `run_max` blocks at most."""

    run_max = 1 << 30

    def take(self, goal: int, count: int) -> tuple[int, int]:
        return super().take(goal, min(count, self.run_max))

    def reserve(self, goal: int, count: int) -> tuple[int, int]:
        return super().reserve(goal, min(count, self.run_max))


class Volume:
    """An image with empty files of inodes `numbers`, and its parts."""

    def __init__(self, path, options: list[str], *, size: str = "8M", limit: int = 1 << 20, journal: bool = False,
                 files: int = 4, now: int = 1_700_000_000 * 10**9) -> None:
        self.path = path / "image"
        tree = path / "tree"
        tree.mkdir()
        for index in range(files):
            (tree / f"f{index}").touch()
        mke2fs(self.path, size, *options, tree=tree)
        image = self.path.read_bytes()
        self.device = Memory(image)
        self.state = state = State()
        kernel = services()
        kernel.now = lambda: now
        state.services = kernel
        state.geometry = geometry = superblock.read(self.device, kernel, 1024)
        state.medium = medium = WritableMedium(self.device, geometry, kernel, 1 << 20)
        state.ordered = not journal
        self.keeper = InPlace(limit)
        state.store = medium.store = Store(self.device, geometry.shift, kernel, self.keeper, medium.drop)
        state.super = SuperblockFields(state.store, kernel, geometry)
        state.inodes = WritableInodes(medium, Groups(medium))
        state.maps = Maps(medium)
        state.alloc = Stingy(state)
        state.block_maps = BlockMaps(state)
        state.data = FileData(state)
        state.orphans = Orphans(state)
        for part in (state.inodes, state.alloc, state.super):
            state.store.prepare.append(part.prepare)
            state.store.committed.append(part.committed)
            state.store.weigh.append(part.weight)
        listing = run("debugfs", "-R", "ls -l /", self.path)
        self.numbers = [int(m[1]) for m in re.finditer(r"^ *(\d+) .* f\d+ *$", listing, re.M)]
        assert len(self.numbers) == files
        self._fill(image)

    def used(self) -> list[bool]:
        """Block by block, as the image has it."""
        state = [True] * self.state.geometry.blocks
        for m in re.finditer(r"^  Free blocks: (.*)$", run("dumpe2fs", self.path), re.M):
            for part in filter(None, m[1].split(", ")):
                first, _, last = part.partition("-")
                for block in range(int(first), int(last or first) + 1):
                    state[block] = False
        return state

    def _fill(self, image: bytes) -> None:
        shift = self.state.geometry.shift
        for block, used in enumerate(self.used()):
            if not used:
                self.device.write(block << shift, bytes([GARBAGE]) * (1 << shift))

    @contextlib.contextmanager
    def operation(self):
        """As a volume wraps what it does."""
        store = self.state.store
        store.begin()
        try:
            yield
            store.end()
        except BaseException:
            store.rollback()
            raise

    def open(self, index: int):
        number = self.numbers[index]
        return self.state.inodes.edit(number, *self.state.inodes.special(number))

    def handle(self, index: int):
        draft = self.open(index)
        return draft.number, draft.generation

    def check(self) -> None:
        """Commit, and have the image checked."""
        self.state.store.commit()
        self.path.write_bytes(self.device.data)
        done = subprocess.run([E2FSCK, "-fn", self.path], capture_output=True, text=True, check=False)
        assert not done.returncode, done.stdout[-3000:] + done.stderr

    def dumped(self, index: int) -> bytes:
        """A file's contents as debugfs finds them in the image last checked."""
        out = os.fspath(self.path) + ".out"
        run("debugfs", "-R", f"dump <{self.numbers[index]}> {out}", self.path)
        with open(out, "rb") as file:
            return file.read()
