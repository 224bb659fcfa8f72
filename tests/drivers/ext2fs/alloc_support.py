# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the allocator share: volumes of many kinds with what an allocator needs around it, and dumpe2fs."""

from __future__ import annotations

import re

import ext2_support as x
from memory_support import InPlace, Memory

from rump.drivers.fs.ext2fs import disk, superblock
from rump.drivers.fs.ext2fs.bmap import Maps
from rump.drivers.fs.ext2fs.groups import Groups
from rump.drivers.fs.ext2fs.writing.alloc import Allocator
from rump.drivers.fs.ext2fs.writing.inode import WritableInodes
from rump.drivers.fs.ext2fs.writing.medium import WritableMedium
from rump.drivers.fs.ext2fs.writing.state import State, SuperblockFields
from rump.kernel.vfs.transaction import Store


class Volume:
    """An image with all that the allocator needs around it."""

    def __init__(self, path, ordered: bool = False, log=None) -> None:
        self.path = path
        self.device = Memory(path.read_bytes())
        services = x.services(log)
        self.geometry = geometry = superblock.read(self.device, services, disk.SUPERBLOCK_OFFSET)
        self.state = state = State()
        state.medium = medium = WritableMedium(self.device, geometry, services, 1 << 20)
        state.geometry, state.services, state.ordered = geometry, services, ordered
        state.store = medium.store = self.store = Store(self.device, geometry.shift, services, InPlace(), medium.drop)
        state.super = SuperblockFields(state.store, services, geometry)
        state.inodes = WritableInodes(medium, Groups(medium))
        state.maps = Maps(medium)
        state.alloc = self.alloc = Allocator(state)
        for part in (state.inodes, state.alloc, state.super):
            self.store.prepare.append(part.prepare)
            self.store.committed.append(part.committed)
            self.store.weigh.append(part.weight)
        self.root = state.inodes.edit(2, *state.inodes.special(2))

    def parent(self, number: int = 2, flags: int = 0):
        """A directory."""
        draft = self.state.inodes.blank(number)
        draft.flags = flags
        return draft

    def do(self, function, *arguments):
        """An operation."""
        self.store.begin()
        try:
            result = function(*arguments)
        except BaseException:
            self.store.rollback()
            raise
        self.store.end()
        return result

    def saved(self):
        """Commit, and the image as a file."""
        self.store.commit()
        assert self.store.weight() == 0
        self.path.write_bytes(self.device.data)
        return self.path

    def check(self) -> None:
        x.run(x.E2FSCK, "-fn", self.saved())


def numbers(text: str) -> set[int]:
    found: set[int] = set()
    for piece in text.replace(",", " ").split():
        first, _, last = piece.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


class Dump:
    """What dumpe2fs says: sets of free blocks and inodes, and the counts of groups added up."""

    def __init__(self, path) -> None:
        text = x.run(x.DUMPE2FS, path)
        self.blocks = numbers(" ".join(re.findall(r"^  Free blocks: (.*)$", text, re.M)))
        self.inodes = numbers(" ".join(re.findall(r"^  Free inodes: (.*)$", text, re.M)))
        rows = re.findall(r"^  (\d+) free blocks, (\d+) free inodes, (\d+) directories", text, re.M)
        self.counts = tuple(sum(int(row[i]) for row in rows) for i in range(3))
        self.super = tuple(int(re.search(rf"^Free {name}: +(\d+)", text, re.M)[1]) for name in ("blocks", "inodes"))


MIXES = {
    "ext2-1k": ("6M", "-t", "ext2", "-b", "1024", "-g", "1024", "-N", "200"),
    "ext2-old-128": ("12M", "-t", "ext2", "-b", "1024", "-I", "128", "-O", "^sparse_super,^dir_index,^resize_inode"),
    "ext3-2k": ("20M", "-t", "ext3", "-b", "2048", "-g", "2048", "-J", "size=2"),
    "gdt-csum": ("24M", "-t", "ext4", "-b", "1024", "-O", "uninit_bg,^metadata_csum,^has_journal"),
    "csum-1k-no-flex": ("24M", "-t", "ext4", "-b", "1024", "-O", "^flex_bg,^has_journal", "-g", "2048"),
    "csum-32-bit": ("24M", "-t", "ext4", "-b", "1024", "-O", "^64bit,^has_journal", "-G", "4"),
    "no-sums": ("24M", "-t", "ext4", "-b", "1024", "-O", "^metadata_csum,^uninit_bg,^has_journal", "-G", "2"),
    "4k": ("80M", "-t", "ext4", "-b", "4096", "-g", "2048", "-N", "3000", "-O", "^has_journal"),
    "64k": ("40M", "-t", "ext4", "-b", "65536", "-g", "256", "-O", "^has_journal"),
    "meta-bg": ("40M", "-t", "ext4", "-b", "1024", "-g", "256", "-O", "meta_bg,^resize_inode,^has_journal"),
    "meta-bg-no-flex": ("40M", "-t", "ext4", "-b", "1024", "-g", "512", "-O",
                        "meta_bg,^flex_bg,^resize_inode,^has_journal"),
    "sparse-super2": ("24M", "-t", "ext4", "-b", "1024", "-g", "1024", "-O",
                      "sparse_super2,^resize_inode,^has_journal"),
    "lazy": ("48M", "-t", "ext4", "-b", "1024", "-E",
             "lazy_itable_init=1,hash_seed=fedcba98-7654-3210-fedc-ba9876543210"),
}  # fmt: skip


def image(folder, name: str, **keywords) -> Volume:
    """A volume of that mix; keywords go to `Volume`."""
    size, *options = MIXES[name]
    return Volume(x.mke2fs(folder / "image", size, *options), **keywords)


def lost_contents(volume: Volume) -> None:
    """Fill every block that is free, and unused inode tables, with garbage: nobody may rely on zeros there."""
    groups = volume.alloc._groups
    size, geometry = volume.geometry.block_size, volume.geometry
    for group in range(geometry.groups):
        if groups.sums:
            row, table = groups.row(group), groups.place(group)[2]
            unused = geometry.inodes_per_group if row[3] & 1 else row[4]
            used = geometry.inodes_per_group - unused
            first, last = -(-used * geometry.inode_size // size), groups.table_blocks
            if not row[3] & 4:
                volume.device.write((table + first) * size, b"\xa5" * ((last - first) * size))


def rebuilt(volume: Volume, ordered: bool, log: list[str]) -> Volume:
    volume.path.write_bytes(volume.device.data)
    return Volume(volume.path, ordered, log)
