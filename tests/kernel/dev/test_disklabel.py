# SPDX-License-Identifier: BSD-2-Clause
"""BSD disklabels, built here from the layout that disklabel(5) documents, and one made by fdisk."""

from __future__ import annotations

import random
import struct

import pytest

from rump.kernel.dev.partitions import read_partition_table, select

MAGIC = 0x82564557
SIZE = 4 << 20
SECTORS = SIZE // 512
PARTITIONS = ((1024, 0, 7), (512, 1024, 1), (SECTORS, 0, 0), (SECTORS, 0, 0), (2048, 2048, 17), (0, 0, 0))


def label(order: str = "<", partitions=PARTITIONS, *, openbsd: bool = False, sectors: int = SECTORS) -> bytes:
    """A label with partitions (sectors, start, type)."""
    head = struct.pack(
        order + "IHH16s16s6I", MAGIC, 5, 0, b"test drive", b"fictitious", 512, 32, 64, 4, 2048, sectors & 0xFFFFFFFF
    )
    head += b"\x01\x02\x03\x04\x05\x06\x07\x08" if openbsd else bytes(8)
    head += bytes(16 + 4 + 20) + struct.pack(order + "HH", sectors >> 32 if openbsd else 0, int(openbsd)) + bytes(16)
    assert len(head) == 132
    tail = struct.pack(order + "II", 8192, 8192)
    for size, start, kind in partitions:
        high = (start >> 32, size >> 32) if openbsd else (2048, 0)
        tail += struct.pack(order + "IIHHBBH", size & 0xFFFFFFFF, start & 0xFFFFFFFF, *high, kind, 8, 16)
    total = 0
    count = struct.pack(order + "H", len(partitions))
    whole = head + struct.pack(order + "I", MAGIC) + bytes(2) + count + tail
    for (word,) in struct.iter_unpack(order + "H", whole):
        total ^= word
    return head + struct.pack(order + "IH", MAGIC, total) + count + tail


def on_disk(data: bytes, offset: int, size: int = SIZE) -> bytearray:
    disk = bytearray(size)
    disk[offset : offset + len(data)] = data
    return disk


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("offset", [0, 64, 128, 512, 576])
def test_whole_disk(memory_device, order, offset):
    table = read_partition_table(memory_device(on_disk(label(order), offset)))
    assert (table.scheme, table.sector_size, table.warnings) == ("bsd", 512, ())
    assert [(row.letter, row.start, row.size, row.type) for row in table.partitions] == [
        ("a", 0, 1024 * 512, "4.2BSD"),
        ("b", 1024 * 512, 512 * 512, "swap"),
        ("c", 0, SIZE, "unused"),
        ("d", 0, SIZE, "unused"),
        ("e", 2048 * 512, 2048 * 512, "Linux Ext2"),
    ]
    assert [row.letter for row in table.partitions if "raw" in row.flags] == ["c", "d"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_sectors_of_4096_bytes(memory_device, order):
    table = read_partition_table(memory_device(on_disk(label(order), 4096), 4096))
    assert table.scheme == "bsd"


def nested(kind: int, data: bytes) -> bytearray:
    """A disk with one MBR partition from sector 1024 on, with a label in its second sector."""
    disk = on_disk(data, 1025 * 512)
    disk[446:462] = struct.pack("<B3sB3sII", 0x80, bytes(3), kind, bytes(3), 1024, 4096)
    disk[510:512] = b"\x55\xaa"
    return disk


def starts(table) -> dict[str, int]:
    return {row.letter: row.start // 512 for row in table.all_partitions() if row.letter}


def test_inside_an_mbr_partition(memory_device):
    rows = ((1000, 1024, 7), (500, 2024, 1), (4096, 1024, 0), (SECTORS, 0, 0))
    table = read_partition_table(memory_device(nested(0xA9, label(partitions=rows))))
    assert table.scheme == "mbr"
    assert [number for number, _ in table.nested] == [1]
    assert starts(table) == {"a": 1024, "b": 2024, "c": 1024, "d": 0}
    assert select(table, "b").size == 500 * 512
    assert select(table, "1b") is select(table, "b")


def test_freebsd_counts_from_its_slice(memory_device):
    relative = ((1000, 16, 7), (500, 1016, 1), (4096, 0, 0))
    absolute = ((1000, 1040, 7), (500, 2040, 1), (4096, 1024, 0))
    for rows in (relative, absolute):
        table = read_partition_table(memory_device(nested(0xA5, label(partitions=rows))))
        assert starts(table) == {"a": 1040, "b": 2040, "c": 1024}


def test_openbsd_has_48_bits(memory_device):
    far = (1 << 32) + 5
    rows = ((1000, 64, 7), (far, far, 20))
    table = read_partition_table(memory_device(on_disk(label(partitions=rows, openbsd=True, sectors=far * 3), 512)))
    assert table.disk_id == "0102030405060708"
    assert (table.partitions[1].start, table.partitions[1].size) == (far * 512, far * 512)
    assert table.partitions[1].type == "NTFS"
    assert "partition b begins behind" in table.warnings[0]


def test_many_partitions(memory_device):
    rows = tuple((10, 10 * index, 7) for index in range(16))
    assert starts(read_partition_table(memory_device(on_disk(label(partitions=rows), 512))))["p"] == 150
    assert read_partition_table(memory_device(on_disk(label(partitions=rows * 4), 512))) is None
    # A label that reaches past what there is, with the right checksum of what there is.
    cut = on_disk(label(partitions=rows * 2 + ((0, 0, 0),) * 19 + ((2048, 0, 0),)), 640)[:1536]
    assert read_partition_table(memory_device(cut)) is None


def test_made_by_fdisk(tmp_path, run_tool, memory_device):
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(16 << 20))
    run_tool("sfdisk", path, stdin="label: dos\nstart=2048, size=8192, type=a5\n")
    run_tool("fdisk", path, stdin="b\ny\nn\na\n\n+1M\nn\nb\n6000\n+512K\nt\na\n7\nt\nb\n1\nw\nq\n")
    table = read_partition_table(memory_device(path.read_bytes()))
    assert [(row.letter, row.start // 512, row.type) for row in table.all_partitions() if row.letter in "ab"] == [
        ("", 2048, "0xa5"),
        ("a", 2048, "4.2BSD"),
        ("b", 6000, "swap"),
    ]


def test_damage(memory_device):
    good = label()
    for place in range(0, len(good), 3):
        bad = bytearray(good)
        bad[place] ^= 1
        assert read_partition_table(memory_device(on_disk(bad, 512))) is None, place


def test_hostile_labels(memory_device):
    """Right checksums, wild values."""
    chance = random.Random(4)
    for _ in range(500):
        count = chance.randrange(23)
        rows = tuple((chance.getrandbits(32), chance.getrandbits(32), chance.getrandbits(8)) for _ in range(count))
        data = label(chance.choice("<>"), rows)
        table = read_partition_table(memory_device(on_disk(data, 512, chance.choice((1024, 4096, SIZE)))))
        for row in table.partitions if table else ():
            str(row)
