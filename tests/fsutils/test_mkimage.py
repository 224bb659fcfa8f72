# SPDX-License-Identifier: BSD-2-Clause
"""Whole disk images: made from TOML and from options, judged by sgdisk, sfdisk and the checkers of the formats."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Fsu

TOOLS = ("sgdisk", "sfdisk", "fsck.fat", "e2fsck", "debugfs", "mdir")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
MIB = 1 << 20


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with things to put into images, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    (tmp_path / "esp/EFI/BOOT").mkdir(parents=True)
    (tmp_path / "esp/EFI/BOOT/BOOTX64.EFI").write_bytes(os.urandom(150_000))
    (tmp_path / "rootfs/usr/bin").mkdir(parents=True)
    (tmp_path / "rootfs/usr/bin/tool").write_bytes(os.urandom(700_000))
    (tmp_path / "rootfs/usr/bin/tool").chmod(0o755)
    (tmp_path / "rootfs/bin").symlink_to("usr/bin")
    (tmp_path / "overlay/etc").mkdir(parents=True)
    (tmp_path / "overlay/etc/hostname").write_text("built\n")
    subprocess.run(["tar", "-C", "overlay", "-czf", "overlay.tgz", "."], check=True)
    (tmp_path / "loader.bin").write_bytes(b"LOADER" * 900)
    return tmp_path


def tool(*arguments: object, status: int = 0) -> str:
    """Run another's tool."""
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def parts(image: Path) -> dict[int, Path]:
    """The partitions of an image as sfdisk has them, each in a file."""
    table = json.loads(tool("sfdisk", "--json", image))["partitiontable"]
    found = {}
    data = image.read_bytes()
    for number, row in enumerate(table["partitions"], 1):
        found[number] = image.with_suffix(f".part{number}")
        found[number].write_bytes(data[row["start"] * 512 : (row["start"] + row["size"]) * 512])
    return found


SPEC = """
table = "gpt"
size = "64M"
id = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6"

[[partition]]
name = "efi"
type = "efi"
size = "16M"
format = "vfat"
label = "EFI"
from = "esp/"

[[partition]]
name = "store"
type = "linux"
size = "4M"
file = "loader.bin"

[[partition]]
name = "root"
type = "root-x86-64"
uuid = "01234567-89ab-4def-8123-456789abcdef"
size = "rest"
format = "ext4"
label = "rootfs"
mkfs = ["-m", "0"]
from = ["rootfs", "overlay.tgz"]
owner = "0:0"

[[partition.copy]]
from = "loader.bin"
to = "/boot/loader/"
[[partition.copy]]
from = "esp"
to = "/boot/efi"
"""


def test_a_disk_from_toml(here: Path, fsu: Fsu) -> None:
    (here / "disk.toml").write_text(SPEC)
    done = fsu("mkimage", "-f", "disk.toml", "disk.img")
    assert done.status == 0, done.err
    image = here / "disk.img"
    assert image.stat().st_size == 64 * MIB and not [name for name in os.listdir(here) if name.startswith(".disk")]
    assert "No problems found" in tool("sgdisk", "-v", image)
    table = json.loads(tool("sfdisk", "--json", image))["partitiontable"]
    assert table["id"] == "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6"
    assert [row["name"] for row in table["partitions"]] == ["efi", "store", "root"]
    assert [row["start"] for row in table["partitions"]] == [2048, 34816, 43008]
    assert table["partitions"][2]["uuid"] == "01234567-89AB-4DEF-8123-456789ABCDEF"
    efi, store, root = parts(image).values()
    tool("fsck.fat", "-n", efi)
    assert "BOOTX64  EFI    150000" in tool("mdir", "-i", efi, "::EFI/BOOT")
    assert store.read_bytes()[:5400] == b"LOADER" * 900
    tool("e2fsck", "-fn", root)
    assert "Filesystem volume name:   rootfs" in tool("dumpe2fs", "-h", root)
    listing = tool("debugfs", "-R", "ls -l /boot", root)
    assert "loader" in listing and "efi" in listing
    assert tool("debugfs", "-R", "cat /etc/hostname", root) == "built\n"
    assert "User:     0   Group:     0" in tool("debugfs", "-R", "stat /usr/bin/tool", root)
    hidden = efi.read_bytes()[0x1C:0x20]
    assert int.from_bytes(hidden, "little") == 2048, "FAT is told where on the disk it is"


def test_sizes_are_computed(here: Path, fsu: Fsu) -> None:
    done = fsu("mkimage", "-p", "name=efi,type=efi,format=vfat,from=esp", "-p", "name=root,format=ext4,from=rootfs",
               "-p", "name=more,format=exfat,label=MORE,from=esp", "disk.img")  # fmt: skip
    assert done.status == 0, done.err
    assert "No problems found" in tool("sgdisk", "-v", here / "disk.img")
    assert (here / "disk.img").stat().st_size < 16 * MIB
    efi, root, _ = parts(here / "disk.img").values()
    tool("fsck.fat", "-n", efi)
    tool("e2fsck", "-fn", root)
    (here / "out").mkdir()
    for number, tree in ((1, "esp"), (2, "rootfs"), (3, "esp")):
        assert fsu("cp", "-R", f"disk.img@{number}:/", f"out/{number}").status == 0
        for path in (here / tree).rglob("*"):
            copy = here / "out" / str(number) / path.relative_to(here / tree)
            assert path.is_dir() or path.is_symlink() or copy.read_bytes() == path.read_bytes()


def test_an_mbr_with_logical_partitions(here: Path, fsu: Fsu) -> None:
    words = ["-p", "format=fat16,size=16M,bootable,from=esp"]
    for _ in range(4):
        words += ["-p", "format=ext2,size=2M"]
    done = fsu("mkimage", "--table", "mbr", "--id", "deadbeef", "--raw", "loader.bin@8K", "--boot-code", "loader.bin",
               *words, "card.img")  # fmt: skip
    assert done.status == 0, done.err
    image = here / "card.img"
    tool("sfdisk", "--verify", image)
    table = json.loads(tool("sfdisk", "--json", image))["partitiontable"]
    assert table["id"] == "0xdeadbeef" and table["partitions"][0]["bootable"]
    kinds = [row["type"] for row in table["partitions"]]
    assert kinds == ["e", "83", "83", "f", "83", "83"]
    data = image.read_bytes()
    assert data[:440] == (b"LOADER" * 900)[:440] and data[8192 : 8192 + 5400] == b"LOADER" * 900
    assert fsu("ls", "card.img@1:/").out == b"EFI\n"
    assert fsu("ls", "card.img@6:/").out == b"lost+found\n"


def test_reproducible(here: Path, fsu: Fsu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    words = ["-p", "format=vfat,from=esp", "-p", "format=ext4,from=rootfs", "-p", "format=ext4,size=4M"]
    assert fsu("mkimage", "-q", *words, "one.img").status == 0
    assert fsu("mkimage", "-q", *words, "two.img").status == 0
    assert (here / "one.img").read_bytes() == (here / "two.img").read_bytes()
    uuids = [fsu("info", "--json", f"one.img@{number}").out for number in (2, 3)]
    assert uuids[0] != uuids[1]
    said = [json.loads(line.splitlines()[-1]) for line in uuids]
    assert "uuid" in json.dumps(said)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    assert fsu("mkimage", "-q", *words, "three.img").status == 0
    assert (here / "one.img").read_bytes() != (here / "three.img").read_bytes()


def test_one_file_system_without_a_table(here: Path, fsu: Fsu) -> None:
    assert fsu("mkimage", "--table", "none", "-p", "format=ext4,from=rootfs", "fs.img").status == 0
    tool("e2fsck", "-fn", here / "fs.img")
    done = fsu("mkimage", "--table", "none", "-p", "format=ext4,size=4M", "-p", "format=ext4,size=4M", "no.img")
    assert done.status == 2 and b"one partition" in done.err


@pytest.mark.parametrize(("words", "text"), [
    (["-p", "format=ext4"], "could not be made|nothing"),
    (["-p", "name=x"], "nothing is in it"),
    (["-p", "size=1M,colour=red"], "unknown key 'colour'"),
    (["-p", "size=12Q"], "not a size"),
    (["-p", "size=1M,type=nonsense"], "no type of a partition"),
    (["-p", "size=rest"], "give the disk a size"),
    (["-p", "size=1M,format=ext4,file=loader.bin"], "either format or file"),
    (["-p", "size=1M,start=512"], "partition table still is"),
    (["--size", "8M", "-p", "size=16M"], "room up to"),
    (["-p", "size=1M", "--raw", "loader.bin@1M"], "would lie where partition 1 is"),
    (["-p", "size=1M", "--raw", "loader.bin@512"], "partition table is"),
    (["--id", "nonsense", "-p", "size=1M"], "no GUID"),
    (["--table", "mbr", "--id", "xyz", "-p", "size=1M"], "no signature"),
    (["-f", "missing.toml"], "No such file"),
    (["-p", "size=2K,file=loader.bin"], "has 5400 bytes"),
    ([], "nothing is to be made"),
])  # fmt: skip
def test_what_cannot_be(here: Path, fsu: Fsu, words: list[str], text: str) -> None:
    """An error that says what and where, and no image."""
    if text.startswith("could not"):
        words = ["-p", "format=ext4,from=rootfs,size=300K"]
        text = "No space|room|needs"
    done = fsu("mkimage", *words, "disk.img")
    assert done.status in (1, 2) and b"internal" not in done.err and b"Traceback" not in done.err
    assert any(part in done.err.decode() for part in text.split("|")), done.err
    assert not (here / "disk.img").exists() and not [name for name in os.listdir(here) if name.startswith(".disk")]


def test_bad_toml(here: Path, fsu: Fsu) -> None:
    for text, said in (
        ("size = ", b"bad.toml: "), ("sizes = 3", b"unknown key 'sizes'"), ("partition = 3", b"tables are wanted"),
        ('[[partition]]\nsize = "1M"\nbootable = "maybe"', b"partition 1: bootable: 'maybe' is neither"),
        ('[[partition]]\nsize = true', b"partition 1: size: True is no size"),
        ("table = 'apm'", b"none of gpt, mbr, none"),
    ):  # fmt: skip
        (here / "bad.toml").write_text(text)
        done = fsu("mkimage", "-f", "bad.toml", "disk.img")
        assert done.status == 2 and said in done.err, done.err


def test_what_is_there_stays(here: Path, fsu: Fsu) -> None:
    (here / "disk.img").write_text("mine")
    done = fsu("mkimage", "-p", "size=1M", "disk.img")
    assert done.status == 1 and b"--force" in done.err and (here / "disk.img").read_text() == "mine"
    assert fsu("mkimage", "--force", "-p", "format=ext4,size=4K", "disk.img").status == 1
    assert (here / "disk.img").read_text() == "mine", "a failure leaves the old one"
    assert fsu("mkimage", "--force", "-p", "size=1M", "disk.img").status == 0
    before = (here / "disk.img").read_bytes()
    assert b"would be" in fsu("mkimage", "--dry-run", "-p", "size=3M", "disk.img").out
    assert (here / "disk.img").read_bytes() == before
