# SPDX-License-Identifier: BSD-2-Clause
"""Bootable volumes: El Torito, boot information tables, partition tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from struct import pack, unpack, unpack_from

import pytest
from author_support import (
    NOW,
    SECTOR,
    Bare,
    Memory,
    MemoryFile,
    Tree,
    author,
    boot,
    by_us,
    descriptors,
    filled,
    in_memory,
    needs,
    run,
    volume_sectors,
)

from rump.rumpuser.interface import errno as e

BIOS = bytes(range(256)) * 20 + b"odd"
EFI = b"\xeb\x3c\x90fat image" + bytes(1440 * 1024 - 12)
CODE = bytes(range(200)) + b"code"


def images(t: Tree) -> None:
    """Files to boot from; the first are cut by what lies behind them."""
    t.mkdir("boot")
    t.put("boot/bios.img", BIOS)
    t.put("boot/efi.img", EFI)
    t.put("boot/mbr.bin", CODE)
    t.put("else", b"else")


def catalog_of(data: bytes) -> tuple[int, bytes]:
    """Sector and bytes of the boot catalog."""
    record = next(sector for kind, sector in descriptors(data) if kind == 0)
    assert record[7:30] == b"EL TORITO SPECIFICATION"
    at = int.from_bytes(record[71:75], "little")
    return at, data[at * SECTOR : at * SECTOR + SECTOR]


def test_a_catalog_of_both() -> None:
    data = in_memory(images, {"boot": "boot/bios.img", "efi": "/boot/efi.img"})
    _, catalog = catalog_of(data)
    assert sum(unpack("<16H", catalog[:32])) & 0xFFFF == 0 and catalog[:2] == b"\1\0"
    kind, media, segment, system, _, sectors, start = unpack_from("<BBHBBHI", catalog, 32)
    assert (kind, media, segment, system, sectors) == (0x88, 0, 0, 0, 4)
    assert data[start * SECTOR :].startswith(BIOS)
    assert catalog[64:68] == b"\x91\xef\1\0"
    kind, media, _, _, _, sectors, start = unpack_from("<BBHBBHI", catalog, 96)
    assert (kind, media, sectors) == (0x88, 0, 2880)
    assert data[start * SECTOR :].startswith(EFI)
    assert not any(catalog[128:])


def test_uefi_alone_is_the_default_entry() -> None:
    _, catalog = catalog_of(in_memory(images, {"efi": "boot/efi.img"}))
    assert catalog[:2] == b"\1\xef" and catalog[32] == 0x88 and not any(catalog[64:])


@pytest.mark.parametrize("options, media, count", [
    ({"boot": "boot/bios.img", "boot-load-size": "full", "boot-load-segment": "1984"}, 0, 11),
    ({"boot": "boot/efi.img", "boot-emulation": "floppy"}, 2, 1),
    ({"boot": "boot/efi.img", "boot-emulation": "hd"}, 4, 1),
    ({"boot": "boot/efi.img", "boot-load-size": "2000"}, 0, 2000),
], ids=lambda value: str(value))  # fmt: skip
def test_how_the_bios_boots(options: dict[str, str], media: int, count: int) -> None:
    _, catalog = catalog_of(in_memory(images, options))
    entry = unpack_from("<BBHBBH", catalog, 32)
    assert entry == (0x88, media, int(options.get("boot-load-segment", 0)), 0, 0, count)


def test_the_image_is_told_where_it_is() -> None:
    """mkisofs's table at 8, GRUB's number at 2548; nothing else changes."""
    data = in_memory(
        images, {"boot": "boot/bios.img", "boot-info-table": "1", "grub2-boot-info": "1"}
    )
    start = unpack_from("<I", catalog_of(data)[1], 40)[0]
    image = data[start * SECTOR : start * SECTOR + len(BIOS)]
    assert image[:8] == BIOS[:8] and image[64:2548] == BIOS[64:2548] and image[2556:] == BIOS[2556:]
    words = image[64:] + bytes(-len(BIOS) % 4)
    total = sum(unpack(f"<{len(words) // 4}I", words)) & 0xFFFFFFFF
    assert image[8:64] == pack("<4I", 16, start, len(BIOS), total) + bytes(40)
    assert image[2548:2556] == pack("<Q", start * 4 + 5)


@needs("isoinfo")
def test_the_table_has_the_sum_that_others_make(tmp_path: Path) -> None:
    """genisoimage writes the same table for the same image at the same place."""
    if not shutil.which("genisoimage"):
        pytest.skip("no genisoimage")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/bios.img").write_bytes(BIOS)
    run("genisoimage", "-quiet", "-R", "-b", "bios.img", "-no-emul-boot", "-boot-info-table", "-c", "boot.cat",
        "-o", tmp_path / "theirs", tmp_path / "tree")  # fmt: skip
    theirs = by_us((tmp_path / "theirs").read_bytes())[b"bios.img"].what
    ours = in_memory(lambda t: t.put("bios.img", BIOS), {"boot": "bios.img", "boot-info-table": "1"})
    found = by_us(ours)[b"bios.img"].what
    assert isinstance(found, bytes) and isinstance(theirs, bytes)
    assert found[8:12] == theirs[8:12] and found[16:64] == theirs[16:64] and found[:8] == BIOS[:8]


def test_a_catalog_with_a_name() -> None:
    data = in_memory(images, {"boot": "boot/bios.img", "boot-catalog": "/boot/boot.cat"})
    assert by_us(data)[b"boot/boot.cat"].what == catalog_of(data)[1]
    hidden = in_memory(images, {"boot": "boot/bios.img"})
    assert set(by_us(data)) - set(by_us(hidden)) == {b"boot/boot.cat"}


@needs("xorriso", "isoinfo", "7z")
def test_others_see_what_is_booted(tmp_path: Path) -> None:
    options = {"boot": "boot/bios.img", "efi": "boot/efi.img", "boot-info-table": "1", "boot-catalog": "boot/boot.cat"}
    path = author(tmp_path / "iso", images, options)
    report = run("xorriso", "-indev", path, "-report_el_torito", "plain").decode().splitlines()
    fields = {line.split(":")[0].strip(): line.split(":", 1)[1].split() for line in report if ":" in line}
    assert fields["El Torito cat path"] == ["/boot/boot.cat"]
    rows = [line.split() for line in report if line.startswith("El Torito boot img :")]
    assert [(row[6], row[7], row[8], row[11]) for row in rows] == [
        ("BIOS", "y", "none", "4"), ("UEFI", "y", "none", "2880")
    ]  # fmt: skip
    paths = [line.split()[-1] for line in report if line.startswith("El Torito img path :")]
    assert paths == ["/boot/bios.img", "/boot/efi.img"]
    options_seen = next(line for line in report if line.startswith("El Torito img opts :   1"))
    assert "boot-info-table" in options_seen
    assert b"Eltorito validation header" in run("isoinfo", "-d", "-i", path)
    listed = run("7z", "l", path)
    assert b"[BOOT]" in listed


def test_a_gpt_with_the_uefi_image() -> None:
    data = in_memory(images, {"efi": "boot/efi.img", "hybrid": "gpt"})
    platform = Memory(now=0, seed=1)
    platform.files[b"iso"] = MemoryFile(data)
    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso")
        table = kernel.partitions(b"/dev/iso")
        assert table is not None and not table.warnings
        assert [(row.name, data[row.start :].startswith(EFI), row.size) for row in table.partitions] == [
            ("EFI System", True, len(EFI))
        ]
        assert kernel.probe(b"/dev/iso")[0].name == "cd9660"
    assert volume_sectors(data) * SECTOR == len(data) and data[-512:-504] == b"EFI PART"


@needs("sgdisk", "sfdisk")
@pytest.mark.parametrize("hybrid", ["mbr", "gpt", "both"])
def test_others_see_partitions(hybrid: str, tmp_path: Path) -> None:
    path = author(tmp_path / "iso", images, {"efi": "boot/efi.img", "boot": "boot/bios.img", "hybrid": hybrid,
                                             "mbr": "boot/mbr.bin"})  # fmt: skip
    data = path.read_bytes()
    assert data[:204] == CODE and data[510:512] == b"\x55\xaa"
    start = unpack_from("<I", catalog_of(data)[1], 40)[0]
    assert data[432:440] == pack("<Q", start * 4)
    rows = [unpack_from("<BxxxBxxxII", data, at) for at in range(446, 510, 16)]
    efi = unpack_from("<I", catalog_of(data)[1], 104)[0] * 4
    total = len(data) // 512
    wanted = {
        "mbr": [(0x80, 0x17, 0, total), (0, 0xEF, efi, 2880)],
        "gpt": [(0, 0xEE, 1, total - 1)],
        "both": [(0, 0xEE, 1, efi - 1), (0, 0xEF, efi, 2880)],
    }[hybrid]
    assert [row for row in rows if any(row)] == wanted
    if hybrid != "mbr":
        assert b"No problems found" in run("sgdisk", "-v", path)
        assert b"EF00" in run("sgdisk", "-p", path)
    assert b"EFI" in run("sfdisk", "-l", path)


def test_the_pad_is_part_of_the_volume() -> None:
    plain, padded = in_memory(images), in_memory(images, {"pad": "150"})
    assert len(padded) == len(plain) + 150 * SECTOR and not any(padded[len(plain) :])


@pytest.mark.parametrize("options, number", [
    ({"boot": "nothing"}, e.ENOENT), ({"boot": "else/in"}, e.ENOTDIR), ({"efi": "boot"}, e.EINVAL),
    ({"boot": "boot/mbr.bin", "grub2-boot-info": "1"}, e.EINVAL), ({"efi": "empty"}, e.EINVAL),
    ({"boot": "boot/bios.img", "boot-emulation": "floppy"}, e.EINVAL),
    ({"boot": "else", "boot-catalog": "none/cat"}, e.ENOENT), ({"boot": "else", "boot-catalog": "else"}, e.EEXIST),
    ({"boot": "boot/bios.img", "hybrid": "gpt", "mbr": "else"}, e.EINVAL), ({"mbr": "none"}, e.ENOENT),
], ids=lambda value: str(value))  # fmt: skip
def test_what_cannot_be_booted_leaves_an_empty_volume(options: dict[str, str], number: int) -> None:
    platform = Memory(now=NOW, seed=1)
    platform.files[b"iso"] = MemoryFile(bytes(4 << 20))

    def fill(t: Tree) -> None:
        images(t)
        t.put("empty")

    with boot(Bare(platform)) as kernel:
        kernel.etfs_register(b"/dev/iso", b"iso", read_only=False)
        with pytest.raises(OSError) as caught:
            filled(kernel, fill, options)
    assert caught.value.errno == number
    assert next(iter(options)) in str(caught.value) or number == e.EINVAL
    assert by_us(bytes(platform.files[b"iso"].data)) == {}
