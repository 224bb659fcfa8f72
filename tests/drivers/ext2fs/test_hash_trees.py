# SPDX-License-Identifier: BSD-2-Clause
"""Hash trees that grow: levels, hashes of many names, splits in an order that survives a crash, damage."""

from __future__ import annotations

import os
import random

import pytest
from ext2_support import debugfs, loop_mounted, mount, needs_mke2fs, needs_root
from names_support import Folder

from rump.drivers.fs.ext2fs import disk_files, dx_hash
from rump.drivers.fs.ext2fs import htree as reader
from rump.drivers.fs.ext2fs.writing import htree, listing
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.transaction import NAMES, NEW, RELEASE
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

EXT4 = "-t", "ext4", "-b", "1024", "-J", "size=1"
ORDERED = "-t", "ext4", "-b", "1024", "-O", "^has_journal"


def long(number: int) -> bytes:
    return b"%06d" % number + b"x" * 249


def levels(test: Folder) -> int:
    return test.names.blocks.block(test.draft(), 0)[30]


@pytest.mark.parametrize("kind", ["legacy", "half_md4", "tea"])
@pytest.mark.parametrize("signed", [True, False])
def test_many_hashes_are_those_of_each(kind, signed):
    source = random.Random(kind)
    names = [source.randbytes(source.randrange(256)) for _ in range(200)]
    names += [bytes(byte & 127 for byte in name) for name in names]
    version = ("legacy", "half_md4", "tea").index(kind) + (0 if signed else dx_hash.UNSIGNED)
    for seed in (bytes(16), bytes(range(16))):
        one_by_one = [dx_hash.name_hashes(name, version, seed) for name in names]
        assert dx_hash.many_hashes(names, version, seed) == one_by_one
        assert [value for value, _ in one_by_one] == [dx_hash.name_hash(name, version, seed) for name in names]
    assert dx_hash.many_hashes([], version, bytes(16)) == []


@pytest.mark.parametrize("kind", ["half_md4", "tea"])
def test_minor_hashes_equal_those_of_debugfs(kind):
    version = ("legacy", "half_md4", "tea").index(kind)
    for text in ("a", "hello", "x" * 33, "n" * 200):
        out = debugfs(os.devnull, f"dx_hash -h {kind} {text}", write=False)
        minor = int(out.split("minor ")[1].split(")")[0], 16)
        assert dx_hash.name_hashes(text.encode(), version, bytes(16))[1] == minor


@pytest.mark.parametrize("options", [EXT4, ORDERED], ids=["journal", "ordered"])
def test_two_levels(options, tmp_path):
    test = Folder(tmp_path / "image", *options, size="16M")
    order = random.Random(1).sample(range(1000), 1000)
    for number in order:
        test.insert(long(number))
    assert levels(test) == 1
    test.agree()
    test.check()
    dump = debugfs(test.image, "htree_dump d", write=False)
    assert "Indirect levels: 1" in dump and dump.count("xxxx") >= 1000
    for number in order[::2]:
        test.remove(long(number))
    for number in range(1000, 1300):
        test.insert(b"%d" % number)
    test.agree()
    test.check()


@pytest.mark.slow
def test_three_levels(tmp_path):
    test = Folder(tmp_path / "image", *EXT4[:-2], "-J", "size=4", "-O", "large_dir", size="128M")
    number = 0
    while number < 3000 or levels(test) < 2:
        test.insert(long(number))
        number += 1
    for more in range(number, number + 500):
        test.insert(long(more))
    test.check()


@pytest.mark.parametrize(("large", "most"), [(True, 2), (False, 1)])
def test_small_nodes(large, most, tmp_path, monkeypatch):
    """A root with room for four items, nodes for six: the tree soon has all levels, and is full."""
    test = Folder(tmp_path / "image", *EXT4, "-O", "^metadata_csum" + (",large_dir" if large else ""))
    monkeypatch.setattr(htree.HashTrees, "node_room", lambda self, at: 4 if at == 32 else 6)
    count = 0
    with pytest.raises(Fault) as error:
        for count in range(2000):
            test.insert(b"%0100d" % count)
    assert error.value.errno == e.ENOSPC and "hash tree is full" in str(error.value)
    assert levels(test) == most and count > 4 ** (most + 1)
    test.agree()
    for name in test.model:
        assert test.volume.lookup(test.handle, name)[0] == test.files[0][0]
    inode = test.volume.inodes.load(test.handle)
    tree = reader.Tree(test.names.blocks, test.state.geometry, inode)
    for name in test.model:
        assert len(list(tree.leaves(name))) == 1


# ---- names of one hash --------------------------------------------------------------------------------------------

ALIKE = long(12106), long(88086)        # half MD4 with the seed of all test images: both 85831fde
SMALLER, GREATER = long(10), long(2)


def test_names_of_one_hash_in_two_leaves(tmp_path):
    """A block of three long names and a fourth: two go into each leaf, and the two in the middle have one hash."""
    test = Folder(tmp_path / "image", *EXT4)
    seed = test.state.geometry.raw.hash_seed
    values = [dx_hash.name_hash(name, test.names.trees.version, seed) for name in (*ALIKE, SMALLER, GREATER)]
    assert values[2] < values[0] == values[1] < values[3]
    for name in (SMALLER, *ALIKE, GREATER):
        test.insert(name)
    root = test.names.blocks.block(test.draft(), 0)
    assert int.from_bytes(root[40:44], "little") == values[0] | 1
    for name in ALIKE:
        with pytest.raises(FileExistsError):
            test.insert(name)
    test.agree()
    for size in (1, 2, 3):
        assert sorted(test.listed(size)) == sorted(test.model)
    test.check()
    for name in ALIKE:
        test.remove(name)
    test.agree()
    test.check()


@pytest.mark.parametrize("options", [EXT4, ORDERED], ids=["journal", "ordered"])
@pytest.mark.parametrize("different", [1, 3, 40])
def test_names_of_few_hashes(options, different, tmp_path, monkeypatch):
    """As many names as one likes may have one hash, and one minor hash too."""

    def few(name: bytes, version: int, seed: bytes) -> tuple[int, int]:
        value = sum(name) % different
        return value << 20, value

    monkeypatch.setattr(htree, "name_hashes", few)
    for module in (htree, listing):
        monkeypatch.setattr(module, "many_hashes", lambda names, *rest: [few(name, *rest) for name in names])
    monkeypatch.setattr(reader, "name_hash", lambda *arguments: few(*arguments)[0])
    test = Folder(tmp_path / "image", *options)
    source = random.Random(different)
    for _ in range(600):
        name = b"name-%d" % source.randrange(400)
        if name in test.model:
            if source.random() < 0.4:
                test.remove(name)
            else:
                with pytest.raises(FileExistsError):
                    test.insert(name)
        else:
            test.insert(name)
    test.agree()
    for name in test.model:
        assert test.volume.lookup(test.handle, name)[0] == test.files[0][0]
    for count in (1, 10, 100):
        found = test.listed(count)
        assert len(found) == len(set(found)) == len(test.model)
    entries, _ = test.names.entries(test.draft(), 0, 10_000)
    if different == 40:     # few enough of each hash that every cookie is its own
        for index, (_, cookie, _, _) in enumerate(entries):
            assert test.names.entries(test.draft(), cookie, 10_000)[0] == entries[index + 1 :]


# ---- order without a journal --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sums", [True, False])
def test_no_name_is_ever_nowhere(sums, tmp_path):
    """Whatever blocks of a phase of a commit are written: each name committed before is found, by hash."""
    test = Folder(tmp_path / "image", *ORDERED[:-1], "^has_journal" + ("" if sums else ",^metadata_csum"))
    source = random.Random(1)
    store = test.state.store
    write = store.write
    settled: list[bytes] = []
    looked = []

    def look(blocks) -> None:
        crashed = bytearray(test.device.data)
        for place in blocks:
            if source.random() < 0.5:
                crashed[place << 10 : place + 1 << 10] = blocks[place]
        log: list[str] = []
        volume = mount(bytes(crashed), log)
        for name in settled:
            assert volume.lookup(test.handle, name)[0] == test.files[0][0]
        # Between its flag and its root a new tree is damaged; that is all.
        assert not log or not became_tree or len(looked) < became_tree[0] + 8
        looked.append(len(blocks))
        write(blocks)

    store.write = look
    became_tree: list[int] = []
    for number in range(130):
        test.insert(b"%0120d" % number)
        if test.draft().flags & disk_files.INODE_INDEX and not became_tree:
            became_tree.append(len(looked))
        if number % 2 and source.random() < 0.8:
            test.volume.sync()
            settled = list(test.model)
    assert test.draft().size > 20 << 10 and len(looked) > 150
    test.agree()
    test.check()


def test_a_split_flushes_only_if_it_must(tmp_path, monkeypatch):
    test = Folder(tmp_path / "image", *ORDERED)
    flushes = []
    flush = type(test.state).flush
    monkeypatch.setattr(type(test.state), "flush", lambda state: flushes.append(1) or flush(state))
    for number in range(150):
        test.insert(b"%06d" % number)
    assert not flushes and test.draft().flags & disk_files.INODE_INDEX      # nothing of it is on the device yet
    test.volume.sync()
    for number in range(150, 300):
        test.insert(b"%06d" % number)
    assert flushes
    # A leaf that gave names away changes only when it is on the device: files are freed when it is written.
    late = [place for place, phase in test.state.store.running.items() if phase == RELEASE]
    flushes.clear()
    test.remove(next(iter(test.names.form.rows((0, 0), test.state.store.blocks[late[0]])))[1][1])
    assert flushes
    test.agree()


def test_room_made_first_needs_no_flush(tmp_path, monkeypatch):
    """Then an operation that fails leaves nothing behind."""
    test = Folder(tmp_path / "image", *ORDERED)
    flushes = []
    flush = type(test.state).flush
    monkeypatch.setattr(type(test.state), "flush", lambda state: flushes.append(1) or flush(state))
    source = random.Random(5)
    for number in range(400):
        name = b"%06d" % number

        def body(draft, name=name) -> None:
            test.names.make_room(draft, name)
            flushes.clear()
            test.names.insert(draft, name, test.files[0][0], 8)
            assert not flushes

        test.change(body)
        test.model[name] = 0
        if number == 100:
            test.volume.sync()
        if source.random() < 0.1:
            test.remove(source.choice(sorted(test.model)))
    test.agree()
    test.check()


# ---- others -------------------------------------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize("options", [EXT4, ORDERED], ids=["journal", "ordered"])
def test_linux_finds_and_changes_what_was_made_here(options, tmp_path):
    test = Folder(tmp_path / "image", *options, "-O", "dir_index")
    source = random.Random(3)
    for number in range(700):
        test.insert(b"%d-" % number + b"y" * source.randrange(60) + b"\xe4" * (number % 3))
    test.check()
    test.volume.unmount()
    test.image.write_bytes(test.device.data)
    with loop_mounted(test.image, tmp_path / "mnt", "rw") as where:
        base = os.fsencode(where / "d") + b"/"
        assert set(os.listdir(base)) == set(test.model)
        for name in test.model:
            assert os.lstat(base + name).st_ino == test.files[0][0]
        for name in list(test.model)[::2]:
            os.unlink(base + name)
            del test.model[name]
        for number in range(300):
            os.link(base + b"../file0", base + b"linux-%d" % number)
            test.model[b"linux-%d" % number] = 0
    test.device.data[:] = test.image.read_bytes()
    test.mount()
    test.agree()
    for number in range(300):
        test.insert(b"again-%d" % number)
    test.agree()
    test.check()


def test_damaged_trees_are_not_changed(tmp_path):
    test = Folder(tmp_path / "image", *EXT4[:-2], "-O", "^has_journal,^metadata_csum")
    for number in range(100):
        test.insert(b"name-%03d" % number)
    test.volume.sync()
    draft = test.draft()
    root = test.names.blocks.target(draft, 0) << 10
    good = bytes(test.device.data)
    for offset, data in ((28, b"\x09"), (29, b"\x09"), (30, b"\x07"), (32, b"\xff\xff"), (34, b"\0\0"),
                         (36, b"\xff\xff\xff\x0f"), (36, b"\0\0\0\0")):  # fmt: skip
        test.device.data[:] = good
        test.device.data[root + offset : root + offset + len(data)] = data
        test.mount()
        with pytest.raises(Corrupt):
            for number in range(100):
                test.insert(b"other-%03d" % number)
        assert set(test.listed(7)) >= set(test.model), offset      # found all the same
        assert test.find(b"name-050") == test.files[0][0], (offset, data)
    # A leaf whose entries do not fit together.
    test.device.data[:] = good
    leaf = test.names.blocks.target(draft, 1) << 10
    test.device.data[leaf + 4 : leaf + 6] = b"\x07\0"
    test.mount()
    with pytest.raises(Corrupt):
        for number in range(100):
            test.insert(b"other-%03d" % number)


def test_a_flag_without_a_tree_goes(tmp_path):
    """A directory of one block that says that it has a hash tree; and one on a volume without them."""
    for feature in ("dir_index", "^dir_index"):
        test = Folder(tmp_path / feature, "-t", "ext4", "-b", "1024", "-O", f"^has_journal,^metadata_csum,{feature}")
        test.insert(b"name")

        def flag(draft) -> None:
            draft.flags |= disk_files.INODE_INDEX

        test.change(flag)
        assert test.find(b"name")
        test.insert(b"other")
        assert not test.draft().flags & disk_files.INODE_INDEX
        test.agree()
        test.check()


def test_phases(tmp_path):
    """New blocks reach the device before what leads to them."""
    test = Folder(tmp_path / "image", *EXT4[:-2], "-O", "^has_journal")
    for number in range(20):
        test.insert(b"%06d" % number)
    test.volume.sync()
    old = {place for _, place, _ in test.names.blocks.each(test.draft())}
    phases: dict[int, set[int]] = {}
    put = test.state.store.put

    def look(block, data, phase=1) -> None:
        phases.setdefault(block, set()).add(phase)
        put(block, data, phase)

    test.state.store.put = look
    for number in range(20, 120):
        test.insert(b"%06d" % number)
    places = [place for _, place, _ in test.names.blocks.each(test.draft())]
    assert len(places) > 2
    for place in places:
        assert (NEW in phases.get(place, {NEW})) == (place not in old)
        assert place not in old or phases[place] <= {NAMES, RELEASE}


def test_listing_ends(tmp_path):
    test = Folder(tmp_path / "image", *EXT4)
    for number in range(100):
        test.insert(b"%06d" % number)
    names, cookie = test.page(0, 100)
    assert len(names) == 100
    assert cookie == v.END or test.page(cookie, 1) == ([], v.END)
    assert test.page(0, 0) == ([], 0)


@pytest.mark.parametrize("names", [10, 150])
def test_random_damage(names, tmp_path):
    """Whatever is in a directory's blocks: faults, but never anything else; a read of it ends."""
    test = Folder(tmp_path / "image", "-t", "ext4", "-b", "1024", "-O", "^has_journal,^metadata_csum")
    for number in range(names):
        test.insert(b"name-%03d" % number)
    test.volume.sync()
    places = [place for _, place, _ in test.names.blocks.each(test.draft())]
    good = bytes(test.device.data)
    source = random.Random(names)
    for _ in range(150):
        test.device.data[:] = good
        for _ in range(source.choice((1, 1, 3, 20))):
            at = (source.choice(places) << 10) + source.choice((source.randrange(60), source.randrange(1024)))
            test.device.data[at] = source.choice((0, 1, 4, 8, 255, source.randrange(256)))
        test.mount()
        for number in range(8):
            for name in (b"name-%03d" % source.randrange(names), b"%0200d" % number):
                for act in (test.insert, test.remove, lambda name: test.replace(name, 1)):
                    test.model[name] = 0
                    attempt(act, name)
                attempt(test.find, name)
        attempt(lambda: test.names.is_empty(test.draft()))
        attempt(lambda: test.names.set_parent(test.draft(), 2))
        cookie = 0
        for _ in range(300):
            try:
                _, cookie = test.page(cookie, 7)
            except Fault as error:
                assert error.__cause__ is None
                break
            if cookie == v.END:
                break
        else:
            raise AssertionError("the listing does not end")


def attempt(function, *arguments) -> None:
    try:
        function(*arguments)
    except Fault as error:
        assert error.__cause__ is None
    except AssertionError:
        pass        # an inode number that is not what it was
