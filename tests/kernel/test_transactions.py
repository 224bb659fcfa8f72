# SPDX-License-Identifier: BSD-2-Clause
"""`rump.kernel.vfs.transaction`: operations that are undone, transactions that last, errors that stay."""

from __future__ import annotations

import random

import pytest

from rump.kernel.callout import Callout
from rump.kernel.dev.block import BlockDevice
from rump.kernel.errors import Fault, fault
from rump.kernel.vfs.transaction import INTERVAL, NAMES, NEW, RELEASE, STRUCTURE, Keeper, Store
from rump.kernel.vfs.volume import Services
from rump.rumpuser.interface import errno as e

SHIFT = 10
SIZE = 1 << SHIFT


class Lock:
    readers = 0
    writer = False

    def exclusive(self) -> None:
        assert not self.writer
        self.writer = True

    def unlock(self) -> None:
        self.writer = False


class Memory(BlockDevice):
    """A device that remembers what was written and when it was synced."""

    def __init__(self, blocks: int) -> None:
        self.name, self.size, self.sector_size, self.read_only = "memory", blocks << SHIFT, 512, False
        self.data = bytearray(self.size)
        self.log: list[tuple[int, int] | str] = []
        self.broken = 0

    def readinto(self, offset, buffer) -> None:
        memoryview(buffer)[:] = self.data[offset : offset + len(buffer)]

    def write(self, offset, data) -> None:
        if self.broken:
            raise fault(self.broken)
        self.log.append((offset >> SHIFT, len(data) >> SHIFT))
        self.data[offset : offset + len(data)] = data

    def sync(self, barrier=False) -> None:
        if self.broken:
            raise fault(self.broken)
        self.log.append("sync")


class Journal(Keeper):
    """Remembers what was committed; has room for so many blocks until a checkpoint."""

    def __init__(self, limit: int = 64, room: int = 64, in_place: bool = False) -> None:
        self.limit, self.room, self.in_place = limit, room, in_place
        self.transactions: list[dict[int, bytes]] = []
        self.revoked: list[list[int]] = []
        self.used = self.checkpoints = 0
        self.fails: BaseException | None = None

    def has_room(self, store: Store) -> bool:
        return self.used + len(store.running) <= self.room

    def commit(self, store: Store) -> bool:
        if self.fails:
            raise self.fails
        self.used += len(store.running)
        self.transactions.append({block: store.blocks[block] for block in store.running})
        self.revoked.append(list(store.revoked))
        if self.in_place:
            store.write(self.transactions[-1])
        return self.in_place

    def checkpointed(self) -> None:
        self.used = 0
        self.checkpoints += 1


def services(scheduled: list[tuple[int, object]]) -> Services:
    def schedule(delay: int, function) -> Callout:
        scheduled.append((delay, function))
        return Callout(delay, function)

    return Services(lambda: 0, bytes, print, lambda *_: 0, lambda *_: [], Lock, schedule)  # type: ignore[arg-type]


@pytest.fixture
def scheduled() -> list[tuple[int, object]]:
    return []


@pytest.fixture
def device() -> Memory:
    return Memory(64)


@pytest.fixture
def keeper() -> Journal:
    return Journal()


@pytest.fixture
def store(device, keeper, scheduled) -> Store:
    return Store(device, SHIFT, services(scheduled), keeper, lambda block: None)


def block(fill: int) -> bytes:
    return bytes([fill]) * SIZE


def do(store: Store, *changes: tuple[int, int], phase: int = STRUCTURE) -> None:
    store.begin()
    for number, fill in changes:
        store.put(number, block(fill), phase)
    store.end()


def test_what_was_put_is_read_and_reaches_the_device_by_a_checkpoint(store, device, keeper):
    do(store, (3, 1), (4, 2))
    assert store.read(3) == block(1) and store.read(5) == bytes(SIZE)
    store.commit()
    assert keeper.transactions == [{3: block(1), 4: block(2)}]
    assert device.data[3 << SHIFT] == 0 and store.read(4) == block(2)
    store.checkpoint()
    assert device.read(3 << SHIFT, 2 * SIZE) == block(1) + block(2)
    assert not store.blocks and not store.pending and keeper.checkpoints == 1
    assert device.log == [(3, 2), "sync"], "neighbours are written together"


def test_an_operation_that_fails_leaves_nothing(store):
    do(store, (3, 1))
    memory, array = {"a": 1}, bytearray(b"abcdef")
    store.begin()
    store.put(3, block(9))
    store.put(4, block(9))
    store.forget(3)
    store.set(memory, "a", None)
    store.set(memory, "b", 2)
    store.patch(array, 1, b"XY")
    store.patch(array, 2, b"Z")
    store.rollback()
    assert memory == {"a": 1} and array == b"abcdef"
    assert store.blocks == {3: block(1)} and store.running == {3: STRUCTURE} and not store.revoked


@pytest.mark.parametrize("seed", range(20))
def test_any_rollback_interrupted_anywhere_is_finished_by_the_next_operation(store, seed):
    chance = random.Random(seed)
    do(store, *((n, n) for n in range(1, 8)))
    array = bytearray(range(50))
    before = dict(store.blocks), dict(store.running), dict(store.revoked), bytes(array)

    class Interrupting(dict):
        left = -1

        def __setitem__(self, key, value):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            super().__setitem__(key, value)

    store.blocks = Interrupting(store.blocks)
    store.begin()
    for _ in range(chance.randrange(1, 30)):
        what, number = chance.randrange(3), chance.randrange(1, 12)
        if what == 0:
            store.put(number, block(chance.randrange(256)), chance.randrange(4))
        elif what == 1:
            store.forget(number)
        else:
            store.patch(array, chance.randrange(40), bytes(chance.randrange(1, 9)))
    store.blocks.left = chance.randrange(1, 8)
    try:
        store.rollback()
    except KeyboardInterrupt:
        store.begin()
        store.end()
    assert (dict(store.blocks), store.running, store.revoked, bytes(array)) == before


def test_a_commit_comes_when_the_transaction_has_grown(store, keeper):
    for number in range(1, 41):
        do(store, (number, 1))
    assert [len(t) for t in keeper.transactions] == [32]


def test_weight_of_what_is_kept_decoded_counts(store, keeper):
    store.weigh.append(lambda: 32)
    do(store, (1, 1))
    do(store, (2, 1))
    assert len(keeper.transactions) >= 1


def test_an_operation_may_restart(store, keeper):
    store.begin()
    for number in range(1, 41):
        store.put(number, block(1))
        store.restart()
    store.put(50, block(5))
    store.rollback()
    assert [len(t) for t in keeper.transactions] == [32]
    assert 50 not in store.blocks and 40 in store.blocks


def test_a_full_journal_is_checkpointed_with_the_contents_committed(store, device, keeper):
    keeper.room = 3
    do(store, (1, 1), (2, 1))
    store.commit()
    do(store, (1, 2), (3, 2))
    store.commit()
    assert keeper.checkpoints == 1
    assert device.data[1 << SHIFT] == 1, "as committed, not as changed since"
    assert store.read(1) == block(2)
    store.checkpoint()
    assert device.data[1 << SHIFT] == 2 and not store.blocks


def test_blocks_freed_are_revoked_and_never_written_back(store, device, keeper):
    do(store, (1, 1), (2, 1))
    store.commit()
    store.begin()
    store.forget(1)
    store.end()
    store.commit()
    assert keeper.revoked[-1] == [1]
    device.write(1 << SHIFT, block(7))      # somebody's data now
    store.checkpoint()
    assert device.data[1 << SHIFT] == 7 and device.data[2 << SHIFT] == 1


def test_what_freed_blocks_were_stays_until_the_freeing_is_committed(store, device):
    do(store, (1, 1))
    store.commit()
    store.begin()
    store.forget(1)
    store.rollback()
    store.checkpoint()
    assert device.data[1 << SHIFT] == 1


def test_prepare_and_committed_are_called_in_order(store, keeper):
    calls: list[str] = []
    store.prepare += [lambda: (calls.append("inodes"), store.put(7, block(7), RELEASE)), lambda: calls.append("super")]
    store.committed.append(lambda: calls.append("done"))
    do(store, (1, 1), phase=NAMES)
    store.commit()
    assert calls == ["inodes", "super", "done"]
    assert keeper.transactions == [{1: block(1), 7: block(7)}]
    store.commit()
    assert len(calls) == 3, "nothing was touched"


def test_the_first_phase_of_a_block_stands(store):
    do(store, (1, 1), phase=NEW)
    do(store, (1, 2), phase=NAMES)
    assert store.running == {1: NEW}


def test_in_place_keepers_leave_nothing_pending(device, scheduled):
    store = Store(device, SHIFT, services(scheduled), Journal(in_place=True), lambda block: None)
    do(store, (1, 1))
    store.commit()
    assert not store.blocks and not store.pending and device.data[1 << SHIFT] == 1


def test_data_alone_is_synced(store, device):
    store.begin()
    store.end()
    store.commit()
    assert device.log == ["sync"]
    store.commit()
    assert device.log == ["sync"]


@pytest.mark.parametrize("error", [fault(e.ENOSPC, "medium"), KeyboardInterrupt()])
def test_a_failed_commit_is_final(store, keeper, error):
    do(store, (1, 1))
    keeper.fails = error
    with pytest.raises(type(error)):
        store.commit()
    keeper.fails = None
    with pytest.raises(Fault) as failed:
        store.commit()
    assert failed.value.errno == (e.ENOSPC if isinstance(error, Fault) else e.EIO)
    with pytest.raises(Fault) as refused:
        store.begin()
    assert refused.value.errno == e.EROFS
    assert store.read(1) == block(1)


def test_a_failed_checkpoint_is_final(store, device):
    do(store, (1, 1))
    store.commit()
    device.broken = e.EIO
    with pytest.raises(Fault):
        store.checkpoint()
    device.broken = 0
    with pytest.raises(Fault):
        store.commit()


def test_time_commits(store, keeper, scheduled):
    do(store, (1, 1))
    do(store, (2, 1))
    ((delay, function),) = scheduled
    assert delay == INTERVAL
    store.lock.exclusive()
    function()
    assert not keeper.transactions, "somebody is at work"
    store.lock.unlock()
    assert len(scheduled) == 2, "so it is tried again, though nobody comes any more"
    scheduled[-1][1]()
    assert [len(t) for t in keeper.transactions] == [2]
