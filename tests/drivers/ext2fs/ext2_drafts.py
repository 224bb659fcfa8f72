# SPDX-License-Identifier: BSD-2-Clause
"""A volume in memory whose inodes tests change by hand: the writer's parts below the operations, without a journal."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ext2_support import E2FSCK, mount, services
from memory_support import InPlace, Memory

from rump.drivers.fs.ext2fs import disk, superblock
from rump.drivers.fs.ext2fs.writing.medium import WritableMedium
from rump.drivers.fs.ext2fs.writing.mount import assemble
from rump.drivers.fs.ext2fs.writing.state import State, SuperblockFields
from rump.kernel.vfs.transaction import Store

NOW = 1_700_000_000_123_456_789


class Desk:
    """An image whose inodes can be changed."""

    def __init__(self, image: Path, limit: int = 4096) -> None:
        self.image = image
        self.log: list[str] = []
        self.device = device = Memory(image.read_bytes())
        self.state = state = State()
        state.services = services(self.log)
        state.services.now = lambda: NOW
        state.geometry = geometry = superblock.read(device, state.services, disk.SUPERBLOCK_OFFSET)
        state.medium = medium = WritableMedium(device, geometry, state.services, 1 << 20)
        state.store = medium.store = Store(device, geometry.shift, state.services, InPlace(limit), medium.drop)
        state.ordered = True
        state.super = SuperblockFields(state.store, state.services, geometry)
        assemble(state)

    def draft(self, number: int):
        inodes = self.state.inodes
        return inodes.edit(number, *inodes.special(number))

    def do(self, number: int, function, *arguments):
        """Call ``function(state, draft, ...)`` as an operation on an inode."""
        state = self.state
        state.store.begin()
        try:
            draft = self.draft(number)
            result = function(state, draft, *arguments)
            state.inodes.save(draft)
        except BaseException:
            state.store.rollback()
            raise
        state.store.end()
        return result

    def image_now(self) -> Path:
        """Commit; the image's file is what it is now."""
        self.state.store.checkpoint()
        self.image.write_bytes(self.device.data)
        return self.image

    def volume(self):
        """The image as it is now, mounted by the reader."""
        return mount(self.image_now())

    def check(self) -> None:
        """e2fsck finds nothing to do."""
        done = subprocess.run([E2FSCK, "-fn", self.image_now()], capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")[-3000:]
