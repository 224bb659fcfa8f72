# SPDX-License-Identifier: BSD-2-Clause
"""Trees put into volumes of every kind by mtools, read back and compared with their source."""

from __future__ import annotations

import random
import re

import pytest

from rump.drivers.fs.msdosfs import driver
from rump.kernel import abi
from rump.kernel.vfs.volume import END

KINDS = {
    "fat12-512x1": (2, "-F", 12, "-S", 512, "-s", 1, "-r", 512),
    "fat12-4096x2": (8, "-F", 12, "-S", 4096, "-s", 2, "-r", 512),
    "fat16-512x4": (24, "-F", 16, "-S", 512, "-s", 4, "-r", 512),
    "fat16-2048x1": (24, "-F", 16, "-S", 2048, "-s", 1, "-r", 512),
    "fat16-1024x64": (300, "-F", 16, "-S", 1024, "-s", 64, "-r", 512),
    "fat32-512x1": (40, "-F", 32, "-S", 512, "-s", 1),
    "fat32-512x2": (70, "-F", 32, "-S", 512, "-s", 2, "-f", 1),
    "fat32-4096x1": (270, "-F", 32, "-S", 4096, "-s", 1),
}

NAMES = (
    "README", "readme.txt", "UPPER.TXT", "lower.txt", "Mixed.Txt", "lowerbas.EXT", "UPPERBAS.ext",
    ".profile", "a long name with spaces.text", "x" * 200 + ".tail", "exactly13char", "twenty six characters long",
    "umlaute äöü.txt",
    "ÄÖÜ", "日本語のファイル名.txt", "no.ext.at.all.", "two..dots", "tilde~1.txt", "longname one.c",
    "longname two.c", "longname three.c", "café", "+,;=[].txt", "ελληνικά",
)  # fmt: skip


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A small tree: many kinds of names, empty files, deep and wide directories."""
    chance = random.Random(6)
    root = tmp_path_factory.mktemp("tree")
    for index, name in enumerate(NAMES):
        (root / name.rstrip(".")).write_bytes(chance.randbytes(index * 137))
    deep = root
    for depth in range(12):
        deep = deep / f"Level {depth}"
        deep.mkdir()
        (deep / f"file{depth}").write_bytes(b"%d" % depth)
    wide = root / "wide"
    wide.mkdir()
    for index in range(150):
        (wide / f"entry number {index}.dat").write_bytes(b"%d\n" % index)
    (root / "empty").mkdir()
    (root / "Middle.bin").write_bytes(chance.randbytes(400_000))
    return root


def source(tree) -> dict[bytes, bytes | None]:
    """Path -> contents, None for directories."""
    paths = (path for path in tree.rglob("*"))
    return {
        str(path.relative_to(tree)).encode(): path.read_bytes() if path.is_file() else None for path in paths
    }


@pytest.fixture(scope="session", params=KINDS.values(), ids=list(KINDS))
def filled(request, make_image, run_tool, tree):
    """(the arguments, the bytes of a volume that holds the tree)."""
    path = make_image(*request.param)
    run_tool("mcopy", "-s", "-m", "-i", path, *sorted(tree.iterdir()), "::/")
    return request.param, path


def test_tree_is_the_source(filled, tree, mounted):
    arguments, path = filled
    mount = mounted(path)
    assert driver.probe(mount.device) == f"FAT{arguments[2]}"
    found = {}
    for name, attributes in mount.walk():
        is_file = attributes[2] & 0o170000 == 0o100000
        found[name] = mount.content(attributes) if is_file else None
        assert mount.find(name) == attributes == mount.volume.attributes(attributes[:2])
    assert found == source(tree)


def test_attributes(filled, tree, mounted):
    arguments, path = filled
    mount = mounted(path, uid="12", gid="34", mask="751", dirmask="711")
    cluster = arguments[4] * arguments[6]
    fileids = set()
    for name, attributes in mount.walk():
        fileid, generation, mode, links, uid, gid, rdev, size, allocated, atime, mtime, ctime, birth, flags = attributes
        fileids.add(fileid)
        path = tree / name.decode()
        assert (generation, links, uid, gid, rdev) == (0, 1, 12, 34, 0)
        assert allocated == -(-size // cluster) * cluster
        assert ctime == mtime
        if path.is_dir():
            assert mode == 0o040711
            assert flags == 0
            assert size > 0
        else:
            assert mode == 0o100751
            assert flags == abi.UF_ARCHIVE
            assert size == path.stat().st_size
            assert 0 <= path.stat().st_mtime_ns - mtime < 2 * 10**9
            assert birth > 0
            assert atime % (86400 * 10**9) == 0
    assert len(fileids) == len(source(tree))


def test_agrees_with_mdir(filled, run_tool, mounted):
    """mdir's own idea of names and free space (what case it shows is not quite certain)."""
    _, path = filled
    listing = run_tool("mdir", "-i", path, "-/", "-b", "-a", "::/")
    theirs = {line.removeprefix("::/").rstrip("/").upper() for line in listing.splitlines()}
    mount = mounted(path)
    assert {name.decode().upper() for name, _ in mount.walk()} == theirs
    free = re.search(r"([\d ]+) bytes free", run_tool("mdir", "-i", path, "::/wide"))
    size, _, blocks, free_blocks, available, _, _, _ = mount.volume.statvfs()
    assert free_blocks * size == int(free.group(1).replace(" ", ""))
    assert available == free_blocks <= blocks


def test_free_count_of_the_table(filled, mounted):
    """FSInfo, where there is one, agrees with the table; a nonsensical one is not believed."""
    _, path = filled
    volume = mounted(path).volume
    first, geometry = volume.statvfs(), volume.geometry
    if geometry.info_offset and geometry.size < 100 << 20:
        data = bytearray(path.read_bytes())
        data[geometry.info_offset + 488 : geometry.info_offset + 492] = (geometry.clusters + 1).to_bytes(4, "little")
        assert mounted(data).volume.statvfs() == first
        data[geometry.info_offset + 484] ^= 1
        assert mounted(data).volume.statvfs() == first


def test_lookup_ignores_case(filled, mounted):
    mount = mounted(filled[1])
    root = mount.volume.root()[:2]
    for one, other in (
        ("README", "ReadMe"),
        ("umlaute äöü.txt", "UMLAUTE ÄÖÜ.TXT"),
        ("ελληνικά", "ΕΛΛΗΝΙΚΆ"),
        ("Mixed.Txt", "MIXED.TXT"),
        ("longname one.c", "LONGNA~1.C"),
        ("Level 0", "level 0"),
    ):
        found = mount.volume.lookup(root, one.encode())
        assert mount.volume.lookup(root, other.encode()) == found
    assert mount.volume.name_key("É".encode()) == mount.volume.name_key("é".encode())
    assert mount.volume.name_key("ß".encode()) != mount.volume.name_key(b"ss")
    for name in (b"missing", b"", b"\xff", b"\xed\xa0\x80", b"README.", b"READM", b"TESTVOL"):
        with pytest.raises(FileNotFoundError):
            mount.volume.lookup(root, name)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_cookies(filled, mounted, step):
    """Listing in steps, and again from every cookie, is one and the same list."""
    mount = mounted(filled[1])
    for directory in (mount.volume.root(), mount.find(b"wide"), mount.find(b"empty")):
        whole, end = mount.volume.list(directory[:2], 0, 10**6)
        assert end == END
        pieces, cookie = [], 0
        while cookie != END:
            some, cookie = mount.volume.list(directory[:2], cookie, step)
            assert len(some) <= step
            pieces += some
        assert tuple(pieces) == whole
        for index, (_, behind, fileid, _) in enumerate(whole):
            rest, _ = mount.volume.list(directory[:2], behind, 10**6)
            assert rest == whole[index + 1 :]
            assert mount.volume.attributes((fileid, 0))[0] == fileid
        assert mount.volume.list(directory[:2], END, 10) == ((), END)


def test_describe(filled, mounted):
    arguments, path = filled
    told = dict(mounted(path).volume.describe())
    assert told[b"type"] == b"FAT%d" % arguments[2]
    assert told[b"label"] == b"TESTVOL"
    assert told[b"uuid"] == b"1234-ABCD"
    assert told[b"cluster size"] == b"%d" % (arguments[4] * arguments[6])
    assert told[b"state"] == b"clean"


def test_short_names_only(filled, mounted):
    mount = mounted(filled[1], shortnames="")
    names = [name for name, _ in mount.entries(mount.volume.root()[:2])]
    assert b"README" in names and b"LONGNA~1.C" in names
    assert all(len(name) <= 12 for name in names if name.isascii())


def test_fsck_agrees_that_the_images_are_sound(filled, run_tool):
    """The corpus is what it is meant to be."""
    run_tool("fsck.fat", "-n", filled[1])
