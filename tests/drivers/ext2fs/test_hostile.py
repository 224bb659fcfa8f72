# SPDX-License-Identifier: BSD-2-Clause
"""Damaged images: an error or data, in bounded time and memory, and never an exception that no check foresaw."""

from __future__ import annotations

import os
import random
import shlex
import struct
import time

import pytest
from ext2_support import (
    Bytes,
    listing,
    mke2fs,
    mount,
    needs_mke2fs,
    read_file,
    walk,
    walk_everything,
)  # fmt: skip

from rump.drivers.fs.ext2fs import disk, disk_files
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

KINDS = {
    "ext2": "-t ext2 -b 1024 -N 64",
    "ext3": "-t ext3 -b 1024 -N 64 -J size=1",
    "ext4": "-t ext4 -b 1024 -N 64 -O ^has_journal",
    "ext4-unchecked": "-t ext4 -b 1024 -N 64 -O ^has_journal,^metadata_csum,inline_data,ea_inode",
    "ext4-4k": "-t ext4 -b 4096 -N 64 -O ^has_journal,^metadata_csum,inline_data,bigalloc",
}
SECONDS_MAX = 5     # for mounting and reading everything of one damaged image of 1 MiB


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """kind -> the bytes of a small image with a bit of everything."""
    folder = tmp_path_factory.mktemp("hostile")
    tree = folder / "tree"
    (tree / "folder" / "deep").mkdir(parents=True)
    for size in (0, 1, 50, 100, 1000, 20_000):
        (tree / f"file{size}").write_bytes(bytes(range(256)) * (size // 256) + b"z" * (size % 256))
    for number in range(30):
        (tree / "folder" / f"name-{number}").symlink_to("t" * (number * 5 + 1))
    with open(tree / "holes", "wb") as file:
        for at in range(0, 300_000, 3000):
            file.seek(at)
            file.write(b"x")
    for name in ("file1", "file50"):
        (tree / name).touch()
    base = bytes(tree)
    attributes_of_small_tree(base)
    result = {}
    for kind, options in KINDS.items():
        image = mke2fs(folder / kind, "4M" if kind == "ext3" else "2M", *shlex.split(options), tree=tree)
        result[kind] = image.read_bytes()
    return result


def attributes_of_small_tree(base: bytes) -> None:
    os.setxattr(base + b"/file50", b"user.small", b"value")
    os.setxattr(base + b"/file50", b"user.big", b"B" * 700)
    os.setxattr(base + b"/folder", b"user.of-folder", b"1")


def examine(image: bytes) -> None:
    """Mount and read everything; only faults, none of them unforeseen, and soon."""
    log: list[str] = []
    started = time.monotonic()
    try:
        volume = mount(image, log, cache_bytes=1 << 18)
    except Fault as error:
        assert error.__cause__ is None, error.__cause__
    else:
        walk_everything(volume)
    assert time.monotonic() - started < SECONDS_MAX


def used_bytes(image: bytes) -> list[int]:
    """Where an image is not zero: flips there hit something."""
    return [at for at in range(0, len(image), 4) if image[at : at + 4] != b"\0\0\0\0"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_bit_flips(kind, seed, originals):
    """Single flips, and some dozens at once, of bytes in use."""
    order = random.Random(f"{kind} {seed}")
    original = originals[kind]
    places = used_bytes(original)
    for _ in range(120):
        image = bytearray(original)
        for _ in range(order.choice((1, 1, 2, 8, 40))):
            image[order.choice(places) + order.randrange(4)] ^= 1 << order.randrange(8)
        examine(bytes(image))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_wild_words(kind, originals):
    """Whole words of metadata replaced by extreme values."""
    order = random.Random(kind)
    original = originals[kind]
    places = [at for at in used_bytes(original) if at < 100_000]
    for _ in range(120):
        image = bytearray(original)
        for _ in range(order.choice((1, 3))):
            at = order.choice(places)
            word = order.choice((0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFF, 0xFFFF0000, order.getrandbits(32)))
            image[at : at + 4] = struct.pack("<I", word)
        examine(bytes(image))


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_anywhere(kind, originals):
    original = originals[kind]
    for size in [0, 1, 1023, 1024, 1500, 2047, 2048, 2049, 3000, *range(4096, len(original), 61_440)]:
        examine(original[:size])


def test_truncated_image_says_what_was_wanted(originals):
    log: list[str] = []
    volume = mount(originals["ext2"][:20_000], log)
    assert "cut short" in log[0]
    with pytest.raises(Corrupt, match=r"inode|directory"):
        list(walk(volume))


# ---- one lie at a time ---------------------------------------------------------------------------------------------


class Patch:
    """An image without checksums, changed where the disk structures say a field is."""

    def __init__(self, image: bytes) -> None:
        self.image = bytearray(image)
        self.volume = mount(image, [])

    def inode_at(self, name: bytes) -> int:
        """Where the inode of a file in the root lies."""
        number = self.volume.lookup(self.volume.root()[:2], name)[v.FILEID] if name else disk.ROOT_INO
        group, index = divmod(number - 1, self.volume.medium.geometry.inodes_per_group)
        return self.volume.groups.inode_table(group)[0] + index * self.volume.medium.geometry.inode_size

    def inode(self, name: bytes, offset: int, data: bytes) -> Patch:
        at = self.inode_at(name) + offset
        self.image[at : at + len(data)] = data
        return self

    def superblock(self, offset: int, data: bytes) -> Patch:
        self.image[1024 + offset : 1024 + offset + len(data)] = data
        return self

    def directory(self) -> int:
        """Where the root directory's first block is."""
        inode = self.volume.inodes.make(2, *self.volume.inodes.special(2))
        return self.volume.maps.blocks(inode, 0, 1)[0][3] * self.volume.medium.geometry.block_size

    def mount(self, log=None):
        return mount(bytes(self.image), [] if log is None else log)


@pytest.fixture
def plain(originals):
    return Patch(originals["ext4-unchecked"])


@pytest.mark.parametrize(("offset", "data", "field"), [
    (0x18, b"\x07\0\0\0", "log_block_size"), (0x20, b"\0\0\0\0", "blocks_per_group"),
    (0x28, b"\0\0\0\0", "inodes_per_group"), (0x28, b"\xff\xff\xff\xff", "inodes_per_group"),
    (0x58, b"\x00\x00", "inode_size"), (0x58, b"\x81\x00", "inode_size"), (0x58, b"\x00\x80", "inode_size"),
    (0x14, b"\xff\xff\xff\x7f", "first_data_block"), (0x00, b"\xff\xff\xff\xff", "inodes_count"),
    (0x54, b"\x01\0\0\0", "first_ino"), (0xFE, b"\x30\0", "desc_size"),
])  # fmt: skip
def test_superblock_fields_are_checked(plain, offset, data, field):
    if field == "desc_size":
        plain.superblock(0x60, struct.pack("<I", 0x2C2 | 0x8000))
    with pytest.raises(Corrupt, match=field):
        plain.superblock(offset, data).mount()


def test_unknown_features(plain, originals):
    incompat = struct.unpack_from("<I", originals["ext4-unchecked"], 1024 + 0x60)[0]
    with pytest.raises(Fault, match="FEATURE_I20 FEATURE_I31") as refused:
        plain.superblock(0x60, struct.pack("<I", incompat | 1 << 31 | 1 << 20)).mount()
    assert refused.value.errno == e.EINVAL
    with pytest.raises(Fault, match="compression"):
        plain.superblock(0x60, struct.pack("<I", incompat | 1)).mount()
    plain.superblock(0x60, struct.pack("<I", incompat)).superblock(0x64, b"\xff\xf9\xff\xff").mount()


def test_no_file_system_and_bad_options(originals):
    for image in (b"", b"\0" * 4096, originals["ext2"][:1024] + bytes(4096)):
        with pytest.raises(Fault) as refused:
            mount(image)
        assert refused.value.errno == e.EFTYPE
    with pytest.raises(Fault, match="unknown option colour"):
        mount(originals["ext2"], colour="red")
    with pytest.raises(Fault, match="sb"):
        mount(originals["ext2"], sb="-1")


@pytest.mark.parametrize(("at", "data"), [
    (0, b"\0\0"), (2, b"\5\0"), (6, b"\x09\0"), (6, b"\1\0"), (4, b"\xff\xff"),
    (12, b"\xff\xff\xff\xff"), (16, b"\0\0"), (18, b"\xff\xff"), (20, b"\xff\xff\xff\xff"),
])  # fmt: skip
def test_extent_lies(plain, at, data):
    volume = plain.inode(b"file20000", 40 + at, data).mount()
    found = volume.lookup(volume.root()[:2], b"file20000")
    with pytest.raises(Corrupt, match=f"inode {found[v.FILEID]}"):
        read_file(volume, found)


def test_extent_cycles(plain):
    """A node that is its own child, at every depth."""
    block = plain.directory() // 1024 + 40
    node = struct.pack("<HHHHI", disk_files.EXTENT_MAGIC, 1, 84, 1, 0) + struct.pack("<IIHH", 0, block, 0, 0)
    for depth in (1, 2, 5):
        head = struct.pack("<HHHHI", disk_files.EXTENT_MAGIC, 1, 4, depth, 0) + struct.pack("<IIHH", 0, block, 0, 0)
        plain.inode(b"file20000", 40, head)
        plain.image[block * 1024 : block * 1024 + len(node)] = node
        volume = plain.mount()
        found = volume.lookup(volume.root()[:2], b"file20000")
        with pytest.raises(Corrupt, match="depth"):
            read_file(volume, found)


def test_indirect_blocks_that_name_themselves(originals):
    """A triple-indirect tree of one block: terabytes of file, answered in pieces."""
    patch = Patch(originals["ext2"])
    block = patch.directory() // 1024 + 1
    for at in range(40 + 48, 40 + 60, 4):
        patch.inode(b"file20000", at, struct.pack("<I", block))
    patch.inode(b"file20000", 4, b"\xff\xff\xff\x7f").inode(b"file20000", 108, b"\1\0\0\0")
    patch.image[block * 1024 : (block + 1) * 1024] = struct.pack("<256I", *[block] * 256)
    volume = patch.mount()
    found = volume.lookup(volume.root()[:2], b"file20000")
    runs = volume.map(found[:2], 0, found[v.SIZE])
    assert 0 < len(runs) <= 4097
    patch.image[block * 1024 : (block + 1) * 1024] = struct.pack("<256I", *[0] * 256)
    volume = patch.mount()
    started = time.monotonic()
    runs = volume.map(found[:2], 12 * 1024, 1 << 40)
    assert time.monotonic() - started < 1 and runs[0][0] == v.HOLE


@pytest.mark.parametrize(("name", "shown"), [(b"a/b", False), (b"a\0b", False), (b"...", True)])
def test_names_that_cannot_be(plain, name, shown):
    at = plain.image.find(b"file1", plain.directory())
    old = bytes(plain.image[at : at + 5])
    plain.image[at : at + 5] = b"x" * 5
    length = plain.image[at - 2]
    assert old == b"file1" and length >= 3
    plain.image[at : at + 3] = name
    plain.image[at - 2] = 3
    log: list[str] = []
    volume = plain.mount(log)
    names = [entry[0] for entry in listing(volume, volume.root()[:2])]
    assert (name in names) is shown
    assert shown or "left out" in log[-1]


@pytest.mark.parametrize(("offset", "data"), [
    (4, b"\0\0"), (4, b"\x06\0"), (4, b"\xff\xff"), (4, b"\xfc\xff"), (6, b"\xff"), (0, b"\xff\xff\xff\x7f"),
])  # fmt: skip
def test_entries_that_do_not_fit(plain, offset, data):
    at = plain.image.find(b"file1000", plain.directory()) - 8
    plain.image[at + offset : at + offset + len(data)] = data
    volume = plain.mount()
    root = volume.root()[:2]
    with pytest.raises(Corrupt, match="directory 2"):
        listing(volume, root)
    entries, cookie = volume.list(root, 0, 100)     # what comes before is there
    assert entries and cookie != v.END and b"file1000" not in [entry[0] for entry in entries]
    with pytest.raises(Corrupt):
        volume.list(root, cookie, 100)


def test_dot_names_inside_a_directory_are_not_passed_up(plain):
    at = plain.image.find(b"file1000", plain.directory())
    plain.image[at - 2] = 2
    plain.image[at : at + 2] = b".."
    volume = plain.mount()
    assert b".." not in [entry[0] for entry in listing(volume, volume.root()[:2])]


def test_entry_of_a_free_or_reserved_inode(plain):
    at = plain.image.find(b"file1000", plain.directory()) - 8
    for number in (8, 60):
        plain.image[at : at + 4] = struct.pack("<I", number)
        volume = plain.mount()
        rows = {name: row for name, _, row in listing(volume, volume.root()[:2])}
        assert rows[b"file1000"] is None and rows[b"file1"] is not None
        with pytest.raises(Fault) as stale:
            volume.lookup(volume.root()[:2], b"file1000")
        assert stale.value.errno in (e.EIO, e.ESTALE)


def test_one_bad_inode_checksum_harms_only_itself(originals):
    patch = Patch(originals["ext4"])
    patch.inode(b"file1000", 8, b"\x12")
    volume = patch.mount()
    rows = {name: row for name, _, row in listing(volume, volume.root()[:2])}
    assert rows.pop(b"file1000") is None and all(rows.values())
    with pytest.raises(Corrupt, match=r"inode \d+: checksum"):
        volume.lookup(volume.root()[:2], b"file1000")


def test_bad_checksums_are_named(originals):
    """Directory block, group descriptor, superblock, attribute block."""
    patch = Patch(originals["ext4"])
    at = patch.directory()
    patch.image[at + 200] ^= 1
    volume = patch.mount()
    with pytest.raises(Corrupt, match="directory 2: block 0: checksum"):
        volume.list_attributes(volume.root()[:2], 0, 100)
    patch = Patch(originals["ext4"])
    patch.image[2048 + 9] ^= 1
    with pytest.raises(Corrupt, match="group 0: descriptor checksum"):
        patch.mount().root()
    with pytest.raises(Corrupt, match="superblock: checksum"):
        Patch(originals["ext4"]).superblock(0x78, b"Z").mount()
    patch = Patch(originals["ext4"])
    found = patch.volume.lookup(patch.volume.root()[:2], b"file50")
    block = patch.volume.inodes.load(found[:2]).xattr_block
    assert block
    patch.image[block * 1024 + 1000] ^= 1
    with pytest.raises(Corrupt, match=f"attribute block {block}: checksum"):
        patch.mount().get_xattr(found[:2], b"user.big")


def test_a_wrong_hash_of_an_attribute_is_reported(originals):
    patch = Patch(originals["ext2"])
    found = patch.volume.lookup(patch.volume.root()[:2], b"file50")
    block = patch.volume.inodes.load(found[:2]).xattr_block
    if not block:
        pytest.skip("the attributes fit the inode")
    at = patch.image.find(b"BBBB", block * 1024)
    patch.image[at] = ord("C")
    log: list[str] = []
    assert patch.mount(log).get_xattr(found[:2], b"user.big")[:2] == b"CB"
    assert "hash of attribute" in log[0]


def test_huge_sizes(plain):
    for size_low, size_high in ((0xFFFFFFFF, 0x7FFFFFFF), (0, 0x80000000)):
        plain.inode(b"file20000", 4, struct.pack("<I", size_low))
        plain.inode(b"file20000", 108, struct.pack("<I", size_high))
        volume = plain.mount()
        number = {n: f for n, _, f, _ in listing(volume, volume.root()[:2], call="list")}[b"file20000"]
        with pytest.raises(Corrupt, match=f"inode {number}: size"):
            found = volume.attributes((number, 0))
            volume.map(found[:2], 0, found[v.SIZE])
    volume = plain.inode(b"", 4, b"\0\0\0\x7f").mount()
    with pytest.raises(Corrupt, match="size"):
        listing(volume, volume.root()[:2])


def test_device_is_never_read_outside(originals):
    class Strict(Bytes):
        def read(self, offset, length):
            assert offset >= 0 and offset + length <= self.size
            return super().read(offset, length)

    for kind in KINDS:
        walk_everything(mount(Strict(originals[kind]), []))
        walk_everything(mount(Strict(originals[kind][:1_000_000]), []))
