# SPDX-License-Identifier: BSD-2-Clause
"""Extended attributes written: against a dictionary, e2fsck, debugfs and the Linux kernel."""

from __future__ import annotations

import errno
import os
import random
import struct
import subprocess
from pathlib import Path

import pytest
from ext2_drafts import Desk
from ext2_support import DEBUGFS, E2FSCK, loop_mounted, mke2fs, needs_mke2fs, needs_root

from rump.drivers.fs.ext2fs.disk_files import INODE_INLINE_DATA
from rump.drivers.fs.ext2fs.writing import acl, xattr, xattr_block
from rump.drivers.fs.ext2fs.xattr import PREFIXES
from rump.kernel import abi
from rump.kernel.errors import Corrupt
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

VOLUMES = {
    "ext2-128-1k": "-t ext2 -b 1024 -I 128",
    "ext2-256-4k": "-t ext2 -b 4096 -I 256",
    "ext4-128-4k": "-t ext4 -b 4096 -I 128 -O ^has_journal,^metadata_csum",
    "ext4-256-1k": "-t ext4 -b 1024 -I 256 -O ^has_journal",
    "ext4-256-4k-ea": "-t ext4 -b 4096 -I 256 -O ^has_journal,ea_inode",
    "ext4-256-1k-ea-plain": "-t ext4 -b 1024 -I 256 -O ^has_journal,^metadata_csum,ea_inode",
    "ext4-1024-4k": "-t ext4 -b 4096 -I 1024 -O ^has_journal",
    "ext4-256-1k-indirect-ea": "-t ext4 -b 1024 -O ^has_journal,^extent,^64bit,ea_inode",
    "ext4-inline-ea": "-t ext4 -b 1024 -O ^has_journal,inline_data,ea_inode",
}
FILES = (b"a", b"b", b"c", b"folder", b"link")
USER = b"user."


def make(tmp_path: Path, options: str, size: str = "8M") -> Path:
    tree = tmp_path / "tree"
    if not tree.exists():
        tree.mkdir()
        for number, name in enumerate((b"a", b"b", b"c")):
            (tree / os.fsdecode(name)).write_bytes(b"contents" * number * 300)
        (tree / "folder").mkdir()
        (tree / "folder" / "below").write_bytes(b"")
        os.symlink("target" * 20, tree / "link")
    return mke2fs(tmp_path / "image", size, *options.split(), tree=tree)


def numbers_of(desk: Desk) -> dict[bytes, int]:
    volume = desk.volume()
    return {name: volume.lookup(volume.root()[:2], name)[0] for name in FILES}


def held_by(volume, number: int) -> dict[bytes, bytes]:
    handle = volume.inodes.attributes(number)[:2]
    names = volume.list_xattr(handle)
    assert len(set(names)) == len(names), names
    return {name: volume.get_xattr(handle, name) for name in names}


def held_by_draft(desk: Desk, number: int) -> dict[bytes, bytes]:
    draft = desk.draft(number)
    return {name: xattr.value(desk.state, draft, name) for name in xattr.names(desk.state, draft)}


def errno_of(function, *arguments) -> int:
    with pytest.raises(OSError) as caught:
        function(*arguments)
    return caught.value.errno


# ---- against a dictionary --------------------------------------------------------------------------------------------

NAMES = (
    b"user.a", b"user.b", b"user.\xc3\xa4\xff", b"user." + b"n" * 200, b"trusted.t", b"security.selinux",
    b"user.long-name", b"trusted.overlay.opaque",
)  # fmt: skip
LENGTHS = (0, 1, 2, 3, 4, 5, 17, 32, 60, 100, 300, 800, 950, 1000, 2500, 4000, 5000, 20000, 65536)


def random_steps(desk: Desk, seed: int, count: int) -> dict[bytes, dict[bytes, bytes]]:
    """Change attributes at random; what each file must have then."""
    rng = random.Random(seed)
    numbers = numbers_of(desk)
    model: dict[bytes, dict[bytes, bytes]] = {name: {} for name in FILES}
    refused = 0
    for _ in range(count):
        file = rng.choice(FILES)
        number, wanted = numbers[file], model[file]
        name = rng.choice(NAMES)
        kind = rng.random()
        if kind < 0.65:
            value = rng.randbytes(rng.choice(LENGTHS[: rng.randrange(4, len(LENGTHS) + 1)]))
            refused += not change(desk, number, wanted, {name: value}, xattr.set_xattr, name, value)
        elif kind < 0.75:
            pairs = {key: rng.randbytes(rng.choice(LENGTHS[:13])) for key in rng.sample(NAMES, 3)}
            refused += not change(desk, number, wanted, pairs, xattr.set_many, list(pairs.items()))
        elif kind < 0.97:
            if name in wanted:
                desk.do(number, xattr.remove_xattr, name)
                del wanted[name]
            else:
                assert errno_of(desk.do, number, xattr.remove_xattr, name) == e.ENOATTR
        elif kind < 0.985:
            desk.do(number, drop_shown)
            wanted.clear()
        else:
            desk.state.store.commit()
        assert held_by_draft(desk, number) == wanted
    assert refused < count // 2
    return model


def drop_shown(state, draft) -> None:
    """All attributes go, but for the contents of an inline file."""
    if draft.flags & INODE_INLINE_DATA:
        for name in xattr.names(state, draft):
            xattr.remove_xattr(state, draft, name)
    else:
        xattr.drop_all(state, draft)


def change(desk: Desk, number: int, wanted: dict, pairs: dict, function, *arguments) -> bool:
    """A change that may be refused for want of room: but never what fits one area whatever else there is."""
    try:
        desk.do(number, function, *arguments)
    except OSError as error:
        assert error.errno == e.ENOSPC
        everything = {**wanted, **pairs}
        size = sum(24 + len(name) + len(value) + 3 for name, value in everything.items())
        assert size > desk.state.geometry.block_size - 36
        return False
    wanted.update(pairs)
    return True


@pytest.mark.parametrize("options", VOLUMES.values(), ids=VOLUMES)
def test_against_a_dictionary(tmp_path, options):
    desk = Desk(make(tmp_path, options))
    before = desk.state.alloc.free_blocks(), desk.state.alloc.free_inodes()
    numbers = numbers_of(desk)
    had = {name: desk.draft(number).sectors for name, number in numbers.items()}
    model = random_steps(desk, 20, 220)
    volume = desk.volume()
    for name, number in numbers.items():
        assert held_by(volume, number) == model[name]
    desk.check()
    dump = subprocess.run(
        [DEBUGFS, "-R", f"ea_list <{numbers[b'a']}>", desk.image], capture_output=True, check=True
    ).stdout.count(b"(")  # fmt: skip
    assert dump >= len(model[b"a"])
    for number in numbers.values():
        desk.do(number, drop_shown)
    desk.check()
    more = {name: desk.draft(number).sectors - had[name] for name, number in numbers.items()}
    if "inline_data" in options:        # the link has outgrown its inode
        assert more.pop(b"link") == 2
        before = before[0] - 1, before[1]
    assert not any(more.values())
    assert (desk.state.alloc.free_blocks(), desk.state.alloc.free_inodes()) == before
    assert not desk.log


@needs_root
@pytest.mark.parametrize("which", ["ext2-128-1k", "ext4-256-4k-ea", "ext4-256-1k-ea-plain", "ext4-inline-ea"])
def test_linux_reads_them(tmp_path, which):
    desk = Desk(make(tmp_path, VOLUMES[which]))
    model = random_steps(desk, 21, 150)
    desk.check()
    with loop_mounted(desk.image_now(), tmp_path / "mnt", "rw") as where:
        for name, wanted in model.items():
            path = os.fsencode(where) + b"/" + name
            names = [os.fsencode(n) for n in os.listxattr(path, follow_symlinks=False)]
            if name == b"link":         # Linux hides user attributes of what is no file
                wanted = {n: v for n, v in wanted.items() if not n.startswith(USER)}
                names = [n for n in names if not n.startswith(USER)]
            found = {n: os.getxattr(path, n, follow_symlinks=False) for n in names}
            assert found == wanted, name
            for each in list(wanted)[::2]:      # and it finds them to be changed
                os.setxattr(path, each, b"by Linux", os.XATTR_REPLACE, follow_symlinks=False)
                os.removexattr(path, each, follow_symlinks=False)
    again = Desk(desk.image)
    again.check()


@needs_root
def test_after_linux(tmp_path):
    """Blocks that Linux made: shared by files, with values in inodes."""
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k-ea-plain"]))
    numbers = numbers_of(desk)
    pairs = {b"user.small": b"s" * 60, b"user.block": b"b" * 500, b"user.large": b"l" * 5000}
    with loop_mounted(desk.image, tmp_path / "mnt", "rw") as where:
        for name in (b"a", b"b", b"c"):
            for key, value in pairs.items():
                os.setxattr(os.fsencode(where) + b"/" + name, key, value)
    desk = Desk(desk.image)
    blocks = [desk.draft(numbers[name]).xattr_block for name in (b"a", b"b", b"c")]
    assert blocks[0] == blocks[1] == blocks[2] > 0
    rows, sharers = xattr_block.load(desk.state, desk.draft(numbers[b"a"]))
    assert sharers == 3 and len(rows) == 2 and any(row[2] for row in rows)
    desk.check()
    model = {name: dict(pairs) for name in (b"a", b"b", b"c")}

    def step(name: bytes, function, *arguments) -> None:
        desk.do(numbers[name], function, *arguments)
        desk.check()
        volume = desk.volume()
        for other, wanted in model.items():
            assert held_by(volume, numbers[other]) == wanted

    model[b"a"][b"user.block"] = b"other" * 50
    step(b"a", xattr.set_xattr, b"user.block", b"other" * 50)
    del model[b"b"][b"user.large"]
    step(b"b", xattr.remove_xattr, b"user.large")
    model[b"c"].clear()
    step(b"c", xattr.drop_all)
    model[b"a"].clear()
    step(b"a", xattr.drop_all)
    assert not desk.draft(numbers[b"a"]).xattr_block


# ---- where they go ---------------------------------------------------------------------------------------------------


def test_placement(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-4k-ea"]))
    number = numbers_of(desk)[b"a"]
    block = desk.state.geometry.block_size
    room = xattr.room(desk.draft(number))
    assert room == 256 - 160 - 8
    desk.do(number, xattr.set_xattr, b"user.a", b"x" * (room - 20))
    assert not desk.draft(number).xattr_block
    desk.do(number, xattr.set_xattr, b"user.b", b"y")
    draft = desk.draft(number)
    assert draft.xattr_block and draft.tail[20:24] == b"a\0\0\0"
    desk.do(number, xattr.set_xattr, b"user.a", b"")         # now there is room for both, but only one is asked for
    assert desk.draft(number).xattr_block == draft.xattr_block
    desk.do(number, xattr.set_xattr, b"user.b", b"z")        # it comes into the inode, and the block goes
    assert not desk.draft(number).xattr_block
    before = desk.state.alloc.free_inodes()
    desk.do(number, xattr.set_xattr, b"user.large", b"L" * (block - 52))
    assert desk.state.alloc.free_inodes() == before - 1
    desk.do(number, xattr.set_xattr, b"user.large", b"L" * (block - 80))
    assert desk.state.alloc.free_inodes() == before and desk.draft(number).xattr_block
    desk.check()


def test_block_is_as_e2fsprogs_makes_it(tmp_path):
    """A block with attributes of e2fsprogs' is written again, byte for byte."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_bytes(b"")
    for name in ("user.zz", "user.a", "user.bbb"):
        os.setxattr(tree / "a", name, name.encode() * 30)
    desk = Desk(mke2fs(tmp_path / "image", "8M", "-b", "1024", "-O", "^has_journal", tree=tree))
    volume = desk.volume()
    number = volume.lookup(volume.root()[:2], b"a")[0]
    draft = desk.draft(number)
    rows, sharers = xattr_block.load(desk.state, draft)
    assert len(rows) > 1 and sharers == 1
    raw = desk.state.store.read(draft.xattr_block)
    for row in rows:
        assert row[4] == xattr_block.entry_hash(row[1], row[5])
    desk.do(number, lambda state, draft: xattr_block.save(state, draft, rows[::-1], False))
    new = desk.state.store.read(draft.xattr_block)
    parts = [slice(0, 12), slice(32, None)]     # e2fsprogs leaves the hash of the block 0
    assert [new[part] for part in parts] == [raw[part] for part in parts]


def test_superblock_says_so(tmp_path):
    options = VOLUMES["ext4-256-1k"] + ",^ext_attr"
    desk = Desk(make(tmp_path, options))
    number = numbers_of(desk)[b"a"]
    assert not desk.state.super["feature_compat"] & 8
    desk.do(number, xattr.set_many, [(b"user.a", b"1")])
    assert desk.state.super["feature_compat"] & 8
    desk.check()


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_refusals(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k"]))
    number = numbers_of(desk)[b"a"]

    def put(name: bytes, value: bytes = b"v", flags: int = 0) -> int:
        return errno_of(desk.do, number, xattr.set_xattr, name, value, flags)

    for name in (b"user", b"", b".x", b"nonsense.x", b"system.data", b"encryption.c", b"system", b"User.x"):
        assert put(name) == e.EOPNOTSUPP, name
    assert put(b"user.") == put(b"user.a\0b") == e.EINVAL
    assert put(b"user." + b"n" * 256) == e.ERANGE
    assert put(b"user.a", bytes(65537)) == e.E2BIG
    assert put(b"user.a", bytes(5000)) == e.ENOSPC
    assert put(b"user.a", b"", abi.XATTR_REPLACE) == e.ENOATTR
    desk.do(number, xattr.set_xattr, b"user." + b"n" * 255, b"", abi.XATTR_CREATE)
    assert put(b"user." + b"n" * 255, b"", abi.XATTR_CREATE) == e.EEXIST
    assert errno_of(desk.do, number, xattr.remove_xattr, b"system.data") == e.EOPNOTSUPP
    assert errno_of(xattr.value, desk.state, desk.draft(number), b"user.none") == e.ENOATTR
    for prefix in PREFIXES.values():
        if prefix.endswith(b"."):
            desk.do(number, xattr.set_xattr, prefix + b"x", b"1")
    desk.check()


def test_full_volume_changes_nothing(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k-ea-plain"], "1M"))
    numbers = numbers_of(desk)
    state = desk.state
    desk.do(numbers[b"b"], xattr.set_xattr, b"user.block", b"B" * 600)
    state.store.begin()
    held = []
    while state.alloc.free_blocks() > 3:
        held.append(state.alloc.take(0, state.alloc.free_blocks() - 3))
    state.store.end()
    before = bytes(desk.device.data), dict(state.inodes.changed), dict(state.store.blocks)
    assert errno_of(desk.do, numbers[b"a"], xattr.set_xattr, b"user.large", b"L" * 6000) == e.ENOSPC
    assert errno_of(desk.do, numbers[b"b"], xattr.set_xattr, b"user.block", b"L" * 6000) == e.ENOSPC
    assert (bytes(desk.device.data), dict(state.inodes.changed), dict(state.store.blocks)) == before
    assert state.alloc.free_blocks() == 3
    state.store.begin()
    for start, count in held:
        state.alloc.release(start, count)
    state.store.end()
    desk.check()


def test_journal_too_small(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k-ea-plain"]), limit=64)
    number = numbers_of(desk)[b"a"]
    assert errno_of(desk.do, number, xattr.set_xattr, b"user.large", bytes(65536)) == e.ENOSPC
    desk.do(number, xattr.set_xattr, b"user.large", bytes(20000))
    desk.check()


# ---- access control lists --------------------------------------------------------------------------------------------


def acl_of(*rules: tuple[int, int] | tuple[int, int, int]) -> bytes:
    return b"\2\0\0\0" + b"".join(struct.pack("<HHI", *rule, *(0xFFFFFFFF,) * (3 - len(rule))) for rule in rules)


MINIMAL = acl_of((1, 6), (4, 4), (0x20, 1))
FULL = acl_of((1, 7), (2, 5, 1000), (2, 1, 70000), (4, 6), (8, 7, 5), (0x10, 3), (0x20, 4))
ACCESS, DEFAULT = b"system.posix_acl_access", b"system.posix_acl_default"
WRONG = (
    b"\2", b"\2\0\0\0\0", FULL[:-1], acl_of((1, 7)), acl_of((1, 7), (4, 7)), acl_of((4, 7), (1, 7), (0x20, 7)),
    acl_of((1, 7), (2, 7, 5), (4, 7), (0x20, 7)), acl_of((1, 8), (4, 7), (0x20, 7)), acl_of((0x20, 7)),
    acl_of((1, 7), (4, 7), (0x20, 7), (0x20, 7)), acl_of((1, 7), (2, 7), (4, 7), (0x10, 7), (0x20, 7)),
    acl_of((1, 7), (4, 7), (8, 7, 4), (0x20, 7)), acl_of((3, 7)), acl_of((1, 7), (4, 7), (4, 7), (0x20, 7)),
    acl_of((1, 7), (4, 7), (0x10, 7), (0x10, 7), (0x20, 7)), acl_of((1, 7), (1, 7), (4, 7), (0x20, 7)),
    acl_of((1, 7), (4, 7), (2, 7, 5), (0x10, 7), (0x20, 7)),
)  # fmt: skip


def test_acl(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k"]))
    numbers = numbers_of(desk)
    number, folder = numbers[b"a"], numbers[b"folder"]
    mode = desk.draft(number).mode
    desk.do(number, xattr.set_xattr, ACCESS, MINIMAL)
    assert desk.draft(number).mode == mode & ~0o777 | 0o641 and not held_by_draft(desk, number)
    desk.do(number, xattr.set_many, [(ACCESS, FULL), (b"user.a", b"1")])
    assert desk.draft(number).mode == mode & ~0o777 | 0o734
    assert held_by_draft(desk, number) == {ACCESS: FULL, b"user.a": b"1"} == held_by(desk.volume(), number)
    for wrong in WRONG:
        assert errno_of(desk.do, number, xattr.set_xattr, ACCESS, wrong) == e.EINVAL, wrong.hex()
    assert errno_of(desk.do, number, xattr.set_xattr, ACCESS, b"\1" + FULL[1:]) == e.EOPNOTSUPP
    assert errno_of(desk.do, number, xattr.set_xattr, DEFAULT, FULL) == e.EACCES
    assert errno_of(desk.do, numbers[b"link"], xattr.set_xattr, ACCESS, FULL) == e.EOPNOTSUPP
    desk.do(number, xattr.set_xattr, DEFAULT, b"")

    def chmod(state, draft) -> None:
        draft.mode = draft.mode & ~0o7777 | 0o4521
        xattr.follow_mode(state, draft)

    desk.do(number, chmod)
    assert held_by_draft(desk, number)[ACCESS] == acl_of(
        (1, 5), (2, 5, 1000), (2, 1, 70000), (4, 6), (8, 7, 5), (0x10, 2), (0x20, 1)
    )  # fmt: skip
    desk.do(number, xattr.set_xattr, ACCESS, b"")
    assert desk.draft(number).mode & 0o7777 == 0o4521 and held_by_draft(desk, number) == {b"user.a": b"1"}
    mode = desk.draft(folder).mode
    desk.do(folder, xattr.set_xattr, DEFAULT, FULL)
    desk.do(folder, xattr.set_xattr, ACCESS, FULL)
    assert held_by(desk.volume(), folder) == {ACCESS: FULL, DEFAULT: FULL} and desk.draft(folder).mode != mode
    desk.do(folder, xattr.set_xattr, DEFAULT, MINIMAL)      # of a default list the mode says nothing
    assert held_by_draft(desk, folder)[DEFAULT] == MINIMAL
    desk.check()


@needs_root
def test_acl_as_linux_does(tmp_path):
    """The same lists set by Linux and here: the same answers, modes and lists."""
    desk = Desk(make(tmp_path, "-t ext4 -b 1024 -O ^has_journal"))
    numbers = numbers_of(desk)
    lists = (*WRONG, MINIMAL, FULL, b"\2\0\0\0", b"\1" + FULL[1:], acl_of((1, 7), (4, 5), (0x10, 2), (0x20, 7)))
    results = []
    for value in lists:
        for file, name in ((b"a", ACCESS), (b"a", DEFAULT), (b"folder", DEFAULT), (b"folder", ACCESS)):
            try:
                desk.do(numbers[file], xattr.set_xattr, name, value)
                said = 0
            except OSError as error:
                said = error.errno
            results.append((said, desk.draft(numbers[file]).mode, held_by_draft(desk, numbers[file])))
    names = {e.EINVAL: "EINVAL", e.EOPNOTSUPP: "ENOTSUP", e.EACCES: "EACCES", 0: ""}
    with loop_mounted(make(tmp_path, "-t ext4 -b 1024 -O ^has_journal"), tmp_path / "mnt", "rw,acl") as where:
        found = iter(results)
        for value in lists:
            for file, name in ((b"a", ACCESS), (b"a", DEFAULT), (b"folder", DEFAULT), (b"folder", ACCESS)):
                path = os.fsencode(where) + b"/" + file
                try:
                    os.setxattr(path, name, value)
                    said = ""
                except OSError as error:
                    said = errno.errorcode[error.errno]
                ours, mode, held = next(found)
                assert (names[ours], mode) == (said, os.stat(path).st_mode), (file, name, value.hex())
                assert held == {os.fsencode(n): os.getxattr(path, n) for n in os.listxattr(path)}


def test_acl_forms():
    rules = acl.parse(FULL)
    assert acl.parse(b"") == acl.parse(b"\2\0\0\0") == []
    assert len(acl.to_disk(rules)) == 4 + 4 * 4 + 3 * 8
    assert acl.mode_of(rules) == (0o734, False)
    assert acl.mode_of(acl.parse(MINIMAL)) == (0o641, True)
    assert acl.mode_of(acl.parse(acl_of((1, 7), (4, 5), (0x10, 0), (0x20, 7)))) == (0o707, False)


# ---- damage ----------------------------------------------------------------------------------------------------------


def test_damaged_areas_are_left_alone(tmp_path):
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k-ea-plain"]))
    number = numbers_of(desk)[b"a"]
    desk.do(number, xattr.set_many, [(b"user.a", b"1"), (b"user.block", b"B" * 600), (b"user.large", b"L" * 6000)])

    def damage(state, draft) -> None:
        draft.tail = draft.tail[:6] + b"\xff\xff" + draft.tail[8:]

    desk.do(number, damage)
    for function, *arguments in (
        (xattr.set_xattr, b"user.z", b"1"), (xattr.remove_xattr, b"user.block"), (xattr.set_many, [(b"user.z", b"")]),
    ):  # fmt: skip
        with pytest.raises(Corrupt):
            desk.do(number, function, *arguments)
    desk.do(number, xattr.drop_all)
    assert len(desk.log) == 1 and not desk.draft(number).xattr_block
    for fine in (1, 0):     # the value that only the damaged area leads to is left to the checker
        assert subprocess.run([E2FSCK, "-fy", desk.image_now()], capture_output=True, check=False).returncode == fine
        desk = Desk(desk.image)


def test_references_that_cannot_be(tmp_path):
    """Values in inodes that hold none, or are the file itself."""
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-4k-ea"]))
    numbers = numbers_of(desk)
    for owner in (numbers[b"a"], numbers[b"b"], 2, 5, 99, 1 << 30):
        row = (1, b"evil", owner, 5, 7, b"")
        desk.do(numbers[b"a"], lambda state, draft, row=row: xattr.set_body(draft, [row]))
        with pytest.raises(Corrupt):
            desk.do(numbers[b"a"], xattr.remove_xattr, b"user.evil")
        desk.do(numbers[b"a"], xattr.drop_all)
        assert len(desk.log) == 1, owner
        desk.log.clear()
    desk.check()


@pytest.mark.parametrize("seed", range(3))
def test_damage_at_random(tmp_path, seed):
    """Whatever lies in the areas: an attribute, or an error of ours."""
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k-ea-plain"]))
    number = numbers_of(desk)[b"a"]
    rng = random.Random(seed)
    desk.do(number, xattr.set_many, [(b"user.a", b"1"), (b"user.block", b"B" * 600), (b"user.large", b"L" * 6000)])
    store = desk.state.store
    for _ in range(150):
        store.begin()
        draft = desk.draft(number)
        tail = bytearray(draft.tail)
        block = bytearray(store.read(draft.xattr_block))
        for _ in range(rng.randrange(1, 4)):
            area, start, stop = rng.choice(((tail, 4, 60), (block, 0, 110)))
            area[rng.randrange(start, stop)] = rng.randrange(256)
        draft.tail = bytes(tail)
        store.put(draft.xattr_block, bytes(block))
        for function, *arguments in (
            (xattr.set_xattr, b"user.a", b"x" * rng.randrange(900)), (xattr.remove_xattr, b"user.block"),
            (xattr.set_xattr, b"user.new", bytes(3000)), (xattr.names,), (xattr.drop_all,),
        ):  # fmt: skip
            try:
                function(desk.state, draft, *arguments)
            except OSError as error:
                assert error.__cause__ is None
        store.rollback()
    desk.log.clear()
    desk.check()


def test_interrupted_anywhere(tmp_path):
    """Whatever step fails, everything is as before."""
    desk = Desk(make(tmp_path, VOLUMES["ext4-256-1k-ea-plain"]))
    number = numbers_of(desk)[b"a"]
    desk.do(number, xattr.set_many, [(b"user.block", b"B" * 600), (b"user.large", b"L" * 3000)])
    desk.state.store.commit()
    store, inodes = desk.state.store, desk.state.inodes
    before = dict(store.blocks), dict(store.running), dict(store.revoked), dict(inodes.changed), dict(inodes.freed)
    counts = desk.state.alloc.free_blocks(), desk.state.alloc.free_inodes()
    held = held_by_draft(desk, number)
    steps = 0

    def fail(call):
        def instead(*arguments):
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return call(*arguments)

        return instead

    store.put, store.set = fail(store.put), fail(store.set)
    while True:
        left = steps
        try:
            desk.do(number, xattr.set_many, [(b"user.large", b"M" * 5000), (b"user.block", b"C" * 700)])
            break
        except KeyboardInterrupt:
            steps += 1
        left = 1 << 30
        now = dict(store.blocks), dict(store.running), dict(store.revoked), dict(inodes.changed), dict(inodes.freed)
        assert now == before, steps
        assert (desk.state.alloc.free_blocks(), desk.state.alloc.free_inodes()) == counts
        assert held_by_draft(desk, number) == held
    assert steps > 15
    left = 1 << 30
    desk.check()
    assert held_by(desk.volume(), number) == {b"user.block": b"C" * 700, b"user.large": b"M" * 5000}
