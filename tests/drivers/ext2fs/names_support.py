# SPDX-License-Identifier: BSD-2-Clause
"""One directory of a volume mounted for writing, whose names change next to a model of them."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from ext2_support import E2FSCK, listing, mke2fs, mount, services
from memory_support import Memory

from rump.drivers.fs.ext2fs import driver
from rump.kernel import abi
from rump.kernel.vfs import volume as v

TYPES = (abi.DT_REG, abi.DT_CHR, abi.DT_LNK)


class Folder:
    """A directory "d" in the root of a volume, and what should be in it: every name is one more of some few files."""

    def __init__(self, image: Path, *options: str, size: str = "8M") -> None:
        self.image = mke2fs(image, size, "-N", "64", *options)
        self.log: list[str] = []
        self.device = Memory(image.read_bytes())
        self.mount()
        root = self.volume.root()[:2]
        self.handle = self.volume.create(root, b"d", abi.S_IFDIR | 0o755, 0, 0, 0, b"")[0][:2]
        make = ((abi.S_IFREG, b""), (abi.S_IFCHR, b""), (abi.S_IFLNK, b"target"))
        self.files = [
            self.volume.create(root, b"file%d" % i, kind | 0o644, 0, 0, 0, link)[0][:2]
            for i, (kind, link) in enumerate(make)
        ]
        self.model: dict[bytes, int] = {}       # name -> index of the file

    def mount(self) -> None:
        self.volume = driver.mount(v.MountArguments(self.device, services(self.log), read_only=False))
        self.state = self.volume.state
        self.names = self.state.names

    def change(self, body):
        """`body` of the directory's draft, as an operation; it is rolled back if it fails."""
        store = self.state.store
        store.begin()
        try:
            draft = self.state.inodes.open(self.handle)
            result = body(draft)
            self.state.inodes.save(draft)
        except BaseException:
            store.rollback()
            raise
        store.end()
        return result

    def insert(self, name: bytes, which: int = 0) -> None:
        self.change(lambda draft: self.names.insert(draft, name, self.files[which][0], TYPES[which]))
        self.model[name] = which

    def remove(self, name: bytes) -> None:
        number = self.change(lambda draft: self.names.remove(draft, name))
        assert number == self.files[self.model.pop(name)][0]

    def replace(self, name: bytes, which: int) -> None:
        number = self.change(lambda draft: self.names.replace(draft, name, self.files[which][0], TYPES[which]))
        assert number == self.files[self.model[name]][0]
        self.model[name] = which

    def draft(self):
        return self.state.inodes.open(self.handle)

    def find(self, name: bytes) -> int:
        return self.names.find(self.draft(), name)

    def page(self, cookie: int, count: int):
        """Names and the cookie to go on with."""
        entries, following = self.volume.list(self.handle, cookie, count)
        return [entry[0] for entry in entries], following

    def listed(self, count: int = 1000) -> list[bytes]:
        cookie, found = 0, []
        while cookie != v.END:
            part, cookie = self.page(cookie, count)
            found += part
        return found

    def agree(self) -> None:
        """What is in the directory now is what should be."""
        draft = self.draft()
        for name, which in self.model.items():
            assert self.names.find(draft, name) == self.files[which][0], name
        found = self.listed()
        assert sorted(found) == sorted(self.model)
        assert self.names.is_empty(draft) == (not self.model)

    def check(self) -> None:
        """Unmount, and let others look: e2fsck, and the reader of a volume that is only read.  Then mount it again."""
        self.count_links()
        self.volume.unmount()
        self.image.write_bytes(self.device.data)
        done = subprocess.run([E2FSCK, "-fn", self.image], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-3000:]
        reader = mount(bytes(self.device.data))
        found = {name: number for name, _, number, _ in listing(reader, self.handle, call="list")}
        assert found == {name: self.files[which][0] for name, which in self.model.items()}
        for name, which in list(self.model.items())[:: max(1, len(self.model) // 300)]:
            assert reader.lookup(self.handle, name)[0] == self.files[which][0]
        self.mount()

    def count_links(self) -> None:
        """Give the files as many links as they have names."""
        inodes, store = self.state.inodes, self.state.store
        store.begin()
        for index, handle in enumerate(self.files):
            draft = inodes.open(handle)
            draft.links = 1 + sum(which == index for which in self.model.values())
            inodes.save(draft)
        store.end()


def some_name(source: random.Random, longest: int = 255) -> bytes:
    """Any name: of all lengths, of odd bytes, alike in parts."""
    kind = source.random()
    if kind < 0.5:
        return b"name-%d" % source.randrange(3000)
    if kind < 0.75:
        return b"x" * source.randrange(1, longest + 1)
    if kind < 0.9:
        raw = source.randbytes(source.randrange(1, longest + 1)).replace(b"/", b"-").replace(b"\0", b"+")
        return raw if raw not in (b".", b"..") else b"..."
    return bytes(source.choice(b"ab\xff") for _ in range(source.randrange(1, 6)))
