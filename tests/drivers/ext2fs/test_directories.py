# SPDX-License-Identifier: BSD-2-Clause
"""Big directories: hash trees of every kind, as e2fsck -D builds them; case folding; encrypted names."""

from __future__ import annotations

import shutil
import struct
import subprocess

import pytest
from ext2_support import DEBUGFS, E2FSCK, debugfs, listing, mke2fs, mount, needs_mke2fs, read_file, run

from rump.drivers.fs.ext2fs import dx_hash, htree
from rump.drivers.fs.ext2fs.casefold import fold
from rump.drivers.fs.ext2fs.encrypted import shown
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

TOTAL = 6000            # names in the big directory: with blocks of 1 KiB its tree has two levels of nodes


@pytest.mark.parametrize("kind", ["legacy", "half_md4", "tea"])
@pytest.mark.parametrize("signed", [True, False])
def test_hashes_equal_those_of_debugfs(kind, signed):
    seeds = ("", "01234567-89ab-cdef-0123-456789abcdef")
    version = ("legacy", "half_md4", "tea").index(kind) + (0 if signed else dx_hash.UNSIGNED)
    name = kind if signed else str(version)
    for seed in seeds:
        option = f"-s {seed}" if seed else ""
        raw = bytes.fromhex(seed.replace("-", "")) if seed else bytes(16)
        for text in (b"a", b"hello", b"x" * 31, b"y" * 32, b"z" * 33, b"n" * 200, "größe".encode(), b"four"):
            command = f"dx_hash -h {name} {option} {text.decode()}"
            out = subprocess.run([DEBUGFS, "-R", command], capture_output=True, check=False, text=True).stdout
            theirs = int(out.split(" is ")[1].split()[0], 16)
            assert dx_hash.name_hash(text, version, raw) == theirs, (text, command)


def test_unknown_hash_versions():
    assert dx_hash.name_hash(b"a", 6, bytes(16)) is None
    assert dx_hash.name_hash(b"a", -1, bytes(16)) is None


@pytest.fixture(scope="module")
def big_images(tmp_path_factory):
    """Block size -> an image with one folder of `TOTAL` names, among them some that are not ASCII."""
    base = tmp_path_factory.mktemp("big")
    folder = base / "tree" / "big"
    folder.mkdir(parents=True)
    first = folder / "name-with-some-length-0"
    first.touch()
    for number in range(1, TOTAL):
        name = f"name-with-some-length-{number}" + ("-ä" if number % 10 == 0 else "")
        (folder / name).hardlink_to(first)
    options = "-t", "ext4", "-N", "64", "-b"
    return {size: mke2fs(base / str(size), "24M", *options, str(size), tree=base / "tree") for size in (1024, 4096)}


def indexed(original, image, flags: str = "", tune: str = ""):
    """A copy whose directories e2fsck has given hash trees."""
    shutil.copy(original, image)
    if flags:
        debugfs(image, f"set_super_value flags {flags}")
    if tune:
        run("tune2fs", "-E", tune, image)
    done = subprocess.run([E2FSCK, "-fyD", image], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stdout
    return image


CASES = {
    "half_md4": (1024, "1", "hash_alg=half_md4"),
    "half_md4-unsigned": (1024, "2", "hash_alg=half_md4"),
    "tea": (1024, "1", "hash_alg=tea"),
    "tea-unsigned": (1024, "2", "hash_alg=tea"),
    "legacy": (1024, "1", "hash_alg=legacy"),
    "legacy-unsigned": (1024, "2", "hash_alg=legacy"),
    "4k-blocks": (4096, "2", ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_lookup_by_hash(case, big_images, tmp_path):
    size, flags, tune = CASES[case]
    volume = mount(indexed(big_images[size], tmp_path / "image", flags, tune))
    folder = volume.lookup(volume.root()[:2], b"big")
    entries = listing(volume, folder[:2], count=1000)
    assert len(entries) == TOTAL and len({name for name, _, _ in entries}) == TOTAL
    inode = volume.inodes.load(folder[:2])
    tree = htree.Tree(volume.directories, volume.medium.geometry, inode)
    blocks = volume.directories.count(inode)
    assert tree._levels == (1 if size == 1024 else 0)
    for name, _, row in entries[::37]:
        assert volume.lookup(folder[:2], name) == row
        assert len(list(tree.leaves(name))) < 4 < blocks      # not by reading them all
    for name in (b"nothing", b"name-with-some-length-", b"name-with-some-length-%d" % TOTAL):
        with pytest.raises(FileNotFoundError):
            volume.lookup(folder[:2], name)


def test_names_of_one_hash_in_several_leaves():
    """The lowest bit of a hash says that a leaf goes on with the hash before; also across nodes."""

    def node(*entries: tuple[int, int]) -> bytes:
        words = [value for entry in entries for value in entry][1:]
        data = struct.pack("<HH", 60, len(entries)) + struct.pack(f"<{len(words)}I", *words)
        return struct.pack("<IHBB", 0, 1024, 0, 0) + data.ljust(1016, b"\0")

    class Directory:
        blocks = {1: node((0, 10), (40, 11), (60, 12)), 2: node((0, 13), (61, 14), (80, 15))}

        def block(self, inode, number):
            return self.blocks[number]

    tree = object.__new__(htree.Tree)
    tree._directories, tree._inode = Directory(), None
    root = node((0, 1), (61, 2))
    assert list(tree._below(root, 8, 1, 60)) == [12, 13, 14]
    assert list(tree._below(root, 8, 1, 50)) == [11]
    assert list(tree._below(root, 8, 1, 80)) == [15]
    assert list(tree._below(node((0, 5), (40, 6), (41, 7), (41, 8), (42, 9)), 8, 0, 40)) == [6, 7, 8]


@pytest.mark.slow
def test_damaged_hash_tree_falls_back_to_searching(big_images, tmp_path):
    shutil.copy(big_images[1024], tmp_path / "unchecked")
    run("tune2fs", "-O", "^metadata_csum", tmp_path / "unchecked")
    image = indexed(tmp_path / "unchecked", tmp_path / "image")
    volume = mount(image)
    folder = volume.lookup(volume.root()[:2], b"big")[:2]
    root = volume.maps.blocks(volume.inodes.load(folder), 0, 1)[0][3] * 1024
    good = image.read_bytes()
    name = b"name-with-some-length-4322"
    expected = volume.lookup(folder, name)
    for offset, data in ((28, b"\x09"), (29, b"\x09"), (30, b"\x07"), (32, b"\xff\xff"), (34, b"\0\0"),
                         (36, b"\xff\xff\xff\x0f"), (40, b"\0" * 64)):  # fmt: skip
        damaged = bytearray(good)
        damaged[root + offset : root + offset + len(data)] = data
        volume = mount(bytes(damaged), [])
        try:
            assert volume.lookup(folder, name) == expected
        except FileNotFoundError:
            assert offset == 40     # a tree that is only wrong, not malformed, misleads Linux just the same


def test_cookies_outside(tmp_path):
    volume = mount(mke2fs(tmp_path / "image", "16M", "-t", "ext4", "-N", "64"))
    root = volume.root()[:2]
    assert volume.list(root, v.END, 10) == ((), v.END)
    assert volume.list(root, 1 << 40, 10) == ((), v.END)
    assert volume.list(root, 0, 0) == ((), 0)
    for handle in ((11, 1), (20, 0)):       # of another generation; free
        with pytest.raises(Fault) as refused:
            volume.list(handle, 0, 10)
        assert refused.value.errno == e.ESTALE


@pytest.mark.parametrize("count", [3, 1500])
def test_casefold(tmp_path, count):
    """Names found whatever their case, in directories that say so only."""
    tree = tmp_path / "tree"
    for folder in ("folded", "exact"):
        (tree / folder).mkdir(parents=True)
        for name in ("ReadMe.TXT", "Größe", "Ångström", *(f"File-{number}" for number in range(count))):
            (tree / folder / name).write_text(name)
    image = mke2fs(tmp_path / "image", "24M", "-t", "ext4", "-O", "casefold", "-b", "1024", tree=tree)
    number = mount(image).lookup(mount(image).root()[:2], b"folded")[v.FILEID]
    debugfs(image, f"set_inode_field <{number}> flags 0x40080000")
    done = subprocess.run([E2FSCK, "-fyD", image], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stdout
    volume = mount(image)
    folded, exact = (volume.lookup(volume.root()[:2], name)[:2] for name in (b"folded", b"exact"))
    for name in ("readme.txt", "README.TXT", "grösse", "GRO\u0308\u00dfE", "ångström", "A\u030aNGSTRÖM", "fILE-1"):
        assert read_file(volume, volume.lookup(folded, name.encode()))
        with pytest.raises(FileNotFoundError):
            volume.lookup(exact, name.encode())
    for name in (b"readme", b"\xff\xfe", "größen".encode()):
        with pytest.raises(FileNotFoundError):
            volume.lookup(folded, name)
    assert volume.name_key(b"ReadMe") == b"ReadMe"      # the cache must not mix them: not every directory folds
    assert dict(volume.describe())[b"encoding"] == b"utf8-12.1"


def test_folding():
    assert fold(b"AbC") == b"abc"
    assert fold("ẞ".encode()) == b"ss" == fold(b"SS")
    assert fold("\ufb01\u00ad".encode()) == b"fi"
    assert fold(b"A\xff") == b"A\xff"


def test_encrypted_files(tmp_path):
    """Without keys: names in a safe form, found again by it; contents and targets refused."""
    tree = tmp_path / "tree"
    (tree / "secret").mkdir(parents=True)
    (tree / "secret" / "plain").write_text("x")
    (tree / "link").symlink_to("y" * 100)
    image = mke2fs(tmp_path / "image", "16M", "-t", "ext4", "-O", "encrypt", tree=tree)
    volume = mount(image)
    root = volume.root()[:2]
    numbers = [volume.lookup(root, name)[v.FILEID] for name in (b"secret", b"link")]
    for number in numbers:
        debugfs(image, f"set_inode_field <{number}> flags 0x80800")
    volume = mount(image)
    secret = volume.lookup(root, b"secret")[:2]
    ((name, _, row),) = listing(volume, secret)
    assert name == shown(b"plain") == b"cGxhaW4"
    assert volume.lookup(secret, name) == row
    with pytest.raises(FileNotFoundError):
        volume.lookup(secret, b"plain")
    with pytest.raises(Fault, match="encrypted") as refused:
        volume.readlink(volume.lookup(root, b"link")[:2])
    assert refused.value.errno == e.ENOTSUP
    debugfs(image, f"set_inode_field <{row[v.FILEID]}> flags 0x80800")
    with pytest.raises(Fault, match="encrypted"):
        mount(image).map(row[:2], 0, 1)


def test_names_of_ciphertext():
    names = [bytes([first]) * length for first in (0, 47, 255) for length in (1, 16, 189, 190, 255)]
    seen = {shown(name) for name in names}
    assert len(seen) == len(names) and all(len(name) <= 255 for name in seen)
    assert not any(b"/" in name or b"\0" in name or b"+" in name for name in seen)
    assert shown(b"a" * 254 + b"b") != shown(b"a" * 254 + b"c")
