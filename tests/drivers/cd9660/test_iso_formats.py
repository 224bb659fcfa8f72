# SPDX-License-Identifier: BSD-2-Clause
"""What the format allows and few tools write: images made by hand."""

from __future__ import annotations

from struct import pack
from typing import Any

import pytest

from rump.kernel.abi import UF_HIDDEN, makedev
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.volume import DATA, HOLE

Mount = Any
Make = Any
NANO = 10**9
FILES = 40                  # sector where the tests' files begin


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_block_sizes(mounted: Mount, iso: Make, block_size: int) -> None:
    at = FILES * 2048 + (2048 - block_size)
    inside = (FILES + 4) * 2048 + (2048 - block_size)
    many = [iso.record(b"B%02d.;1" % number, at // block_size, 3) for number in range(80)]
    tree = iso.directory(inside // block_size, many, parent=iso.ROOT // block_size, start=inside % 2048)
    records = [iso.record(b"A.TXT;1", at // block_size, 5), iso.record(b"D", inside // block_size, len(tree), 2)]
    volume = mounted(iso.image(records, {at: b"hello", inside: tree}, block_size=block_size))
    assert volume.read(b"a.txt") == b"hello"
    assert volume.find(b"a.txt")[8] == block_size
    assert len(volume.entries(volume.find(b"d")[:2], step=7)) == 80
    assert volume.volume.statvfs()[0] == block_size


def test_files_of_several_extents(mounted: Mount, iso: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Extents that adjoin are one run; those that do not end with a block go on in the next all the same."""
    pieces = [b"a" * 2048, b"b" * 4096, b"c" * 100, b"d" * 7]
    blocks = [FILES, FILES + 1, FILES + 10, FILES + 20]
    contents = {block * 2048: piece for block, piece in zip(blocks, pieces, strict=True)}
    big = [iso.record(b"BIG.;1", block, len(piece), 0x80 if piece != pieces[-1] else 0)
           for block, piece in zip(blocks, pieces, strict=True)]  # fmt: skip
    for before in (0, 1, 43, 44, 45, 46, 47, 90):
        filler = [iso.record(b"A%04d.;1" % number, FILES, 1) for number in range(before)]
        data = iso.image([*filler, *big, iso.record(b"Z.;1", FILES, 3)], contents)
        for chunk in (256 << 10, 4096):
            with monkeypatch.context() as patch:
                patch.setattr("rump.drivers.fs.cd9660.lookup.CHUNK", chunk)
                volume = mounted(data)
                assert volume.names() == sorted([b"a%04d" % number for number in range(before)] + [b"big", b"z"])
                found = volume.find(b"big")
                assert found[7] == 6251
                assert volume.content(found) == b"".join(pieces)
                assert volume.content(found, step=97) == b"".join(pieces)
                assert volume.volume.attributes(found[:2]) == found
    assert volume.volume.map(found[:2], 0, 6251)[0] == (DATA, 0, 6144, FILES * 2048)


def test_a_last_extent_that_is_missing(mounted: Mount, iso: Make) -> None:
    big = [iso.record(b"BIG.;1", FILES, 2048, 0x80), iso.record(b"OTHER.;1", FILES + 1, 5)]
    volume = mounted(iso.image(big))
    assert [(name, attributes[7]) for name, attributes in volume.entries()] == [(b"big", 2048), (b"other", 5)]
    volume = mounted(iso.image(big[:1]))
    assert volume.find(b"big")[7] == len(volume.read(b"big")) == 2048


def test_interleaved_files(mounted: Mount, iso: Make) -> None:
    data = bytearray(100 * 2048)
    wanted = b""
    for number in range(5):
        piece = bytes((number + 1,)) * 4096
        data[(FILES + number * 5) * 2048 :][:4096] = piece
        data[(FILES + number * 5) * 2048 : (FILES + number * 5) * 2048 + 4096] = piece
        wanted += piece
    contents = {FILES * 2048: bytes(data[FILES * 2048 : (FILES + 30) * 2048])}
    volume = mounted(iso.image([iso.record(b"I.;1", FILES, 18000, unit=2, gap=3)], contents))
    found = volume.find(b"i")
    assert volume.content(found) == wanted[:18000]
    assert volume.content(found, step=1000) == wanted[:18000]
    assert volume.volume.map(found[:2], 5000, 200) == ((DATA, 5000, 200, (FILES + 5) * 2048 + 904),)
    volume = mounted(iso.image([iso.record(b"I.;1", FILES, 18000, unit=2, gap=3, xar=1)]))
    with pytest.raises(Fault, match="interleaved"):
        volume.content(volume.find(b"i"))


def test_extended_attribute_records(mounted: Mount, iso: Make) -> None:
    """The data begins behind it; with -o extatt it says who may do what."""
    date = b"1999123123595950\x08"
    xar = iso.both16(7) + iso.both16(8) + pack(">H", 0xAAAA | 0x0040 | 0x0500) + date * 2 + bytes(34)
    records = [iso.record(b"A.;1", FILES, 4, xar=1)]
    data = iso.image(records, {FILES * 2048: xar, (FILES + 1) * 2048: b"data"})
    assert mounted(data).read(b"a") == b"data"
    assert mounted(data).find(b"a")[2:6] == (0o100555, 1, 0, 0)
    found = mounted(data, extatt="").find(b"a")
    assert found[2:6] == (0o100405, 1, 7, 8)
    assert found[10] == found[12] == 946677599 * NANO + NANO // 2


def test_associated_files(mounted: Mount, iso: Make) -> None:
    records = [iso.record(b"A.;1", FILES, 3, 4), iso.record(b"A.;1", FILES + 1, 4), iso.record(b"B.;1", FILES, 3, 1)]
    data = iso.image(records, {FILES * 2048: b"rsc", (FILES + 1) * 2048: b"data"})
    volume = mounted(data)
    assert volume.names() == [b"a", b"b"]
    assert volume.read(b"a") == b"data"
    assert volume.find(b"b")[13] == UF_HIDDEN
    volume = mounted(data, associated="")
    assert volume.names() == [b"=a", b"a", b"b"]
    assert volume.read(b"=a") == b"rsc"


def test_generations(mounted: Mount, iso: Make) -> None:
    records = [iso.record(name, FILES + number, 1) for number, name in enumerate((b"A.TXT;3", b"A.TXT;1", b"B;2"))]
    data = iso.image(records, {FILES * 2048: b"3", (FILES + 1) * 2048: b"1"})
    assert mounted(data).names() == [b"a.txt", b"b"]
    assert mounted(data).read(b"a.txt") == b"3"
    assert mounted(data).read(b"A.Txt") == b"3"
    volume = mounted(data, gens="")
    assert volume.names() == [b"a.txt;1", b"a.txt;3", b"b;2"]
    assert volume.read(b"a.txt;1") == b"1"
    assert mounted(data, gens="", nomaplcase="").names() == [b"A.TXT;1", b"A.TXT;3", b"B;2"]
    assert mounted(data, nomaplcase="").names() == [b"A.TXT", b"B"]


def test_names_there_cannot_be(mounted: Mount, iso: Make) -> None:
    raw = [b"A/B.;1", b"..;1", b".;1", b";1", b"\0\0", b"C\0D", b"\xff\xfe.;1"]
    names = mounted(iso.image([iso.record(name, FILES, 1) for name in raw])).names()
    assert sorted(names) == sorted([b"a_b", b"_", b"__", b"c_d", b"\xff\xfe"])
    rock_ridge = [b"a/b", b"..", b".", b"x\0y", b"/", b"n" * 150]
    records = [iso.record(b"A%d.;1" % number, FILES, 1, 0, iso.px(0o100644) + iso.nm(name))
               for number, name in enumerate(rock_ridge)]  # fmt: skip
    names = mounted(iso.image(records, use=iso.ROCK_RIDGE)).names()
    assert sorted(names) == sorted([b"a_b", b"__", b"_", b"x_y", b"_", b"n" * 150])


# ---- Rock Ridge ----------------------------------------------------------------------------------------------------


def rock(iso: Make, *uses: bytes, contents: dict[int, bytes] | None = None, root: bytes = b"", flags: int = 0) -> bytes:
    """A volume with Rock Ridge, whose files have these system use fields."""
    records = [iso.record(b"A%03d.;1" % number, FILES + number, 10, flags, use) for number, use in enumerate(uses)]
    return iso.image(records, contents, use=root or iso.ROCK_RIDGE)  # type: ignore[no-any-return]


def test_whether_it_is_there(mounted: Mount, iso: Make) -> None:
    field = iso.px(0o100600) + iso.nm(b"Name")
    other = iso.entry(b"ER", bytes((4, 0, 0, 1)) + b"ELSE")
    for root, names in (
        (iso.ROCK_RIDGE, [b"Name"]), (iso.SP + iso.px(0o40755), [b"Name"]), (iso.px(0o40755) + iso.ER, [b"a000"]),
        (iso.SP, [b"a000"]), (iso.SP + iso.px(0o40755) + other, [b"a000"]), (iso.SP + iso.ER, [b"Name"]),
    ):  # fmt: skip
        assert mounted(rock(iso, field, root=root)).names() == names
    assert mounted(rock(iso, field), norrip="").names() == [b"a000"]
    with pytest.raises(Fault, match="there are only: plain"):
        mounted(rock(iso, field, root=iso.SP), names="rockridge")


def test_bytes_to_be_skipped(mounted: Mount, iso: Make) -> None:
    """As on CD-ROM XA."""
    skipped = b"\0" * 6 + b"XA" + bytes(6)
    root = skipped + iso.entry(b"SP", b"\xbe\xef\x0e") + iso.px(0o40700) + iso.ER
    assert mounted(rock(iso, skipped + iso.px(0o100600) + iso.nm(b"Name"), root=root)).names() == [b"Name"]


def test_attributes(mounted: Mount, iso: Make) -> None:
    times = b"\x8f" + b"1980010100000000\0" b"2001090901464050\0" b"2001090903464000\x08" b"1969123123595900\0"
    volume = mounted(rock(
        iso,
        iso.px(0o104751, 1, 70000, 80000) + iso.nm(b"all") + iso.entry(b"TF", times),
        iso.nm(b"none"),
        iso.px(0o100644, 1, 5, 6) + iso.nm(b"some") + iso.entry(b"TF", bytes((0x04,)) + bytes((70, 1, 1, 0, 0, 0, 0))),
        iso.px(0o644) + iso.nm(b"typeless"),
        iso.px(0o040755) + iso.nm(b"no directory"),
        iso.px(0o140755) + iso.nm(b"socket"),
    ))  # fmt: skip
    found = dict(volume.entries())
    assert found[b"all"][2:6] == (0o104751, 1, 70000, 80000)
    assert found[b"all"][9:13] == (
        (iso.WHEN) * NANO, iso.WHEN * NANO + NANO // 2, -1 * NANO, 315532800 * NANO
    )  # fmt: skip
    assert found[b"none"][2:6] == (0o100555, 1, 0, 0)
    assert found[b"none"][9:13] == (iso.WHEN * NANO, iso.WHEN * NANO, iso.WHEN * NANO, 0)
    assert found[b"some"][9:13] == (0, iso.WHEN * NANO, iso.WHEN * NANO, 0)
    assert [found[name][2] for name in (b"typeless", b"no directory", b"socket")] == [0o100644, 0o100755, 0o140755]
    assert found[b"socket"][7] == 0
    assert mounted(volume.device, uid="7", gid="8", mask="640").find(b"all")[2:6] == (0o100640, 1, 7, 8)


def test_devices(mounted: Mount, iso: Make) -> None:
    pairs = [(1, 3, makedev(1, 3)), (0, 0x103, makedev(1, 3)), (0, 0x11110370, makedev(259, 70000)),
             (259, 70000, makedev(259, 70000))]  # fmt: skip
    uses = [iso.px(0o020600) + iso.entry(b"PN", iso.both32(high) + iso.both32(low)) for high, low, _ in pairs]
    volume = mounted(rock(iso, *uses, iso.px(0o060600)))
    assert [attributes[6] for _, attributes in volume.entries()] == [*(number for *_, number in pairs), 0]


def test_long_names_and_continuations(mounted: Mount, iso: Make) -> None:
    """Names in parts, and fields that go on elsewhere, and from there to a third place."""
    field = iso.px(0o100600) + iso.nm(b"a" * 60, 1) + iso.ce(90, 100, 80)
    second = iso.nm(b"b" * 40, 1) + iso.ce(91, 2000, 40)
    third = iso.nm(b"c" * 30) + iso.entry(b"ST") + iso.nm(b"never")
    contents = {90 * 2048 + 100: second, 91 * 2048 + 2000: third}
    assert mounted(rock(iso, field, contents=contents)).names() == [b"a" * 60 + b"b" * 40 + b"c" * 30]
    too_long = [iso.nm(b"x" * 150, 1) + iso.ce(90, 0, 2000)]
    contents = {90 * 2048: b"".join(iso.nm(b"y" * 200, 1) for _ in range(9))}
    [name] = mounted(rock(iso, *too_long, contents=contents)).names()
    assert name == b"x" * 150 + b"y" * 105


@pytest.mark.parametrize(
    "parts, target",
    [([[(0, b"a"), (0, b"b")]], b"a/b"), ([[(8, b""), (0, b"usr")]], b"/usr"), ([[(8, b"")]], b"/"),
     ([[(2, b"")]], b"."),
     ([[(4, b""), (4, b""), (0, b"x")]], b"../../x"), ([[(1, b"lo"), (1, b"n"), (0, b"g"), (0, b"x")]], b"long/x"),
     ([[(0, b"a"), (1, b"be")], [(0, b"gin")]], b"a/begin"), ([[(0, b"a")], [(0, b"b")], [(0, b"c")]], b"a/b/c"),
     ([[(0, b"a"), (8, b""), (0, b"b")]], b"a//b"), ([[(0, b"nul\0")]], b"nul_")],
)  # fmt: skip
def test_links(mounted: Mount, iso: Make, parts: list[list[tuple[int, bytes]]], target: bytes) -> None:
    entries = [iso.sl(*part, flags=part is not parts[-1]) for part in parts]
    for field, contents in ((b"".join(entries), {}), (iso.ce(90, 0, 200), {90 * 2048: b"".join(entries)})):
        volume = mounted(rock(iso, iso.px(0o120777) + field, contents=contents))
        found = volume.find(b"a000")
        assert volume.volume.readlink(found[:2]) == target
        assert found[7] == len(target)


def test_links_to_nothing(mounted: Mount, iso: Make) -> None:
    volume = mounted(rock(iso, iso.px(0o120777), iso.px(0o100644)))
    with pytest.raises(Corrupt):
        volume.volume.readlink(volume.find(b"a000")[:2])
    with pytest.raises(Fault, match="Invalid argument"):
        volume.volume.readlink(volume.find(b"a001")[:2])


def test_serial_numbers(mounted: Mount, iso: Make) -> None:
    records = [
        iso.record(b"A.;1", FILES, 10, 0, iso.px(0o100644, 2, serial=5)),
        iso.record(b"B.;1", FILES, 10, 0, iso.px(0o100644, 2, serial=5)),
        iso.record(b"C.;1", FILES, 10, 0, iso.px(0o100644, 2, serial=6)),
        iso.record(b"D.;1", FILES, 10, 0, iso.px(0o100644, 1, serial=7)),
        iso.record(b"E.;1", 0, 0, 0, iso.px(0o120777, 2, serial=8) + iso.sl((0, b"x"))),
        iso.record(b"F.;1", 0, 0, 0, iso.px(0o120777, 2, serial=8) + iso.sl((0, b"x"))),
        iso.record(b"G.;1", FILES, 10, 0, iso.px(0o100644, 2)),
        iso.record(b"H.;1", FILES, 10, 0, iso.px(0o100644, 3)),
        iso.record(b"I.;1", 0, 0, 0, iso.px(0o100644, 2)),
        iso.record(b"J.;1", 0, 0, 0, iso.px(0o100644, 2)),
    ]
    volume = mounted(iso.image(records, {FILES * 2048: b"0123456789"}, use=iso.ROCK_RIDGE))
    numbers = [attributes[0] for _, attributes in volume.entries()]
    assert numbers[0] == numbers[1]
    assert numbers[4] == numbers[5]
    assert numbers[6] == numbers[7]
    assert len(set(numbers)) == 7
    assert all(volume.volume.attributes(attributes[:2]) == attributes for _, attributes in volume.entries())
    assert {volume.read(name) for name in (b"a", b"b", b"c", b"h")} == {b"0123456789"}


def test_moved_directories(mounted: Mount, iso: Make) -> None:
    """CL where it belongs, RE where it is, PL in its ".."."""
    root = iso.ROOT // 2048
    inside = [iso.record(b"F.;1", FILES + 9, 4, 0, iso.px(0o100644) + iso.nm(b"file"))]
    moved = iso.directory(FILES, inside, parent=FILES + 1, use=iso.px(0o40711, 2),
                          parent_use=iso.px(0o40755) + iso.entry(b"PL", iso.both32(root)))  # fmt: skip
    relocated = iso.px(0o40711, 2) + iso.nm(b"deep") + iso.entry(b"RE")
    hold = iso.directory(FILES + 1, [iso.record(b"DEEP", FILES, 2048, 2, relocated)], parent=root)
    records = [
        iso.record(b"DEEP.;1", 0, 0, 0, iso.px(0o100644) + iso.nm(b"Deep") + iso.entry(b"CL", iso.both32(FILES))),
        iso.record(b"RR_MOVED", FILES + 1, 2048, 2, iso.px(0o40755, 2) + iso.nm(b"rr_moved")),
    ]
    contents = {FILES * 2048: moved, (FILES + 1) * 2048: hold, (FILES + 9) * 2048: b"text"}
    volume = mounted(iso.image(records, contents, use=iso.ROCK_RIDGE))
    assert volume.names() == [b"Deep", b"Deep/file", b"rr_moved"]
    assert volume.read(b"Deep/file") == b"text"
    found = volume.find(b"Deep")
    assert found[:4] == (FILES * 2048, 0, 0o40711, 2)
    assert volume.volume.attributes(found[:2]) == found
    assert volume.volume.list_xattr(found[:2]) == ()
    assert mounted(iso.image(records, contents, use=iso.ROCK_RIDGE), norrip="").names() == [
        b"deep", b"rr_moved", b"rr_moved/deep", b"rr_moved/deep/f"
    ]  # fmt: skip


def test_sparse_files(mounted: Mount, iso: Make) -> None:
    def table(**blocks: int) -> bytes:
        numbers = [blocks.get(f"n{number}", 0) for number in range(256)]
        return b"".join(iso.both32(number) for number in numbers)

    size = 3 * 256 * 2048 + 5000
    extent = b"".join((table(n1=1, n3=2), table(n0=3, n255=4), table(n0=5, n1=5, n2=6), b"a" * 2048, b"b" * 2048,
                       b"c" * 2048, b"d" * 904))  # fmt: skip
    sf = iso.entry(b"SF", iso.both32(0) + iso.both32(size) + b"\2")
    records = [iso.record(b"S.;1", FILES, len(extent), 0, iso.px(0o100644) + sf)]
    volume = mounted(iso.image(records, {FILES * 2048: extent}, use=iso.ROCK_RIDGE))
    found = volume.find(b"s")
    assert found[7] == size
    wanted = bytearray(size)
    for at, piece in ((256, b"a"), (511, b"b"), (768, b"c"), (769, b"c"), (770, b"d")):
        length = 904 if piece == b"d" else 2048
        wanted[at * 2048 : at * 2048 + length] = piece * length
    assert volume.content(found) == bytes(wanted)
    assert volume.content(found, step=100001) == bytes(wanted)
    assert [run[0] for run in volume.volume.map(found[:2], 0, size)] == [HOLE, DATA, HOLE, DATA, HOLE, DATA, DATA]


@pytest.mark.parametrize(
    "sf, says", [(b"\0" * 8, "Rock Ridge 1.10"), (b"\0" * 16 + b"\0", "depth 0"), (b"\0" * 16 + b"\x09", "depth 9")]
)
def test_sparse_files_that_cannot_be_read(mounted: Mount, iso: Make, sf: bytes, says: str) -> None:
    entry = iso.entry(b"SF", iso.both32(0) * (len(sf) // 16) + iso.both32(5000) + sf[16:])
    volume = mounted(rock(iso, iso.px(0o100644) + entry))
    assert volume.find(b"a000")[7] == 5000
    with pytest.raises(Fault, match=says):
        volume.read(b"a000")


@pytest.mark.parametrize(
    "zf, says",
    [(b"XZ\4\x0f", "compressed with XZ"), (b"pz\4\x03", "blocks of 1 << 3"), (b"pz\4\x0f", "header"),
     (b"PZ\4\x0f", "header")],
)
def test_compressed_files_that_cannot_be_read(mounted: Mount, iso: Make, zf: bytes, says: str) -> None:
    records = [iso.record(b"Z.;1", FILES, 100, 0, iso.px(0o100644) + iso.entry(b"ZF", zf + iso.both32(5000)))]
    volume = mounted(iso.image(records, use=iso.ROCK_RIDGE))
    with pytest.raises(Fault, match=says):
        volume.read(b"z")


def test_records_that_look_alike(mounted: Mount, iso: Make) -> None:
    """Entries in the same places, of the same lengths: but one of them means something."""
    common = iso.px(0o100644) + iso.entry(b"TF", b"\x0e" + iso.DATE * 3)
    first = common + iso.nm(b"one") + iso.entry(b"AL", b"\0" * 12)
    others = [
        common + iso.nm(b"two") + iso.entry(b"ZF", b"pz\4\x0f" + iso.both32(5000)),
        iso.px(0o100600) + iso.entry(b"TF", b"\x0e" + bytes((102, 9, 9, 1, 46, 40, 0)) * 3) + first[-23:],
        iso.px(0o100644, 2) + first[36:], iso.px(0o120777) + first[36:], iso.px(0o100644, 1, 5, 6) + first[36:],
        common + iso.entry(b"CL", iso.both32(20)) + first[-11:], common + iso.entry(b"??", first[-19:]),
        iso.entry(b"??", iso.px(0o100600, 1, 9, 9)[4:]) + first[36:], common + iso.nm(b"two", 2) + first[-16:],
    ]
    for other in others:
        alone = mounted(rock(iso, other)).entries()[0]
        behind = mounted(rock(iso, first, first, other)).entries()[-1]
        assert behind[0].replace(b"a002", b"a000") == alone[0]      # of those without NM
        assert behind[1][2:] == alone[1][2:]


# ---- Joliet --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("escape, level", [(b"%/@", 1), (b"%/C", 2), (b"%/E", 3)])
def test_joliet(mounted: Mount, iso: Make, escape: bytes, level: int) -> None:
    names = ["Caf\u00e9.txt", "\u65e5\u672c", "\U0001f600", "a;1b", "x;12", "UPPER", "lone\ud800", "sl/ash", "dot."]
    tree = iso.directory(60, [iso.record(name.encode("utf-16-be", "surrogatepass"), FILES, 3) for name in names])
    label = "Etikett \u00fc".encode("utf-16-be").ljust(32, b"\0")
    joliet = iso.descriptor(2, 60, len(tree), 2048, escapes=escape, volume=label)
    data = iso.image([iso.record(b"P.;1", FILES, 3)], {60 * 2048: tree, FILES * 2048: b"abc"}, supplements=(joliet,))
    volume = mounted(data)
    assert {name.decode("utf-8", "surrogatepass") for name, _ in volume.entries()} == {
        "Caf\u00e9.txt", "\u65e5\u672c", "\U0001f600", "a;1b", "x", "UPPER", "lone\ud800", "sl_ash", "dot."
    }  # fmt: skip
    assert volume.read("caf\u00c9.TXT".encode()) == b"abc"
    said = dict(volume.volume.describe())
    assert said[b"names used"] == b"Joliet level %d" % level
    assert said[b"label"] == "Etikett \u00fc".encode()
    assert mounted(data, nojoliet="").names() == mounted(data, names="plain").names() == [b"p"]
    with pytest.raises(Fault, match="File name too long"):
        volume.volume.lookup(volume.volume.root()[:2], b"n" * 112)


def test_an_enhanced_descriptor(mounted: Mount, iso: Make) -> None:
    tree = iso.directory(60, [iso.record(b"Mixed name; with things", FILES, 3), iso.record(b"A.;1", FILES, 3)])
    enhanced = iso.descriptor(2, 60, len(tree), 2048, version=2)
    data = iso.image([iso.record(b"P.;1", FILES, 3)], {60 * 2048: tree}, supplements=(enhanced,))
    assert mounted(data).names() == [b"A.", b"Mixed name; with things"]
    assert dict(mounted(data).volume.describe())[b"name spaces"] == b"ISO 9660:1999, ISO 9660"
    assert mounted(data, names="plain").names() == [b"p"]
