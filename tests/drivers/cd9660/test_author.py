# SPDX-License-Identifier: BSD-2-Clause
"""New volumes, filled: what is put in is what other people's readers, and this kernel's, find."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from author_support import (
    NANO,
    NOW,
    SECTOR,
    Bare,
    File,
    Memory,
    MemoryFile,
    Tree,
    author,
    boot,
    by_bsdtar,
    by_us,
    by_xorriso,
    in_memory,
    inside,
    named,
    needs,
    run,
    volume_sectors,
)

from rump.kernel import abi

LONG = b"n" * 250 + b".text"
ODD = ("Readme", "README", "readme", "a b", "tab\there", "semi;colon", "star*", "back\\slash", "quo\"te", "..x", ".rc",
       "two.dots.tar.gz", "end.", "-", "ünïcode", "日本語.txt", "smile-\U0001f600.txt", "x" * 113, "y" * 114,
       "z" * 200)  # fmt: skip


def everything(t: Tree) -> None:
    """One of each."""
    t.put("empty")
    t.put("one byte", b"1")
    t.put("sector", b"s" * SECTOR)
    t.put("more", bytes(range(256)) * 999, 0o4755)
    t.put(LONG, b"long")
    t.put(b"bytes \xff\xfe\x80", b"no text")
    for number, name in enumerate(ODD):
        t.put(name, b"%d" % number, 0o600 + number)
    t.mkdir("folder", 0o1777)
    t.mkdir("folder/empty", 0o700)
    t.lwp.link(b"more", b"folder/again")
    t.lwp.link(b"empty", b"folder/nothing")
    for name, target in (("up", b"../one byte"), ("root", b"/"), ("here", b"."), ("deep", b"/a/../b/./c"),
                         ("long", b"/".join([b"part%d" % n for n in range(120)])), ("wide", b"w" * 600),
                         ("dots", b"...")):  # fmt: skip
        t.lwp.symlink(target, named(f"folder/{name}"))
    t.lwp.mknod(b"folder/fifo", abi.S_IFIFO | 0o620)
    t.lwp.chown(b"folder/again", 1234, 4321)
    t.lwp.chown(b"folder", 4000000000, 4000000001)
    for number, path in enumerate((b"empty", b"folder/empty", b"one byte")):
        t.lwp.utimens(path, (NOW + number) * NANO + 5, (NOW - 10**8 * number) * NANO + 7)


def nodes(t: Tree) -> None:
    """Device nodes, which not everybody may extract."""
    t.lwp.mknod(b"null", abi.S_IFCHR | 0o666, abi.makedev(1, 3))
    t.lwp.mknod(b"disk", abi.S_IFBLK | 0o660, abi.makedev(8, 17))


def snapshot(t: Tree) -> dict[bytes, File]:
    """What is in the tree that is being filled."""
    return dict(inside(t.lwp))


def seen(fill: Any, into: dict[bytes, File]) -> Any:
    """Fill, and remember what there was in the end."""

    def both(t: Tree) -> None:
        fill(t)
        into.update(snapshot(t))

    return both


def without(found: dict[bytes, File], *fields: str, kinds: tuple[int, ...] = ()) -> dict[bytes, tuple[Any, ...]]:
    """The files without some fields; and without permissions of symbolic links, which readers make up."""
    result = {}
    for path, file in found.items():
        if stat.S_IFMT(file.mode) in kinds or path == b"rr_moved":
            continue
        mode = stat.S_IFLNK if stat.S_ISLNK(file.mode) else file.mode
        result[path] = tuple(getattr(file._replace(mode=mode), name) for name in File._fields if name not in fields)
    return result


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[bytes, File]]:
    """An image of everything, and what is in it."""
    wanted: dict[bytes, File] = {}

    def fill(t: Tree) -> None:
        everything(t)
        nodes(t)
        deep = b""
        for number in range(20):
            deep += b"%c" % (97 + number)
            t.mkdir(deep)
            t.put(deep + b"/file", b"%d" % number)
            deep += b"/"

    path = tmp_path_factory.mktemp("author") / "whole.iso"
    author(path, seen(fill, wanted), {"label": "Whole"})
    return path, wanted


def test_we_find_everything(whole: tuple[Path, dict[bytes, File]]) -> None:
    path, wanted = whole
    assert without(by_us(path.read_bytes())) == without(wanted)


@needs("bsdtar")
def test_libarchive_finds_everything_in_a_pipe(whole: tuple[Path, dict[bytes, File]]) -> None:
    path, wanted = whole
    assert without(by_bsdtar(path)) == without(wanted)


@needs("xorriso")
def test_libisofs_finds_everything(whole: tuple[Path, dict[bytes, File]], tmp_path: Path) -> None:
    """Owners only where this is root's.  libisofs does not set links' times, nor make devices unless told to."""
    path, wanted = whole
    fields = () if os.geteuid() == 0 else ("uid", "gid")
    devices = stat.S_IFCHR, stat.S_IFBLK
    found = by_xorriso(path, tmp_path / "out")
    for each in (found, wanted := dict(wanted)):
        each.update({name: file._replace(mtime=0) for name, file in each.items() if stat.S_ISLNK(file.mode)})
    assert without(found, *fields, kinds=devices) == without(wanted, *fields, kinds=devices)
    listed = run("xorriso", "-indev", path, "-lsl", "/null", "/disk", "--")
    assert b" 1,3 " in listed and b" 8,17 " in listed


@needs("isoinfo")
def test_isoinfo_lists_everything(whole: tuple[Path, dict[bytes, File]]) -> None:
    path, wanted = whole
    listed = {line.strip(b"/") for line in run("isoinfo", "-R", "-f", "-i", path).splitlines()}
    assert {name for name in wanted if b"\t" not in name and not name.startswith(b"a/")} <= listed
    assert {b"rr_moved/n/o/p/q/r/s/file", b"rr_moved/h/i/j/file"} <= listed
    described = run("isoinfo", "-d", "-i", path)
    assert b"Volume id: Whole" in described and b"Joliet with UCS level 3 found" in described
    assert b"Rock Ridge signatures version 1 found" in described


@needs("isovfy")
def test_isovfy_has_no_complaint(whole: tuple[Path, dict[bytes, File]]) -> None:
    assert b"No errors found" in run("isovfy", whole[0])


@needs("7z")
def test_7z_finds_files_by_their_joliet_names(whole: tuple[Path, dict[bytes, File]], tmp_path: Path) -> None:
    path, wanted = whole
    run("7z", "t", path)
    run("7z", "x", "-y", f"-o{tmp_path}", path, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert (tmp_path / "more").read_bytes() == (tmp_path / "folder/again").read_bytes() == wanted[b"more"].what
    deep = tmp_path.joinpath(*"abcdefghijklmnopqrst")
    assert (deep / "file").read_bytes() == b"19"
    assert (tmp_path / "smile-_.txt").exists() and (tmp_path / "日本語.txt").exists()
    names = sum(1 for file in wanted.values() if stat.S_IFMT(file.mode) in (stat.S_IFREG, stat.S_IFDIR))
    assert sum(len(folders) + len(files) for _, folders, files in os.walk(tmp_path)) == names


def test_several_names_of_a_file(whole: tuple[Path, dict[bytes, File]]) -> None:
    """One extent, one serial number, and link counts."""
    platform = Memory(now=0, seed=1)
    platform.files[b"iso"] = MemoryFile(whole[0].read_bytes())
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso")
        lwp = kernel.lwp
        lwp.mkdir(b"/mnt", 0o755)
        lwp.mount("cd9660", b"/mnt", abi.MNT_RDONLY, b"/dev/iso")
        for one, other in ((b"more", b"folder/again"), (b"empty", b"folder/nothing")):
            first, second = lwp.stat(b"/mnt/" + one), lwp.stat(b"/mnt/" + other)
            assert first.st_ino == second.st_ino and first.st_nlink == second.st_nlink == 2
        assert lwp.stat(b"/mnt/folder").st_nlink == 3


def test_joliet_and_plain_names_lead_to_the_same() -> None:
    """Each name space on its own: the same contents, as many files."""
    wanted: dict[bytes, File] = {}
    data = in_memory(seen(everything, wanted))
    plain = [file.what for file in wanted.values() if stat.S_ISREG(file.mode)]
    for options in ({"norrip": ""}, {"norrip": "", "nojoliet": ""}):
        found = by_us(data, options)
        regular = [file.what for file in found.values() if stat.S_ISREG(file.mode)]
        if "nojoliet" not in options:
            assert sorted(regular) == sorted(plain)
        else:
            assert len(regular) == sum(not stat.S_ISDIR(file.mode) for file in wanted.values())


@pytest.mark.parametrize("options", [
    {"rockridge": "0"}, {"joliet": "0"}, {"rockridge": "0", "joliet": "0"}, {"level": "1"}, {"level": "2"},
    {"allow-deep": "1"}, {"joliet-long": "1"},
], ids=lambda options: " ".join(options))  # fmt: skip
@needs("xorriso", "isovfy")
def test_other_volumes(options: dict[str, str], tmp_path: Path) -> None:
    """Every kind of volume can be read; contents are all there."""

    def fill(t: Tree) -> None:
        for number in range(30):
            t.put(f"a name, not that short, of file number {number}.text", b"%d" % number)
        t.mkdir("folder.d")
        t.put("folder.d/in", b"in")
        deep = b""
        for number in range(10 if options.get("rockridge") != "0" else 7):
            deep += b"%d/" % number
            t.mkdir(deep[:-1])

    path = author(tmp_path / "iso", fill, options)
    found = by_xorriso(path, tmp_path / "out")
    plain = sorted(file.what for file in found.values() if stat.S_ISREG(file.mode))
    assert plain == sorted([b"in", *(b"%d" % number for number in range(30))])
    assert b"No errors found" in run("isovfy", path)
    assert sorted(f.what for f in by_us(path.read_bytes()).values() if stat.S_ISREG(f.mode)) == plain


@needs("bsdtar", "isovfy")
def test_ten_thousand_names(tmp_path: Path) -> None:
    """In one directory, many of them alike but for what ISO 9660 cuts off."""
    names = [b"%s file %d" % (b"quite a long beginning of a name" * (n % 2), n) for n in range(10_000)]

    def fill(t: Tree) -> None:
        t.mkdir("many")
        for at in range(0, len(names), 500):
            t.populate("many", [(name, name) for name in names[at : at + 500]])

    path = author(tmp_path / "iso", fill, {"expect": "10001:1:340000"})
    assert {name: file.what for name, file in by_bsdtar(path).items() if name != b"many"} == {
        b"many/" + name: name for name in names
    }
    assert b"No errors found" in run("isovfy", path)


@needs("xorriso")
def test_a_file_of_more_than_4_gib(tmp_path: Path) -> None:
    """In two pieces; what nobody wrote takes no room in the host's file."""
    size = 5 << 30

    def fill(t: Tree) -> None:
        t.put("before", b"b")
        t.put("huge", b"begin")
        fd = t.lwp.open(b"huge", abi.O_RDWR)
        t.lwp.pwrite(fd, b"middle", (4 << 30) - 3)
        t.lwp.ftruncate(fd, size)
        t.lwp.close(fd)
        t.put("behind", b"e")

    path = author(tmp_path / "iso", fill, {"expect": "5:1:30"})
    assert path.stat().st_blocks * 512 < 1 << 20 < size < path.stat().st_size
    listed = run("xorriso", "-indev", path, "-lsl", "/huge", "--", "-find", "/huge", "-exec", "report_lba")
    assert b" 5368709120 " in listed and listed.count(b"File data lba:") == 2
    starts = [int(line.split(b",")[1]) for line in listed.splitlines() if line.startswith(b"File data lba:")]
    with path.open("rb") as file:
        for sector, at, data in ((starts[0], 0, b"begin\0"), (starts[0], (4 << 30) - 2048 - 4, bytes(4)),
                                 (starts[1], 2048 - 4, b"\0middle\0")):  # fmt: skip
            file.seek(sector * SECTOR + at)
            assert file.read(len(data)) == data
    run("xorriso", "-osirrox", "on", "-indev", path, "-extract", "/behind", tmp_path / "behind")
    assert (tmp_path / "behind").read_bytes() == b"e"


@needs("xorriso", "bsdtar")
def test_files_that_grow_by_turns(tmp_path: Path) -> None:
    """Small ones are moved, large ones have pieces; at levels 1 and 2 they are moved, too."""
    piece = bytes(range(251)) * 400

    def fill(t: Tree) -> None:
        files = [t.lwp.open(b"f%d" % n, abi.O_WRONLY | abi.O_CREAT, 0o644) for n in range(3)]
        for _ in range(8):
            for number, fd in enumerate(files):
                t.lwp.write(fd, piece[: len(piece) - number])
        for fd in files:
            t.lwp.close(fd)

    for level in ("2", "3"):
        path = author(tmp_path / level, fill, {"level": level})
        for found in (by_us(path.read_bytes()), by_bsdtar(path), by_xorriso(path, tmp_path / f"out{level}")):
            for number in range(3):
                assert found[b"f%d" % number].what == piece[: len(piece) - number] * 8
        pieces = run("xorriso", "-indev", path, "-find", "/", "-type", "f", "-exec", "report_lba")
        assert (pieces.count(b"File data lba:") == 3) == (level == "2")


def test_years_that_seven_bytes_do_not_have() -> None:
    """In Rock Ridge's long form."""
    times = {b"before": -86400 * 365 * 300, b"first": -2208988800, b"last": 5869583999, b"after": 5869584000}

    def fill(t: Tree) -> None:
        for name, time in times.items():
            t.put(name)
            t.lwp.utimens(name, time * NANO, time * NANO)

    assert {name: file.mtime for name, file in by_us(in_memory(fill)).items()} == times


def test_extended_attributes() -> None:
    wanted = {b"user.one": b"1", b"user.none": b"", b"security.capability": bytes(20), b"user.big": b"x" * 9000}

    def fill(t: Tree) -> None:
        t.put("f", b"f")
        t.mkdir("d")
        for path in (b"f", b"d"):
            for name, value in wanted.items():
                t.lwp.setxattr(path, name, value)
        t.lwp.setxattr(b"f", b"user.gone", b"")
        t.lwp.removexattr(b"f", b"user.gone")
        t.populate("d", [(b"g", b"g")], xattrs=((b"user.g", b"g"),))

    platform = Memory(now=0, seed=1)
    platform.files[b"iso"] = MemoryFile(in_memory(fill))
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso")
        lwp = kernel.lwp
        lwp.mkdir(b"/mnt", 0o755)
        lwp.mount("cd9660", b"/mnt", abi.MNT_RDONLY, b"/dev/iso")
        for path in (b"/mnt/f", b"/mnt/d"):
            assert {name: lwp.getxattr(path, name) for name in lwp.listxattr(path)} == wanted
        assert lwp.getxattr(b"/mnt/d/g", b"user.g") == b"g"


@needs("xorriso")
def test_libisofs_finds_extended_attributes(tmp_path: Path) -> None:
    def fill(t: Tree) -> None:
        t.put("f", b"f")
        t.lwp.setxattr(b"f", b"user.one", b"first-value")

    path = author(tmp_path / "iso", fill)
    assert b'user.one="first-value"' in run("xorriso", "-xattr", "on", "-indev", path, "-getfattr", "/f")


def test_the_same_again_is_the_same() -> None:
    """Whatever the device held before, and however its contents were given."""
    first = in_memory(everything)
    assert in_memory(everything, marshal=True) == first
    assert in_memory(everything, before=b"\xa5" * (5 << 20)) == first
    assert in_memory(everything, {"expect": "100:10:2000"}) == first, "small files are moved where they belong"
    assert volume_sectors(first) * SECTOR == len(first)
