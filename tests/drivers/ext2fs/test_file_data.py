# SPDX-License-Identifier: BSD-2-Clause
"""Contents of files, written the way the kernel writes them, against a model of bytes, e2fsck and debugfs."""

from __future__ import annotations

import random
import struct

import pytest
from ext2_support import needs_mke2fs, run
from map_support import GARBAGE, Volume

from rump.drivers.fs.ext2fs import disk
from rump.kernel.errors import Corrupt, Fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

pytestmark = needs_mke2fs

JOURNAL_DATA = 0x4000
MIXES = {
    "extents-1k": ["-t", "ext4", "-O", "^has_journal,metadata_csum,64bit", "-b", "1024"],
    "extents-4k": ["-t", "ext4", "-O", "^has_journal,^metadata_csum,^64bit", "-b", "4096"],
    "indirect-1k": ["-t", "ext2", "-b", "1024"],
    "indirect-4k": ["-t", "ext2", "-b", "4096"],
}


class File:
    """A file, and the bytes it should have."""

    def __init__(self, volume: Volume, index: int = 0) -> None:
        self.volume = volume
        self.state = volume.state
        self.data = volume.state.data
        self.index = index
        self.handle = volume.handle(index)
        self.bytes = bytearray()

    def reserve(self, offset: int, length: int):
        with self.volume.operation():
            runs = self.data.reserve(self.handle, offset, length)
        at = runs[0][1]
        assert at <= offset
        for kind, start, count, place in runs:
            assert start == at and count > 0
            assert kind != v.DATA or 0 < place < place + count <= self.volume.device.size
            at += count
        return runs

    def commit(self, offset: int, length: int):
        with self.volume.operation():
            return self.data.commit_write(self.handle, offset, length)

    def write(self, offset: int, data: bytes, short: int | None = None) -> None:
        """As the kernel does; `short`: only so many bytes of what was reserved, and then an error."""
        while data:
            runs = self.reserve(offset, len(data))
            if runs[0][0] != v.DATA:
                assert runs == ((runs[0][0], offset, len(data), 0),)
                with self.volume.operation():
                    self.data.write(self.handle, offset, data)
                done = len(data)
            else:
                done = min(len(data), runs[-1][1] + runs[-1][2] - offset)
                if short is not None:
                    done = min(done, short)
                self._to_device(runs, offset, data[:done], done < len(data) and short is not None)
                attributes = self.commit(offset, done)
                assert attributes[v.SIZE] == max(len(self.bytes), offset + done if done else 0)
            if done:
                self.bytes.extend(bytes(max(0, offset + done - len(self.bytes))))
                self.bytes[offset : offset + done] = data[:done]
            if short is not None:
                return
            offset, data = offset + done, data[done:]

    def _to_device(self, runs, offset: int, data: bytes, short: bool) -> None:
        for _, start, count, place in runs:
            piece = bytearray(count)
            low, high = max(start, offset), min(start + count, offset + len(data))
            if low < high:
                piece[low - start : high - start] = data[low - offset : high - offset]
            if short:
                piece = piece[: max(0, high - start)]
            self.volume.device.write(place, piece)

    def content(self) -> bytes:
        state = self.state
        inode = state.inodes.load(self.handle)
        at, parts = 0, []
        while at < inode.size:
            for kind, offset, length, place in self.data.map(inode, at, inode.size - at):
                assert offset == at
                if kind == v.DATA:
                    parts.append(self.volume.device.read(place, length))
                elif kind in (v.INLINE, v.ENCODED):
                    parts.append(self.data.read(inode, offset, length))
                else:
                    parts.append(bytes(length))
                at += length
        return b"".join(parts)

    def check(self) -> None:
        found = self.content()
        assert len(found) == len(self.bytes)
        if found != self.bytes:
            at = next(i for i in range(len(found)) if found[i] != self.bytes[i])
            raise AssertionError((at, found[at : at + 20], bytes(self.bytes[at : at + 20])))

    def set_size(self, size: int) -> None:
        with self.volume.operation():
            draft = self.volume.open(self.index)
            self.data.set_size(draft, size)
            self.state.inodes.save(draft)
        self.bytes[size:] = bytes(max(0, size - len(self.bytes)))

    def punch(self, offset: int, length: int) -> None:
        with self.volume.operation():
            self.data.punch(self.handle, offset, length)
        end = min(offset + length, len(self.bytes))
        if offset < end:
            self.bytes[offset:end] = bytes(end - offset)

    def allocate(self, offset: int, length: int) -> None:
        with self.volume.operation():
            self.data.allocate(self.handle, offset, length)
        self.bytes.extend(bytes(max(0, offset + length - len(self.bytes))))

    def delete(self) -> None:
        with self.volume.operation():
            draft = self.volume.open(self.index)
            self.data.delete_contents(draft)
            self.state.orphans.remove(draft)
            self.state.inodes.save(draft)
        self.bytes.clear()


def at_random(file: File, rng: random.Random, steps: int, most: int) -> None:
    """Change a file in every way."""
    volume = file.volume
    for step in range(steps):
        volume.state.alloc.run_max = rng.choice((1, 3, 1 << 20))
        scale = rng.choice((100, 5000, most // 8))
        offset = rng.randrange(rng.choice((2000, most)))
        length = rng.randrange(1, scale)
        choice = rng.random()
        if choice < 0.4:
            file.write(offset, rng.randbytes(length))
        elif choice < 0.5:
            file.write(len(file.bytes), rng.randbytes(length))
        elif choice < 0.55:
            file.write(offset, rng.randbytes(length), short=rng.randrange(length + 1))
        elif choice < 0.6:
            file.reserve(offset, length)
            with volume.operation():
                file.data.abandon(file.handle)
        elif choice < 0.7:
            file.allocate(offset, length)
        elif choice < 0.85:
            file.punch(offset, length * 4)
        elif choice < 0.95:
            file.set_size(rng.choice((offset, 0, min(most, len(file.bytes) + length))))
        else:
            with pytest.raises(ZeroDivisionError), volume.operation():
                file.data.reserve(file.handle, offset, length)
                file.data.commit_write(file.handle, offset, length)
                raise ZeroDivisionError
        if step % 5 == 0:
            file.check()
            if rng.random() < 0.3:
                volume.state.store.commit()
    file.check()
    assert not file.data.reserved


@pytest.mark.parametrize("mix", MIXES)
def test_random_changes(tmp_path, mix):
    volume = Volume(tmp_path, MIXES[mix], size="16M")
    free = volume.state.alloc.free_blocks()
    files = [File(volume, index) for index in range(2)]
    for seed, file in enumerate(files):
        at_random(file, random.Random(seed), 120, 400_000 if "1k" in mix else 4_000_000)
    volume.check()
    for file in files:
        assert volume.dumped(file.index) == file.bytes
        file.delete()
    volume.check()
    assert volume.state.alloc.free_blocks() == free


@pytest.mark.parametrize("mix", ["extents-1k", "indirect-1k"])
def test_contents_in_the_journal(tmp_path, mix):
    """Files of chattr +j on a volume with a journal go through the store."""
    volume = Volume(tmp_path, MIXES[mix], size="16M", limit=64, journal=True)
    with volume.operation():
        draft = volume.open(0)
        draft.flags |= JOURNAL_DATA
        volume.state.inodes.save(draft)
    free = volume.state.alloc.free_blocks()
    file = File(volume)
    file.write(3000, b"x" * 100)
    assert file.reserve(0, 10) == ((v.ENCODED, 0, 10, 0),)
    assert volume.state.data.map(volume.open(0), 5, 10) == ((v.ENCODED, 5, 10, 0),)
    at_random(file, random.Random(5), 100, 100_000)
    volume.check()
    assert volume.dumped(0) == file.bytes
    assert volume.keeper.largest <= 64
    file.write(0, b"y" * 5000)
    volume.state.store.commit()
    blocks = [target for kind, _, _, target in volume.state.maps.blocks(volume.open(0), 0, 5) if kind == v.DATA]
    file.set_size(0)
    assert blocks and set(blocks) <= set(volume.state.store.revoked)       # what the journal has of them is void
    volume.check()
    assert volume.state.alloc.free_blocks() == free


def test_reserved_runs(tmp_path):
    """Existing bytes exactly, new blocks whole; what is new belongs to nobody until it is committed."""
    volume = Volume(tmp_path, MIXES["extents-1k"])
    file = File(volume)
    free = volume.state.alloc.free_blocks()
    (run,) = file.reserve(1500, 3000)
    assert run[:3] == (v.DATA, 1024, 4096)
    assert volume.state.alloc.free_blocks() == free - 4
    assert volume.open(0).sectors == 0 and file.content() == b""
    with volume.operation():
        volume.state.data.abandon(file.handle)
    assert volume.state.alloc.free_blocks() == free
    file.write(1500, b"a" * 3000)
    assert file.reserve(2000, 100)[0][1:3] == (2000, 100)
    assert [row[1:3] for row in file.reserve(2000, 5000)] == [(2000, 7168 - 2000)]
    attributes = file.commit(2000, 0)
    assert attributes[v.SIZE] == 4500 and volume.open(0).sectors == 8
    (run,) = file.reserve(8 << 10, 4096)
    volume.device.write(run[3], b"x" * 4096)
    file.commit(9 << 10, 1024)              # what comes before was not written either
    file.bytes.extend(bytes((9 << 10) - 4500) + b"x" * 1024)
    file.check()
    file.set_size(4500)
    assert volume.state.alloc.free_blocks() == free - 4
    file.allocate(10_000, 5000)
    assert [row[1:3] for row in file.reserve(11_000, 100)] == [(10 * 1024, 1024)]
    file.commit(11_000, 0)
    assert [row[0] for row in volume.state.data.map(volume.open(0), 9000, 4000)] == [v.HOLE, v.UNWRITTEN]
    file.check()
    volume.check()


def test_what_was_in_the_blocks_never_shows(tmp_path):
    """The end of the last block, and blocks half written by an interrupted write."""
    volume = Volume(tmp_path, MIXES["extents-4k"])
    file = File(volume)
    file.write(0, b"a" * 100)
    inode = volume.open(0)
    place = volume.state.data.map(inode, 0, 100)[0][3]
    volume.device.write(place + 100, bytes([GARBAGE]) * 3996)
    file.write(3000, b"b")
    file.check()
    volume.device.write(place + 3001, bytes([GARBAGE]) * 1095)
    file.set_size(10_000)
    file.check()
    file.write(20_000, b"c" * 10_000, short=5000)
    file.write(40_000, b"d")
    file.check()
    volume.device.write(volume.state.data.map(volume.open(0), 40_000, 1)[0][3] + 1, bytes([GARBAGE]))
    file.set_size(39_000)
    file.set_size(50_000)
    file.check()
    file.write(0, b"e" * 100)
    file.set_size(50)
    assert volume.device.read(place, 4096) == b"e" * 50 + bytes(4046)      # whoever reads the device


def test_growing_costs_the_same_every_time(tmp_path):
    """A file written from start to end in small pieces is one extent."""
    volume = Volume(tmp_path, MIXES["extents-1k"], size="16M")
    file = File(volume)
    for _ in range(300):
        file.write(len(file.bytes), b"0123456789" * 70)
    assert struct.unpack_from("<H", volume.open(0).block, 2)[0] <= 2
    file.check()
    volume.check()


def test_one_call_is_bounded(tmp_path):
    """A call returns a bounded part; the rest comes with the next one."""
    volume = Volume(tmp_path, MIXES["extents-1k"], size="100M")
    file = File(volume)
    ((_, start, length, _), *_) = file.reserve(0, 90 << 20)
    file.commit(0, 0)
    assert start == 0 and 0 < length <= 64 << 20
    with volume.operation():
        draft = volume.open(0)
        for block in range(0, 6000, 2):
            target, _ = volume.state.alloc.take(1 + 2 * block, 1)
            volume.state.block_maps.add(draft, block, target, 1)
        draft.size = 6000 << 10
        volume.state.inodes.save(draft)
    runs = file.reserve(0, 6000 << 10)
    assert len(runs) <= 25
    file.commit(0, 0)


@pytest.mark.parametrize("mix", ["extents-1k", "indirect-1k"])
def test_writing_fits_small_journals(tmp_path, mix):
    """Writing much, in long runs or into scattered blocks, changes few blocks of metadata at a time."""
    volume = Volume(tmp_path, MIXES[mix], size="80M", limit=128)
    file = File(volume)
    for first, run_max in ((0, 1 << 20), (40_000, 200), (50_000, 1)):
        volume.state.alloc.run_max = run_max
        offset, end = first << 10, first + min(20_000, 2000 * run_max) << 10
        while offset < end:
            (*_, (_, start, length, _)) = file.reserve(offset, end - offset)
            before = volume.state.store.weight()
            file.commit(offset, start + length - offset)
            assert volume.state.store.weight() - before <= 64
            offset = start + length
    volume.check()
    assert volume.keeper.largest <= 128
    file.set_size(0)
    volume.check()
    assert volume.keeper.largest <= 128


def test_no_room(tmp_path):
    """As much as there is room for; then ENOSPC, and nothing is lost."""
    volume = Volume(tmp_path, MIXES["extents-1k"], size="2M")
    file = File(volume)
    free = volume.state.alloc.free_blocks()
    with pytest.raises(Fault) as caught:
        file.allocate(0, 4 << 20)
    assert caught.value.errno == e.ENOSPC and volume.state.alloc.free_blocks() == free
    with pytest.raises(Fault) as caught:
        file.write(0, b"z" * (3 << 20))
    assert caught.value.errno == e.ENOSPC
    assert len(file.bytes) > (free - 3) << 10 and volume.state.alloc.free_blocks() == 0
    file.check()
    volume.check()
    file.delete()
    volume.check()
    assert volume.state.alloc.free_blocks() == free


def test_allocation_is_all_or_nothing(tmp_path):
    """Space is given back if there turns out to be no room for the map, even after some was committed."""
    volume = Volume(tmp_path, MIXES["extents-1k"], size="4M", limit=64)
    file = File(volume)
    file.write(5000, b"before")
    volume.state.store.commit()
    free = volume.state.alloc.free_blocks()
    take = volume.state.alloc.take
    calls = []

    def fails(goal, count):
        calls.append(count)
        if len(calls) > 100:
            raise Fault(e.ENOSPC)
        return take(goal + 2 * len(calls), 1)

    volume.state.alloc.take = fails
    with pytest.raises(Fault) as caught:
        file.allocate(0, 300 << 10)
    assert caught.value.errno == e.ENOSPC and len(calls) > 100
    assert volume.state.alloc.free_blocks() == free
    assert volume.open(0).sectors == 2
    file.check()
    assert volume.numbers[0] not in volume.state.orphans
    volume.check()


def test_large_files(tmp_path):
    """The superblock says that there are files of 2 GiB; no file is longer than its map."""
    volume = Volume(tmp_path, [*MIXES["indirect-1k"], "-O", "^large_file"])
    assert not volume.state.super["feature_ro_compat"] & disk.RO_COMPAT_LARGE_FILE
    file = File(volume)
    file.reserve((1 << 31) - 2, 1)
    file.commit((1 << 31) - 2, 1)
    assert not volume.state.super["feature_ro_compat"] & disk.RO_COMPAT_LARGE_FILE
    file.reserve((1 << 31) - 1, 1)
    assert file.commit((1 << 31) - 1, 1)[v.SIZE] == 1 << 31
    assert volume.state.super["feature_ro_compat"] & disk.RO_COMPAT_LARGE_FILE
    volume.check()
    assert "large_file" in run("dumpe2fs", "-h", volume.path)
    most = volume.state.block_maps.size_max(volume.open(0))
    for change in (
        lambda: file.reserve(most, 1), lambda: file.set_size(most + 1), lambda: file.allocate(most - 10, 11),
    ):  # fmt: skip
        with pytest.raises(Fault) as caught:
            change()
        assert caught.value.errno == e.EFBIG
    (last,) = file.reserve(most - 1, 100)
    assert last[1] + last[2] == most
    file.commit(most - 1, 0)


def test_long_truncation_goes_in_steps(tmp_path):
    """A file in pieces, cut: between two steps it is an orphan with its new size; a crash there loses nothing else."""
    volume = Volume(tmp_path, MIXES["extents-1k"], size="64M", limit=64, journal=True)
    file = File(volume)
    with volume.operation():
        draft = volume.open(0)
        for block in range(4000):
            target, _ = volume.state.alloc.take(1 + (block * 4099) % 60_000, 1)
            volume.state.block_maps.add(draft, 2 * block, target, 1)
        draft.size = 8000 << 10
        volume.state.inodes.save(draft)
    volume.state.store.commit()
    seen = []
    restart = volume.state.store.restart

    def stop() -> None:
        restart()
        draft = volume.open(0)
        seen.append(draft.sectors)
        assert draft.number in volume.state.orphans and draft.size == 1500
        assert volume.state.super["last_orphan"] == draft.number

    volume.state.store.restart = stop
    with volume.operation():
        draft = volume.open(0)
        file.data.set_size(draft, 1500)
        volume.state.inodes.save(draft)
    assert len(seen) > 5 and seen == sorted(seen, reverse=True)
    assert volume.open(0).sectors == 2 and not volume.state.super["last_orphan"]
    assert volume.keeper.largest <= 64
    volume.check()


def test_damage_changes_nothing(tmp_path):
    """A damaged map is refused; a block freed twice too."""
    volume = Volume(tmp_path, MIXES["extents-1k"])
    file = File(volume)
    file.write(0, b"abc" * 1000)
    free = volume.state.alloc.free_blocks()
    with volume.operation():
        draft = volume.open(0)
        good = draft.block
        draft.block = good[:18] + b"\xff" + good[19:]      # the upper part of a block number
        volume.state.inodes.save(draft)
    for change in (
        lambda: file.punch(0, 5000), lambda: file.set_size(0), lambda: file.write(100_000, b"x"),
        lambda: file.allocate(0, 5000),
    ):  # fmt: skip
        with pytest.raises(Corrupt):
            change()
    assert volume.state.alloc.free_blocks() == free
    with volume.operation():
        draft = volume.open(0)
        draft.block = good
        volume.state.inodes.save(draft)
        volume.state.alloc.release(volume.state.data.map(draft, 0, 1)[0][3] >> 10, 1)
    with pytest.raises(Corrupt):
        file.set_size(0)
    file.check()
