# SPDX-License-Identifier: BSD-2-Clause
"""Making file systems: mke2fs makes the same, e2fsck finds nothing, debugfs and the Linux kernel write into them."""

from __future__ import annotations

import os
import random
import struct
import subprocess

import pytest
from ext2_support import (
    E2FSCK,
    HOST,
    MKE2FS,
    File,
    debugfs,
    lock,
    loop_mounted,
    mount,
    needs_mke2fs,
    needs_root,
    run,
    schedule,
)

from rump.drivers.fs.ext2fs import driver
from rump.kernel import abi, boot
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e

UUID = "01234567-89ab-cdef-0123-456789abcdef"
SEED = "11111111-2222-3333-4444-555555555555"
TIME = 1_700_000_000
KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
PIECE = 1 << 16

CONFIG = """
[defaults]
\tbase_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
\tdefault_mntopts = acl,user_xattr
\tenable_periodic_fsck = 0
\tblocksize = 4096
\tinode_size = 256
\tinode_ratio = 16384
[fs_types]
\text3 = {
\t\tfeatures = has_journal
\t}
\text4 = {
\t\tfeatures = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
\t}
\tsmall = {
\t\tblocksize = 1024
\t\tinode_ratio = 4096
\t}
\tfloppy = {
\t\tblocksize = 1024
\t\tinode_ratio = 8192
\t}
\tbig = {
\t\tinode_ratio = 32768
\t}
\thuge = {
\t\tinode_ratio = 65536
\t}
"""


class Writable(File):
    """A device on a host file, for writing; it keeps what was done, in order."""

    def __init__(self, path) -> None:
        super().__init__(path)
        self.read_only = False
        self.target = open(path, "r+b", buffering=0)  # noqa: SIM115
        self.done: list[tuple[int, int]] = []

    def write(self, offset: int, data) -> None:
        assert offset >= 0 and offset + len(data) <= self.size
        self.done.append((offset, len(data)))
        assert os.pwrite(self.target.fileno(), data, offset) == len(data)

    def sync(self, barrier: bool = False) -> None:
        self.done.append((-1, int(barrier)))

    def __del__(self) -> None:
        self.target.close()
        super().__del__()


def newfs(path, length: int, *, used: bool = False, **options: str) -> dict[bytes, bytes]:
    """Make a file system of `length` bytes in a file; `used`: one full of other things."""
    if used or not path.exists():
        with open(path, "wb") as file:
            try:
                file.truncate(length)
            except OSError:
                pytest.skip(f"no room for a file of {length} bytes here")
            if used:
                file.write(b"\xa5" * length)
    device = Writable(path)
    given = {"uuid": UUID, "hash_seed": SEED, "time": str(TIME), "size": str(length), "zeroed": str(int(not used))}
    services = v.Services(lambda: TIME * 10**9, os.urandom, print, HOST.crc32c, HOST.crc32c_many, lock, schedule)
    assert driver.newfs is not None
    made = dict(driver.newfs(v.MountArguments(device, services, read_only=False, options=given | options)))
    newfs.done = device.done
    return made


def check(path) -> None:
    """Nothing for e2fsck to complain about."""
    done = subprocess.run([E2FSCK, "-fn", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def by_mke2fs(path, size: int, *arguments: str, extended: str = "") -> None:
    """The same by mke2fs, which is told to write zeros (else it marks unused tables as perhaps not zero)."""
    (path.parent / "mke2fs.conf").write_text(CONFIG)
    environment = os.environ | {"E2FSPROGS_FAKE_TIME": str(TIME), "MKE2FS_CONFIG": str(path.parent / "mke2fs.conf")}
    more = f"hash_seed={SEED},lazy_itable_init=0,nodiscard{',' if extended else ''}{extended}"
    subprocess.run([MKE2FS, "-q", "-F", "-U", UUID, "-E", more, *arguments, path, f"{size // KIB}k"],
                   check=True, capture_output=True, env=environment)  # fmt: skip


def data_of(path, size: int):
    """The pieces of a sparse file that are not zero: (number, bytes)."""
    with open(path, "rb") as file:
        at, end = 0, os.fstat(file.fileno()).st_size
        while at < min(end, size):
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // PIECE * PIECE
            except OSError:
                return
            file.seek(at)
            piece = file.read(PIECE)
            if any(piece):
                yield at // PIECE, piece
            at += PIECE


def assert_same_as_mke2fs(tmp_path, size: int, *arguments: str, extended: str = "", **options: str) -> None:
    """Byte for byte, but for how much was written on the way (and so the superblocks' checksums), and who it was (in
    the block of multiple mount protection)."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    newfs(ours, size, **options)
    by_mke2fs(theirs, size, *arguments, extended=extended)
    check(ours)
    left, right = dict(data_of(ours, size)), dict(data_of(theirs, size))
    head = struct.unpack_from("<9I", left[0], 1024)
    block, group, first = KIB << head[6], head[8], head[5]
    mmp = struct.unpack_from("<Q", left[0], 1024 + 0x168)[0] * block
    copies = {1024} | {(first + number * group) * block for number in range(1, size // block // group + 1)}
    for number in sorted(left.keys() | right.keys()):
        rows = [bytearray(pieces.get(number, bytes(PIECE)).ljust(PIECE, b"\0")) for pieces in (left, right)]
        for offset in (offset - number * PIECE for offset in copies if offset // PIECE == number):
            for row in rows:
                row[offset + 0x178 : offset + 0x180] = bytes(8)
                row[offset + 0x3FC : offset + 0x400] = bytes(4)
        if mmp and mmp // PIECE == number:
            for row in rows:
                row[mmp % PIECE + 8 : mmp % PIECE + 0x70] = bytes(0x68)
                row[mmp % PIECE + 0x3FC : mmp % PIECE + 0x400] = bytes(4)
        different = [index for index in range(PIECE) if rows[0][index] != rows[1][index]]
        assert not different, (number * PIECE // block, [hex(number * PIECE + index) for index in different[:8]])


def version() -> str:
    return subprocess.run([MKE2FS, "-V"], capture_output=True, text=True, check=False).stderr if MKE2FS else ""


same_as_mke2fs = pytest.mark.skipif("mke2fs 1.47.0" not in version(), reason="needs mke2fs 1.47.0")
types = pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])


@same_as_mke2fs
@types
@pytest.mark.parametrize("kib", [200, 1440, 8192, 9216, 16400, 40 << 10, 600 << 10, 2300 << 10])
def test_same_as_mke2fs_by_size(tmp_path, kind, kib):
    assert_same_as_mke2fs(tmp_path, kib * KIB, "-t", kind, type=kind)


@same_as_mke2fs
@types
@pytest.mark.parametrize("block_size", ["1024", "2048", "4096", "8192", "65536"])
def test_same_as_mke2fs_by_block_size(tmp_path, kind, block_size):
    assert_same_as_mke2fs(tmp_path, 50 * MIB, "-t", kind, "-b", block_size, type=kind, block_size=block_size)


FEATURES = (
    "^has_journal", "^resize_inode", "^64bit", "^metadata_csum", "^metadata_csum,uninit_bg", "^flex_bg", "^filetype",
    "^sparse_super,^resize_inode", "metadata_csum_seed", "large_dir,ea_inode,verity,stable_inodes", "^extra_isize",
    "^64bit,^extent,^metadata_csum", "^dir_index,^ext_attr,^large_file,^huge_file,^dir_nlink",
    "inline_data", "encrypt", "casefold,encrypt", "fast_commit", "sparse_super2",
    "sparse_super2,^resize_inode,^flex_bg", "bigalloc", "bigalloc,^flex_bg,^64bit", "bigalloc,meta_bg,^resize_inode",
    "meta_bg,^resize_inode", "meta_bg,^resize_inode,^flex_bg,^64bit", "meta_bg,^resize_inode,sparse_super2", "mmp",
    "mmp,^metadata_csum", "quota", "project", "quota,project,^metadata_csum,^64bit,^extent", "orphan_file",
    "orphan_file,^metadata_csum", "orphan_file,^metadata_csum,^64bit,^extent",
    "mmp,quota,project,orphan_file,inline_data,fast_commit",
)  # fmt: skip


@same_as_mke2fs
@pytest.mark.parametrize("features", FEATURES)
def test_same_as_mke2fs_by_features(tmp_path, features):
    assert_same_as_mke2fs(tmp_path, 60 * MIB, "-t", "ext4", "-O", features, type="ext4", features=features)


@same_as_mke2fs
@types
@pytest.mark.parametrize("block_size", ["1024", "2048", "4096", "8192", "65536"])
def test_same_as_mke2fs_by_features_and_block_size(tmp_path, kind, block_size):
    features = "mmp,quota,project,inline_data,fast_commit,encrypt"
    features += ",orphan_file,sparse_super2" if kind != "ext2" else ",meta_bg,^resize_inode"
    assert_same_as_mke2fs(tmp_path, 70 * MIB, "-t", kind, "-b", block_size, "-O", features, type=kind,
                          block_size=block_size, features=features)  # fmt: skip


@same_as_mke2fs
@pytest.mark.parametrize("block_size, cluster_size, mib", [
    (1024, 2048, 5), (1024, 16384, 300), (1024, 65536, 70), (2048, 4096, 70), (4096, 65536, 600), (4096, 1 << 20, 200),
    (65536, 1 << 18, 70),
])  # fmt: skip
def test_same_as_mke2fs_by_cluster_size(tmp_path, block_size, cluster_size, mib):
    features = "bigalloc,mmp,quota,project,inline_data,fast_commit,orphan_file"
    block, cluster = str(block_size), str(cluster_size)
    assert_same_as_mke2fs(tmp_path, mib * MIB + 3072, "-t", "ext4", "-b", block, "-C", cluster, "-O", features,
                          type="ext4", block_size=block, cluster_size=cluster, features=features)  # fmt: skip


@same_as_mke2fs
@pytest.mark.parametrize("kind", ["ext3", "ext4"])
@pytest.mark.parametrize("mib", [1, 5, 12, 20, 300])
def test_same_as_mke2fs_by_features_and_size(tmp_path, kind, mib):
    features = "sparse_super2,quota,mmp,orphan_file,fast_commit"
    assert_same_as_mke2fs(tmp_path, mib * MIB, "-t", kind, "-O", features, type=kind, features=features)


@same_as_mke2fs
@pytest.mark.parametrize("arguments, extended, options", [
    (["-I", "128"], "", {"inode_size": "128"}),
    (["-I", "512"], "", {"inode_size": "512"}),
    (["-N", "1000"], "", {"inodes": "1000"}),
    (["-N", "80000"], "", {"inodes": "80000"}),
    (["-i", "1024"], "", {"inode_ratio": "1024"}),
    (["-m", "1.5", "-L", "label"], "", {"reserved_percent": "1.5", "label": "label"}),
    (["-M", "/mnt/x"], "", {"last_mounted": "/mnt/x"}),
    (["-J", "size=20"], "", {"journal_size": "20"}),
    (["-J", "size=40", "-O", "^flex_bg"], "", {"journal_size": "40", "features": "^flex_bg"}),
    ([], "stride=16,stripe_width=64,root_owner=70000:80000",
     {"stride": "16", "stripe_width": "64", "root_owner": "70000:80000"}),
    (["-O", "^flex_bg"], "stride=16", {"stride": "16", "features": "^flex_bg"}),
    (["-O", "sparse_super2"], "num_backup_sb=0", {"num_backup_sb": "0"}),
    (["-O", "sparse_super2"], "num_backup_sb=1", {"num_backup_sb": "1"}),
    (["-O", "mmp"], "mmp_update_interval=3", {"mmp_update_interval": "3"}),
    (["-O", "mmp"], "mmp_update_interval=300", {"mmp_update_interval": "300"}),
    (["-O", "orphan_file"], "orphan_file_size=10k", {"orphan_file_size": "10k"}),
    (["-O", "orphan_file"], "orphan_file_size=1000", {"orphan_file_size": "1000"}),
    (["-O", "orphan_file,^extent,^64bit"], "orphan_file_size=5m", {"orphan_file_size": "5m"}),
    (["-O", "quota"], "root_owner=70000:20000000", {"root_owner": "70000:20000000"}),
    (["-O", "quota"], "quotatype=grpquota", {"quotatype": "grpquota"}),
    (["-O", "quota"], "quotatype=usrquota:prjquota", {"quotatype": "usrquota:prjquota"}),
    ([], "encoding=utf8,encoding_flags=strict", {"encoding": "utf8", "encoding_flags": "strict"}),
    (["-O", "fast_commit", "-J", "size=20"], "", {"journal_size": "20"}),
    (["-O", "fast_commit", "-J", "fast_commit_size=100"], "", {"fast_commit_size": "102400"}),
    ([], "resize=200000", {"resize": "200000"}),
    (["-b", "4096"], "resize=100000000", {"block_size": "4096", "resize": "100000000"}),
    ([], "packed_meta_blocks=1", {"packed_meta_blocks": "1"}),
    (["-b", "1024", "-i", "1024", "-O", "^sparse_super,^resize_inode"], "packed_meta_blocks=1",
     {"block_size": "1024", "inode_ratio": "1024", "packed_meta_blocks": "1"}),
    ([], "test_fs", {"test_fs": "1"}),
    (["-G", "1"], "", {"flex_groups": "1"}),
    (["-G", "4"], "", {"flex_groups": "4"}),
    (["-g", "1000"], "", {"group_blocks": "1000"}),
    (["-e", "panic"], "", {"errors": "panic"}),
    (["-N", "200000"], "", {"inodes": "200000"}),       # groups are made smaller, for bitmaps have only so many bits
    (["-b", "2048", "-I", "1024", "-i", "2048"], "",
     {"block_size": "2048", "inode_size": "1024", "inode_ratio": "2048"}),
])  # fmt: skip
def test_same_as_mke2fs_by_options(tmp_path, arguments, extended, options):
    if "-O" in arguments:
        options = {"features": arguments[arguments.index("-O") + 1]} | options
    assert_same_as_mke2fs(tmp_path, 120 * MIB, "-t", "ext4", *arguments, extended=extended, type="ext4", **options)


@needs_mke2fs
@types
@pytest.mark.parametrize("lazy", ["0", "1"])
@pytest.mark.parametrize("size", [64 * KIB, 8 * MIB, 20 * MIB])
def test_on_a_used_device(tmp_path, kind, lazy, size):
    newfs(tmp_path / "image", size, used=True, type=kind, lazy_itable_init=lazy)
    check(tmp_path / "image")
    assert (tmp_path / "image").read_bytes()[:1024] == bytes(1024)


@same_as_mke2fs
def test_same_as_mke2fs_by_chance(tmp_path):
    """Mixes of features, where both agree that they go together."""
    chance = random.Random(5)
    same = 0
    for number in range(25):
        names = chance.sample(("^resize_inode", "^flex_bg", "^metadata_csum", "^64bit", "metadata_csum_seed", "meta_bg",
                               "inline_data", "fast_commit", "sparse_super2", "mmp", "quota", "project", "orphan_file",
                               "bigalloc", "casefold"), chance.randrange(2, 6))  # fmt: skip
        names += ["^resize_inode"] * ("meta_bg" in names and "^resize_inode" not in names)
        block_size, features = str(1024 << chance.randrange(3)), ",".join(names)
        inode_size, size = str(256 << chance.randrange(3)), chance.randrange(600, 60000) * KIB
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            assert_same_as_mke2fs(folder, size, "-t", "ext4", "-b", block_size, "-I", inode_size, "-O", features,
                                  type="ext4", block_size=block_size, inode_size=inode_size, features=features)
        except Fault as error:
            assert error.errno in (e.EINVAL, e.ENOSPC), features
            continue
        same += 1
    assert same > 15


@needs_mke2fs
def test_any_options(tmp_path):
    """Whatever is accepted is clean."""
    chance = random.Random(1)
    accepted = 0
    for _ in range(40):
        names = chance.sample(("resize_inode", "sparse_super", "64bit", "metadata_csum", "flex_bg", "extent",
                               "large_file", "filetype", "uninit_bg", "has_journal", "extra_isize",
                               "metadata_csum_seed", "inline_data", "encrypt", "casefold", "fast_commit",
                               "sparse_super2", "meta_bg", "mmp", "quota", "project", "orphan_file", "bigalloc"),
                              4)  # fmt: skip
        options = {
            "type": chance.choice(("ext2", "ext3", "ext4")), "block_size": str(1024 << chance.randrange(4)),
            "inode_size": str(128 << chance.randrange(4)), "inode_ratio": str(1024 << chance.randrange(8)),
            "features": ",".join(chance.choice(("", "^")) + name for name in names),
        }  # fmt: skip
        path = tmp_path / "image"
        path.unlink(missing_ok=True)
        try:
            newfs(path, chance.randrange(70 * KIB, 70 * MIB), **options)
        except Fault as error:
            assert error.errno in (e.EINVAL, e.ENOSPC) and error.detail
            continue
        accepted += 1
        check(path)
        assert mount(path).root()[v.MODE] == 0o40755
    assert accepted > 10


@needs_mke2fs
@pytest.mark.slow
@pytest.mark.parametrize("size", [5 * TIB, 16 * TIB - 4096])
def test_huge(tmp_path, size):
    path = tmp_path / "image"
    made = newfs(path, size, type="ext4")
    assert int(made[b"blocks"]) * 4096 == size
    assert path.stat().st_blocks * 512 < 400 * MIB
    assert driver.probe(File(path)) == "ext4"
    if size < 16 * TIB - 4096:
        check(path)


def test_deterministic(tmp_path):
    for name in ("one", "two"):
        newfs(tmp_path / name, 30 * MIB, type="ext4")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    differ = newfs(tmp_path / "three", 30 * MIB, type="ext4", uuid="random")
    assert differ[b"uuid"] != UUID.encode() and differ[b"uuid"][14:15] == b"4"


def test_the_superblock_is_last(tmp_path):
    newfs(tmp_path / "image", 8 * MIB, used=True, type="ext4")
    done = newfs.done
    assert done[0][0] == 0 and done[0][1] >= 2048           # the old one goes before anything else
    assert done[-3:] == [(-1, 1), (1024, 1024), (-1, 1)]
    assert not any(0 <= offset <= 1024 < offset + length for offset, length in done[1:-3])


def test_root_perms(tmp_path):
    newfs(tmp_path / "image", 8 * MIB, type="ext4", root_perms="1777")
    check(tmp_path / "image")
    assert mount(tmp_path / "image").root()[v.MODE] == 0o41777


def test_our_reader_reads_it(tmp_path):
    path = tmp_path / "image"
    newfs(path, 600 * MIB, type="ext4", label="label", root_owner="1000:100000")
    volume = mount(path)
    root = volume.root()
    assert (root[v.UID], root[v.GID], root[v.MTIME]) == (1000, 100000, TIME * 10**9)
    assert [row[0] for row in volume.list(root[:2], 0, 10)[0]] == [b"lost+found"]
    assert dict(volume.describe())[b"label"] == b"label"
    free, files = volume.statvfs()[3], volume.statvfs()[6]
    assert files == volume.statvfs()[5] - 11 and 0 < free < volume.statvfs()[2]


@needs_mke2fs
@types
def test_debugfs_writes_into_it(tmp_path, kind):
    path = tmp_path / "image"
    newfs(path, 20 * MIB, type=kind)
    (tmp_path / "file").write_bytes(os.urandom(300_000))
    debugfs(path, "mkdir folder", f"write {tmp_path / 'file'} folder/file")
    check(path)
    volume = mount(path)
    folder = volume.lookup(volume.root()[:2], b"folder")
    assert volume.lookup(folder[:2], b"file")[v.SIZE] == 300_000


@needs_mke2fs
@needs_root
@pytest.mark.root
@pytest.mark.parametrize("kind, used", [("ext2", False), ("ext3", True), ("ext4", False), ("ext4", True)])
def test_the_linux_kernel_writes_into_it(tmp_path, kind, used):
    path = tmp_path / "image"
    newfs(path, 30 * MIB, used=used, type=kind)
    with loop_mounted(path, tmp_path / "mnt", "rw") as folder:
        for number in range(100):
            (folder / f"file {number}").write_bytes(bytes([number]) * number * 100)
    run(E2FSCK, "-fn", path)
    volume = mount(path)
    assert volume.lookup(volume.root()[:2], b"file 99")[v.SIZE] == 9900


@pytest.mark.parametrize("options, errno, word", [
    ({"nonsense": "1"}, e.EINVAL, "nonsense"),
    ({"type": "ext5"}, e.EINVAL, "ext5"),
    ({"block_size": "1000"}, e.EINVAL, "block_size"),
    ({"block_size": "3072"}, e.EINVAL, "block_size"),
    ({"block_size": "big"}, e.EINVAL, "block_size"),
    ({"inode_size": "100"}, e.EINVAL, "inode_size"),
    ({"features": "journal_dev"}, e.EINVAL, "journal_dev"),
    ({"features": "bigalloc"}, e.EINVAL, "extent"),
    ({"type": "ext4", "features": "bigalloc", "cluster_size": "3000"}, e.EINVAL, "cluster_size"),
    ({"type": "ext4", "features": "bigalloc", "cluster_size": "1024"}, e.EINVAL, "cluster_size"),
    ({"type": "ext4", "features": "bigalloc", "inode_ratio": "1024"}, e.EINVAL, "too many inodes"),
    ({"cluster_size": "16384"}, e.EINVAL, "bigalloc"),
    ({"features": "orphan_file"}, e.EINVAL, "has_journal"),
    ({"features": "meta_bg"}, e.EINVAL, "meta_bg"),
    ({"features": "inline_data", "inode_size": "128"}, e.EINVAL, "inode_size"),
    ({"features": "project", "inode_size": "128"}, e.EINVAL, "inode_size"),
    ({"num_backup_sb": "1"}, e.EINVAL, "sparse_super2"),
    ({"features": "sparse_super2", "num_backup_sb": "3"}, e.EINVAL, "num_backup_sb"),
    ({"features": "mmp", "mmp_update_interval": "301"}, e.EINVAL, "mmp_update_interval"),
    ({"features": "quota", "quotatype": "nonsense"}, e.EINVAL, "quotatype"),
    ({"quotatype": "usrquota"}, e.EINVAL, "quota"),
    ({"encoding": "klingon"}, e.EINVAL, "klingon"),
    ({"encoding_flags": "strict"}, e.EINVAL, "casefold"),
    ({"encoding": "utf8", "encoding_flags": "nonsense"}, e.EINVAL, "encoding_flags"),
    ({"type": "ext3", "features": "orphan_file", "orphan_file_size": "1x"}, e.EINVAL, "orphan_file_size"),
    ({"type": "ext3", "features": "orphan_file", "orphan_file_size": "9m"}, e.ENOSPC, "orphan file"),
    ({"resize": "1000"}, e.EINVAL, "resize"),
    ({"flex_groups": "4"}, e.EINVAL, "flex_bg"),
    ({"type": "ext4", "flex_groups": "3"}, e.EINVAL, "flex_groups"),
    ({"group_blocks": "1001"}, e.EINVAL, "group_blocks"),
    ({"errors": "ignore"}, e.EINVAL, "errors"),
    ({"root_perms": "789"}, e.EINVAL, "root_perms"),
    ({"features": "^nonsense"}, e.EINVAL, "nonsense"),
    ({"features": "^sparse_super"}, e.EINVAL, "resize_inode"),
    ({"features": "64bit"}, e.EINVAL, "64bit"),
    ({"uuid": "1234"}, e.EINVAL, "uuid"),
    ({"label": "x" * 17}, e.EINVAL, "label"),
    ({"reserved_percent": "51"}, e.EINVAL, "reserved_percent"),
    ({"root_owner": "me"}, e.EINVAL, "root_owner"),
    ({"inodes": "4000000000"}, e.EINVAL, "inodes"),
    ({"size": str(20 * MIB)}, e.EINVAL, "size"),
    ({"size": "20000"}, e.ENOSPC, "blocks"),
    ({"type": "ext3", "journal_size": "9"}, e.ENOSPC, "journal"),
    ({"type": "ext3", "journal_size": "99999"}, e.EINVAL, "journal"),
])  # fmt: skip
def test_refused(tmp_path, options, errno, word):
    path = tmp_path / "image"
    with pytest.raises(Fault) as caught:
        newfs(path, 10 * MIB, **options)
    assert caught.value.errno == errno and word in str(caught.value.detail)
    assert not any(data_of(path, 10 * MIB))


def test_by_the_kernel(tmp_path):
    path = tmp_path / "image"
    with open(path, "wb") as file:
        file.truncate(4 * MIB)
    with boot(default()) as kernel:
        kernel.etfs_register(b"/dev/read", os.fsencode(path))
        kernel.etfs_register(b"/dev/write", os.fsencode(path), read_only=False)
        for fstype, device, errno in (("ext4", b"/dev/read", e.EROFS), ("tmpfs", b"/dev/write", e.EOPNOTSUPP),
                                      ("nonsensefs", b"/dev/write", e.ENODEV)):  # fmt: skip
            with pytest.raises(OSError) as caught:
                kernel.newfs(fstype, device, {})
            assert getattr(caught.value, "rump_errno", caught.value.errno) == errno
        made = dict(kernel.newfs("ext4", b"/dev/write", {"label": "mine"}))
        assert made[b"type"] == b"ext4" and made[b"journal blocks"] == b"1024"
        kernel.lwp.mkdir(b"/mnt", 0o755)
        kernel.lwp.mount("ext4", b"/mnt", flags=abi.MNT_RDONLY, device=b"/dev/write")
        assert kernel.lwp.stat(b"/mnt/lost+found").st_size == 12288
        with pytest.raises(OSError) as caught:
            kernel.newfs("ext4", b"/dev/write", {})
        assert caught.value.errno == e.EBUSY
