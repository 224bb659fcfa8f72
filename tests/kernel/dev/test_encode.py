# SPDX-License-Identifier: BSD-2-Clause
"""Partition tables that we write, as sgdisk and sfdisk read them."""

from __future__ import annotations

import json
import random
import shutil

import pytest

from rump.kernel.dev.partitions import Partition, encode, read_partition_table
from rump.kernel.dev.partitions.types import type_made
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

needs_tools = pytest.mark.skipif(not shutil.which("sgdisk") or not shutil.which("sfdisk"), reason="sgdisk and sfdisk")
MIB = 1 << 20
DISK = "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6"
EFI, LINUX = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0fc63daf-8483-4772-8e79-3d69d8477de4"


def row(number: int, start: int, size: int, kind: str = LINUX, scheme: str = "gpt", **more) -> Partition:
    more.setdefault("uuid", f"00000000-0000-4000-8000-{number:012x}")
    return Partition(number, scheme, start, size, kind, "", **more)


def written(path, size: int, pieces) -> bytes:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, data in pieces:
            file.seek(offset)
            file.write(data)
    assert path.stat().st_size == size
    return path.read_bytes()


@needs_tools
def test_gpt_as_others_read_it(tmp_path, run_tool, memory_device):
    rows = [
        row(2, MIB, 3 * MIB, EFI, name="EFI ü"), row(1, 4 * MIB, MIB, bootable=True, name="x" * 36),
        row(128, 5 * MIB, MIB, attributes=1 << 60 | 1),
    ]  # fmt: skip
    path = tmp_path / "disk"
    data = written(path, 8 * MIB, encode.gpt(8 * MIB, 512, DISK, rows))
    assert "No problems found" in run_tool("sgdisk", "-v", path)
    run_tool("sfdisk", "--verify", path)
    said = json.loads(run_tool("sfdisk", "--json", path))["partitiontable"]
    assert (said["label"], said["id"].lower(), said["firstlba"], said["lastlba"]) == ("gpt", DISK, 34, 16350)
    theirs = [(p["start"] * 512, p["size"] * 512, p["type"].lower(), p["uuid"].lower(), p.get("name", ""))
              for p in said["partitions"]]  # fmt: skip
    assert theirs == [(r.start, r.size, r.type, r.uuid, r.name) for r in sorted(rows, key=lambda r: r.number)]
    table = read_partition_table(memory_device(data))
    assert table.warnings == () and table.disk_id == DISK
    assert [(r.number, r.name, r.bootable, r.attributes) for r in table.partitions] == [
        (1, "x" * 36, True, 4), (2, "EFI ü", False, 0), (128, "", False, 1 << 60 | 1),
    ]  # fmt: skip


@needs_tools
def test_gpt_is_what_sgdisk_writes(tmp_path, run_tool):
    theirs = tmp_path / "theirs"
    with theirs.open("wb") as file:
        file.truncate(16 * MIB)
    run_tool("sgdisk", "-o", "-U", DISK, "-n", "1:2048:+2M", "-t", f"1:{EFI}", "-c", "1:esp",
             "-u", "1:00000000-0000-4000-8000-000000000001", "-n", "2:6144:+4M", "-t", f"2:{LINUX}", "-c", "2:Linux",
             "-u", "2:00000000-0000-4000-8000-000000000002", "-A", "2:set:2", theirs)  # fmt: skip
    rows = [row(1, MIB, 2 * MIB, EFI, name="esp"), row(2, 3 * MIB, 4 * MIB, name="Linux", bootable=True)]
    ours = written(tmp_path / "ours", 16 * MIB, encode.gpt(16 * MIB, 512, DISK, rows))
    same = bytearray(theirs.read_bytes())
    same[446:462] = ours[446:462]       # the place in cylinders of the protective entry: sgdisk leaves it out
    assert ours == bytes(same)


def test_gpt_of_large_sectors(tmp_path, memory_device):
    rows = [row(1, MIB, 2 * MIB)]
    data = written(tmp_path / "disk", 8 * MIB, encode.gpt(8 * MIB, 4096, DISK, rows))
    device = memory_device(data, sector_size=4096)
    table = read_partition_table(device)
    assert (table.sector_size, table.warnings) == (4096, ())
    assert [(r.start, r.size) for r in table.partitions] == [(MIB, 2 * MIB)]
    damaged = bytearray(data)
    damaged[4096:8192] = bytes(4096)
    table = read_partition_table(memory_device(bytes(damaged), sector_size=4096))
    assert "backup is used" in table.warnings[0] and table.partitions[0].start == MIB


@needs_tools
def test_hybrid(tmp_path, run_tool):
    rows = [row(1, MIB, 2 * MIB, EFI), row(2, 3 * MIB, MIB)]
    path = tmp_path / "disk"
    data = written(path, 8 * MIB, encode.gpt(8 * MIB, 512, DISK, rows, hybrid=[(rows[0], 0x0C)], code=b"\xfa\xf4"))
    assert data[:3] == b"\xfa\xf4\0"
    assert "MBR: hybrid" in run_tool("gdisk", "-l", path)
    assert data[462 + 4] == 0x0C and int.from_bytes(data[470:474], "little") == 2048


@needs_tools
def test_mbr_as_others_read_it(tmp_path, run_tool, memory_device):
    kinds = ("0x0c", "0x83", "0x82", "0x83", "0x07")
    rows = [
        row(1, MIB, MIB, kinds[0], "mbr", bootable=True), row(2, 2 * MIB, MIB, kinds[1], "mbr"),
        row(5, 4 * MIB, MIB, kinds[2], "mbr"), row(6, 6 * MIB, MIB, kinds[3], "mbr"),
        row(7, 8 * MIB, 2 * MIB, kinds[4], "mbr"),
    ]  # fmt: skip
    path = tmp_path / "disk"
    data = written(path, 16 * MIB, encode.mbr(16 * MIB, 512, 0x2FE05A1B, rows))
    run_tool("sfdisk", "--verify", path)
    said = json.loads(run_tool("sfdisk", "--json", path))["partitiontable"]
    assert (said["label"], said["id"]) == ("dos", "0x2fe05a1b")
    theirs = {int(p["node"].removeprefix(str(path))): (p["start"] * 512, p["size"] * 512, int(p["type"], 16),
              p.get("bootable", False)) for p in said["partitions"]}  # fmt: skip
    assert theirs.pop(3) == (3 * MIB, 7 * MIB, 0x0F, False)
    assert theirs == {r.number: (r.start, r.size, int(r.type, 16), r.bootable) for r in rows}
    table = read_partition_table(memory_device(data))
    assert table.warnings == () and table.disk_id == "2fe05a1b"
    assert [r.number for r in table.partitions] == [1, 2, 3, 5, 6, 7]


@needs_tools
def test_random_tables(tmp_path, run_tool, memory_device):
    """Whatever is accepted is read by us as it was meant; a few are shown to sgdisk and sfdisk."""
    chance = random.Random(4)
    for trial in range(60):
        gpt, unit = chance.random() < 0.5, chance.choice((512, 4096))
        rows, at = [], MIB
        for number in range(1, chance.randrange(2, 9)):
            size = chance.randrange(1, 40) * 4096
            number = number if gpt or number < 4 else number + 1
            gap = MIB if not gpt and number > 4 else 0
            kind = LINUX if gpt else f"0x{chance.randrange(1, 4) + 0x80:02x}"
            rows.append(row(number, at + gap, size, kind, "gpt" if gpt else "mbr"))
            at += gap + size + chance.randrange(3) * 4096
        pieces = encode.gpt(32 * MIB, unit, DISK, rows) if gpt else encode.mbr(32 * MIB, unit, 7, rows)
        path = tmp_path / "disk"
        table = read_partition_table(memory_device(written(path, 32 * MIB, pieces), sector_size=unit))
        assert table.warnings == ()
        wanted = [(r.number, r.start, r.size, r.type) for r in rows]
        assert [(r.number, r.start, r.size, r.type) for r in table.partitions if r.type != "0x0f"] == wanted
        if trial % 10 == 0 and unit == 512:
            run_tool("sfdisk", "--verify", path)


@pytest.mark.parametrize(("rows", "errno", "text"), [
    ([row(1, MIB, MIB), row(1, 3 * MIB, MIB)], e.EINVAL, "same number"),
    ([row(1, MIB, 2 * MIB), row(2, 2 * MIB, MIB)], e.EINVAL, "partition 2 begins.*partition 1 still is"),
    ([row(1, 512, MIB)], e.EINVAL, "partition table still is"),
    ([row(1, MIB, 7 * MIB)], e.ENOSPC, "partition 1 ends"),
    ([row(1, MIB + 1, MIB)], e.EINVAL, "whole sectors"),
    ([row(129, MIB, MIB)], e.EINVAL, "1 to 128"),
    ([row(1, MIB, MIB, name="x" * 37)], e.EINVAL, "36 characters"),
    ([row(1, MIB, MIB, "0x83")], e.EINVAL, "no GUID"),
])  # fmt: skip
def test_what_a_gpt_cannot_hold(rows, errno, text):
    with pytest.raises(Fault, match=text) as error:
        encode.gpt(8 * MIB, 512, DISK, rows)
    assert error.value.errno == errno


@pytest.mark.parametrize(("rows", "errno", "text"), [
    ([row(1, MIB, MIB, LINUX, "mbr")], e.EINVAL, "no MBR type"),
    ([row(6, 2 * MIB, MIB, "0x83", "mbr")], e.EINVAL, "numbered 5, 6"),
    ([row(5, MIB, MIB, "0x83", "mbr")], e.EINVAL, "before it are needed"),
    ([row(5, 2 * MIB, MIB, "0x83", "mbr"), row(6, 3 * MIB, MIB, "0x83", "mbr")], e.EINVAL, "before it are needed"),
    ([*(row(n, n * MIB, MIB, "0x83", "mbr") for n in (1, 2, 3, 4)), row(5, 6 * MIB, MIB, "0x83", "mbr")], e.EINVAL,
     "one of the four"),
    ([row(1, 1 << 41, MIB, "0x83", "mbr")], e.EFBIG, "cannot say"),
])  # fmt: skip
def test_what_an_mbr_cannot_hold(rows, errno, text):
    with pytest.raises(Fault, match=text) as error:
        encode.mbr(1 << 42, 512, 1, rows)
    assert error.value.errno == errno


def test_small_disks():
    with pytest.raises(Fault) as error:
        encode.gpt(34 * 512, 512, DISK, [])
    assert error.value.errno == e.ENOSPC


def test_words_for_types():
    assert type_made("efi", "gpt") == EFI and type_made("esp", "mbr") == "0xef"
    assert type_made("Linux home", "gpt") == "933ac7e1-2eb4-4f13-b844-0e14e2aef915"
    assert type_made(LINUX.upper(), "gpt") == LINUX
    assert [type_made(word, "mbr") for word in ("0x83", "83", "linux", "FAT16", "fat32")] == [
        "0x83", "0x83", "0x83", "0x0e", "0x0c"]  # fmt: skip
    assert type_made("nonsense", "gpt") is None and type_made("nonsense", "mbr") is None
    assert type_made("bios", "mbr") is None
