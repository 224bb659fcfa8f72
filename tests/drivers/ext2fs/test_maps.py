# SPDX-License-Identifier: BSD-2-Clause
"""Block maps that change, against a dictionary of blocks, e2fsck and debugfs."""

from __future__ import annotations

import random
import struct

import pytest
from ext2_support import needs_mke2fs, run
from map_support import Volume

from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

EXTENTS_1K = ["-t", "ext4", "-O", "^has_journal,metadata_csum,64bit", "-b", "1024"]
EXTENTS_4K = ["-t", "ext4", "-O", "^has_journal,^metadata_csum,^64bit", "-b", "4096"]
INDIRECT_1K = ["-t", "ext2", "-b", "1024"]
INDIRECT_4K = ["-t", "ext2", "-b", "4096"]
MIXES = {"extents-1k": EXTENTS_1K, "extents-4k": EXTENTS_4K, "indirect-1k": INDIRECT_1K, "indirect-4k": INDIRECT_4K}
SPAN = 40_000           # blocks of a file that the model speaks of


class Model:
    """A file's blocks: block -> (block of the volume, written)."""

    def __init__(self, volume: Volume, index: int = 0) -> None:
        self.volume = volume
        self.index = index
        self.steps = 0
        self.blocks: dict[int, tuple[int, bool]] = {}
        self.extents = bool(volume.open(index).flags & 0x80000)

    def add(self, block: int, count: int, unwritten: bool = False) -> None:
        state = self.volume.state
        with self.volume.operation():
            draft = self.volume.open(self.index)
            while count:
                target, got = state.alloc.take(state.alloc.goal(draft, block), count)
                state.block_maps.add(draft, block, target, got, unwritten)
                for i in range(got):
                    assert block + i not in self.blocks
                    self.blocks[block + i] = target + i, not unwritten
                block, count = block + got, count - got
            state.inodes.save(draft)

    def mark(self, block: int, count: int) -> None:
        with self.volume.operation():
            draft = self.volume.open(self.index)
            self.volume.state.block_maps.mark_written(draft, block, count)
            for i in range(block, block + count):
                self.blocks[i] = self.blocks[i][0], True
            self.volume.state.inodes.save(draft)

    def remove(self, first: int, end: int) -> None:
        state = self.volume.state
        with self.volume.operation():
            draft = self.volume.open(self.index)

            def between() -> None:
                self.steps += 1
                state.inodes.save(draft)
                state.store.restart()

            state.block_maps.remove(draft, first, end, between)
            state.inodes.save(draft)
        for block in [block for block in self.blocks if first <= block < end]:
            del self.blocks[block]

    def check(self, first: int = 0, end: int = SPAN) -> None:
        state = self.volume.state
        draft = self.volume.open(self.index)
        found = {}
        for kind, block, count, target in state.block_maps.runs(draft, first, end):
            for i in range(count if kind != v.HOLE else 0):
                found[block + i] = target + i, kind == v.DATA
        assert found == {b: row for b, row in self.blocks.items() if first <= b < end}

    def sectors(self) -> int:
        return self.volume.open(self.index).sectors

    def free_run(self, block: int, most: int) -> int:
        count = 0
        while count < most and block + count not in self.blocks:
            count += 1
        return count


def depth(volume: Volume, index: int = 0) -> int:
    return struct.unpack_from("<H", volume.open(index).block, 6)[0]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("mix", MIXES)
def test_random_changes(tmp_path, mix, seed):
    """Add, mark, remove, fail and roll back, at random, near one another and far apart."""
    volume = Volume(tmp_path, MIXES[mix], size="24M" if "1k" in mix else "64M", limit=64)
    rng = random.Random(seed)
    model = Model(volume)
    before = volume.state.alloc.free_blocks()
    for step in range(250):
        volume.state.alloc.run_max = rng.choice((1, 2, 5, 1 << 20))
        block = rng.randrange(rng.choice((30, 500, SPAN - 64)))
        count = rng.randrange(1, rng.choice((3, 20, 60)))
        choice = rng.random()
        if choice < 0.55:
            room = model.free_run(block, count)
            if room:
                model.add(block, room, unwritten=model.extents and rng.random() < 0.5)
        elif choice < 0.75:
            there = [b for b in range(block, block + count) if b in model.blocks]
            if there:
                low = there[0]
                high = low
                while high in model.blocks and high < there[-1] + 1:
                    high += 1
                model.mark(low, high - low) if model.extents else None
        elif choice < 0.95:
            model.remove(block, block + count * rng.choice((1, 10, 100)))
        else:
            saved = dict(model.blocks)
            with pytest.raises(ZeroDivisionError), volume.operation():
                draft = volume.open(0)
                volume.state.block_maps.remove(draft, block, SPAN)
                volume.state.block_maps.add(draft, SPAN + 3, *volume.state.alloc.take(1, 1))
                volume.state.inodes.save(draft)
                raise ZeroDivisionError
            assert model.blocks == saved
        if step % 10 == 0:
            model.check()
            volume.state.store.commit()
    model.check()
    in_use = before - volume.state.alloc.free_blocks()
    assert model.sectors() * 512 == in_use * volume.state.geometry.block_size
    with volume.operation():
        draft = volume.open(0)
        draft.size = SPAN << volume.state.geometry.shift
        volume.state.inodes.save(draft)
    volume.check()
    model.remove(0, SPAN)
    model.check()
    assert model.sectors() == 0 and volume.state.alloc.free_blocks() == before
    volume.check()


def test_deep_tree(tmp_path):
    """Single blocks in order, backwards and at random, until the tree has four levels; and taken away again."""
    volume = Volume(tmp_path, EXTENTS_1K, size="48M", limit=128)
    model = Model(volume)
    state = volume.state
    free = state.alloc.free_blocks()
    rest = list(range(10_001, 14_000, 2))
    random.Random(1).shuffle(rest)
    with volume.operation():
        draft = volume.open(0)
        for block in [*range(14_000, 20_000, 2), *range(38_000, 20_000, -2), *rest, *range(10_000, 0, -2)]:
            target, _ = state.alloc.take(1, 1)
            state.block_maps.add(draft, block, target, 1)
            model.blocks[block] = target, True
        draft.size = SPAN << 10
        state.inodes.save(draft)
    assert depth(volume) == 3
    model.check()
    volume.check()
    volume.keeper.largest = 0
    for first in (3000, 2000, 9000, 100, 30_000):
        model.remove(first, first + 6000)
        model.check()
    volume.check()
    model.remove(0, SPAN)
    volume.check()
    assert model.steps > 15 and volume.keeper.largest <= 128
    assert depth(volume) == 0 and model.sectors() == 0 and state.alloc.free_blocks() == free


def test_growing_files_have_full_nodes(tmp_path):
    """Extents added at the end fill their leaves, as sequential writing should."""
    volume = Volume(tmp_path, EXTENTS_1K, size="16M")
    state = volume.state
    with volume.operation():
        draft = volume.open(0)
        for block in range(84 * 20):
            target, _ = state.alloc.take(1 + block * 2, 1)
            state.block_maps.add(draft, block * 2, target, 1)
        draft.size = 84 * 40 << 10
        state.inodes.save(draft)
    assert draft.sectors == (84 * 20 + 20 + 1) * 2
    volume.check()
    assert "84/ 84" in run("debugfs", "-R", f"dump_extents <{draft.number}>", volume.path)


def test_neighbours_merge(tmp_path):
    """Whatever order the parts come in, what adjoins is one extent; lengths stop at what the format has."""
    volume = Volume(tmp_path, EXTENTS_1K, size="80M")
    state = volume.state
    start = 9000
    with volume.operation():
        draft = volume.open(0)
        for block in (5, 1, 3, 0, 4, 2):
            state.block_maps.add(draft, block * 10_000, start + block * 10_000, 10_000)
        assert struct.unpack_from("<H", draft.block, 2)[0] == 2
        assert state.maps.blocks(draft, 0, 60_000) == [(v.DATA, 0, 60_000, start)]
        state.block_maps.add(draft, 100_000, 100, 40_000, unwritten=True)
        assert struct.unpack_from("<H", draft.block, 2)[0] == 4
        assert [struct.unpack_from("<H", draft.block, 16 + 12 * i)[0] for i in range(4)] == [
            32768, 60_000 - 32768, 65535, 32768 + 40_000 - 32767,
        ]  # fmt: skip
        state.block_maps.mark_written(draft, 100_000, 40_000)
        assert state.maps.blocks(draft, 100_000, 140_000) == [(v.DATA, 100_000, 40_000, 100)]
        assert struct.unpack_from("<H", draft.block, 2)[0] == 4


@pytest.mark.parametrize("mix", ["extents-1k", "indirect-1k"])
def test_what_is_mapped_is_no_hole(tmp_path, mix):
    volume = Volume(tmp_path, MIXES[mix])
    maps = volume.state.block_maps
    draft = volume.open(0)
    with volume.operation():
        maps.add(draft, 10, 5000, 10)
        for block, count in ((19, 1), (5, 6), (12, 2), (0, 100)):
            with pytest.raises(Corrupt, match="mapped already"):
                maps.add(draft, block, 6000, count)
        if mix == "extents-1k":
            with pytest.raises(Corrupt, match="not mapped"):
                maps.mark_written(draft, 18, 4)


def test_bounds(tmp_path):
    """What does not fit is too big."""
    volume = Volume(tmp_path, INDIRECT_1K)
    maps = volume.state.block_maps
    draft = volume.open(0)
    most = 12 + 256 + 256**2 + 256**3
    assert maps.size_max(draft) == most << 10
    with volume.operation():
        for block, target in ((most, 5000), (0, 1 << 32)):
            with pytest.raises(Fault) as caught:
                maps.add(draft, block, target, 1)
            assert caught.value.errno == e.EFBIG
        draft = volume.open(0)
        maps.add(draft, most - 1, 5000, 1)
        assert list(maps.runs(draft, most - 2, most)) == [(v.HOLE, most - 2, 1, 0), (v.DATA, most - 1, 1, 5000)]
        draft.sectors = (1 << 32) - 1
        with pytest.raises(Fault) as caught:
            maps.add(draft, 0, 5000, 1)
        assert caught.value.errno == e.EFBIG
    extents = tmp_path / "extents"
    extents.mkdir()
    volume = Volume(extents, EXTENTS_1K)
    assert volume.state.block_maps.size_max(volume.open(0)) == ((1 << 32) - 1) << 10


@pytest.mark.parametrize("mix", ["extents-1k", "indirect-4k"])
def test_append(tmp_path, mix):
    """Directories grow by whole blocks."""
    volume = Volume(tmp_path, MIXES[mix])
    with volume.operation():
        draft = volume.open(0)
        for block in range(20):
            logical, target = volume.state.block_maps.append(draft)
            assert logical == block and draft.size == block + 1 << volume.state.geometry.shift
            assert volume.state.maps.blocks(draft, block, block + 1) == [(v.DATA, block, 1, target)]


def test_damaged_trees(tmp_path):
    """Damage is named before anything changes, and never loops."""
    volume = Volume(tmp_path, EXTENTS_1K)
    maps = volume.state.block_maps
    draft = volume.open(0)
    good = draft.block

    def tree(entries: bytes, count: int, depth: int = 0, most: int = 4) -> bytes:
        return (struct.pack("<HHHHI", 0xF30A, count, most, depth, 0) + entries).ljust(60, b"\0")

    def extent(block: int, count: int, target: int) -> bytes:
        return struct.pack("<IHHI", block, count, 0, target)

    damaged = {
        "magic": b"\0" * 60,
        "depth": tree(b"", 0, depth=6),
        "no index": tree(b"", 0, depth=1),
        "no room": tree(b"", 0, most=0),
        "overlap": tree(extent(0, 10, 5000) + extent(5, 10, 6000), 2),
        "order": tree(extent(10, 10, 5000) + extent(0, 5, 6000), 2),
        "outside": tree(extent(0, 10, 9_000_000), 1),
        "node outside": tree(struct.pack("<IIHH", 0, 9_000_000, 0, 0), 1, depth=1),
        "no node": tree(struct.pack("<IIHH", 0, 5000, 0, 0), 1, depth=1),
    }
    for name, block in damaged.items():
        draft.block = block
        with pytest.raises(Corrupt), volume.operation():
            maps.remove(draft, 0, 1 << 32)
            pytest.fail(name)
    draft.block = good
    with volume.operation():
        maps.remove(draft, 0, 1 << 32)
    volume.check()
