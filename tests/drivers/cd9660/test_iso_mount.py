# SPDX-License-Identifier: BSD-2-Clause
"""Probing, options, sessions, what a volume says of itself, boot images, images with partitions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rump.drivers.fs.cd9660 import dates, driver
from rump.fsutils import main
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs.volume import MountArguments
from rump.rumpuser.interface import errno as e

if TYPE_CHECKING:
    from collections.abc import Callable

Mount = Any
Make = Any
Tool = Any
NANO = 10**9


def test_probe(memory_device: Any, iso: Make) -> None:
    assert driver.probe is not None
    data = iso.image([])
    device = memory_device(data)
    assert driver.probe(device) == "ISO 9660"
    assert device.bytes_read <= 128 << 10
    for other in (b"", bytes(100), bytes(40000), data[: 17 * 2048 - 1], data.replace(b"\1CD001", b"\2CD001")):
        assert driver.probe(memory_device(other)) is None
    assert driver.probe(memory_device(data[: 17 * 2048])) == "ISO 9660"


def test_a_primary_descriptor_that_is_not_the_first(mounted: Mount, iso: Make) -> None:
    data = bytearray(iso.image([iso.record(b"A.;1", 40, 1)]))
    data[17 * 2048 : 19 * 2048] = data[16 * 2048 : 17 * 2048] + iso.TERMINATOR
    data[16 * 2048 : 17 * 2048] = b"\0CD001\1".ljust(2048, b"\0")
    assert mounted(bytes(data)).names() == [b"a"]


@pytest.mark.parametrize("size", [0, 256, 4096, 2047])
def test_impossible_block_sizes(mounted: Mount, iso: Make, size: int) -> None:
    data = bytearray(iso.image([]))
    data[16 * 2048 + 128 : 16 * 2048 + 132] = iso.both16(size)
    with pytest.raises(Corrupt, match=f"sector 16: logical block size: {size}"):
        mounted(bytes(data))


@pytest.mark.parametrize(
    "option", [{"nosuch": ""}, {"names": "best"}, {"uid": "-1"}, {"uid": "x"}, {"mask": "9"}, {"norrip": "1"},
               {"gid": ""}, {"session": "2"}, {"session": "99999999"}, {"names": "joliet"}, {"mask": "10000"}]
)  # fmt: skip
def test_options_there_are_not(mounted: Mount, iso: Make, option: dict[str, str]) -> None:
    with pytest.raises(Fault) as raised:
        mounted(iso.image([]), **option)
    assert raised.value.errno == e.EINVAL


def test_permissions_by_options(mounted: Mount, iso: Make) -> None:
    records = [iso.record(b"A.;1", 40, 1), iso.record(b"D", 41, 2048, 2)]
    data = iso.image(records, {41 * 2048: iso.directory(41, [], parent=20)})
    for options, file, folder in (
        ({}, 0o555, 0o555), ({"mask": "640"}, 0o440, 0o550), ({"mask": "644", "dirmask": "700"}, 0o444, 0o500)
    ):  # fmt: skip
        found = dict(mounted(data, **options).entries())
        assert [found[name][2] & 0o7777 for name in (b"a", b"d")] == [file, folder]
    found = mounted(data, uid="5", gid="6")
    assert found.find(b"a")[4:6] == found.volume.root()[4:6] == (5, 6)


def test_case(mounted: Mount, iso: Make) -> None:
    records = [iso.record(b"A.;1", 40, 1, 0, iso.px(0o100644) + iso.nm(b"Name")),
               iso.record(b"B.;1", 40, 1, 0, iso.px(0o100644) + iso.nm(b"NAME"))]  # fmt: skip
    data = iso.image(records, use=iso.ROCK_RIDGE)
    volume = mounted(data)
    with pytest.raises(FileNotFoundError):
        volume.find(b"name")
    volume = mounted(data, rrcaseins="")
    assert volume.find(b"name") == volume.find(b"Name") != volume.find(b"NAME")
    assert volume.volume.name_key(b"Name") == volume.volume.name_key(b"NAME")


def test_for_writing(memory_device: Any, iso: Make, mounted: Mount) -> None:
    services: Any = None
    with pytest.raises(Fault) as raised:
        driver.mount(MountArguments(memory_device(iso.image([])), services, read_only=False))
    assert raised.value.errno == e.EROFS


def test_what_it_says(mounted: Mount, iso: Make) -> None:
    said = dict(mounted(iso.image([], use=iso.ROCK_RIDGE)).volume.describe())
    assert said == {
        b"type": b"ISO 9660", b"label": b"BY HAND", b"uuid": b"2001-09-09-01-46-40-00", b"system": b"SYSTEM",
        b"volume set": b"SET", b"publisher": b"PUBLISHER", b"preparer": b"PREPARER", b"application": b"APPLICATION",
        b"created": b"2001-09-09 01:46:40 UTC", b"modified": b"2001-09-09 01:46:40 UTC", b"expires": b"never",
        b"effective": b"never", b"block size": b"2048", b"blocks": b"100", b"name spaces": b"Rock Ridge, ISO 9660",
        b"names used": b"Rock Ridge", b"protocols": b"RRIP_1991A", b"sessions": b"1",
    }  # fmt: skip


def test_truncated_images(mounted: Mount, iso: Make) -> None:
    """What is left can be read; sizes that are no multiple of a sector are all right."""
    data = iso.image([iso.record(b"A.;1", 40, 5000), iso.record(b"B.;1", 60, 10)], {40 * 2048: b"x" * 5000})
    volume = mounted(data[: 40 * 2048 + 3001])
    assert volume.log
    found = volume.find(b"a")
    assert volume.volume.map(found[:2], 0, 5000) == ((0, 0, 3001, 40 * 2048),)
    with pytest.raises(Corrupt, match=r"block 41 is behind the end of mem0|block 40"):
        volume.volume.map(found[:2], 3001, 10)
    with pytest.raises(Corrupt, match="block 60"):
        volume.read(b"b")
    with pytest.raises(Corrupt, match="block 20"):
        mounted(data[: 20 * 2048 - 1]).volume.root()


# ---- sessions ------------------------------------------------------------------------------------------------------


def test_sessions_of_xorriso(mounted: Mount, tmp_path: Path, run_tool: Tool) -> None:
    """It copies the last session's descriptors to the start of the image."""
    image = tmp_path / "m.iso"
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
        run_tool("xorriso", "-dev", image, "-map", tmp_path / name, f"/{name}", "-commit")
    run_tool("xorriso", "-dev", image, "-rm", "/one", "--", "-commit")
    assert mounted(image).names() == [b"three", b"two"]
    assert dict(mounted(image).volume.describe())[b"sessions"] == b"4"
    found = [mounted(image, session=str(number)).names() for number in range(5)]
    assert found == [[b"three", b"two"], [b"one"], [b"one", b"two"], [b"one", b"three", b"two"], [b"three", b"two"]]
    assert mounted(image, sb="32").names() == [b"one"]
    with pytest.raises(Fault, match="session 5 of 4"):
        mounted(image, session="5")


@pytest.mark.parametrize("gap", [0, 11400])
def test_sessions_of_genisoimage(mounted: Mount, tmp_path: Path, run_tool: Tool, gap: int) -> None:
    """One behind the other, as on a disc: the last one holds."""
    first, second = tmp_path / "1.iso", tmp_path / "2.iso"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    run_tool("genisoimage", "-quiet", "-R", "-o", first, tmp_path / "one")
    start = first.stat().st_size // 2048 + gap
    run_tool("genisoimage", "-quiet", "-R", "-C", f"0,{start}", "-M", first, "-o", second, tmp_path / "two")
    whole = tmp_path / "whole.iso"
    with whole.open("wb") as file:
        file.write(first.read_bytes())
        file.seek(start * 2048)
        file.write(second.read_bytes())
    volume = mounted(whole)
    assert volume.names() == [b"one", b"two"]
    assert (volume.read(b"one"), volume.read(b"two")) == (b"one", b"two")
    assert mounted(whole, session="1").names() == [b"one"]


# ---- boot images and partitions ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bootable(tmp_path_factory: pytest.TempPathFactory, run_tool: Tool) -> Path:
    """A folder with a BIOS and an EFI boot image, and code for a hybrid's sector 0."""
    top = tmp_path_factory.mktemp("boot")
    (top / "tree" / "isolinux").mkdir(parents=True)
    (top / "tree" / "isolinux" / "isolinux.bin").write_bytes(bytes(range(256)) * 100)
    efi = top / "tree" / "efi.img"
    with efi.open("wb") as file:
        file.truncate(1440 << 10)
    run_tool("mkfs.fat", "-i", "1234abcd", efi)
    (top / "hello").write_text("from EFI")
    run_tool("mcopy", "-i", efi, top / "hello", "::HELLO.TXT")
    (top / "mbr.bin").write_bytes(b"\x33\xed" + b"\x90" * 430)
    return top


BIOS = ("-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot", "-boot-load-size", "4")


@pytest.fixture(scope="module")
def hybrid(bootable: Path, run_tool: Tool) -> Path:
    image = bootable / "hybrid.iso"
    run_tool("xorriso", "-as", "mkisofs", "-quiet", "-R", *BIOS, "-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot",
             "-isohybrid-mbr", bootable / "mbr.bin", "-isohybrid-gpt-basdat", "-o", image,
             bootable / "tree")  # fmt: skip
    return image


def test_boot_images(mounted: Mount, hybrid: Path, bootable: Path) -> None:
    volume = mounted(hybrid)
    assert b"[BOOT]" not in volume.names()
    said = [value for key, value in volume.volume.describe() if key == b"boot image"]
    assert [value.partition(b" at ")[0] for value in said] == [b"1: bios", b"2: efi"]
    volume = mounted(hybrid, boot="")
    found = {name: attributes for name, attributes in volume.walk() if name.startswith(b"[BOOT]")}
    assert {name: attributes[7] for name, attributes in found.items()} == {
        b"[BOOT]": 0, b"[BOOT]/boot.catalog": 2048, b"[BOOT]/1-bios.img": 25600, b"[BOOT]/2-efi.img": 1440 << 10
    }  # fmt: skip
    assert volume.read(b"[BOOT]/1-bios.img") == bytes(range(256)) * 100
    assert volume.read(b"[BOOT]/2-efi.img") == (bootable / "tree" / "efi.img").read_bytes()
    assert volume.read(b"[BOOT]/boot.catalog")[:1] == b"\1"
    assert all(volume.volume.attributes(attributes[:2]) == attributes for attributes in found.values())
    assert volume.entries(step=1) == volume.entries()
    folder = volume.find(b"[BOOT]")[:2]
    assert volume.entries(folder, step=1) == volume.entries(folder)
    with pytest.raises(FileNotFoundError):
        volume.volume.lookup(folder, b"3-none.img")
    assert volume.volume.list_xattr(found[b"[BOOT]/1-bios.img"][:2]) == ()


def test_an_appended_partition_that_is_booted(mounted: Mount, bootable: Path, tmp_path: Path, run_tool: Tool) -> None:
    """No file is where the image is: its size is that of the FAT volume it holds."""
    image, efi = tmp_path / "a.iso", bootable / "tree" / "efi.img"
    run_tool("xorriso", "-as", "mkisofs", "-quiet", "-R", *BIOS, "-eltorito-alt-boot", "-e",
             "--interval:appended_partition_2:all::", "-no-emul-boot", "-append_partition", "2", "0xef", efi, "-o",
             image,
             bootable / "tree" / "isolinux", "-graft-points", f"isolinux/={bootable}/tree/isolinux/")  # fmt: skip
    assert mounted(image, boot="").read(b"[BOOT]/2-efi.img") == efi.read_bytes()


@pytest.mark.parametrize("media, name", [("", b"1-bios-1.44M.img"), ("-hard-disk-boot", b"1-bios-hd.img")])
def test_emulated_media(mounted: Mount, tmp_path: Path, run_tool: Tool, media: str, name: bytes) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    disk = bytearray(b"boot" * (1440 << 8))
    if media:
        disk[446:] = (b"\x80\0\1\0\6\0\0\0" + (63).to_bytes(4, "little") + (500).to_bytes(4, "little")).ljust(64, b"\0")
        disk = (disk + b"\x55\xaa").ljust(600 * 512, b"d")
    (tree / "disk.img").write_bytes(disk)
    image = tmp_path / "e.iso"
    kind = [media] if media else []
    run_tool("genisoimage", "-quiet", "-R", "-b", "disk.img", "-c", "boot.cat", *kind, "-o", image, tree)
    volume = mounted(image, boot="")
    assert volume.read(b"[BOOT]/" + name) == bytes(disk[: 563 * 512] if media else disk)


def test_a_tree_that_has_the_name(mounted: Mount, iso: Make) -> None:
    volume = mounted(iso.image([iso.record(b"[BOOT];1", 40, 1)]), boot="", nomaplcase="")
    assert volume.names() == [b"[BOOT]", b"[BOOT]_"]


def test_catalogs_that_are_none(mounted: Mount, iso: Make, hybrid: Path) -> None:
    """A wrong checksum, a catalog behind the end: there are no boot images."""
    data = bytearray(hybrid.read_bytes())
    record = data.index(b"EL TORITO SPECIFICATION") - 7
    place = int.from_bytes(data[record + 71 : record + 75], "little") * 2048
    assert len(mounted(bytes(data), boot="").entries(mounted(bytes(data), boot="").find(b"[BOOT]")[:2])) == 3
    for at, value in ((place + 4, 1), (place, 2), (place + 30, 0), (record + 74, 255)):
        damaged = bytearray(data)
        damaged[at] = value
        volume = mounted(bytes(damaged), boot="")
        assert volume.entries(volume.find(b"[BOOT]")[:2]) == []


def test_hybrids_are_disks_as_well(hybrid: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for operand, names in ((":/", b"efi.img\nisolinux\n"), ("@1:/", b"efi.img\nisolinux\n"), ("@2:/", b"HELLO.TXT\n")):
        assert main.main(["ls", f"{hybrid}{operand}"]) == 0
        assert capfdbinary.readouterr().out == names
    assert main.main(["cat", f"{hybrid}@2:/HELLO.TXT"]) == 0
    assert capfdbinary.readouterr().out == b"from EFI"
    assert main.main(["-o", "names=plain", "ls", f"{hybrid}:/"]) == 0


# ---- dates ---------------------------------------------------------------------------------------------------------


def test_dates() -> None:
    generator: Callable[[int], int] = lambda number: (number * 7919 * 86400 + number * 13) % 8000000000  # noqa: E731
    for number in range(2000):
        time = (generator(number) - 2200000000) * NANO
        for offset in (-48, 0, 3, 52):
            assert dates.decode7(dates.encode7(time, offset)) == time
            assert dates.decode17(dates.encode17(time + 120 * 10**6, offset)) == time + 120 * 10**6
    assert dates.decode7(bytes((101, 9, 9, 3, 46, 40, 8))) == 10**18
    assert dates.decode7(bytes((100, 2, 29, 0, 0, 0, 0))) == 951782400 * NANO
    for none in (bytes(7), b"\x65\x0d\1\0\0\0\0", b"\x65\1\x20\0\0\0\0", b"\x65\1\1\x18\0\0\0", b"\x65\1\1\0\x3c\0\0"):
        assert dates.decode7(none) == 0
    for none in (dates.NO_DATE17, b" " * 17, bytes(17), b"2001139900000000\0", b"2001010125000000\0"):
        assert dates.decode17(none) is None
    assert dates.encode7(-(10**20)) == bytes((0, 1, 1, 0, 0, 0, 0))
    assert dates.encode7(10**20) == bytes((255, 12, 31, 23, 59, 59, 0))
