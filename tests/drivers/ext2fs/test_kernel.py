# SPDX-License-Identifier: BSD-2-Clause
"""Images written by the Linux kernel's own ext4: what mke2fs alone cannot make."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import shutil
import struct

import pytest
from ext2_support import (
    E2FSCK,
    assert_same,
    attributes,
    debugfs,
    loop_mounted,
    make_tree,
    mke2fs,
    mount,
    needs_mke2fs,
    needs_root,
    privileged,
    read_file,
    run,
    snapshot,
    snapshot_of_folder,
)  # fmt: skip

from rump.kernel import abi
from rump.kernel.vfs import volume as v

pytestmark = [needs_mke2fs, needs_root, pytest.mark.root]

GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602     # FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
SECOND = 10**9


def set_flags(path, flags: int) -> None:
    with open(path, "rb") as file:
        old = struct.unpack("l", fcntl.ioctl(file, GET_FLAGS, bytes(8)))[0]
        fcntl.ioctl(file, SET_FLAGS, struct.pack("l", old | flags))


def test_times_from_1901_to_2446(tmp_path):
    image = mke2fs(tmp_path / "image", "16M", "-t", "ext4")
    wanted = {}
    seconds = (-(2**31) + 1, -1, 0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**33, 3 * 2**32 + 2**31 - 2)
    with loop_mounted(image, tmp_path / "mnt", "rw") as folder:
        for number, second in enumerate(seconds):
            path = folder / f"t{number}"
            path.touch()
            time = second * SECOND + 123456789
            os.utime(path, ns=(time + 1, time))
            info = path.stat()
            wanted[path.name.encode()] = (info.st_atime_ns, info.st_mtime_ns, info.st_ctime_ns)
            assert info.st_mtime_ns == time
    volume = mount(image)
    listed = {name: row for name, _, row in volume.list_attributes(volume.root()[:2], 0, 100)[0]}
    for name, times in wanted.items():
        found = volume.lookup(volume.root()[:2], name)
        assert listed[name] == found
        assert (found[v.ATIME], found[v.MTIME], found[v.CTIME]) == times
        assert abs(found[v.BIRTHTIME] - found[v.CTIME]) < 60 * SECOND


def test_flags_and_generations(tmp_path):
    image = mke2fs(tmp_path / "image", "16M", "-t", "ext4")
    with loop_mounted(image, tmp_path / "mnt", "rw") as folder:
        for name, flags in (("i", 0x10), ("a", 0x20), ("d", 0x40), ("all", 0x70), ("none", 0)):
            (folder / name).write_text(name)
            set_flags(folder / name, flags)
    volume = mount(image)
    flag = {name: row[v.FLAGS] for name, _, row in volume.list_attributes(volume.root()[:2], 0, 100)[0]}
    assert flag[b"i"] == abi.SF_IMMUTABLE and flag[b"a"] == abi.SF_APPEND and flag[b"d"] == abi.UF_NODUMP
    assert flag[b"all"] == abi.SF_IMMUTABLE | abi.SF_APPEND | abi.UF_NODUMP and flag[b"none"] == 0
    number, generation = volume.lookup(volume.root()[:2], b"i")[:2]
    assert generation
    with pytest.raises(OSError, match="Stale") as stale:
        volume.attributes((number, generation ^ 1))
    assert stale.value.errno == 70


@pytest.mark.parametrize("options", ["-t ext4", "-t ext4 -O inline_data", "-t ext4 -O ea_inode", "-t ext2 -b 1024",
                                     "-t ext3 -b 1024 -I 128"])  # fmt: skip
def test_tree_written_by_the_kernel(options, tmp_path):
    source = make_tree(tmp_path / "tree")
    image = mke2fs(tmp_path / "image", "32M", *options.split())
    with loop_mounted(image, tmp_path / "mnt", "rw") as folder:
        run("cp", "-a", "--sparse=always", f"{source}/.", folder)
        base = os.fsencode(folder)
        os.rename(base + b"/size1024", base + b"/folder/moved")
        if "ea_inode" in options:
            os.setxattr(base + b"/size0", b"user.huge", bytes(range(256)) * 150)
            os.setxattr(base + b"/size1023", b"user.huge", bytes(range(256)) * 150)
        os.unlink(base + b"/size4096")
        with open(base + b"/unwritten", "wb") as file:
            if options.startswith("-t ext4"):
                os.posix_fallocate(file.fileno(), 0, 500_000)
            file.seek(100_000)
            file.write(b"x" * 10)
    with loop_mounted(image, tmp_path / "mnt", "ro") as folder:
        assert_same(snapshot(mount(image)), snapshot_of_folder(folder))


@pytest.mark.parametrize("options", ["-t ext4 -b 1024", "-t ext2 -b 1024", "-t ext4 -b 1024 -O bigalloc -C 4096"])
def test_fragmented_files(options, tmp_path):
    """Deep extent trees and indirect blocks with holes everywhere."""
    image = mke2fs(tmp_path / "image", "64M", *options.split())
    order = random.Random(7)
    with loop_mounted(image, tmp_path / "mnt", "rw") as folder:
        with open(folder / "holes", "wb") as holes, open(folder / "woven", "wb") as woven:
            for number in range(3000):
                holes.seek(number * 5000)
                holes.write(b"%05d" % number)
                if number % 7 == 0:
                    holes.flush()
                    os.fdatasync(holes.fileno()) if number % 700 == 0 else None
                woven.write(order.randbytes(900))
            holes.seek(3_000_000_000)
            holes.write(b"far")
        os.truncate(folder / "holes", 3_500_000_000)
        with open(folder / "punched", "wb") as file:
            file.write(order.randbytes(4_000_000))
        run("sync", "-f", folder)
        for at in range(0, 4_000_000, 8192):
            if options.startswith("-t ext4"):
                run("fallocate", "-p", "-o", str(at), "-l", "4096", folder / "punched") if at < 1_000_000 else None
        sums = {}
        for name in ("woven", "punched"):
            sums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    volume = mount(image)
    root = volume.root()[:2]
    for name, expected in sums.items():
        assert hashlib.sha256(read_file(volume, volume.lookup(root, name.encode()))).hexdigest() == expected
    holes = volume.lookup(root, b"holes")
    assert holes[v.SIZE] == 3_500_000_000
    data = [run for run in all_runs(volume, holes) if run[0] == v.DATA]
    found = {}
    for _, offset, length, place in data:
        content = volume.device.read(place, length)
        found.update({offset + at: content[at : at + 5] for at in range(length) if (offset + at) % 5000 == 0})
    assert all(found[number * 5000] == b"%05d" % number for number in range(3000))
    # A walk from the middle gives the same runs as one from the start.
    for number in (0, 777, 2999):
        (kind, offset, _, place), *_ = volume.map(holes[:2], number * 5000 + 1, 4)
        assert kind == v.DATA and offset == number * 5000 + 1
        assert volume.device.read(place, 4) == b"%05d"[0:0] + (b"%05d" % number)[1:]


def all_runs(volume, found):
    at, runs = 0, []
    while at < found[v.SIZE]:
        part = volume.map(found[:2], at, found[v.SIZE] - at)
        runs.extend(part)
        at = part[-1][1] + part[-1][2]
    return runs


def test_access_lists_and_capabilities(tmp_path):
    image = mke2fs(tmp_path / "image", "16M", "-t", "ext4")
    with loop_mounted(image, tmp_path / "mnt", "rw") as folder:
        for name in ("size1", "size60", "size61", "size59", "size100"):
            (folder / name).write_text(name)
        (folder / "folder").mkdir()
        attributes(os.fsencode(folder))
        privileged(os.fsencode(folder))
        theirs = snapshot_of_folder(folder)
    ours = snapshot(mount(image))
    for path in theirs:
        if path != b"/lost+found":
            assert ours[path][9] == theirs[path][9], path


@pytest.mark.parametrize("options", ["-t ext4", "-t ext3", "-t ext4 -O ^metadata_csum", "-t ext4 -b 1024 -O 64bit",
                                     "-t ext4 -O fast_commit"])  # fmt: skip
def test_image_copied_while_mounted(options, tmp_path):
    """A journal that needs recovery: what we see is what e2fsck's recovery makes of a copy, and nothing is written."""
    image = mke2fs(tmp_path / "image", "32M", *options.split())
    with loop_mounted(image, tmp_path / "mnt", "rw,commit=600") as folder:
        for number in range(200):
            (folder / f"first{number}").write_bytes(b"%d" % number * 10)
        run("sync", "-f", folder)
        for number in range(0, 200, 2):
            (folder / f"first{number}").unlink()
        (folder / "new").mkdir()
        for number in range(100):
            (folder / "new" / f"second{number}").write_bytes(b"!" * number)
        os.rename(folder / "first1", folder / "new" / "renamed")
        run("sync", "-f", folder)
        shutil.copy(image, tmp_path / "copy")
    copy = tmp_path / "copy"
    before = copy.read_bytes()
    log: list[str] = []
    volume = mount(copy, log)
    assert b"replayed" in dict(volume.describe())[b"recovery"]
    ours = snapshot(volume)
    assert copy.read_bytes() == before
    assert len([path for path in ours if path.startswith(b"/new/")]) == 101
    fixed = tmp_path / "fixed"
    shutil.copy(copy, fixed)
    recover(fixed)
    theirs = snapshot(mount(fixed))
    assert ours == theirs


def recover(image) -> None:
    """Let e2fsck replay the journal; exit status 1 says that it changed something."""
    import subprocess

    done = subprocess.run([E2FSCK, "-fy", image], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stdout


def test_debugfs_sees_the_same(tmp_path):
    tree = make_tree(tmp_path / "tree")
    image = mke2fs(tmp_path / "image", "24M", "-t", "ext4", "-b", "1024", tree=tree)
    volume = mount(image)
    for path, found in ((b"/size300000", None), (b"/sparse", None)):
        found = volume.lookup(volume.root()[:2], path[1:])
        listed = debugfs(image, f"blocks {path.decode()}", write=False).splitlines()[-1].split()
        theirs = [int(word) for word in listed if word.isdigit()]
        ours = [place // 1024 + index for kind, _, length, place in volume.map(found[:2], 0, found[v.SIZE])
                if kind == v.DATA for index in range(-(-length // 1024))]  # fmt: skip
        assert set(ours) <= set(theirs) and len(theirs) - len(ours) <= 2    # debugfs lists tree nodes too
