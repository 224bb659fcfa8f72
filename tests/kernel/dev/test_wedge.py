# SPDX-License-Identifier: BSD-2-Clause
"""Windows on devices, and picking a partition."""

from __future__ import annotations

import pytest

from rump.kernel.dev.partitions import Partition, PartitionTable, Wedge, partition_device, select
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

DATA = bytes(range(256)) * 16


def row(number: int, **more) -> Partition:
    kind, kind_name = more.pop("type", "0x83"), more.pop("type_name", "Linux")
    return Partition(number, "gpt", number * 1024, 1024, kind, kind_name, **more)


def test_reads_inside(memory_device):
    wedge = Wedge(memory_device(DATA), 1000, 500)
    assert wedge.size == 500
    assert wedge.read(0, 500) == DATA[1000:1500]
    pieces = [bytearray(3), bytearray(4)]
    wedge.readinto(497, pieces[0])
    assert pieces[0] == DATA[1497:1500]
    wedge.readinto_many([(0, pieces[0]), (496, pieces[1])])
    assert (pieces[0], pieces[1]) == (DATA[1000:1003], DATA[1496:1500])


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 501), (500, 1), (499, 2), (1 << 70, 1), (-600, 1200)])
def test_never_reaches_outside(memory_device, offset, length):
    parent = memory_device(bytearray(DATA), read_only=False)
    wedge = Wedge(parent, 1000, 500)
    buffer = bytearray(length)
    for operation in (
        lambda: wedge.read(offset, length),
        lambda: wedge.readinto(offset, buffer),
        lambda: wedge.readinto_many([(0, bytearray(1)), (offset, buffer)]),
        lambda: wedge.write(offset, buffer),
        lambda: wedge.copy_to(offset, 1, 0, length),
    ):
        with pytest.raises(Fault) as caught:
            operation()
        assert caught.value.errno == e.EIO
    assert parent.data == DATA
    assert parent.requests == 0


def test_writes(memory_device):
    parent = memory_device(bytearray(DATA), read_only=False)
    Wedge(parent, 1000, 500).write(498, b"ab")
    assert parent.data == DATA[:1498] + b"ab" + DATA[1500:]
    with pytest.raises(Fault) as caught:
        Wedge(memory_device(DATA), 0, 10).write(0, b"x")
    assert caught.value.errno == e.EROFS


def test_buffers_count_in_bytes(memory_device):
    """A buffer of wide items is as long as its bytes."""
    wedge = Wedge(memory_device(DATA), 0, 16)
    with pytest.raises(Fault):
        wedge.readinto(0, memory_device(DATA) and memoryview(bytearray(32)).cast("I"))


def test_is_cut_at_the_parents_end(memory_device):
    parent = memory_device(DATA, 4096, name="sd0")
    wedge = partition_device(parent, Partition(2, "mbr", 4000, 1 << 40, "0x83", "Linux"))
    assert (wedge.size, wedge.sector_size, wedge.name) == (96, 4096, "sd0 partition 2")
    with pytest.raises(Fault) as caught:
        Wedge(parent, 4097, 1)
    assert caught.value.errno == e.ENXIO
    assert Wedge(wedge, 90, 100).read(0, 6) == DATA[4090:]


TABLE = PartitionTable(
    "gpt",
    (
        row(1, name="boot", type="c12a7328-f81f-11d2-ba4b-00a0c93ec93b", type_name="EFI system", uuid="aa-01"),
        row(2, name="2", uuid="aa-02"),
        row(3, name="root", type="0fc63daf-8483-4772-8e79-3d69d8477de4", uuid="aa-03"),
        row(4, name="Root", type="0xa9", type_name="NetBSD"),
        row(10, name="a", type="0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"),
        row(11, name="twin"),
        row(12, name="twin"),
    ),
    sector_size=512,
    nested=((4, PartitionTable("bsd", (row(1, letter="a", type="4.2BSD"), row(5, letter="e")), sector_size=512)),),
)
LABELS = {1: ("ESP", "1234-ABCD"), 3: ("rootfs", "5b1c"), 4: ("2", "aa-01")}


@pytest.mark.parametrize(
    ("spec", "number", "letter"),
    [
        ("1", 1, ""), ("10", 10, ""), ("2", 2, ""), ("name=2", 2, ""), ("label=2", 4, ""), ("a", 1, "a"),
        ("4e", 5, "e"),
        ("letter=e", 5, "e"), ("name=a", 10, ""), ("root", 3, ""), ("Root", 4, ""), ("BOOT", 1, ""), ("rootfs", 3, ""),
        ("esp", 1, ""), ("type=esp", 1, ""), ("efi", 1, ""), ("swap", 10, ""), ("1234-abcd", 1, ""), ("5b1c", 3, ""),
        ("aa-01", 1, ""), ("uuid=AA-02", 2, ""), ("type=linux", 0, ""), ("0xA9", 4, ""), ("type=4.2BSD", 1, "a"),
        ("type=0FC63DAF-8483-4772-8E79-3D69D8477DE4", 3, ""), ("netbsd", 4, ""), ("number=12", 12, ""),
    ],
)  # fmt: skip
def test_select(spec, number, letter):
    if number == 0:
        with pytest.raises(Fault) as caught:
            select(TABLE, spec)
        assert caught.value.errno == e.EINVAL
        return
    found = select(TABLE, spec, lambda partition: None if partition.letter else LABELS.get(partition.number))
    assert (found.number, found.letter) == (number, letter)


def test_ambiguous_and_missing():
    with pytest.raises(Fault) as caught:
        select(TABLE, "twin")
    assert caught.value.errno == e.EINVAL
    assert '11 "twin"' in caught.value.detail and '12 "twin"' in caught.value.detail
    for spec in ("nothing", "99", "9" * 50, "", "label=", "name=", "uuid=", "type=", "\u0662", "0x", "4z", "=", "x=1"):
        with pytest.raises(Fault) as caught:
            select(TABLE, spec, lambda _: ("", ""))
        assert caught.value.errno == e.ENXIO, spec
    assert '3 "root" (Linux, 1 KiB)' in caught.value.detail


def test_labels_are_probed_once():
    asked = []

    def probe(partition):
        asked.append(partition)
        return ("rootfs", "") if partition.number == 3 else None

    select(TABLE, "rootfs", probe)
    assert len(asked) == len(TABLE.all_partitions())
    asked.clear()
    select(TABLE, "1", probe)
    assert asked == []


def test_discards_inside_only(memory_device):
    """A range that is given up is its parent's, moved; a device that cannot says so."""
    parent = memory_device(bytearray(DATA), read_only=False)
    wedge = Wedge(parent, 1000, 500)
    with pytest.raises(Fault) as caught:
        wedge.discard(0, 100)
    assert caught.value.errno == e.ENOTSUP
    asked = []
    parent.discard = lambda offset, length: asked.append((offset, length))
    wedge.discard(10, 490)
    Wedge(wedge, 100, 50).discard(0, 50)
    for offset, length in ((0, 501), (-1, 1), (500, 1), (0, -1)):
        with pytest.raises(Fault) as caught:
            wedge.discard(offset, length)
        assert caught.value.errno == e.EIO
    with pytest.raises(Fault) as caught:
        Wedge(memory_device(DATA), 0, 10).discard(0, 1)
    assert caught.value.errno == e.EROFS
    assert asked == [(1010, 490), (1100, 50)]
