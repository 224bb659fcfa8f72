# SPDX-License-Identifier: BSD-2-Clause
"""The checker, against e2fsck: what it calls clean is clean here, and what is damaged on purpose is found."""

from __future__ import annotations

import random
import shlex
import shutil
import subprocess

import pytest
from ext2_matrix import MATRIX
from ext2_support import E2FSCK, make_tree, mke2fs, needs_mke2fs, run, services
from memory_support import Memory

from rump.drivers.fs.ext2fs import driver
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v

pytestmark = needs_mke2fs


def check(data: bytes, **options: str) -> tuple[list[str], list[str], str]:
    """(errors, notes, summary) of an image."""
    device = Memory(data)
    rows = [*driver.fsck(v.MountArguments(device, services([]), options=options))]
    assert rows[-1][0] == v.SUMMARY and device.data == data
    errors, notes = ([text for grade, text in rows if grade == wanted] for wanted in (v.ERROR, v.NOTE))
    return errors, notes, rows[-1][1]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    path = tmp_path_factory.mktemp("tree") / "tree"
    make_tree(path)
    return path


@pytest.mark.parametrize("name", MATRIX)
def test_clean_images(name, tree, tmp_path):
    options, size = MATRIX[name]
    image = mke2fs(tmp_path / "image", size, *shlex.split(options), "-d", str(tree))
    if name != "quota":         # mke2fs does not count what it fills the volume with
        assert subprocess.run([E2FSCK, "-fn", image], capture_output=True).returncode == 0
    errors, notes, summary = check(image.read_bytes())
    assert errors == [] and notes == []
    used, total = (int(word) for word in summary.split("; ")[1].split() if word.isdigit())
    fields = dict(line.split(":", 1) for line in run("dumpe2fs", "-h", image).splitlines() if ":" in line)
    assert total == int(fields["Block count"])
    assert total - used - int(fields["First block"]) == int(fields["Free blocks"])


DAMAGE = {
    "clri /hello": ["is not in use"],
    "sif /hello links_count 7": ["7 links are counted"],
    "sif /hello blocks 2000": ["sectors are counted"],
    "sif /hello size 1": [],
    "unlink /hello": ["in no directory"],
    "freeb 200 3": ["free, but in use"],
    "setb 4000 5": ["nobody's"],
    "freei <12>": ["inode 12 is marked free"],
    "seti <500>": ["inode 500 is marked in use"],
    "set_bg 0 free_blocks_count 3": ["free_blocks_count is 3|descriptor checksum"],
    "set_bg 0 used_dirs_count 77": ["used_dirs_count is 77|descriptor checksum"],
    "ln /dir /other": ["is also in directory"],
    "ln <8> /log": ["volume's own|not in use"],
    "sif /dir mode 0100644": ["marked as type 4"],
    "sif /hello mode 0": ["no type of a file"],
    "sif /dir size 17": ["size is 17"],
}


@pytest.fixture(scope="module", params=["ext2 -b 1024", "ext4 -b 1024"])
def plain(request, tmp_path_factory):
    """A small volume with /hello of 20 KiB, /dir and a fast link."""
    folder = tmp_path_factory.mktemp("plain")
    content = folder / "tree"
    (content / "dir" / "sub").mkdir(parents=True)
    (content / "hello").write_bytes(bytes(range(256)) * 80)
    (content / "dir" / "file").write_text("x")
    (content / "link").symlink_to("dir/file")
    options = request.param.split()
    return mke2fs(folder / "image", "8M", "-t", *options, "-N", "1024", "-d", str(content))


@pytest.mark.parametrize("command", DAMAGE)
def test_damage_is_found(plain, command, tmp_path):
    image = tmp_path / "image"
    shutil.copyfile(plain, image)
    run("debugfs", "-w", "-R", command, image)
    theirs = subprocess.run([E2FSCK, "-fn", image], capture_output=True)
    errors, _, _ = check(image.read_bytes())
    assert errors and theirs.returncode == 4, (errors, theirs.stdout)
    for text in DAMAGE[command]:
        assert any(part in error for part in text.split("|") for error in errors), errors


def test_shared_blocks_are_told_apart(tmp_path):
    content = tmp_path / "tree"
    content.mkdir()
    for name in ("one", "two"):
        (content / name).write_bytes(b"x" * 3000)
    image = mke2fs(tmp_path / "image", "4M", "-t", "ext2", "-b", "1024", "-d", str(content))
    block = run("debugfs", "-R", "bmap /one 1", image).split()[-1]
    run("debugfs", "-w", "-R", f"sif /two block[1] {block}", image)
    errors, _, _ = check(image.read_bytes())
    assert f"inode 13: block {block} is somebody else's, too" in errors
    assert {"inode 12: shares 1 of its blocks with others", "inode 13: shares 1 of its blocks with others"} <= {*errors}


def test_volumes_in_use(plain, tmp_path):
    """What was not unmounted, and what is to be deleted, is worth a word."""
    image = tmp_path / "image"
    shutil.copyfile(plain, image)
    run("debugfs", "-w", "-R", "ssv state 0", image)
    errors, notes, _ = check(image.read_bytes())
    assert errors == [] and notes == ["it was not unmounted"]
    run("debugfs", "-w", "-R", "ssv state 2", image)
    assert any("found" in note for note in check(image.read_bytes())[1])
    run("debugfs", "-w", "-R", "ssv free_inodes_count 5", image)
    errors, notes, _ = check(image.read_bytes())
    assert errors == [] and "superblock: free_inodes_count is 5, there are 1008" in notes


def test_hash_trees(tmp_path):
    content = tmp_path / "tree"
    content.mkdir()
    for number in range(700):
        (content / f"a rather long name for a file {number}").touch()
    image = mke2fs(tmp_path / "image", "8M", "-t", "ext4", "-b", "1024", "-O", "^metadata_csum", "-N", "1000",
                   "-d", str(content))  # fmt: skip
    subprocess.run([E2FSCK, "-fyD", image], capture_output=True)       # which makes the tree
    data = bytearray(image.read_bytes())
    assert check(bytes(data))[0] == []
    at = data.index(b"a rather long name for a file 77")
    data[at] = ord("b")
    assert any("has the hash" in error for error in check(bytes(data))[0])


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits(plain, seed):
    """Nothing but findings and foreseen errors, whatever is damaged; and what e2fsck calls clean is clean."""
    chance = random.Random(seed)
    image = bytearray(plain.read_bytes())
    used = [at for at in range(1024, len(image), 64) if any(image[at : at + 64])]
    for _ in range(40):
        damaged = bytearray(image)
        for _ in range(chance.choice((1, 1, 3, 20))):
            damaged[chance.choice(used) + chance.randrange(64)] ^= 1 << chance.randrange(8)
        try:
            for _, text in driver.fsck(v.MountArguments(Memory(bytes(damaged)), services([]))):
                assert text
        except Fault as error:
            assert error.__cause__ is None, error.__cause__


def test_agreement_with_e2fsck(plain, tmp_path):
    """Damage of single bits of metadata: who finds something, finds it together - but in inodes that are reserved and
    not used, which only e2fsck looks at."""
    chance = random.Random(11)
    image = bytearray(plain.read_bytes())
    used = [at for at in range(2048, len(image), 64) if any(image[at : at + 64])]
    differ = []
    for _ in range(60):
        damaged = bytearray(image)
        at = chance.choice(used) + chance.randrange(64)
        damaged[at] ^= 1 << chance.randrange(8)
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        theirs = subprocess.run([E2FSCK, "-fn", path], capture_output=True)
        try:
            errors, _, _ = check(bytes(damaged))
        except Fault as error:
            errors = [str(error)]
        if bool(errors) != (theirs.returncode != 0):
            differ.append((at, errors, theirs.stdout.decode().splitlines()[1:6]))
    assert len(differ) <= 2, differ
