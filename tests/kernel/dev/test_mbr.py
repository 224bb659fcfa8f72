# SPDX-License-Identifier: BSD-2-Clause
"""Master boot records and chains of logical partitions."""

from __future__ import annotations

import json
import random
import struct

import pytest

from rump.kernel.dev.partitions import read_partition_table

SIZE = 16 << 20
SCRIPT = """label: dos
label-id: 0x2fe05a1b
start=2048, size=2048, type=c, bootable
start=4096, size=2048, type=83
start=8192, size=20000, type=f
start=10240, size=2048, type=83
start=14336, size=2048, type=82
start=18432, size=2048, type=a9
"""


def entry(kind: int, start: int, size: int, status: int = 0) -> bytes:
    return struct.pack("<B3sB3sII", status, b"\0\2\0", kind, b"\0\3\0", start, size)


def boot_record(*entries: bytes, signature: int = 0x12345678) -> bytearray:
    """A sector with entries."""
    table = b"".join(entries).ljust(64, b"\0")
    return bytearray(bytes(440) + struct.pack("<IH", signature, 0) + table + b"\x55\xaa")


def disk(sectors: dict[int, bytearray], size: int = 1 << 20) -> bytearray:
    data = bytearray(size)
    for number, sector in sectors.items():
        data[number * 512 : number * 512 + len(sector)] = sector
    return data


@pytest.fixture(scope="session")
def mbr_image(tmp_path_factory, run_tool):
    path = tmp_path_factory.mktemp("mbr") / "disk.img"
    path.write_bytes(bytes(SIZE))
    run_tool("sfdisk", path, stdin=SCRIPT)
    return path.read_bytes(), json.loads(run_tool("sfdisk", "--json", path))["partitiontable"]


def test_rows_agree_with_sfdisk(mbr_image, memory_device):
    data, oracle = mbr_image
    table = read_partition_table(memory_device(data))
    assert (table.scheme, table.disk_id, table.warnings) == ("mbr", "2fe05a1b", ())
    rows = [(row.start // 512, row.size // 512, row.type, row.bootable) for row in table.partitions]
    assert rows == [
        (row["start"], row["size"], f"0x{int(row['type'], 16):02x}", row.get("bootable", False))
        for row in oracle["partitions"]
    ]
    assert [row.number for row in table.partitions] == [1, 2, 3, 5, 6, 7]
    assert [row.uuid[-3:] for row in table.partitions] == ["-01", "-02", "-03", "-05", "-06", "-07"]
    assert table.partitions[0].flags == ("active",)


def test_sectors_of_4096_bytes(tmp_path, run_tool, memory_device):
    path = tmp_path / "disk4k.img"
    path.write_bytes(bytes(SIZE))
    run_tool("fdisk", "-b", "4096", path, stdin="o\nn\np\n1\n\n+1M\nn\ne\n2\n\n\nn\n\n+1M\nw\n")
    table = read_partition_table(memory_device(path.read_bytes(), 4096))
    assert table.sector_size == 4096
    assert [(row.number, row.size >> 20) for row in table.partitions if row.type == "0x83"] == [(1, 1), (5, 1)]


def test_sector_size_that_fits(memory_device):
    """A device of 4096-byte sectors with a table that can only count in 512 bytes."""
    data = disk({0: boot_record(entry(0x83, 1024, 1024))})
    table = read_partition_table(memory_device(data, 4096))
    assert (table.sector_size, table.partitions[0].start, table.warnings) == (512, 1024 * 512, ())


def test_boot_sector_of_a_volume_is_none(tmp_path, run_tool, memory_device):
    for bits, size in ((12, 2 << 20), (16, 20 << 20), (32, 40 << 20)):
        path = tmp_path / f"fat{bits}.img"
        path.write_bytes(bytes(size))
        run_tool("mkfs.fat", "-F", bits, path)
        assert read_partition_table(memory_device(path.read_bytes())) is None


@pytest.mark.parametrize(
    "sector",
    [
        bytearray(512),
        boot_record(entry(0x83, 1, 1, status=0x12)),
        boot_record(signature=0),
        bytearray(b"\xeb\x3c\x90MSDOS5.0\0\2\4\1\0\2" + b"Not a system disk.\xff\r\n".rjust(493) + b"\x55\xaa"),
        bytearray(random.Random(3).randbytes(510) + b"\x55\xaa"),
    ],
    ids=["zeros", "status", "nothing in it", "text", "noise"],
)
def test_not_an_mbr(memory_device, sector):
    assert len(sector) == 512
    assert read_partition_table(memory_device(disk({0: sector}))) is None


def test_empty_table_with_a_signature(memory_device):
    table = read_partition_table(memory_device(disk({0: boot_record()})))
    assert (table.scheme, table.partitions) == ("mbr", ())


def test_small_devices(memory_device):
    for size in (0, 1, 511, 512, 513, 1024):
        data = bytes(boot_record(entry(0x83, 1, 1)))[:size].ljust(size, b"\0")
        table = read_partition_table(memory_device(data))
        assert (table is None) == (size < 512)


def test_partition_behind_the_end(memory_device):
    data = disk({0: boot_record(entry(0x83, 1024, 4096), entry(0x83, 6000, 1))})
    table = read_partition_table(memory_device(data))
    assert table.partitions[0].size == 4096 * 512
    assert "partition 1 ends 1.5 MiB behind" in table.warnings[0]
    assert "partition 2 begins behind" in table.warnings[1]


def test_overlap(memory_device):
    data = disk({0: boot_record(entry(0x83, 10, 100), entry(0x83, 100, 100))})
    assert read_partition_table(memory_device(data)).warnings == ("partitions 1 and 2 overlap",)


def chain(links: dict[int, int], extended: int = 100) -> bytearray:
    """A disk with an extended partition whose boot records, at relative sectors, lead to others (0: to none)."""
    sectors = {0: boot_record(entry(0x05, extended, 1500))}
    for at, link in links.items():
        follow = entry(0x05, link, 10) if link else bytes(16)
        sectors[extended + at] = boot_record(entry(0x83, 1, 5), follow)
    return disk(sectors)


def numbers(table) -> list[int]:
    return [row.number for row in table.partitions]


def test_chain_in_a_circle(memory_device):
    table = read_partition_table(memory_device(chain({0: 20, 20: 40, 40: 20})))
    assert numbers(table) == [1, 5, 6, 7]
    assert table.warnings == ("extended partition 1: its chain runs in a circle",)


def test_chain_that_leaves(memory_device):
    assert "chain leaves it" in read_partition_table(memory_device(chain({0: 1501}))).warnings[0]
    table = read_partition_table(memory_device(chain({0: 20})))
    assert numbers(table) == [1, 5]
    assert "no boot record at sector 120" in table.warnings[0]


def test_very_long_chain(memory_device):
    table = read_partition_table(memory_device(chain({at: at + 1 for at in range(1400)})))
    assert len(table.partitions) == 257
    assert "more than 256 boot records" in table.warnings[-1]


def test_bit_flips(mbr_image, memory_device):
    chance = random.Random(2)
    base = mbr_image[0]
    records = (0, 8192 * 512, (14336 - 2048) * 512)
    for _ in range(1500):
        data = bytearray(base)
        for _ in range(chance.randint(1, 4)):
            data[chance.choice(records) + chance.randrange(440, 512)] ^= 1 << chance.randrange(8)
        table = read_partition_table(memory_device(data))
        assert table is None or len(table.partitions) < 300
