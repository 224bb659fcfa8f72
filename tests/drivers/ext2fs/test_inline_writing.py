# SPDX-License-Identifier: BSD-2-Clause
"""Files that live in their inode, written: against a byte string, e2fsck, debugfs and the Linux kernel."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest
from ext2_drafts import Desk
from ext2_support import DEBUGFS, listing, loop_mounted, mke2fs, needs_mke2fs, needs_root, read_file

from rump.drivers.fs.ext2fs.disk_files import INODE_EXTENTS, INODE_INLINE_DATA
from rump.drivers.fs.ext2fs.writing import inline, xattr
from rump.kernel import abi
from rump.kernel.errors import Corrupt
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

VOLUMES = {
    "256-1k": "-b 1024 -I 256 -O ^has_journal,inline_data",
    "256-4k-plain": "-b 4096 -I 256 -O ^has_journal,inline_data,^metadata_csum",
    "1024-1k-ea": "-b 1024 -I 1024 -O ^has_journal,inline_data,ea_inode",
    "1024-4k": "-b 4096 -I 1024 -O ^has_journal,inline_data",
    "256-1k-indirect": "-b 1024 -I 256 -O ^has_journal,inline_data,^extent,^64bit",
}
SMALL = (0, 1, 59, 60, 61, 75, 90)
NAMES = [b"file%d" % size for size in SMALL]


def make(tmp_path: Path, options: str) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir(exist_ok=True)
    for size in SMALL:
        (tree / f"file{size}").write_bytes(b"d" * size)
    for count in (0, 1, 3, 6):
        folder = tree / f"folder{count}"
        folder.mkdir(exist_ok=True)
        for number in range(count):
            (folder / f"name-{number}").write_bytes(b"x")
    if not (tree / "link").is_symlink():
        os.symlink("to" * 35, tree / "link")
    return mke2fs(tmp_path / "image", "4M", "-t", "ext4", *options.split(), tree=tree)


def number_of(desk: Desk, name: bytes) -> int:
    volume = desk.volume()
    return volume.lookup(volume.root()[:2], name)[0]


def contents(desk: Desk, number: int) -> bytes:
    volume = desk.volume()
    return read_file(volume, volume.inodes.attributes(number))


def begin_again(state, draft) -> None:
    """Make a file as a new one."""
    draft.size = 0
    xattr.set_body(draft, [])
    inline.start(state, draft)


@pytest.mark.parametrize("options", VOLUMES.values(), ids=VOLUMES)
def test_against_bytes(tmp_path, options):
    desk = Desk(make(tmp_path, options))
    volume = desk.volume()
    numbers = [volume.lookup(volume.root()[:2], name)[0] for name in NAMES]
    rng = random.Random(22)
    model = {number: b"d" * size for number, size in zip(numbers, SMALL, strict=True)}
    kept: dict[int, dict[bytes, bytes]] = {number: {} for number in numbers}
    for number in numbers:
        if not desk.draft(number).flags & INODE_INLINE_DATA:
            assert desk.state.geometry.inode_size == 256
            del model[number]
    outgrown = 0
    for _ in range(300):
        number = rng.choice(list(model))
        draft = desk.draft(number)
        most = inline.limit(desk.state, draft)
        kind = rng.random()
        if not draft.flags & INODE_INLINE_DATA:
            continue
        if kind < 0.6:
            data = rng.randbytes(rng.randrange(most))
            offset = rng.randrange(most)
            if inline.can_hold(desk.state, draft, offset + len(data)):
                old = model[number].ljust(offset, b"\0")
                desk.do(number, inline.write, offset, data)
                model[number] = old[:offset] + data + old[offset + len(data) :]
            else:
                with pytest.raises(OSError, match="No space"):
                    desk.do(number, inline.write, offset, data)
        elif kind < 0.8:
            size = rng.randrange(most + 1)
            desk.do(number, inline.truncate, size)
            model[number] = model[number][:size].ljust(size, b"\0")
        elif kind < 0.98:
            name, value = b"user.%d" % rng.randrange(3), rng.randbytes(rng.randrange(80))
            desk.do(number, xattr.set_xattr, name, value)
            kept[number][name] = value
        else:
            desk.do(number, inline.outgrow)
            outgrown += 1
        draft = desk.draft(number)
        assert draft.size == len(model[number])
        if draft.flags & INODE_INLINE_DATA:
            assert inline.content(draft) == model[number]
    assert outgrown
    desk.check()
    volume = desk.volume()
    for number, data in model.items():
        found = volume.inodes.attributes(number)
        assert read_file(volume, found) == data
        assert {n: volume.get_xattr(found[:2], n) for n in volume.list_xattr(found[:2])} == kept[number]
        dump = subprocess.run([DEBUGFS, "-R", f"cat <{number}>", desk.image], capture_output=True, check=True)
        assert dump.stdout[: len(data)] == data         # it shows all 60 bytes of an inline file


@needs_root
@pytest.mark.parametrize("options", VOLUMES.values(), ids=VOLUMES)
def test_linux_goes_on(tmp_path, options):
    """Files begun, grown and outgrown here are read by Linux, which appends to them."""
    desk = Desk(make(tmp_path, options))
    wanted = {}
    for number, name in enumerate(NAMES[1:4]):
        inode = number_of(desk, name)
        desk.do(inode, begin_again)
        assert desk.draft(inode).flags & (INODE_INLINE_DATA | INODE_EXTENTS) == INODE_INLINE_DATA
        data = bytes(range(33, 33 + 30 * number + 10))
        desk.do(inode, inline.write, 3, data)
        wanted[name] = bytes(3) + data
        if number == 2:
            desk.do(inode, inline.outgrow)
            assert not desk.draft(inode).flags & INODE_INLINE_DATA
    desk.check()
    with loop_mounted(desk.image_now(), tmp_path / "mnt", "rw") as where:
        for name, data in wanted.items():
            path = where / os.fsdecode(name)
            assert path.read_bytes() == data
            with open(path, "ab") as file:
                file.write(b"more")
            assert path.read_bytes() == data + b"more"
    again = Desk(desk.image)
    again.check()
    for name, data in wanted.items():
        assert contents(again, number_of(again, name)) == data + b"more"


def test_new_file(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["256-1k"]))
    number = number_of(desk, b"file1")
    desk.do(number, begin_again)
    draft = desk.draft(number)
    assert inline.content(draft) == b"" and inline.limit(desk.state, draft) == 60 + 256 - 160 - 8 - 20
    assert not xattr.names(desk.state, draft)
    desk.check()
    assert inline.can_hold(desk.state, draft, 128) and not inline.can_hold(desk.state, draft, 129)
    desk.do(number, xattr.set_many, [(b"user.a", b"12345"), (b"user.b", b"")])
    assert inline.limit(desk.state, desk.draft(number)) == 60 + 68 - 28 - 20
    desk.do(number, inline.write, 0, b"x" * 80)
    for wrong in (81, 1000):
        with pytest.raises(OSError, match="No space"):
            desk.do(number, inline.truncate, wrong)
    desk.do(number, xattr.set_xattr, b"user.c", b"1")       # the contents stay: it goes into a block
    draft = desk.draft(number)
    assert draft.xattr_block and inline.content(draft) == b"x" * 80
    desk.check()
    assert contents(desk, number) == b"x" * 80
    desk.do(number, inline.outgrow)
    desk.check()
    assert contents(desk, number) == b"x" * 80 and desk.draft(number).sectors == 4
    assert len(xattr.names(desk.state, desk.draft(number))) == 3


def test_no_room_for_it(tmp_path):
    """Where all room is taken, or there never was any, a new file has an empty block map."""
    desk = Desk(make(tmp_path, VOLUMES["256-1k"]))
    number = number_of(desk, b"file0")

    def begin(state, draft) -> bool:
        draft.size = 0
        xattr.set_body(draft, [])
        xattr.set_many(state, draft, [(b"user.a", b"1" * 60)])
        return inline.start(state, draft)

    assert desk.do(number, begin) is False
    assert desk.draft(number).flags & (INODE_INLINE_DATA | INODE_EXTENTS) == INODE_EXTENTS
    desk.check()


def test_outgrow_empty(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["256-1k"]))
    number = number_of(desk, b"file0")
    free = desk.state.alloc.free_blocks()
    desk.do(number, inline.outgrow)
    assert desk.state.alloc.free_blocks() == free and not desk.draft(number).sectors
    desk.check()


@pytest.mark.parametrize("options", VOLUMES.values(), ids=VOLUMES)
def test_directories_and_links(tmp_path, options):
    desk = Desk(make(tmp_path, options))
    volume = desk.volume()
    root = volume.root()[:2]
    converted = 0
    for _, _, found in listing(volume, root):
        if found[v.MODE] & abi.S_IFMT not in (abi.S_IFDIR, abi.S_IFLNK):
            continue
        number = found[0]
        if not desk.draft(number).flags & INODE_INLINE_DATA:
            continue
        is_directory = found[v.MODE] & abi.S_IFMT == abi.S_IFDIR
        before = sorted(entry[::2] for entry in listing(volume, found[:2], call="list")) if is_directory else []
        target = b"" if is_directory else volume.readlink(found[:2])
        desk.do(number, inline.outgrow)
        desk.check()
        after = desk.volume()
        if is_directory:
            assert sorted(entry[::2] for entry in listing(after, found[:2], call="list")) == before
        else:
            assert after.readlink(found[:2]) == target
        converted += 1
    assert converted >= 4


@needs_root
def test_directory_in_two_parts(tmp_path):
    """One that Linux let grow beyond the place of the block map."""
    desk = Desk(make(tmp_path, VOLUMES["256-1k"]))
    with loop_mounted(desk.image, tmp_path / "mnt", "rw") as where:
        for number in range(3, 6):
            (where / "folder3" / f"a-name-{number}").touch()
        (where / "folder3" / "name-1").unlink()
    desk = Desk(desk.image)
    number = number_of(desk, b"folder3")
    draft = desk.draft(number)
    assert draft.flags & INODE_INLINE_DATA and draft.size > 60
    assert inline.content(draft) == draft.block + inline._value(draft)
    desk.do(number, inline.outgrow)
    desk.check()
    with loop_mounted(desk.image, tmp_path / "mnt", "rw") as where:
        names = {"name-0", "name-2", "a-name-3", "a-name-4", "a-name-5"}
        assert set(os.listdir(where / "folder3")) == names
        (where / "folder3" / "another").touch()
        assert set(os.listdir(where / "folder3")) == {*names, "another"}
    Desk(desk.image).check()


def test_damage(tmp_path):
    """A directory whose entries do not fit, and a size that is too large."""
    desk = Desk(make(tmp_path, VOLUMES["256-1k"]))
    number = number_of(desk, b"folder1")
    before = desk.draft(number)
    rng = random.Random(3)
    for length in (b"\0\0", b"\5\0", b"\xff\xff", b"\x40\0"):
        def damage(state, draft, length=length) -> None:
            draft.block = before.block[:8] + length + before.block[10:]

        desk.do(number, damage)
        with pytest.raises(Corrupt):
            desk.do(number, inline.outgrow)
    for _ in range(200):
        def scribble(state, draft) -> None:
            block = bytearray(before.block)
            for _ in range(2):
                block[rng.randrange(4, 60)] = rng.randrange(256)
            draft.block = bytes(block)
            inline.outgrow(state, draft)
            raise KeyboardInterrupt

        try:
            desk.do(number, scribble)
        except (Corrupt, KeyboardInterrupt):
            pass

    def enlarge(state, draft) -> None:
        draft.block, draft.size = before.block, 5000

    desk.do(number, enlarge)
    for function, *arguments in ((inline.outgrow,), (inline.write, 0, b"x"), (inline.truncate, 3)):
        with pytest.raises(Corrupt):
            desk.do(number, function, *arguments)


def test_full_volume(tmp_path):
    """What has no room to outgrow its inode stays there."""
    desk = Desk(make(tmp_path, VOLUMES["256-1k"]))
    number = number_of(desk, b"file60")
    state = desk.state
    state.store.begin()
    held = []
    while state.alloc.free_blocks():
        held.append(state.alloc.take(0, state.alloc.free_blocks()))
    state.store.end()
    with pytest.raises(OSError) as caught:
        desk.do(number, inline.outgrow)
    assert caught.value.errno == e.ENOSPC
    assert inline.content(desk.draft(number)) == b"d" * 60
    state.store.begin()
    for start, count in held:
        state.alloc.release(start, count)
    state.store.end()
    desk.check()
