# SPDX-License-Identifier: BSD-2-Clause
"""Damaged images: data or a `Fault`, in bounded time and memory."""

from __future__ import annotations

import random
from struct import pack
from typing import TYPE_CHECKING, Any

import pytest

from rump.kernel import boot
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.volume import MODE
from rump.rumpuser.host import default

if TYPE_CHECKING:
    from pathlib import Path

Mount = Any
Make = Any
Tool = Any
OPTIONS: tuple[dict[str, str], ...] = (
    {}, {"names": "joliet"}, {"names": "plain", "extatt": "", "gens": "", "associated": ""}, {"boot": ""}
)  # fmt: skip


def look_at_everything(mounted: Mount, data: Any, options: dict[str, str]) -> int:
    """Go through a tree and read all that is there; how many files were seen, -1 if it cannot be mounted."""
    try:
        volume = mounted(data, cache_bytes=1 << 18, **options)
        waiting = [volume.volume.root()[:2]]
        volume.volume.describe()
    except Fault:
        return -1
    seen = 0
    while waiting and seen < 300:
        try:
            entries = volume.entries(waiting.pop())
        except Fault:
            continue
        for name, attributes in entries[:200]:
            assert b"/" not in name
            assert b"\0" not in name
            assert name not in (b"", b".", b"..")
            seen += 1
            if attributes is not None:
                look_at(volume.volume, attributes)
                if attributes[MODE] >> 12 == 4:
                    waiting.append(attributes[:2])
    return seen


def look_at(volume: Any, attributes: Any) -> None:
    file = attributes[:2]
    for call in (volume.attributes, volume.list_xattr, volume.readlink, lambda file: volume.map(file, 0, 1 << 40),
                 lambda file: volume.read(file, 0, 70000), lambda file: volume.lookup(file, b"x")):  # fmt: skip
        try:
            call(file)
        except Fault:
            continue


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory, run_tool: Tool) -> bytes:
    """A small image with a bit of everything."""
    top = tmp_path_factory.mktemp("victim")
    tree = top / "tree"
    (tree / "1/2/3/4/5/6/7/8/9").mkdir(parents=True)
    (tree / "1/2/3/4/5/6/7/8/9/deep").write_text("deep")
    (tree / "text").write_text("compress me " * 5000)
    (tree / ("n" * 220)).write_text("long")
    (tree / "link").symlink_to("a/" * 150)
    (tree / "boot.img").write_bytes(bytes(5000))
    image = top / "v.iso"
    run_tool("xorriso", "-xattr", "on", "-joliet", "on", "-padding", "0", "-compliance", "deep_paths_off", "-outdev",
             image, "-map", tree, "/", "-set_filter", "--zisofs", "/text", "--", "-setfattr", "user.x", "y" * 300,
             "/link", "--", "-boot_image", "any", "bin_path=/boot.img", "-commit")  # fmt: skip
    return image.read_bytes()


def test_the_victim(mounted: Mount, victim: bytes) -> None:
    assert mounted(victim).read(b"text") == b"compress me " * 5000
    assert [look_at_everything(mounted, victim, options) for options in OPTIONS] == [15, 14, 16, 18]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_images(mounted: Mount, victim: bytes, seed: int) -> None:
    generator = random.Random(seed)
    used = [number for number in range(len(victim) // 2048) if any(victim[number * 2048 : number * 2048 + 2048])]
    opened = 0
    for _ in range(150):
        data = bytearray(victim)
        for _ in range(generator.choice((1, 1, 3, 20))):
            at = generator.choice(used) * 2048 + generator.randrange(generator.choice((64, 300, 2048)))
            data[at] = generator.choice((0, 1, 255, generator.randrange(256), data[at] ^ 1 << generator.randrange(8)))
        if generator.random() < 0.1:
            del data[generator.randrange(len(data)) :]
        opened += look_at_everything(mounted, bytes(data), generator.choice(OPTIONS)) >= 0
    assert opened > 50


@pytest.mark.parametrize("seed", range(2))
def test_entries_made_of_noise(mounted: Mount, iso: Make, seed: int) -> None:
    generator = random.Random(seed)
    signatures = (b"PX", b"NM", b"SL", b"TF", b"CE", b"CL", b"RE", b"PN", b"SF", b"ZF", b"AL", b"ST", b"PL", b"??")
    for _ in range(60):
        uses = []
        for _ in range(8):
            use = b"" if generator.random() < 0.3 else iso.px(generator.choice((0o100644, 0o120777, 0o40755, 0o20600)))
            while len(use) < 90:
                body = generator.randbytes(generator.choice((0, 1, 8, 12, 17, 24, 40)))
                use += iso.entry(generator.choice(signatures), bytes(generator.choice(((0,), (), (1,)))) + body)
            uses.append(use[:200])
        records = [iso.record(b"A%d.;1" % number, generator.choice((0, 20, 40)), generator.choice((0, 9, 2048)),
                              generator.choice((0, 2, 4, 0x80)), use) for number, use in enumerate(uses)]  # fmt: skip
        look_at_everything(mounted, iso.image(records, {40 * 2048: generator.randbytes(9000)}, use=iso.ROCK_RIDGE), {})


# ---- what must not go on for ever ------------------------------------------------------------------------------------


def test_continuations_in_a_circle(mounted: Mount, iso: Make) -> None:
    field = iso.px(0o100644) + iso.nm(b"name") + iso.ce(50, 0, 28)
    records = [iso.record(b"A%03d.;1" % number, 40, 1, 0, field) for number in range(200)]
    records.append(iso.record(b"GOOD.;1", 40, 1, 0, iso.px(0o100644) + iso.nm(b"good")))
    volume = mounted(iso.image(records, {50 * 2048: iso.ce(50, 0, 28)}, use=iso.ROCK_RIDGE))
    found = dict(volume.entries())
    assert found[b"a000"] is None
    assert found[b"good"] is not None
    with pytest.raises(Corrupt, match="block 50: continuation areas without end"):
        volume.find(b"a000")


@pytest.mark.parametrize("block, size, says", [(50, 1 << 21, "continuation area of"), (5000, 10, "behind the end"),
                                               (0xFFFFFFFF, 0xFFFFF, "behind the end")])  # fmt: skip
def test_impossible_continuations(mounted: Mount, iso: Make, block: int, size: int, says: str) -> None:
    field = iso.px(0o100644) + iso.ce(block, 0, size)
    volume = mounted(iso.image([iso.record(b"A.;1", 40, 1, 0, field)], use=iso.ROCK_RIDGE))
    assert volume.entries() == [(b"a", None)]
    with pytest.raises(Corrupt, match=says):
        volume.find(b"a")


def test_many_long_continuations(mounted: Mount, iso: Make) -> None:
    """All records share an area as large as the device: together they may not read more than there is."""
    field = iso.px(0o100644) + iso.ce(60, 0, 39 * 2048)
    records = [iso.record(b"A%03d.;1" % number, 40, 1, 0, field) for number in range(250)]
    volume = mounted(iso.image(records, use=iso.ROCK_RIDGE + iso.ce(59, 0, 2000)))
    found = volume.entries()
    assert len(found) == 250
    assert [attributes for _, attributes in found].count(None) > 240
    assert volume.volume.root() == volume.volume.attributes(volume.volume.root()[:2])


def test_directories_that_are_their_own_ancestors(iso: Make, tmp_path: Path) -> None:
    """The kernel meets a directory in two places."""
    inside = iso.directory(60, [iso.record(b"UP", 20, 2048, 2), iso.record(b"SELF", 60, 2048, 2)], parent=20)
    image = tmp_path / "loop.iso"
    image.write_bytes(iso.image([iso.record(b"D", 60, 2048, 2), iso.record(b"E", 60, 2048, 2)], {60 * 2048: inside}))
    with boot(default(), marshal=True) as kernel:
        kernel.etfs_register(b"/dev/image", str(image).encode(), read_only=True)
        kernel.lwp.mkdir(b"/mnt")
        kernel.lwp.mount("cd9660", b"/mnt", 1, b"/dev/image")
        assert kernel.lwp.stat(b"/mnt/d").st_ino == 60 * 2048
        for path in (b"/mnt/d/up", b"/mnt/d/self"):
            with pytest.raises(OSError, match="two parents"):
                kernel.lwp.stat(path)


@pytest.mark.parametrize(
    "data, says",
    [(b"\x20" + bytes(31), "record at 68 of 32 bytes"), (b"\xff" * 40, "record at 68"),
     (b"\x22" + bytes(40), "record at 68"), (b"\x22" + bytes(31) + b"\x09" + bytes(20), "record at 68")],
)  # fmt: skip
def test_records_that_are_none(mounted: Mount, iso: Make, data: bytes, says: str) -> None:
    volume = mounted(iso.image([], {iso.ROOT + 68: data}))
    with pytest.raises(Corrupt, match=f"sector 20: directory {says}"):
        volume.entries()


def test_directories_that_are_none(mounted: Mount, iso: Make) -> None:
    records = [iso.record(b"A", 60, 2048, 2), iso.record(b"B", 61, 2048, 2), iso.record(b"C", 5000, 2048, 2),
               iso.record(b"D", 0, 0, 2), iso.record(b"E", 62, 2048, 2)]  # fmt: skip
    contents = {61 * 2048: iso.record(b"X.;1", 40, 1), 62 * 2048: iso.directory(62, [], size=0xFFFFFF00)}
    volume = mounted(iso.image(records, contents))
    found = dict(volume.entries())
    assert volume.entries(found[b"d"][:2]) == []
    for name, says in ((b"a", "block|sector 60"), (b"b", 'does not begin with "."'), (b"c", "block 5000"),
                       (b"e", "block 62: directory of")):  # fmt: skip
        with pytest.raises(Corrupt, match=says):
            volume.entries(found[name][:2])


def test_handles_of_nothing(mounted: Mount, iso: Make) -> None:
    volume = mounted(iso.image([iso.record(b"A.;1", 40, 1)])).volume
    for handle in ((1, 0), (5, 5), (40 * 2048, 0), (1 << 60, 1 << 60), (40, 41000), (-1, -1), (0, 0), (1 << 60, 0)):
        for call in (volume.attributes, lambda file: volume.map(file, 0, 1), lambda file: volume.list(file, 0, 10)):
            with pytest.raises(Fault):
                call(handle)


def test_huge_files(mounted: Mount, iso: Make) -> None:
    """Sizes that the device has no room for, and more extents than any file has."""
    size = (1 << 32) - 1
    records = [iso.record(b"BIG.;1", 40, size, 0x80) for _ in range(60)]
    volume = mounted(iso.image([*records, iso.record(b"BIG.;1", 40, size)]))
    found = volume.find(b"big")
    assert found[7] == 61 * size
    assert volume.volume.map(found[:2], 0, 1 << 62) == ((0, 0, 60 * 2048, 40 * 2048),)
    zf = iso.entry(b"ZF", b"PZ\6\x14" + pack("<Q", 1 << 62))
    volume = mounted(iso.image([iso.record(b"Z.;1", 40, 1 << 20, 0, iso.px(0o100644) + zf)], use=iso.ROCK_RIDGE))
    found = volume.find(b"z")
    assert found[7] == 1 << 62
    with pytest.raises(Corrupt):
        volume.volume.read(found[:2], 0, 1 << 20)
    links = iso.px(0o120777) + iso.ce(50, 0, 40 * 2048)
    parts = (iso.sl((1, b"x" * 240), flags=1) * 330)[: 40 * 2048]
    volume = mounted(iso.image([iso.record(b"L.;1", 40, 0, 0, links)], {50 * 2048: parts}, use=iso.ROCK_RIDGE))
    assert len(volume.volume.readlink(volume.find(b"l")[:2])) < 100000
