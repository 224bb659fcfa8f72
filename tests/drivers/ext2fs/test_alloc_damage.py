# SPDX-License-Identifier: BSD-2-Clause
"""The allocator on damaged volumes and with wrong counters; statvfs and discard."""

from __future__ import annotations

import functools
import struct

import ext2_support as x
import pytest
from alloc_support import Volume, image, rebuilt

from rump.drivers.fs.ext2fs import space
from rump.kernel.errors import Corrupt
from rump.rumpuser.interface import errno as e

pytestmark = x.needs_mke2fs


@pytest.fixture
def make(tmp_path):
    """make("4k"): a volume of that mix; keywords go to `Volume`."""
    return functools.partial(image, tmp_path)


def damage_bitmap(volume: Volume, group: int) -> None:
    place = volume.alloc._groups.place(group)[0] << volume.geometry.shift
    volume.device.data[place + 50] ^= 0x10


def clear_metadata(volume: Volume, group: int) -> None:
    """Mark the inode table free, and make everything else agree."""
    groups = volume.alloc._groups
    block = groups.place(group)[2] - volume.geometry.first_data_block
    home, bit = divmod(block, volume.geometry.blocks_per_group)
    place = groups.place(home)[0] << volume.geometry.shift
    volume.device.data[place + bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("mix", ["csum-1k-no-flex", "csum-32-bit", "no-sums", "ext2-1k"])
@pytest.mark.parametrize("harm", [damage_bitmap, clear_metadata])
def test_a_damaged_group_is_full(make, mix, harm):
    log: list[str] = []
    volume = make(mix, log=log)
    harm(volume, 0)
    first = volume.geometry.first_data_block
    per = volume.geometry.blocks_per_group
    for _ in range(3):
        start, _ = volume.do(volume.alloc.take, first, 10)
        assert start >= first + per
    assert len(log) == 1 and "group 0" in log[0]
    volume.do(volume.alloc.release, first + per - 10, 5)            # no errors, no effect
    assert volume.alloc._freed == {}


def test_damaged_inode_bitmaps_and_descriptors(make):
    log: list[str] = []
    volume = make("csum-1k-no-flex", log=log)
    per = volume.geometry.inodes_per_group
    groups = volume.alloc._groups
    volume.do(volume.alloc.new_inode, volume.parent(1 + per), False)
    volume.store.commit()
    place = groups.place(1)[1] << volume.geometry.shift
    volume.device.data[place] ^= 2
    at = groups._block_of(0) * 1024 + 2 * volume.geometry.descriptor_size
    volume.device.data[at + 12] ^= 1                                # group 2: free blocks
    volume = rebuilt(volume, False, log)
    assert volume.do(volume.alloc.new_inode, volume.parent(1 + 1 * per), False) > 3 * per
    assert volume.do(volume.alloc.take, 1 + 2 * 2048, 1)[0] > 3 * 2048
    assert all("checksum" in line for line in log) and len(log) == 3


def test_a_wrong_count(make):
    """Without a journal a crash leaves such things, and the bitmap is right; otherwise something is wrong."""
    for ordered in (True, False):
        log: list[str] = []
        volume = make("ext2-1k", ordered=ordered, log=log)
        at = 2048 + 32 * 2 + 12
        count = struct.unpack_from("<H", volume.device.data, at)[0]
        struct.pack_into("<H", volume.device.data, at, count - 7)
        volume = rebuilt(volume, ordered, log)
        before = volume.alloc.free_blocks()
        start, _ = volume.do(volume.alloc.take, 1 + 2 * 1024 + 500, 1)
        assert (start == 1 + 2 * 1024 + 500) is ordered
        assert len(log) == (not ordered)
        if ordered:
            assert volume.alloc.free_blocks() == before + 7 - 1
            volume.do(volume.alloc.release, start, 1)
            volume.check()


def test_a_wrong_count_rolled_back(make):
    """It is put right in an operation, so it is wrong again when that fails, and then put right again."""
    volume = make("ext2-1k")
    at = 2048 + 32 * 2 + 12
    struct.pack_into("<H", volume.device.data, at, 3)
    volume = rebuilt(volume, True, [])
    free = volume.alloc.free_blocks()

    def fails():
        assert volume.alloc.take(1 + 2 * 1024, 2000)[1] > 900
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        volume.do(fails)
    assert volume.alloc.free_blocks() == free
    start, length = volume.do(volume.alloc.take, 1 + 2 * 1024, 2000)
    assert length > 900 and start < 1 + 3 * 1024
    volume.do(volume.alloc.release, start, length)
    volume.check()


def test_what_cannot_be_freed(make):
    volume = make("4k")
    start, _ = volume.do(volume.alloc.take, 5000, 10)
    volume.do(volume.alloc.release, start, 5)
    table = volume.alloc._groups.place(0)[2]
    for first, count in ((start, 1), (start + 4, 2), (start + 9, 2), (table, 1), (table - 1, 5), (0, 1), (-1, 1),
                         (volume.geometry.blocks, 1), (start + 5, 0), (1 << 70, 1), (start, 1 << 70)):  # fmt: skip
        with pytest.raises(Corrupt):
            volume.do(volume.alloc.release, first, count)
    for number in (0, -1, 2, 10, 500, volume.geometry.inodes + 1, 1 << 70):
        with pytest.raises(Corrupt):
            volume.do(volume.alloc.free_inode, number, False)
    with pytest.raises(Corrupt):
        volume.do(volume.alloc.claim, start + 7, 1)
    with pytest.raises(Corrupt):
        volume.do(volume.alloc.unreserve, start + 7, 1)
    volume.do(volume.alloc.release, start + 5, 5)
    volume.check()


def test_runs_over_the_end_of_a_group(make):
    volume = make("4k")
    runs = [volume.do(volume.alloc.take, 4 * 2048 - 20, 20), volume.do(volume.alloc.take, 4 * 2048, 30)]
    assert runs == [(4 * 2048 - 20, 20), (4 * 2048, 30)]
    volume.do(volume.alloc.release, 4 * 2048 - 20, 50)
    volume.check()


# ---- counts, discard -----------------------------------------------------------------------------------------------


def test_statvfs(make):
    volume = make("4k")
    reader = x.mount(volume.path)
    before = space.statvfs(reader)
    assert space.statvfs(reader, volume.alloc.free_blocks(), volume.alloc.free_inodes()) == before
    volume.do(volume.alloc.take, 0, 10)
    volume.do(volume.alloc.reserve, 0, 5)
    now = space.statvfs(reader, volume.alloc.free_blocks(), volume.alloc.free_inodes())
    assert (now[3], now[4], now[:3], now[5:]) == (before[3] - 15, before[4] - 15, before[:3], before[5:])


def test_counters_of_an_unclean_volume(make):
    volume = make("ext2-1k")
    free = volume.alloc.free_blocks()
    struct.pack_into("<I", volume.device.data, 1024 + 12, 5)        # free_blocks_count
    volume = rebuilt(volume, True, [])
    assert volume.alloc.free_blocks() == free
    volume.do(volume.alloc.release, *volume.do(volume.alloc.take, 0, 1))
    volume.check()


def test_discard(make):
    volume = make("4k")
    volume.state.discard = True
    runs = [volume.do(volume.alloc.take, 5000, 10), volume.do(volume.alloc.take, 5010, 10)]
    other = volume.do(volume.alloc.take, 9000, 1)
    volume.store.commit()
    assert volume.device.discarded == []
    for run in (runs[1], other, runs[0]):
        volume.do(volume.alloc.release, *run)
    assert volume.device.discarded == []
    volume.store.commit()
    assert volume.device.discarded == [(5000 << 12, 20 << 12), (9000 << 12, 1 << 12)]
    volume.do(volume.alloc.take, 5000, 10)
    volume.do(volume.alloc.release, 5000, 10)
    volume.device.refusal = e.EOPNOTSUPP
    volume.store.commit()
    assert volume.state.discard is False
