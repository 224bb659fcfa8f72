# SPDX-License-Identifier: BSD-2-Clause
"""The parts by themselves, and volumes of unusual size."""

from __future__ import annotations

import ast
import marshal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ext2_support import HOST, Bytes, File, debugfs, make_tree, mke2fs, mount, needs_mke2fs, run, services, walk

import rump.drivers.fs.ext2fs as package
from rump.drivers.fs.ext2fs import crc16, describe, features, indirect, inode
from rump.drivers.fs.ext2fs.bmap import Collector
from rump.drivers.fs.ext2fs.dirent import record_length
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e


def test_crc16():
    assert crc16.crc16(0, b"123456789") == 0xBB3D


def test_moments():
    assert describe.moment(0) == "1970-01-01 00:00:00 UTC"
    assert describe.moment(951_782_400) == "2000-02-29 00:00:00 UTC"
    for seconds in range(0, 1 << 34, 123_456_789):
        expected = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
        assert describe.moment(seconds) == expected


def test_feature_names():
    assert features.names(1 << 31, 1 << 30, 1 << 29) == ["FEATURE_C31", "FEATURE_I30", "FEATURE_R29"]


def test_record_lengths():
    assert record_length(12, 1024) == 12
    assert record_length(0, 65536) == record_length(65535, 65536) == 65536
    assert record_length(65532, 65536) == 65532 and record_length(1, 65536) == 65536


def test_device_numbers():
    assert inode._device(bytes.fromhex("0301000000000000") + bytes(52)) == abi.makedev(1, 3)
    old, new = bytes(4), (259 << 8 | 0x70 | (70000 & ~0xFF) << 12).to_bytes(4, "little")
    assert abi.major(inode._device(old + new + bytes(52))) == 259
    assert abi.minor(inode._device(old + new + bytes(52))) == 70000


def test_neighbours():
    words = (5, 6, 7, 8, 0, 0, 0, 9, 10, 12)
    assert [indirect._neighbours(words, at, len(words)) for at in (0, 4, 7, 9)] == [4, 3, 2, 1]
    long = tuple(range(1, 5000))
    assert indirect._neighbours(long, 0, 4999) == 4999 and indirect._neighbours(long, 10, 100) == 90


def test_collector_joins_and_cuts():
    collector = Collector(2, 20)
    assert collector.add(v.DATA, 3, 100) and collector.add(v.DATA, 3, 103) and collector.add(v.HOLE, 2, 0)
    assert collector.add(v.UNWRITTEN, 1, 200) and collector.add(v.DATA, 1, 201) and not collector.add(v.HOLE, 99, 0)
    assert collector.finish() == [(v.DATA, 2, 6, 100), (v.HOLE, 8, 2, 0), (v.UNWRITTEN, 10, 1, 200),
                                  (v.DATA, 11, 1, 201), (v.HOLE, 12, 8, 0)]  # fmt: skip


def test_imports_reach_no_host():
    """Pure computing and the kernel, nothing else, in any function of any file."""
    allowed = {"__future__", "struct", "binascii", "functools", "bisect", "itertools", "unicodedata", "typing",
               "typing_extensions", "collections.abc"}  # fmt: skip
    for path in Path(package.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                ours = name.startswith(("rump.kernel", "rump.drivers.fs.ext2fs", "rump.rumpuser.interface"))
                assert ours or name in allowed, (path.name, name)


def test_the_package_and_a_mount_import_only_what_they_use():
    code = (
        "import sys, rump.drivers.fs.ext2fs as p; first = sorted(sys.modules); import rump.drivers.fs.ext2fs.mount\n"
        "print(*[m for m in first if m.startswith('rump.drivers.fs.ext2fs.')])\n"
        "print(*[m.rpartition('.')[2] for m in sys.modules if m.startswith('rump.drivers.fs.ext2fs.')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert out[0] == ""
    late = {"journal", "log", "overlay", "recovery", "writing", "xattr", "inline", "indirect", "htree", "crc16"}
    assert not late & set(out[1].split())


def test_what_is_no_volume_is_refused():
    for read_only in (True, False):
        with pytest.raises(Fault) as refused:
            package.driver.mount(v.MountArguments(Bytes(bytes(4096)), services(), read_only=read_only))
        assert refused.value.errno == e.EFTYPE
    with pytest.raises(Fault):
        package.driver.mount(v.MountArguments(None, services()))


def test_probe_of_other_things():
    for data in (b"", bytes(1024), bytes(4096), b"\xff" * 4096, bytes(1080) + b"\x53\xef" + bytes(4000)):
        assert package.driver.probe(Bytes(data)) is None


@needs_mke2fs
def test_everything_goes_through_marshal(tmp_path):
    """What crosses the volume interface is plain, and stale handles are refused by each operation."""
    volume = mount(mke2fs(tmp_path / "image", "16M", "-t", "ext4", tree=make_tree(tmp_path / "tree")))
    root = volume.root()
    rows = dict(walk(volume))
    values = [root, volume.statvfs(), volume.describe(), volume.list(root[:2], 0, 100), tuple(rows.values())]
    values += [volume.map(row[:2], 0, 1 << 40) for row in rows.values() if row[v.MODE] & abi.S_IFMT == abi.S_IFREG]
    for value in values:
        assert marshal.loads(marshal.dumps(value)) == value
    stale = (root[0], root[1] ^ 5)
    calls = ((volume.attributes, ()), (volume.list, (0, 9)), (volume.list_attributes, (0, 9)), (volume.lookup, (b"a",)),
             (volume.list_xattr, ()), (volume.get_xattr, (b"user.a",)), (volume.map, (0, 1)), (volume.read, (0, 1)),
             (volume.readlink, ()))  # fmt: skip
    for call, arguments in calls:
        with pytest.raises(Fault) as refused:
            call(stale, *arguments)
        assert refused.value.errno == e.ESTALE, call
    file = rows[b"/size100"][:2]
    for call, arguments, number in (
        (volume.list, (0, 9), e.ENOTDIR), (volume.lookup, (b"a",), e.ENOTDIR), (volume.readlink, (), e.EINVAL),
        (volume.read, (0, 1), e.EINVAL), (volume.get_xattr, (b"user.none such",), e.ENOATTR),
    ):  # fmt: skip
        with pytest.raises(Fault) as refused:
            call(file, *arguments)
        assert refused.value.errno == number, call
    volume.sync()
    volume.unmount()


@needs_mke2fs
def test_fields_count_only_as_far_as_extra_isize_says(tmp_path):
    """Nanoseconds, creation time and attributes lie where the inode's own extra_isize puts them."""
    image = mke2fs(tmp_path / "image", "16M", "-t", "ext4", tree=make_tree(tmp_path / "tree"))
    root = mount(image).root()[:2]
    whole = mount(image).lookup(root, b"size1")
    number = whole[v.FILEID]
    debugfs(image, f"set_inode_field <{number}> mtime_extra {5 << 2}", f"set_inode_field <{number}> crtime 99")
    for extra, nanoseconds, birth in ((32, 5, 99), (24, 5, 99), (16, 5, 0), (8, 0, 0), (0, 0, 0)):
        debugfs(image, f"set_inode_field <{number}> extra_isize {extra}")
        volume = mount(image)
        found = volume.lookup(root, b"size1")
        assert found[v.MTIME] == whole[v.MTIME] // 10**9 * 10**9 + nanoseconds
        assert found[v.BIRTHTIME] // 10**9 == birth
        assert (b"user.small" in volume.list_xattr(found[:2])) is (extra == 32)
    debugfs(image, f"set_inode_field <{number}> extra_isize 200")
    with pytest.raises(Fault, match="extra_isize"):
        mount(image).lookup(root, b"size1")


@needs_mke2fs
def test_backup_superblock(tmp_path):
    image = bytearray(mke2fs(tmp_path / "image", "24M", "-t", "ext4", "-b", "1024").read_bytes())
    image[1024:2048] = bytes(1024)
    with pytest.raises(Fault) as refused:
        mount(bytes(image))
    assert refused.value.errno == e.EFTYPE
    volume = mount(bytes(image), [], sb="8193")
    assert [name for name, _ in walk(volume)] == [b"/lost+found"]


@needs_mke2fs
@pytest.mark.parametrize("options", ["-t ext4", "-t ext4 -O meta_bg,^resize_inode", "-t ext4 -O bigalloc"])
def test_huge_sparse_volume_mounts_at_once(options, tmp_path):
    """15 TiB: few reads, little memory, little time."""
    image = tmp_path / "image"
    try:
        run("mke2fs", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-i", "67108864", "-m", "0",
            *options.split(), image, "15T")  # fmt: skip
    except AssertionError as error:
        pytest.skip(f"no room for it here: {error}")
    device = File(image)
    started = time.process_time()
    volume = mount(device)
    assert [name for name, _ in walk(volume)] == [b"/lost+found"]
    volume.statvfs()
    assert time.process_time() - started < 0.2
    assert device.reads < 12


def test_the_host_sums_as_the_format_wants():
    assert HOST.crc32c(0xFFFFFFFF, b"123456789") ^ 0xFFFFFFFF == 0xE3069283
