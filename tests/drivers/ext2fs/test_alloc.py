# SPDX-License-Identifier: BSD-2-Clause
"""The allocator: blocks and inodes given out and taken back, held against a model and e2fsprogs."""

from __future__ import annotations

import functools
import random
import re
import sys

import ext2_support as x
import pytest
from alloc_support import MIXES, Dump, Volume, image, lost_contents

from rump.drivers.fs.ext2fs import layout
from rump.drivers.fs.ext2fs.writing import bitmaps, groups
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

pytestmark = x.needs_mke2fs


@pytest.fixture
def make(tmp_path):
    """make("4k"): a volume of that mix; keywords go to `Volume`."""
    return functools.partial(image, tmp_path)


# ---- bits ----------------------------------------------------------------------------------------------------------


def test_bits():
    """Runs of zeros, against strings."""
    rng = random.Random(1)
    for _ in range(2000):
        size = rng.choice((1, 2, 8, 64))
        text = "".join(rng.choice(("0" * rng.randint(1, 40), "1" * rng.randint(1, 9))) for _ in range(size * 8))
        text = text[: size * 8]
        busy = bytearray(int(text[::-1], 2).to_bytes(size, "little"))
        bit, count = rng.randrange(size * 8), rng.choice((1, 2, 7, 8, 20, 64))
        run = len(text[bit:]) - len(text[bit:].lstrip("0"))
        assert bitmaps.free_run(busy, bit, count) == min(run, count)
        assert bitmaps.ones(busy, bit, 1) == int(text[bit])
        low = rng.randrange(size)
        first = text.find("0", low * 8)
        assert bitmaps.first_free(busy, low) == (first if first >= 0 else size * 8)
        at, length = bitmaps.find_run(busy, bit, size * 8, count)
        longest = max(len(piece) for piece in text[bit:].split("1"))
        if longest >= count:
            assert (at, length) == (bit + text[bit:].find("0" * count), count)
        else:
            assert longest / 2 <= length <= longest and (not length or text[at : at + length] == "0" * length)


# ---- against a model -----------------------------------------------------------------------------------------------


class Model:
    """What should be free, in use, reserved and freed, and what is done to it at random."""

    def __init__(self, volume: Volume, seed: int) -> None:
        self.volume = volume
        self.random = random.Random(seed)
        dump = Dump(volume.path)
        self.blocks, self.inodes = set(dump.blocks), set(dump.inodes)
        self.directories = dump.counts[2]
        self.initial = dump
        self.taken: list[tuple[int, int]] = []
        self.reserved: list[tuple[int, int]] = []
        self.waiting: set[int] = set()
        self.made: list[tuple[int, bool]] = []
        self.waiting_inodes: set[int] = set()

    def pick(self, sequence):
        return sequence.pop(self.random.randrange(len(sequence)))

    def step(self) -> None:
        action = self.random.choice(("take",) * 4 + ("reserve", "reserve", "claim", "unreserve", "release", "release",
                                     "new", "new", "new", "free", "commit"))  # fmt: skip
        getattr(self, action)()

    def goal(self) -> int:
        return self.random.randrange(self.volume.geometry.blocks)

    def _got(self, start: int, length: int, count: int) -> None:
        run = set(range(start, start + length))
        assert 1 <= length <= count and run <= self.blocks
        self.blocks -= run

    def take(self) -> None:
        count = self.random.choice((1, 1, 1, 3, 10, 64, 1000))
        try:
            start, length = self.volume.alloc.take(self.goal(), count)
        except Fault as error:
            assert error.errno == e.ENOSPC and not self.blocks
            return
        self._got(start, length, count)
        self.taken.append((start, length))

    def reserve(self) -> None:
        count = self.random.choice((1, 5, 100))
        try:
            start, length = self.volume.alloc.reserve(self.goal(), count)
        except Fault as error:
            assert error.errno == e.ENOSPC and not self.blocks
            return
        self._got(start, length, count)
        self.reserved.append((start, length))

    def claim(self) -> None:
        if self.reserved:
            start, length = self.pick(self.reserved)
            if length > 1:
                self.volume.alloc.claim(start + 1, length - 1)
                self.taken.append((start + 1, length - 1))
                length = 1
            self.volume.alloc.claim(start, length)
            self.taken.append((start, length))

    def unreserve(self) -> None:
        if self.reserved:
            start, length = self.pick(self.reserved)
            self.volume.alloc.unreserve(start, length)
            self.blocks.update(range(start, start + length))

    def release(self) -> None:
        if self.taken:
            start, length = self.pick(self.taken)
            self.volume.alloc.release(start, length)
            self.waiting.update(range(start, start + length))

    def new(self) -> None:
        is_directory = self.random.random() < 0.3
        parent = self.random.choice([2] + [number for number, directory in self.made if directory])
        number = self.volume.alloc.new_inode(self.volume.parent(parent), is_directory)
        assert number in self.inodes
        self.inodes.remove(number)
        self.made.append((number, is_directory))

    def free(self) -> None:
        if self.made:
            number, is_directory = self.pick(self.made)
            self.volume.alloc.free_inode(number, is_directory)
            self.waiting_inodes.add(number)

    def commit(self) -> None:
        self.volume.store.restart()
        self.volume.store.commit()
        self.blocks |= self.waiting
        self.inodes |= self.waiting_inodes
        self.waiting.clear()
        self.waiting_inodes.clear()

    def compare(self) -> None:
        """Held against dumpe2fs.  Reserved blocks are free on the device."""
        alloc = self.volume.alloc
        assert (alloc.free_blocks(), alloc.free_inodes()) == (len(self.blocks), len(self.inodes))
        dump = Dump(self.volume.saved())
        held = {block for start, length in self.reserved for block in range(start, start + length)}
        assert dump.blocks == self.blocks | held
        assert dump.inodes == self.inodes
        directories = self.directories + sum(directory for _, directory in self.made)
        assert dump.counts == (len(self.blocks | held), len(self.inodes), directories)
        assert dump.super == dump.counts[:2]

    def give_back(self) -> None:
        for start, length in self.taken:
            self.volume.alloc.release(start, length)
        for start, length in self.reserved:
            self.volume.alloc.unreserve(start, length)
        for number, is_directory in self.made:
            self.volume.alloc.free_inode(number, is_directory)


@pytest.mark.parametrize("mix", MIXES)
def test_against_a_model(make, mix, monkeypatch):
    """Everything that is given out was free, and what others read is what the model says."""
    monkeypatch.setattr(bitmaps, "CACHE", 0)        # nothing is kept that need not be
    monkeypatch.setattr(layout, "PLACES_MAX", 1)
    for limit in ("ROWS_MAX", "SPANS_MAX"):
        monkeypatch.setattr(groups, limit, 1)
    volume = make(mix)
    lost_contents(volume)
    model = Model(volume, 7)
    volume.store.begin()
    for _ in range(250):
        model.step()
    model.commit()
    model.compare()
    assert len(volume.alloc._blocks._loaded) <= max(8, len(volume.alloc._blocks.held) + 1)
    volume.store.begin()
    model.give_back()
    model.commit()
    assert Dump(volume.saved()).blocks == model.initial.blocks
    volume.check()
    again = Volume(volume.path)                     # what was written is read back as good
    again.do(again.alloc.new_inode, again.root, False)
    assert again.alloc.free_blocks() == len(model.initial.blocks)
    assert again.alloc.free_inodes() == len(model.initial.inodes) - 1


def memory_of(volume: Volume):
    """All that lasts: what a rollback must restore."""
    allocator = volume.alloc
    groups = allocator._groups
    return (
        dict(groups.totals), dict(groups.rows), dict(groups.changed), dict(allocator._freed),
        dict(allocator._inodes.freed), dict(allocator._inodes._lowest),
        [
            (
                dict(kind.changed), {g: n for g, n in kind.held.items() if n}, dict(kind.full),
                {g: (bytes(b.used), bytes(b.busy)) for g, b in kind._loaded.items()},
            )
            for kind in (groups.blocks, groups.inodes)
        ],
        dict(volume.store.blocks), dict(volume.store.running),
    )  # fmt: skip


@pytest.mark.parametrize("mix", ["lazy", "ext2-1k", "csum-1k-no-flex"])
def test_rollback_restores_everything(make, mix):
    volume = make(mix)
    allocator = volume.alloc
    for kind in (allocator._groups.blocks, allocator._groups.inodes):
        for group in range(volume.geometry.groups):
            kind.get(group)
    model = Model(volume, 3)
    volume.store.begin()
    for _ in range(40):
        model.step()
    volume.store.end()
    for seed in range(12):
        before = memory_of(volume)
        state = [list(model.taken), list(model.reserved), list(model.made), set(model.blocks), set(model.inodes),
                 set(model.waiting), set(model.waiting_inodes)]  # fmt: skip
        model.commit = lambda: None         # an operation has none within
        model.random.seed(seed)

        def some():
            for _ in range(25):
                model.step()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            volume.do(some)
        after = memory_of(volume)
        assert after[1].items() >= before[1].items()        # more may be known, but nothing else
        assert after[:1] + after[2:] == before[:1] + before[2:]
        (model.taken, model.reserved, model.made, model.blocks, model.inodes, model.waiting,
         model.waiting_inodes) = state  # fmt: skip
        volume.store.begin()
        for _ in range(5):
            model.step()
        volume.store.end()
    del model.commit
    model.commit()
    model.compare()


def test_interrupted_at_any_line(make):
    """An interruption between any two lines, and a rollback, leave nothing behind."""
    volume = make("lazy")
    allocator = volume.alloc
    allocator._groups.blocks.get(0), allocator._groups.inodes.get(0)
    first = volume.do(allocator.take, 0, 100)
    held = volume.do(allocator.reserve, 0, 100)
    made = volume.do(allocator.new_inode, volume.root, True)

    def body():
        allocator.take(0, 10)
        allocator.release(first[0], 50)
        allocator.claim(held[0], 20)
        allocator.unreserve(held[0] + 20, 80)
        allocator.new_inode(volume.root, False)
        allocator.free_inode(made, True)

    for line in range(1, 1000, 3):
        before = memory_of(volume)
        count = 0

        def trace(frame, event, argument):
            nonlocal count
            if "/writing/" in frame.f_code.co_filename:
                count += event == "line"
                if count == line:  # noqa: B023
                    raise KeyboardInterrupt
            return trace

        old = sys.gettrace()
        sys.settrace(trace)
        try:
            volume.do(body)
            done = True
        except KeyboardInterrupt:
            done = False
        finally:
            sys.settrace(old)
        if done:
            break
        volume.store.rollback()
        assert memory_of(volume)[0] == before[0] and memory_of(volume)[2:] == before[2:], line
    assert done and line > 60


# ---- where things go -----------------------------------------------------------------------------------------------


def test_near_the_goal(make):
    volume = make("4k")
    take = volume.alloc.take
    goal = 2 * 2048 + 100
    assert volume.do(take, goal, 50) == (goal, 50)
    assert volume.do(take, goal, 50) == (goal + 50, 50)             # the next run behind it
    assert volume.do(take, goal + 103, 20) == (goal + 103, 20)
    assert volume.do(take, goal + 100, 64) == (goal + 123, 64)      # three blocks are a scrap
    assert volume.do(take, goal + 100, 2) == (goal + 100, 2)
    assert volume.do(take, goal + 102, 1) == (goal + 102, 1)
    last = 3 * 2048 - 20
    assert volume.do(take, last, 64) == (last, 20)                  # a group's end, and a good piece
    assert volume.do(take, last, 64)[0] // 2048 == 2                # room is left before
    huge = [volume.do(take, 6 * 2048, 1 << 30) for _ in range(3)]
    assert huge[0] == (6 * 2048, 2048)                              # a whole group, then others
    assert huge[1][0] // 2048 == 7 and huge[2] == (8 * 2048, 2048)
    assert volume.do(take, -5, 1)[1] == volume.do(take, 1 << 60, 1)[1] == 1


def test_a_long_run_elsewhere_rather_than_scraps(make):
    volume = make("4k")
    group = range(4 * 2048, 5 * 2048)

    def comb():
        start, length = volume.alloc.take(group[0], 2048)
        assert (start, length) == (group[0], 2048)

    volume.do(comb)
    volume.do(lambda: [volume.alloc.release(block, 1) for block in group[::2]])
    volume.store.commit()
    start, length = volume.do(volume.alloc.take, group[0], 64)
    assert length == 64 and start // 2048 == 5
    assert volume.do(volume.alloc.take, group[0], 64)[0] == start + 64      # the hint leads there
    assert volume.do(volume.alloc.take, group[0], 1) == (group[0], 1)


def test_goal(make):
    volume = make("4k")
    draft = volume.parent(20)
    first = volume.alloc.goal(draft, 0)
    start, _ = volume.do(volume.alloc.take, first, 3)
    assert volume.alloc.goal(draft, 0) == start + 3         # small files lie one behind another
    root = volume.root
    assert volume.alloc.goal(root, 1) == volume.state.maps.blocks(root, 0, 1)[0][3] + 1
    assert volume.alloc.goal(root, 9) == start + 3          # behind a hole
    other = volume.parent(1 + 5 * volume.geometry.inodes_per_group)
    assert volume.alloc.goal(other, 0) == 5 * 2048


def test_inodes_near_their_directory(make):
    volume = make("csum-1k-no-flex")
    new, per = volume.alloc.new_inode, volume.geometry.inodes_per_group
    tops = [volume.do(new, volume.root, True) for _ in range(6)]
    assert len({(number - 1) // per for number in tops}) == 6       # spread
    below = [volume.do(new, volume.parent(tops[3]), True) for _ in range(4)]
    assert {(number - 1) // per for number in below} == {(tops[3] - 1) // per}
    files = [volume.do(new, volume.parent(tops[2]), False) for _ in range(5)]
    assert files == [tops[2] + 1 + i for i in range(5)]
    volume.do(volume.alloc.free_inode, files[1], False)
    assert volume.do(new, volume.parent(tops[2]), False) == files[4] + 1    # not before the commit
    assert volume.alloc.waiting()
    volume.store.commit()
    assert not volume.alloc.waiting()
    assert volume.do(new, volume.parent(tops[2]), False) == files[1]        # the lowest
    special = volume.parent(below[0], 0x20000)
    assert (volume.do(new, special, True) - 1) // per != (below[0] - 1) // per


def test_blocks_of_tables_are_zeros_when_first_used(make):
    volume = make("lazy")
    lost_contents(volume)
    for _ in range(40):
        number = volume.do(volume.alloc.new_inode, volume.root, False)
        first, _, (_, data, _) = volume.state.inodes.piece(number)
        at = (number - first) * volume.geometry.inode_size
        assert not any(data[at:]), number


# ---- the last block and inode --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", ["ext2-1k", "gdt-csum", "meta-bg", "64k"])
def test_full(make, mix):
    volume = make(mix)
    initial = Dump(volume.path)
    blocks, inodes = [], []
    with pytest.raises(Fault) as caught:
        while True:
            blocks.append(volume.do(volume.alloc.take, 0, 100))
    assert caught.value.errno == e.ENOSPC
    with pytest.raises(Fault) as caught:
        while True:
            inodes.append(volume.do(volume.alloc.new_inode, volume.root, False))
    assert caught.value.errno == e.ENOSPC
    assert (volume.alloc.free_blocks(), volume.alloc.free_inodes()) == (0, 0)
    dump = Dump(volume.saved())
    assert (dump.blocks, dump.inodes, dump.super) == (set(), set(), (0, 0))
    assert sorted(inodes) == sorted(initial.inodes)
    volume.do(volume.alloc.release, *blocks[-1])
    volume.do(volume.alloc.free_inode, inodes[-1], False)
    with pytest.raises(Fault):
        volume.do(volume.alloc.take, 0, 1)
    volume.store.commit()
    assert volume.do(volume.alloc.take, 0, 1 << 20) == blocks[-1]
    assert volume.do(volume.alloc.new_inode, volume.root, True) == inodes[-1]
    volume.do(lambda: [volume.alloc.release(*run) for run in blocks])
    volume.do(lambda: [volume.alloc.free_inode(number, number == inodes[-1]) for number in inodes])
    volume.check()


def test_all_of_it_reserved(make):
    volume = make("meta-bg")
    runs = []

    def everything():
        with pytest.raises(Fault) as caught:
            while True:
                runs.append(volume.alloc.reserve(0, 1 << 20))
        assert caught.value.errno == e.ENOSPC and volume.alloc.free_blocks() == 0

    volume.do(everything)
    assert volume.alloc._blocks.full                    # which groups are not worth looking at
    volume.store.commit()                               # which changes nothing of that
    with pytest.raises(Fault):
        volume.do(volume.alloc.take, 0, 1)
    assert len(runs) > 2
    for run in (runs[-1], runs[0], runs[1]):
        volume.do(volume.alloc.unreserve, *run)
        assert volume.do(volume.alloc.reserve, 0, 1 << 20) == run
    for run in runs:
        volume.do(volume.alloc.unreserve, *run)
    volume.check()


def test_a_group_never_used_before(make):
    """Its bitmaps become real ones with its first inode, and its unused inodes fewer."""
    volume = make("lazy")

    def of(group: int) -> tuple[bool, bool, int]:
        text = x.run(x.DUMPE2FS, volume.path).split(f"Group {group}: ")[1].split("Group ")[0]
        unused = re.search(r"(\d+) unused inodes", text)
        return "BLOCK_UNINIT" in text, "INODE_UNINIT" in text, int(unused[1]) if unused else 0

    per = volume.geometry.inodes_per_group
    assert of(4) == (True, True, per)
    number = volume.do(volume.alloc.new_inode, volume.parent(1 + 4 * per), False)
    volume.saved()
    assert number == 1 + 4 * per and of(4) == (False, False, per - 1)
    volume.do(volume.alloc.free_inode, number, False)
    volume.check()
    assert of(4) == (False, False, per - 1)


def test_a_full_volume_rolled_back(make):
    """What was remembered while everything was taken does not outlive it."""
    volume = make("meta-bg-no-flex")
    allocator = volume.alloc
    before = allocator.free_blocks(), allocator.free_inodes()

    def everything():
        with pytest.raises(Fault):
            while True:
                allocator.new_inode(volume.root, False)
        while True:
            allocator.take(0, 1 << 20)

    for _ in range(2):
        with pytest.raises(Fault) as caught:
            volume.do(everything)
        assert caught.value.errno == e.ENOSPC
        assert (allocator.free_blocks(), allocator.free_inodes()) == before
    runs = []
    while allocator.free_blocks():
        runs.append(volume.do(allocator.take, 0, 100))
    assert sum(length for _, length in runs) == before[0]
    first = volume.do(allocator.new_inode, volume.root, False)
    assert first == volume.geometry.first_ino + 1       # behind lost+found
