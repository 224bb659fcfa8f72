# SPDX-License-Identifier: BSD-2-Clause
"""What xorriso, genisoimage and bsdtar write is read as it was, and as other readers read it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rump.drivers.fs.cd9660.lookup import Directories

if TYPE_CHECKING:
    from collections.abc import Callable

Mount = Any
Tool = Any
LONG_LINK = b"long"         # genisoimage cuts it


@pytest.fixture(scope="module")
def by_xorriso(source: Path, tmp_path_factory: pytest.TempPathFactory, run_tool: Tool) -> Path:
    image = tmp_path_factory.mktemp("xorriso") / "x.iso"
    run_tool("xorriso", "-hardlinks", "on", "-joliet", "on", "-compliance", "joliet_long_names", "-volid", "TREE",
             "-outdev", image, "-map", source, "/", "-commit")  # fmt: skip
    return image


@pytest.fixture(scope="module")
def by_genisoimage(source: Path, tmp_path_factory: pytest.TempPathFactory, run_tool: Tool) -> Path:
    image = tmp_path_factory.mktemp("genisoimage") / "g.iso"
    run_tool("genisoimage", "-quiet", "-R", "-J", "-joliet-long", "-l", "-allow-multidot", "-o", image, source)
    return image


def differences(ours: dict[bytes, Any], theirs: dict[bytes, Any]) -> list[Any]:
    return [(path, ours.get(path), theirs.get(path))
            for path in sorted(ours.keys() | theirs.keys()) if ours.get(path) != theirs.get(path)]  # fmt: skip


# ---- Rock Ridge ----------------------------------------------------------------------------------------------------


def test_xorriso(mounted: Mount, by_xorriso: Path, source: Path, host_tree: Callable[..., Any]) -> None:
    assert differences(mounted(by_xorriso).tree(), host_tree(source)) == []


def test_genisoimage(mounted: Mount, by_genisoimage: Path, source: Path, host_tree: Callable[..., Any]) -> None:
    """Directories too deep for the format were moved, and are shown where they belong."""
    ours, theirs = mounted(by_genisoimage).tree(), host_tree(source)
    assert ours.pop(b"rr_moved")[0] == "directory"
    assert [path for path, *_ in differences(ours, theirs)] == [LONG_LINK]


def test_bsdtar(
    mounted: Mount, source: Path, tmp_path: Path, run_tool: Tool, host_tree: Callable[..., Any]
) -> None:
    """Its Rock Ridge takes write permission away."""
    image = tmp_path / "b.iso"
    run_tool("bsdtar", "-c", "--format=iso9660", "-f", image, "-C", source, ".")
    ours, theirs = mounted(image).tree(), host_tree(source)
    ours.pop(b"rr_moved")
    assert ours.keys() == theirs.keys()
    for path, (kind, _, *rest) in theirs.items():
        assert (ours[path][0], *ours[path][2:]) == (kind, *rest), path


def test_hard_links(mounted: Mount, by_xorriso: Path, by_genisoimage: Path) -> None:
    for image in (by_xorriso, by_genisoimage):
        volume = mounted(image)
        one, other, third = (volume.find(path) for path in (b"hard1", b"many/hard2", b"Readme.TXT"))
        assert one[0] == other[0] != third[0]
        assert one[1] != other[1]
        assert (one[3], other[3], third[3]) == (2, 2, 1)
        assert volume.content(one) == volume.content(other)


def test_files_have_different_numbers(mounted: Mount, by_xorriso: Path, by_genisoimage: Path) -> None:
    for image in (by_xorriso, by_genisoimage):
        for options in ({}, {"names": "joliet"}, {"names": "plain"}):
            found = [attributes for path, attributes in mounted(image, **options).walk() if not path.endswith(b"hard2")]
            assert len({attributes[0] for attributes in found}) == len(found)


def test_listing_and_looking_up_agree(mounted: Mount, by_genisoimage: Path) -> None:
    volume = mounted(by_genisoimage)
    for path, attributes in volume.walk():
        assert volume.find(path) == attributes
    rows = dict(volume.entries(step=3))
    entries, follow = volume.volume.list(volume.volume.root()[:2], 0, 1000)
    assert follow == -1
    assert [(name, number, kind) for name, _, number, kind in entries] == [
        (name, attributes[0], attributes[2] >> 12) for name, attributes in rows.items()
    ]


def test_cookies(mounted: Mount, by_xorriso: Path) -> None:
    """One entry at a time, and from any cookie again."""
    volume = mounted(by_xorriso)
    many = volume.find(b"many")[:2]
    whole, _ = volume.volume.list_attributes(many, 0, 1000)
    assert volume.entries(many, step=1) == [(name, attributes) for name, _, attributes in whole]
    for number, (_, cookie, _) in enumerate(whole[:-1]):
        rest, follow = volume.volume.list_attributes(many, cookie, 1000)
        assert rest == whole[number + 1 :]
        assert follow == -1


@pytest.mark.parametrize("chunk", [2048, 4096])
def test_directories_in_small_pieces(
    mounted: Mount, by_xorriso: Path, by_genisoimage: Path, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image in (by_xorriso, by_genisoimage):
        for options in ({}, {"names": "joliet"}, {"names": "plain"}):
            whole = list(mounted(image, **options).walk())
            with monkeypatch.context() as patch:
                patch.setattr("rump.drivers.fs.cd9660.lookup.CHUNK", chunk)
                pieces = mounted(image, cache_bytes=1 << 12, **options)
                assert list(pieces.walk()) == whole
                for path, attributes in reversed(whole):
                    assert pieces.find(path) == attributes


def test_shapes_change_nothing(
    mounted: Mount, by_xorriso: Path, by_genisoimage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image in (by_xorriso, by_genisoimage):
        quick = mounted(image)
        found = list(quick.walk())
        assert any(quick.volume._directories._shapes.values())
        with monkeypatch.context() as patch:
            patch.setattr(Directories, "_learn", lambda *_: None)
            assert list(mounted(image).walk()) == found


# ---- other name spaces ---------------------------------------------------------------------------------------------


def test_joliet(mounted: Mount, by_xorriso: Path, by_genisoimage: Path, source: Path) -> None:
    names = {os.fsdecode(path) for path in mounted(by_xorriso, names="joliet").names()}
    on_host = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file() or path.is_dir()}
    assert {name for name in on_host if len(name) < 64 and name.isascii() and ";" not in name} - names == {
        "link", "here", "up", "root"
    }  # fmt: skip
    assert "\u00fcn\u00efc\u00f6d\u00e9-\u6587\u5b57.txt" in names
    assert "n" * 103 in names
    volume = mounted(by_genisoimage, names="joliet")
    assert volume.read(b"1/2/3/4/5/6/7/8/9/10/11/deep.txt") == b"deep down"
    assert volume.find(b"README.txt") == volume.find(b"Readme.TXT")
    assert volume.volume.capabilities.case_sensitive is False


def test_joliet_as_7z_sees_it(mounted: Mount, by_genisoimage: Path, run_tool: Tool) -> None:
    said = run_tool("7z", "l", "-slt", "-ba", by_genisoimage)
    theirs = {line.removeprefix("Path = ") for line in said.splitlines() if line.startswith("Path = ")}
    ours = {os.fsdecode(path).removesuffix(".") for path in mounted(by_genisoimage, names="joliet").names()}
    assert ours == theirs


@pytest.mark.parametrize("options", [("-l", "-iso-level", "3"), ("-iso-level", "1"), ("-l", "-allow-lowercase", "-N")])
def test_plain_names_as_isoinfo_sees_them(
    mounted: Mount, source: Path, tmp_path: Path, run_tool: Tool, options: tuple[str, ...]
) -> None:
    image = tmp_path / "p.iso"
    run_tool("genisoimage", "-quiet", "-D", *options, "-o", image, source)
    theirs = {line.removeprefix("/").partition(";")[0].removesuffix(".")
              for line in run_tool("isoinfo", "-f", "-i", image).splitlines()}  # fmt: skip
    assert {os.fsdecode(path) for path in mounted(image, nomaplcase="").names()} == theirs
    assert {os.fsdecode(path) for path in mounted(image).names()} == {name.lower() for name in theirs}
    volume = mounted(image)
    assert volume.find(b"UPPER")[2] == 0o100555
    assert volume.read(b"upper") == b"u"


def test_enhanced(mounted: Mount, source: Path, tmp_path: Path, run_tool: Tool) -> None:
    image = tmp_path / "e.iso"
    run_tool("genisoimage", "-quiet", "-iso-level", "4", "-D", "-o", image, source)
    volume = mounted(image)
    assert volume.read(b"Readme.TXT") == b"hello"
    assert volume.read(b"dot.") == b"d"
    assert volume.find(b"n" * 200)[7] == 9
    assert volume.volume.capabilities.case_sensitive
    assert b"readme.txt" in mounted(image, names="plain").names()


# ---- contents ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compressible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("compressible") / "tree"
    root.mkdir()
    (root / "text").write_text("".join(f"line {number} {number * 7919 % 1000}\n" for number in range(12000)))
    (root / "zeros").write_bytes(bytes(300000))
    (root / "mixed").write_bytes(bytes(100000) + bytes(range(256)) * 100 + b"end")
    (root / "tiny").write_bytes(b"x")
    (root / "exact").write_bytes(b"0123456789abcdef" * 4096)
    return root


@pytest.mark.parametrize("options", ["block_size=32k:level=9", "block_size=128k", "version_2=on:block_size_v2=64k"])
def test_zisofs(mounted: Mount, compressible: Path, tmp_path: Path, run_tool: Tool, options: str) -> None:
    image = tmp_path / "z.iso"
    run_tool("xorriso", "-zisofs", options, "-outdev", image, "-map", compressible, "/", "-set_filter_r", "--zisofs",
             "/", "--", "-commit")  # fmt: skip
    volume = mounted(image)
    for path in compressible.iterdir():
        attributes = volume.find(os.fsencode(path.name))
        assert volume.content(attributes) == path.read_bytes()
        assert volume.content(attributes, step=33333) == path.read_bytes()
    assert volume.find(b"zeros")[8] < 10000
    assert volume.volume.read(volume.find(b"text")[:2], 32760, 16) == (compressible / "text").read_bytes()[32760:32776]
    raw = mounted(image, nocompress="")
    assert raw.read(b"zeros")[:4] in (b"\x37\xe4\x53\x96", b"\xef\x22\x55\xa1")


def test_zisofs_of_mkzftree(mounted: Mount, compressible: Path, tmp_path: Path, run_tool: Tool) -> None:
    image = tmp_path / "z.iso"
    run_tool("mkzftree", compressible, tmp_path / "packed")
    run_tool("genisoimage", "-quiet", "-R", "-z", "-o", image, tmp_path / "packed")
    assert mounted(image).read(b"text") == (compressible / "text").read_bytes()
    assert mounted(image, names="plain").read(b"text")[:4] == b"\x37\xe4\x53\x96"


def test_extended_attributes(mounted: Mount, tmp_path: Path, run_tool: Tool) -> None:
    image = tmp_path / "a.iso"
    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "d").mkdir()
    run_tool(
        "xorriso", "-outdev", image, "-xattr", "on", "-acl", "on", "-map", tmp_path / "f", "/f",
        "-map", tmp_path / "f", "/g", "-mkdir", "/d", "--", "-setfattr", "user.one", "value", "/f", "--",
        "-setfattr", "user.long", "v" * 700, "/f", "--",
        "-setfattr", "user.d", "of a directory", "/d", "--", "-setfacl", "u:1001:rw,g:50:r,m::rw", "/f", "--",
        "-setfacl", "u::rwx,g::rx,o::rx,d:u::rwx,d:g::rx,d:o::-,d:u:77:rwx,d:m::rwx", "/d", "--", "-commit",
    )  # fmt: skip
    volume = mounted(image)
    file, other, directory = (volume.find(name)[:2] for name in (b"f", b"g", b"d"))
    operations = volume.volume
    assert set(operations.list_xattr(file)) == {b"user.one", b"user.long", b"system.posix_acl_access"}
    assert operations.get_xattr(file, b"user.long") == b"v" * 700
    access = operations.get_xattr(file, b"system.posix_acl_access")
    assert access[:4] == b"\2\0\0\0"
    assert access[4:].hex(" ", 8) == ("01000700ffffffff 02000600e9030000 04000500ffffffff 0800040032000000"
                                      " 10000600ffffffff 20000500ffffffff")  # fmt: skip
    assert operations.list_xattr(other) == ()
    with pytest.raises(OSError, match="ttribute"):
        operations.get_xattr(other, b"user.one")
    assert operations.get_xattr(directory, b"user.d") == b"of a directory"
    assert b"system.posix_acl_default" in operations.list_xattr(directory)
    assert operations.list_xattr(operations.root()[:2]) == ()
    with pytest.raises(OSError, match="not supported"):
        mounted(image, names="plain").volume.list_xattr(file)
