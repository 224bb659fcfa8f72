# SPDX-License-Identifier: BSD-2-Clause
"""The checker: images of other tools are clean, and what is damaged is found."""

from __future__ import annotations

import random
from struct import pack_into, unpack_from

import pytest

from rump.drivers.fs.cd9660 import driver
from rump.kernel.errors import Fault
from rump.kernel.vfs import volume as v

SERVICES = v.Services(
    lambda: 0, bytes, lambda _: None, lambda seed, data: 0, lambda *_: [], lambda: None, lambda *_: None
)
SECTOR = 2048


@pytest.fixture(scope="module")
def check(memory_device):
    """``check(image)``: (errors, notes, summary)."""

    def run(image, **options):
        rows = [*driver.fsck(v.MountArguments(memory_device(bytes(image)), SERVICES, options=options))]
        assert rows[-1][0] == v.SUMMARY
        errors, notes = ([text for grade, text in rows if grade == wanted] for wanted in (v.ERROR, v.NOTE))
        return errors, notes, rows[-1][1]

    return run


@pytest.fixture(scope="module")
def boot_source(source, tmp_path_factory):
    """The usual tree, with something to boot from."""
    path = tmp_path_factory.mktemp("boot") / "boot.img"
    path.write_bytes(bytes(SECTOR))
    return path


GENISOIMAGE = {
    "plain": [],
    "Rock Ridge": ["-R"],
    "all": ["-r", "-J", "-joliet-long"],
    "level 4": ["-iso-level", "4", "-R"],
    "untranslated": ["-U", "-J", "-joliet-long", "-T"],
    "no relocation": ["-R", "-D"],
}


@pytest.mark.parametrize("name", GENISOIMAGE)
def test_genisoimage(name, source, run_tool, check, tmp_path):
    """But for targets of more than 250 characters in a component, which genisoimage garbles."""
    image = tmp_path / "image"
    run_tool("genisoimage", "-quiet", "-o", image, *GENISOIMAGE[name], "-m", "long", source)
    errors, notes, _ = check(image.read_bytes())
    assert errors == []
    assert all('".."' in note for note in notes)
    run_tool("isovfy", image)


XORRISO = {
    "Rock Ridge": [],
    "Joliet": ["-J", "-joliet-long"],
    "1999": ["-iso-level", "4"],
    "level 3": ["-iso-level", "3", "-J"],
    "no relocation": ["-D", "--norock"],
}


@pytest.mark.parametrize("name", XORRISO)
def test_xorriso(name, source, boot_source, run_tool, check, tmp_path):
    image = tmp_path / "image"
    run_tool(
        "xorriso", "-as", "mkisofs", "-quiet", "-o", image, *XORRISO[name], "-b", "boot.img", "-no-emul-boot",
        source, boot_source,
    )  # fmt: skip
    errors, notes, _ = check(image.read_bytes())
    assert errors == []
    assert all('".."' in note for note in notes)


def test_xorriso_sessions(source, run_tool, check, tmp_path):
    image = tmp_path / "image"
    run_tool("xorriso", "-outdev", image, "-joliet", "on", "-map", source, "/", "-commit")
    run_tool("xorriso", "-dev", image, "-map", source / "many", "/more", "-commit")
    assert check(image.read_bytes())[0] == []
    assert check(image.read_bytes(), session="1")[0] == []


@pytest.mark.parametrize("options", ["rockridge", "rockridge,joliet", "!rockridge,!joliet", "rockridge,zisofs"])
def test_bsdtar(options, source, run_tool, check, tmp_path):
    image = tmp_path / "image"
    run_tool("bsdtar", "cf", image, "--format", "iso9660", "--options", options, "-C", source, "many", "Readme.TXT")
    errors, notes, _ = check(image.read_bytes())
    assert (errors, notes) == ([], [])


# ---- images made by hand ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def volume(iso):
    """A volume with /FILE, /LINK by Rock Ridge, /SUB and its /SUB/X; both path tables, and a boot catalog."""
    sub = 30
    inside = iso.directory(sub, [iso.record(b"X.;1", 45, 100, use=iso.px(0o100644) + iso.nm(b"x"))], parent=20,
                           use=iso.px(0o40755), parent_use=iso.px(0o40755))  # fmt: skip
    link = iso.px(0o120777) + iso.nm(b"link") + iso.sl((0, b"FILE"))
    records = [
        iso.record(b"FILE.;1", 40, 3000, use=iso.px(0o100644) + iso.nm(b"file")),
        iso.record(b"LINK.;1", 0, 0, use=link),
        iso.record(b"SUB", sub, len(inside), 2, iso.px(0o40755) + iso.nm(b"sub")),
    ]
    def path_table(order: str) -> bytes:
        data = bytearray(22)
        pack_into(f"{order}BBIHB", data, 0, 1, 0, 20, 1, 0)
        pack_into(f"{order}BBIH3s", data, 10, 3, 0, sub, 1, b"SUB")
        return bytes(data)

    catalog = bytearray(64)
    catalog[0], catalog[30:32] = 1, b"\x55\xaa"
    pack_into("<H", catalog, 28, 0x10000 - 1 - 0xAA55)
    catalog[32] = 0x88
    pack_into("<HI", catalog, 38, 4, 50)
    boot_record = bytearray(SECTOR)
    boot_record[:7] = b"\0CD001\1"
    boot_record[7:30] = b"EL TORITO SPECIFICATION"
    pack_into("<I", boot_record, 71, 51)
    contents = {sub * SECTOR: inside, 18 * SECTOR: path_table("<"), 19 * SECTOR: path_table(">"), 51 * SECTOR: catalog,
                21 * SECTOR: bytes(8)}  # fmt: skip
    image = bytearray(iso.image(records, contents, use=iso.ROCK_RIDGE))
    image[PRIMARY + 132 : PRIMARY + 140] = iso.both32(22)
    # The descriptors: primary, boot record, terminator would meet the path table at sector 18; they are moved on.
    for place, order in ((140, "<I"), (148, ">I")):
        number = unpack_from(order, image, PRIMARY + place)[0]
        image[(number + 4) * SECTOR : (number + 5) * SECTOR] = path_table(order[0]).ljust(SECTOR, b"\0")
        pack_into(order, image, PRIMARY + place, number + 4)
    image[17 * SECTOR : 18 * SECTOR] = boot_record
    image[18 * SECTOR : 19 * SECTOR] = iso.TERMINATOR
    return bytes(image)


def test_a_volume_by_hand(volume, check):
    assert check(volume) == ([], [], "5 files, 2 of them directories; 100 blocks")


PRIMARY, ROOT, SUB = 16 * SECTOR, 20 * SECTOR, 30 * SECTOR


def at_record(image: bytes, raw: bytes) -> int:
    """Where the record of a raw name is."""
    return image.index(bytes((len(raw),)) + raw, ROOT) - 32


DAMAGE = {
    "space": (lambda d: pack_into("<I", d, PRIMARY + 80, 99), "space_size is 99 in the one byte order, 100"),
    "medium": (lambda d: (pack_into("<I", d, PRIMARY + 80, 999), pack_into(">I", d, PRIMARY + 84, 999)),
               "2045952 bytes, "),
    "version": (lambda d: d.__setitem__(PRIMARY + 6, 9), "version 9"),
    "terminator": (lambda d: d.__setitem__(18 * SECTOR + 1, 0), "there was no terminator yet"),
    "catalog": (lambda d: d.__setitem__(51 * SECTOR + 4, 9), "boot catalog (sector 51): its checksum is wrong"),
    "no catalog": (lambda d: d.__setitem__(51 * SECTOR, 9), "it begins with no validation entry"),
    "image": (lambda d: pack_into("<I", d, 51 * SECTOR + 40, 7777), "image 1 is at sector 7777"),
    "path tables": (lambda d: d.__setitem__(23 * SECTOR + 18, 66), "the two byte orders differ: from record 2 on"),
    "path": (lambda d: pack_into("<I", d, 22 * SECTOR + 12, 31), "record 2: no directory begins at block 31"),
    "missing": (lambda d: pack_into("<I", d, 22 * SECTOR + 12, 31), "primary: path table: primary: /sub is not in it"),
    "parent": (lambda d: pack_into("<H", d, 22 * SECTOR + 16, 2), "record 2: its parent is record 2"),
    "both": (lambda d: d.__setitem__(at_record(d, b"FILE.;1") + 9, 1), "/file: extent is 40 in the one byte order"),
    "behind": (lambda d: d.__setitem__(slice(at_record(d, b"FILE.;1") + 2, at_record(d, b"FILE.;1") + 10),
                                       (9999).to_bytes(4, "little") + (9999).to_bytes(4, "big")), "blocks 9999 to"),
    "record": (lambda d: d.__setitem__(at_record(d, b"SUB"), 20), "a record of 20 bytes"),
    "dot": (lambda d: d.__setitem__(SUB + 2, 31), '"." is 2048 bytes from block 31 on'),
    "dot dot": (lambda d: d.__setitem__(SUB + d[SUB] + 2, 99), '".." is 2048 bytes from block 99 on'),
    "name": (lambda d: d.__setitem__(SUB + 33, 65), 'record 0 is not "."'),
    "PX": (lambda d: d.__setitem__(d.index(b"PX", at_record(d, b"FILE.;1")) + 4, 0), "PX: a number is"),
    "mode": (lambda d: d.__setitem__(slice(d.index(b"PX", at_record(d, b"FILE.;1")) + 4, d.index(b"PX", at_record(
        d, b"FILE.;1")) + 12), (0o40755).to_bytes(4, "little") + (0o40755).to_bytes(4, "big")), "PX: mode 40755"),
    "SL": (lambda d: d.__setitem__(d.index(b"SL", ROOT) + 6, 9), "SL: its components do not fill it"),
    "NM": (lambda d: d.__setitem__(d.index(b"NM", ROOT) + 2, 200), "bytes in a system use field that has"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(name, volume, check):
    change, text = DAMAGE[name]
    data = bytearray(volume)
    change(data)
    errors, _, _ = check(data)
    assert any(text in error for error in errors), errors


def test_records_that_are_odd(iso, check):
    """Names twice, out of order, extents that are not the last, overlaps, directories in two places."""
    records = [
        iso.record(b"B.;1", 40, 4000), iso.record(b"A.;1", 41, 4000),
        iso.record(b"C.;1", 50, 10), iso.record(b"C.;1", 50, 10),
        iso.record(b"D.;1", 60, SECTOR, 0x80), iso.record(b"E", 30, SECTOR, 2), iso.record(b"F", 30, SECTOR, 2),
        iso.record(b"G.;1", 30, 100),
    ]  # fmt: skip
    errors, notes, _ = check(iso.image(records, {30 * SECTOR: iso.directory(30, [], parent=20)}))
    assert "primary: /c.;1: it is there twice".replace(".;1", "") in errors
    assert "primary: /e: the last extent of 'D.;1' is missing" in errors
    assert "primary: /f: the directory at block 30 is somewhere else, too" in errors
    assert "primary: /g and primary: /e overlap at block 30" in errors
    assert "primary: /b and primary: /a overlap at block 41" in notes
    assert "primary: /: its records are not in order" in notes


def test_continuations_end(iso, volume, check):
    """A continuation area that leads to itself, and one that is not there."""
    for block, text in ((60, "continuation areas without end"), (5000, "behind the end")):
        records = [iso.record(b"A.;1", 40, 10, use=iso.px(0o100644) + iso.ce(block, 0, 28))]
        errors, _, _ = check(iso.image(records, {60 * SECTOR: iso.ce(60, 0, 28)}, use=iso.ROCK_RIDGE))
        assert any(text in error for error in errors), errors


def test_a_truncated_image(volume, check):
    errors, _, _ = check(volume[: SUB + SECTOR])
    assert any("the volume" in error or "bytes, " in error for error in errors)
    assert any(error.startswith("primary: /file: blocks 40 to 41 of") for error in errors), errors


def test_flipped_bits(volume, source, run_tool, check, tmp_path):
    """Nothing but findings and foreseen errors."""
    chance = random.Random(3)
    image = tmp_path / "image"
    run_tool("genisoimage", "-quiet", "-o", image, "-R", "-J", source / "1")
    for original in (volume, image.read_bytes()):
        used = [at for at in range(16 * SECTOR, len(original), 32) if any(original[at : at + 32])]
        for _ in range(60):
            damaged = bytearray(original)
            for _ in range(chance.choice((1, 3, 20, 100))):
                damaged[chance.choice(used) + chance.randrange(32)] ^= 1 << chance.randrange(8)
            try:
                check(damaged)
            except Fault as error:
                assert error.__cause__ is None, error.__cause__
