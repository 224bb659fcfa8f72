# SPDX-License-Identifier: BSD-2-Clause
"""GUID partition tables, made by others and then damaged."""

from __future__ import annotations

import json
import random
import struct
from binascii import crc32

import pytest

from rump.kernel.dev.partitions import read_partition_table
from rump.kernel.errors import Fault

SIZE = 4 << 20
BACKUP = SIZE - 512
NAMES = ("EFI system", "Wurzel ü", "日本語", "home")


@pytest.fixture(scope="session")
def gpt_image(tmp_path_factory, run_tool):
    """A disk with partitions 1, 2, 5 and 7, by sgdisk, and what sfdisk says of it."""
    path = tmp_path_factory.mktemp("gpt") / "disk.img"
    path.write_bytes(bytes(SIZE))
    kinds = ("ef00", "8300", "8200", "a902")
    arguments = ["-a", "8"]
    for number, name, kind in zip((1, 2, 5, 7), NAMES, kinds, strict=True):
        arguments += ["-n", f"{number}:0:+256K", "-t", f"{number}:{kind}", "-c", f"{number}:{name}"]
    run_tool("sgdisk", *arguments, "-A", "2:set:2", "-A", "2:set:60", path)
    return path.read_bytes(), json.loads(run_tool("sfdisk", "--json", path))["partitiontable"]


def damaged(data: bytes, *places: int) -> bytes:
    """`data` with a bit flipped at each place."""
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 0x10
    return bytes(changed)


def reseal(data: bytearray, at: int, unit: int = 512) -> None:
    """Give the header at `at` the checksums that its fields and entries ask for."""
    lba, count, size = struct.unpack_from("<QII", data, at + 72)
    if count * size < 1 << 22:
        struct.pack_into("<I", data, at + 88, crc32(data[lba * unit : lba * unit + count * size]))
    struct.pack_into("<I", data, at + 16, 0)
    struct.pack_into("<I", data, at + 16, crc32(data[at : at + 92]))


def test_rows_agree_with_sfdisk(gpt_image, memory_device):
    data, oracle = gpt_image
    table = read_partition_table(memory_device(data))
    assert table.scheme == "gpt"
    assert table.warnings == ()
    assert table.sector_size == 512
    assert table.disk_id == oracle["id"].lower()
    rows = [(row.start // 512, row.size // 512, row.type, row.uuid, row.name) for row in table.partitions]
    assert rows == [
        (row["start"], row["size"], row["type"].lower(), row["uuid"].lower(), row["name"])
        for row in oracle["partitions"]
    ]
    assert [row.number for row in table.partitions] == [1, 2, 5, 7]
    assert [row.type_name for row in table.partitions] == ["EFI system", "Linux filesystem", "Linux swap", "NetBSD FFS"]


def test_attributes(gpt_image, memory_device):
    table = read_partition_table(memory_device(gpt_image[0]))
    second = table.partitions[1]
    assert second.bootable
    assert second.attributes == 1 << 2 | 1 << 60
    assert second.flags == ("legacy-boot", "read-only")
    assert table.partitions[0].flags == ()


@pytest.mark.parametrize("place", [512, 512 + 20, 512 + 60, 1024 + 3], ids=["signature", "size", "guid", "array"])
def test_damaged_primary(gpt_image, memory_device, place):
    good = read_partition_table(memory_device(gpt_image[0]))
    table = read_partition_table(memory_device(damaged(gpt_image[0], place)))
    assert [row.uuid for row in table.partitions] == [row.uuid for row in good.partitions]
    assert table.disk_id == good.disk_id
    assert "primary GPT is damaged" in table.warnings[0]


@pytest.mark.parametrize("place", [BACKUP, BACKUP + 20, BACKUP - 16384])
def test_damaged_backup(gpt_image, memory_device, place):
    table = read_partition_table(memory_device(damaged(gpt_image[0], place)))
    assert [row.name for row in table.partitions] == list(NAMES)
    assert "backup GPT is damaged" in table.warnings[0]


def test_both_damaged(gpt_image, memory_device):
    table = read_partition_table(memory_device(damaged(gpt_image[0], 512 + 60, BACKUP + 60)))
    assert table.scheme == "mbr"
    assert "neither of its copies" in table.warnings[0]


def test_copies_differ(gpt_image, memory_device):
    data = bytearray(gpt_image[0])
    data[BACKUP - 16384 + 128 : BACKUP - 16384 + 256] = bytes(128)
    backup_array = BACKUP // 512 - 32
    assert struct.unpack_from("<Q", data, BACKUP + 72)[0] == backup_array
    reseal(data, BACKUP)
    table = read_partition_table(memory_device(data))
    assert len(table.partitions) == 4
    assert table.warnings == ("the primary and the backup GPT differ; the primary is used",)


def test_grown_and_truncated_disk(gpt_image, memory_device):
    grown = read_partition_table(memory_device(gpt_image[0] + bytes(1 << 20)))
    assert grown.warnings == ()
    elsewhere = bytearray(gpt_image[0])
    struct.pack_into("<Q", elsewhere, 512 + 32, 1000)      # the primary is mistaken: the backup is in the last sector
    reseal(elsewhere, 512)
    assert read_partition_table(memory_device(elsewhere)).warnings == ()
    cut = read_partition_table(memory_device(gpt_image[0][: grown.partitions[3].start + 4096]))
    assert len(cut.partitions) == 4
    assert any("partition 7 ends" in line and "behind the end" in line for line in cut.warnings)


def test_no_protective_mbr(gpt_image, memory_device):
    wiped = read_partition_table(memory_device(bytes(512) + gpt_image[0][512:]))
    assert wiped.scheme == "gpt"
    assert wiped.warnings == ("there is no protective MBR",)
    other = bytearray(gpt_image[0])
    other[450] = 0x83
    table = read_partition_table(memory_device(other))
    assert table.scheme == "mbr"
    assert any("there is a GPT as well" in line for line in table.warnings)


@pytest.mark.parametrize("told", [512, 4096])
def test_sectors_of_4096_bytes(tmp_path, run_tool, memory_device, told):
    """Known by their own header, whatever sector size the image's device claims."""
    path = tmp_path / "disk4k.img"
    path.write_bytes(bytes(SIZE))
    run_tool("fdisk", "-b", "4096", path, stdin="g\nn\n1\n64\n+1M\nn\n2\n512\n+512K\nw\n")
    table = read_partition_table(memory_device(path.read_bytes(), told))
    assert (table.scheme, table.sector_size, table.warnings) == ("gpt", 4096, ())
    assert [row.size for row in table.partitions] == [1 << 20, 512 << 10]
    assert [row.start // 4096 for row in table.partitions] == [64, 512]
    data = damaged(path.read_bytes(), 4096 + 60)
    again = read_partition_table(memory_device(data, told))
    assert [row.uuid for row in again.partitions] == [row.uuid for row in table.partitions]


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [
        (12, "<I", 0), (12, "<I", 91), (12, "<I", 1 << 31), (24, "<Q", 2), (72, "<Q", 1 << 63), (72, "<Q", 1 << 40),
        (80, "<I", 0xFFFFFFFF), (80, "<I", 1025), (84, "<I", 0), (84, "<I", 64), (84, "<I", 0xFFFFFFFF),
    ],
)  # fmt: skip
def test_hostile_header(gpt_image, memory_device, offset, form, value):
    """With right checksums: a value out of bounds makes the copy a damaged one."""
    data = bytearray(gpt_image[0])
    struct.pack_into(form, data, 512 + offset, value)
    reseal(data, 512)
    device = memory_device(data)
    table = read_partition_table(device)
    assert "primary GPT is damaged" in table.warnings[0]
    assert len(table.partitions) == 4
    assert device.bytes_read < 1 << 20


def test_hostile_entries(gpt_image, memory_device):
    data = bytearray(gpt_image[0])
    struct.pack_into("<QQ", data, 1024 + 32, 2048, 40)                      # 1: ends before it begins
    struct.pack_into("<QQ", data, 1024 + 128 + 32, 1 << 50, (1 << 64) - 1)  # 2: far behind the end
    data[1024 + 128 * 4 + 56 : 1024 + 128 * 5] = b"\x00\xd8" * 36           # 5: lone surrogates for a name
    reseal(data, 512)
    table = read_partition_table(memory_device(data))
    assert [row.number for row in table.partitions] == [2, 5, 7]
    assert any("partition 1 ends before" in line for line in table.warnings)
    assert any("partition 2 begins behind" in line for line in table.warnings)
    table.partitions[1].name.encode()


def test_bit_flips(gpt_image, memory_device):
    """Whatever bit flips, there is a table (or none), and no surprise."""
    chance = random.Random(1)
    base = gpt_image[0]
    places = [*range(446, 512), *range(512, 604), *range(1024, 2048), *range(BACKUP, BACKUP + 92)]
    for _ in range(1500):
        data = bytearray(base)
        for _ in range(chance.randint(1, 3)):
            data[chance.choice(places)] ^= 1 << chance.randrange(8)
        if chance.random() < 0.7:
            try:
                reseal(data, 512)
            except struct.error:
                continue
        try:
            table = read_partition_table(memory_device(data))
        except Fault as error:
            pytest.fail(f"{error}")
        for row in table.partitions if table else ():
            str(row)
