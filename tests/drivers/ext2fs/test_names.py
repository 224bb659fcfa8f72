# SPDX-License-Identifier: BSD-2-Clause
"""Names come and go: directories in the inode, in one block, in several, in trees; what a crash may leave of them."""

from __future__ import annotations

import random

import pytest
from ext2_support import debugfs, needs_mke2fs, run
from names_support import Folder, some_name

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.writing.entries import SECTOR, Format
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.transaction import NEW
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

IMAGES = {
    "ext2-1k": ("8M", "-t ext2 -b 1024"),
    "ext2-1k-linear": ("8M", "-t ext2 -b 1024 -O ^dir_index"),
    "ext2-4k-linear": ("8M", "-t ext2 -b 4096 -O ^dir_index"),
    "ext2-untyped": ("8M", "-t ext2 -b 1024 -O ^filetype"),
    "ext4-1k": ("16M", "-t ext4 -b 1024 -J size=1"),
    "ext4-1k-no-sums": ("16M", "-t ext4 -b 1024 -J size=1 -O ^metadata_csum"),
    "ext4-1k-linear": ("16M", "-t ext4 -b 1024 -J size=1 -O ^dir_index"),
    "ext4-1k-large-dir": ("16M", "-t ext4 -b 1024 -J size=1 -O large_dir"),
    "ext4-4k": ("16M", "-t ext4 -b 4096 -J size=4"),
    "ext4-64k": ("96M", "-t ext4 -b 65536 -O ^has_journal"),
    "ext4-64k-no-sums": ("96M", "-t ext4 -b 65536 -O ^has_journal,^metadata_csum"),
    "ext4-inline": ("16M", "-t ext4 -b 1024 -J size=1 -O inline_data"),
    "ext4-inline-512": ("16M", "-t ext4 -b 4096 -J size=4 -O inline_data,^dir_index -I 512"),
    "ext4-ordered": ("8M", "-t ext4 -b 1024 -O ^has_journal"),
    "ext4-ordered-inline": ("8M", "-t ext4 -b 1024 -O ^has_journal,inline_data -I 512"),
    "ext4-ordered-4k": ("8M", "-t ext4 -b 4096 -O ^has_journal"),
}


def folder(tmp_path, image: str) -> Folder:
    size, options = IMAGES[image]
    return Folder(tmp_path / image, *options.split(), size=size)


@pytest.mark.parametrize("image", IMAGES)
def test_random_changes_agree_with_a_model(image, tmp_path):
    source = random.Random(image)
    test = folder(tmp_path, image)
    rounds = 900 if "64k" in image else 450
    for phase, inserting in enumerate((0.8, 0.35, 0.6)):
        for _ in range(rounds):
            step(test, source, inserting)
        test.agree()
        if phase != 1:
            test.check()
    for name in source.sample(sorted(test.model), len(test.model)):
        test.remove(name)
    test.agree()
    test.check()


def step(test: Folder, source: random.Random, inserting: float) -> None:
    """One change, or one that is refused, or rolled back."""
    name, which = some_name(source), source.randrange(3)
    if source.random() < inserting:
        if name in test.model:
            assert refused(lambda: test.insert(name)) == e.EEXIST
        elif source.random() < 0.05:
            undone(test, name)
        else:
            test.insert(name, which)
        return
    if name not in test.model and test.model and source.random() < 0.8:
        name = source.choice(sorted(test.model))
    act = test.remove if source.random() < 0.8 else lambda name: test.replace(name, which)
    if name in test.model:
        act(name)
    else:
        assert refused(lambda: act(name)) == e.ENOENT


def refused(body) -> int:
    with pytest.raises(Fault) as error:
        body()
    return error.value.errno


def undone(test: Folder, name: bytes) -> None:
    """What comes after a new name fails."""

    def body(draft) -> None:
        test.names.insert(draft, name, test.files[0][0], abi.DT_REG)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        test.change(body)
    assert test.find(name) == 0


def test_types_and_what_may_be_a_name(tmp_path):
    test = folder(tmp_path, "ext4-1k")
    for which in range(3):
        test.insert(b"of%d" % which, which)
    test.replace(b"of0", 2)
    kinds = {name: kind for name, _, _, kind in test.volume.list(test.handle, 0, 10)[0]}
    assert kinds == {b"of0": abi.DT_LNK, b"of1": abi.DT_CHR, b"of2": abi.DT_LNK}
    for name in (b"", b".", b"..", b"a/b", b"a\0", b"n" * 256):
        assert refused(lambda name=name: test.insert(name)) == e.EINVAL
    test.insert(b"n" * 255)
    test.check()


def test_bytes_that_look_like_a_name_are_none(tmp_path):
    """Names within names, and what removed ones have left behind."""
    test = folder(tmp_path, "ext4-1k")
    for name in (b"abcabc", b"ab", b"bca", b"longer-than-abc"):
        test.insert(name)
    for name in (b"abc", b"b", b"c", b"longer", b"abcab"):
        assert test.find(name) == 0
    test.remove(b"ab")
    assert test.find(b"ab") == 0
    test.insert(b"abc")
    test.agree()


@pytest.mark.parametrize("image", ["ext4-1k", "ext4-inline", "ext4-ordered", "ext4-1k-linear"])
def test_parents(image, tmp_path):
    test = folder(tmp_path, image)
    others = [test.volume.create(test.volume.root()[:2], b"p%d" % i, 0o40755, 0, 0, 0, b"")[0][:2] for i in range(2)]
    child = test.volume.create(others[0], b"c", 0o40755, 0, 0, 0, b"")[0][:2]
    for count in (0, 300):
        for number in range(count):
            test.volume.link(test.files[0], child, b"name%d" % number)
        target = others[1 if count == 0 else 0]
        test.volume.rename(others[0] if count == 0 else others[1], b"c", target, b"c")
        assert f"<{child[0]}>" and parent_of(test, child) == target[0]
    test.volume.unmount()
    test.image.write_bytes(test.device.data)
    run("e2fsck", "-fn", test.image)


def parent_of(test: Folder, child) -> int:
    test.volume.sync()
    draft = test.state.inodes.open(child)
    if draft.flags & disk_files.INODE_INLINE_DATA:
        return int.from_bytes(draft.block[:4], "little")
    return int.from_bytes(test.names.blocks.block(draft, 0)[12:16], "little")


def test_encrypted_and_folding_directories_are_not_changed(tmp_path):
    test = folder(tmp_path, "ext4-1k")
    test.insert(b"name")
    for flag in (disk_files.INODE_ENCRYPT, disk_files.INODE_CASEFOLD):
        draft = test.draft()
        draft.flags |= flag
        for body in (
            lambda draft=draft: test.names.insert(draft, b"other", 12, abi.DT_REG),
            lambda draft=draft: test.names.remove(draft, b"name"),
            lambda draft=draft: test.names.replace(draft, b"name", 12, abi.DT_REG),
        ):
            assert refused(body) == e.ENOTSUP
    assert test.find(b"name") == test.files[0][0]


def test_a_full_volume_leaves_things_as_they_were(tmp_path):
    test = Folder(tmp_path / "image", "-t", "ext4", "-b", "1024", "-O", "^has_journal,^resize_inode", size="300K")
    for number in range(3000):
        name = b"%0200d" % number
        try:
            test.insert(name)
        except Fault as error:
            assert error.errno == e.ENOSPC
            break
    assert 100 < len(test.model) < 2999 and test.find(name) == 0
    test.agree()
    test.check()


# ---- listing while things change ----------------------------------------------------------------------------------


@pytest.mark.parametrize("image", ["ext4-1k", "ext4-1k-linear", "ext4-inline", "ext4-ordered", "ext4-4k"])
@pytest.mark.parametrize("start", [0, 3, 12, 40, 300])
def test_listing_meanwhile(image, start, tmp_path):
    """What is there all along is listed exactly once, whatever comes and goes."""
    source = random.Random(f"{image}{start}")
    test = folder(tmp_path, image)
    for number in range(start):
        test.insert(b"stays-%d" % number)
    passing: list[bytes] = []
    for size in (1, 7, 50):
        cookie, found = 0, []
        while cookie != v.END:
            part, cookie = test.page(cookie, size)
            found += part
            for _ in range(min(size, 20)):
                if passing and source.random() < 0.4:
                    test.remove(passing.pop(source.randrange(len(passing))))
                elif len(passing) < 400:
                    passing.append(b"passes-%d-%d" % (len(found), source.randrange(10**9)))
                    test.insert(passing[-1])
            assert len(found) < 5000
        stayed = [name for name in found if name.startswith(b"stays")]
        assert len(stayed) == start == len(set(stayed))


@pytest.mark.parametrize("image", ["ext4-4k", "ext4-1k-linear"])
def test_every_cookie_is_good(image, tmp_path):
    test = folder(tmp_path, image)
    for number in range(200):
        test.insert(b"name-%d" % number)
    entries, following = test.names.entries(test.draft(), 0, 1000)
    assert following == v.END and len(entries) == 200
    for index, (_, cookie, _, _) in enumerate(entries):
        rest, _ = test.names.entries(test.draft(), cookie, 1000)
        assert rest == entries[index + 1 :]
    assert test.names.entries(test.draft(), v.END, 10) == ([], v.END)
    assert test.names.entries(test.draft(), 1 << 70, 10) == ([], v.END)


# ---- what a crash may leave ---------------------------------------------------------------------------------------


class Torn:
    """Looks at what every commit writes into directory blocks that were there: any of its sectors may be lost."""

    def __init__(self, test: Folder) -> None:
        self.test = test
        self.source = random.Random(1)
        self.form = Format(test.state.geometry.block_size, tail=False, typed=True, sectors=True)
        self.places = 0
        self.keeper = test.state.store.keeper
        self.commit, self.keeper.commit = self.keeper.commit, self.look

    def look(self, store) -> bool:
        draft = self.test.draft()
        inline = draft.flags & disk_files.INODE_INLINE_DATA
        places = () if inline else [place for _, place, _ in self.test.names.blocks.each(draft)]
        for place, phase in store.running.items():
            if phase != NEW and place in places:
                before = self.test.device.read(place << store.shift, 1 << store.shift)
                self.compare(before, store.blocks[place])
                self.places += 1
        return self.commit(store)

    def compare(self, before: bytes, after: bytes) -> None:
        if self.is_node(before) and self.is_node(after):
            return
        old, new = (set(self.rows(data)) for data in (before, after))
        if self.is_node(after):
            assert before[SECTOR : -SECTOR or None] == after[SECTOR:-SECTOR]
            return
        for _ in range(10):
            torn = b"".join([
                (before if self.source.random() < 0.5 else after)[at : at + SECTOR]
                for at in range(0, len(before), SECTOR)
            ])
            rows = set(self.rows(torn))
            assert old & new <= rows <= old | new

    def rows(self, data: bytes):
        return [row for _, row in self.form.rows((0, 0), data)]

    def is_node(self, data: bytes) -> bool:
        length = int.from_bytes(data[4:6], "little")
        covers = int.from_bytes(data[16:18], "little") == len(data) - 12
        return length == len(data) or (length == 12 and covers)


@pytest.mark.parametrize(
    "image", ["ext4-ordered", "ext4-ordered-4k", "ext4-ordered-inline", "ext2-1k", "ext2-1k-linear"]
)
def test_changes_survive_torn_writes(image, tmp_path):
    source = random.Random(image)
    test = folder(tmp_path, image)
    torn = Torn(test)
    for count in range(500):
        step(test, source, 0.7)
        if count % 3 == 0:
            test.volume.sync()
    assert torn.places > 100
    test.agree()


@pytest.mark.parametrize("image", ["ext2-1k-linear", "ext2-1k"])
def test_a_change_is_one_sector(image, tmp_path):
    """Also where Linux laid out the block."""
    source = random.Random(image)
    test = folder(tmp_path, image)
    store, single = test.state.store, 0
    for _ in range(400):
        test.volume.sync()
        before = {place: data for _, place, data in test.names.blocks.each(test.draft())}
        commits = store.keeper.commit
        flushed = []
        store.keeper.commit = lambda store, flushed=flushed, commits=commits: flushed.append(1) or commits(store)
        step(test, source, 0.6)
        store.keeper.commit = commits
        if len(before) != test.draft().size // 1024:
            continue        # a leaf is split; what of it changes, does so after the new one is there
        changed = sum(
            data[at : at + SECTOR] != before[place][at : at + SECTOR]
            for _, place, data in test.names.blocks.each(test.draft()) if place in before
            for at in range(0, len(data), SECTOR)
        )  # fmt: skip
        if not flushed:
            assert changed <= 1
            single += changed
    assert single > 200


def test_blocks_that_others_made(tmp_path):
    """Entries across sectors: only room that one sector's change gives is used."""
    image = tmp_path / "image"
    test = Folder(image, "-t", "ext2", "-b", "4096", "-O", "^dir_index")
    test.check()
    test.volume.unmount()
    image.write_bytes(test.device.data)
    debugfs(image, "cd d", *(f"ln ../file0 {number:0100d}" for number in range(36)))
    test.device.data[:] = image.read_bytes()
    test.mount()
    test.model.update({b"%0100d" % number: 0 for number in range(36)})
    for number in range(0, 36, 2):
        test.remove(b"%0100d" % number)
    for number in range(60):
        before = {place: data for _, place, data in test.names.blocks.each(test.draft())}
        test.insert(b"%070d" % number)
        changed = [
            at for _, place, data in test.names.blocks.each(test.draft()) if place in before
            for at in range(0, len(data), SECTOR) if data[at : at + SECTOR] != before[place][at : at + SECTOR]
        ]  # fmt: skip
        assert len(changed) <= 1
    test.agree()
    test.check()
