# SPDX-License-Identifier: BSD-2-Clause
"""Power loss: the log of what was done, the states that a crash may leave, and a toy journal that must survive them."""

import itertools
from binascii import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory, MemoryFile
from rump.rumpuser.interface import VERSION, HostError, Upcalls
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    OPEN_CREATE,
    OPEN_RDONLY,
    OPEN_RDWR,
    SYNC_ALL,
    SYNC_BARRIER,
    SYNC_DATA,
)
from rump.rumpuser.middleware.crash_pieces import SplitMix
from rump.rumpuser.middleware.powerloss import Log, LogFull, Lost, PowerLoss, verify

# ---- the log ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def power(host):
    return PowerLoss(host)


@pytest.fixture
def file(power, path):
    """(handle, log) of a new file."""
    handle = power.open(path("image"), OPEN_RDWR | OPEN_CREATE)
    yield handle, power.log(path("image"))
    power.close(handle)


def _last(states):
    """What no crash has touched."""
    *_, last = states.prefixes()
    return last.image()


def test_everything_that_changes_a_file_is_logged(power, file, path, contents):
    handle, log = file
    data = bytearray(b"abc" * 700)
    power.write(handle, data, 100)
    data[:] = b"x" * 2100
    power.submit(handle, [(BIO_WRITE, data[:10], 0), (BIO_READ, bytearray(4), 0), (BIO_WRITE, b"gone", -1)])
    power.truncate(handle, 3000)
    assert power.copy_range(handle, 0, handle, 5000, 900) == 900
    power.write(handle, b"", 10_000)
    assert _last(log.states(b"")) == contents(handle)
    reader = power.open(path("image"), OPEN_RDONLY)
    with pytest.raises(HostError):
        power.write(reader, b"x", 0)
    power.close(reader)
    assert len(log.events) == 4
    if power.traits.punches_holes:
        power.discard(handle, 512, 1024)
        assert _last(log.states(b"")) == contents(handle)


def test_only_the_files_named_and_only_while_open(host, path):
    power = PowerLoss(host, [path("one")])
    one, two = (power.open(path(name), OPEN_RDWR | OPEN_CREATE) for name in ("one", "two"))
    for handle in (one, two):
        power.write(handle, b"data", 0)
    log = power.log(path("one"))
    assert (list(power.logs), len(log.events)) == ([path("one")], 1)
    with pytest.raises(KeyError):
        power.log(path("two"))
    power.close(one)
    assert power.watch(two, b"mine") is power.log(b"mine")
    power.write(two, b"more", 0)
    power.sync(two, SYNC_ALL)
    assert (len(log.events), len(power.log(b"mine").events)) == (1, 2)
    power.close(two)


def test_the_log_is_bounded(host, path):
    power = PowerLoss(host, limit=1000)
    handle = power.open(path("one"), OPEN_RDWR | OPEN_CREATE)
    power.write(handle, bytes(1000), 0)
    with pytest.raises(LogFull):
        power.write(handle, b"x", 0)
    power.close(handle)


# ---- the states ------------------------------------------------------------------------------------------------------

A, B, C, D = (bytes([letter]) * 512 for letter in b"ABCD")


def _images(states, limit=10_000):
    return {state.image() for state in states.exhaustive(limit)}


def _log(*events):
    log = Log()
    for name, *arguments in events:
        getattr(log, name)(*arguments, *([len(log.events)] if name == "sync" else []))
    return log


def test_any_subset_of_what_is_not_synced():
    log = _log(("write", 0, A), ("write", 512, B + C))
    found = _images(log.states(bytes(1536)))
    pieces = ((bytes(512), A), (bytes(512), B), (bytes(512), C))
    assert found == {b"".join(choice) for choice in itertools.product(*pieces)}


def test_no_state_comes_twice():
    events = ("write", 0, A), ("sync", SYNC_DATA, 512, 512), ("write", 512, B), ("sync", SYNC_BARRIER, 0, 0)
    states = _log(*events, ("write", 1024, C), ("sync", SYNC_ALL, 0, 0), ("write", 1536, D)).states(bytes(2048))
    found = [state.image() for state in states.exhaustive()]
    assert len(found) == len(set(found)) == 6


def test_a_sync_makes_all_before_it_sure():
    log = _log(("write", 0, A), ("sync", SYNC_ALL, 0, 0), ("write", 0, B))
    assert _images(log.states(bytes(512))) == {bytes(512), A, B}
    assert _images(log.states(bytes(512), barriers=False)) == {bytes(512), A, B}
    log = _log(("write", 0, A), ("sync", SYNC_ALL, 0, 0), ("write", 512, B))
    assert _images(log.states(bytes(1024))) == {bytes(1024), A + bytes(512), A + B}
    assert bytes(512) + B in _images(log.states(bytes(1024), barriers=False))


def test_a_sync_of_a_range_leaves_the_rest():
    log = _log(("write", 0, A + B), ("write", 1024, C), ("sync", SYNC_DATA, 600, 1), ("write", 1536, D))
    found = _images(log.states(bytes(2048)))
    assert {image[512:1024] for image in found if image[1536:] == D} == {B}
    assert {image[:512] for image in found if image[1536:] == D} == {bytes(512), A}
    assert {image[1024:1536] for image in found if image[1536:] == D} == {bytes(512), C}
    log = _log(("write", 0, A), ("write", 512, B), ("sync", SYNC_DATA, 512, 0), ("write", 1024, C))
    assert {image[:512] for image in _images(log.states(bytes(1536))) if image[1024:] == C} == {bytes(512), A}


def test_a_barrier_orders_but_makes_nothing_sure():
    log = _log(("write", 0, A), ("sync", SYNC_BARRIER, 0, 0), ("write", 512, B))
    assert _images(log.states(bytes(1024))) == {bytes(1024), A + bytes(512), A + B}
    durable = _log(*[("write", 0, A), ("sync", SYNC_BARRIER, 0, 0), ("write", 512, B), ("sync", SYNC_DATA, 512, 512)],
                   ("write", 1024, C))  # fmt: skip
    assert {image[:1024] for image in _images(durable.states(bytes(1536))) if image[1024:] == C} == {A + B}


def test_what_was_written_during_a_sync_is_not_covered():
    log = _log(("write", 0, A))
    log.write(512, B)
    log.sync(SYNC_ALL, 0, 0, 1)
    log.write(1024, C)
    assert A + bytes(512) + C in _images(log.states(bytes(1536)))


def test_sectors_lie_where_the_file_has_them():
    """A write is cut at the file's sectors, and what is inside one is there or not."""
    log = _log(("write", 500, b"x" * 100), ("write", 10, b"yz"))
    assert len(_images(log.states(bytes(1024)))) == 8


def test_sizes():
    log = _log(("truncate", 100), ("write", 1000, b"end"), ("truncate", 2000))
    found = {(len(image), image.count(b"b")) for image in _images(log.states(b"b" * 512))}
    assert found == {(512, 512), (100, 100), (1003, 512), (1003, 100), (2000, 512), (2000, 100)}


def test_discards():
    log = _log(("discard", 0, 1024), ("discard", 4096, 512), ("sync", SYNC_ALL, 0, 0))
    assert {image.count(b"b") for image in (s.image() for s in log.states(b"b" * 1500).exhaustive())} == {
        1500, 1500 - 512, 1500 - 1024,
    }  # fmt: skip


def test_prefixes_tear_the_last_write():
    log = _log(("write", 0, A + B), ("sync", SYNC_ALL, 0, 0), ("truncate", 512), ("write", 512, C))
    states = list(log.states(b"").prefixes())
    assert [state.image() for state in states] == [b"", A, A + B, A, A + C]
    assert states[1].describe() == "prefix 1: the power went after 1 of 4 events: write 0x0+1024 torn (sectors 0 of 2)"
    assert str(states[3]) == "prefix 3: the power went after 3 of 4 events: truncate 0x200 whole"


def test_too_many():
    states = _log(("write", 0, bytes(512 * 20))).states(b"")
    with pytest.raises(ValueError, match="1048576 states, more than 1000"):
        states.exhaustive(1000)


def test_nothing_was_written():
    for log in (_log(), _log(("sync", SYNC_ALL, 0, 0))):
        states = log.states(b"base")
        for made in (states.prefixes(), states.exhaustive(1), states.seeded(1, 3)):
            assert {state.image() for state in made} == {b"base"}
    assert "nothing was pending" in states.state(1, 1).describe()


def test_a_seed_says_all():
    log = _log(*[("write", 512 * (n * 7 % 5), bytes([n]) * (512 * (n % 3 + 1))) for n in range(12)])
    first, again = (log.states(bytes(8192)) for _ in range(2))
    made = [state.image() for state in first.seeded(5, 200)]
    assert made == [again.state(5, index).image() for index in range(200)]
    assert made != [state.image() for state in first.seeded(6, 200)]
    assert len(set(made)) > 50
    text = first.state(5, 17).describe()
    assert text.startswith("seed 5 index 17: the power went after ") and "\n" not in text
    assert ", barriers dropped: " in log.states(b"", barriers=False).state(1, 2).describe()


def test_the_numbers_are_always_the_same():
    """The published first outputs for this seed."""
    numbers = SplitMix(1234567)
    assert [numbers.next() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def _dense(log, base):
    return {state.image() for state in log.states(base).exhaustive(1 << 12)}


EVENTS = some.lists(
    some.one_of(
        some.tuples(some.just("write"), some.integers(0, 1500), some.binary(min_size=1, max_size=700)),
        some.tuples(some.just("truncate"), some.integers(0, 2500)),
        some.tuples(some.just("discard"), some.integers(0, 1500), some.integers(1, 700)),
        some.tuples(
            some.just("sync"),
            some.sampled_from([SYNC_ALL, SYNC_DATA, SYNC_BARRIER, SYNC_DATA | SYNC_BARRIER]),
            some.integers(0, 1500),
            some.integers(0, 700),
        ),
    ),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS, some.binary(max_size=1500), some.integers(0, 1 << 64))
def test_the_ways_to_make_states_agree(events, base, seed):
    """What comes by chance, and every prefix, is among all there are; a device in memory becomes what the image is."""
    log = _log(*events)
    everything = _dense(log, base)
    relaxed = {state.image() for state in log.states(base, barriers=False).exhaustive(1 << 16)}
    assert everything <= relaxed
    for state in itertools.chain(log.states(base).seeded(seed, 20), log.states(base).prefixes()):
        assert state.image() in everything
        file = MemoryFile(base)
        state.apply_to(file)
        assert (bytes(file.data), file.size) == (state.image(), len(state.image()))


# ---- a toy journal ---------------------------------------------------------------------------------------------------

BLOCK = 1024
LOG_AT, HOME_AT, BLOCKS = BLOCK, 8 * BLOCK, 3


class Toy:
    """A write-ahead log of one transaction over some blocks: blocks to the log, commit record, blocks to their home.

    The commit record is one sector: sequence number and checksum of the logged blocks.  Every block begins with the
    number of the transaction that wrote it, so that a mixture is seen.
    """

    def __init__(self, host, handle, sync):
        self.host, self.handle, self.sync = host, handle, sync

    def commit(self, number):
        blocks = [_block(number, place) for place in range(BLOCKS)]
        self.host.write(self.handle, b"".join(blocks), LOG_AT)
        self.sync()
        self.host.write(self.handle, _record(number, b"".join(blocks)), 0)
        self.sync()
        for place, block in enumerate(blocks):
            self.host.write(self.handle, block, HOME_AT + place * BLOCK)
        self.sync()


def _block(number, place):
    return bytes([number, place]) * (BLOCK // 2)


def _record(number, logged):
    return bytes([number]) + crc32(logged).to_bytes(4, "little")


def _recover(image):
    """The number of the transaction whose blocks are all there after recovery.  AssertionError: a mixture."""
    image = bytearray(image)
    logged = image[LOG_AT : LOG_AT + BLOCKS * BLOCK]
    if image[0] and bytes(image[:5]) == _record(image[0], logged):
        image[HOME_AT : HOME_AT + BLOCKS * BLOCK] = logged
    number = image[HOME_AT]
    assert bytes(image[HOME_AT:]) == b"".join([_block(number, place) for place in range(BLOCKS)]), "a mixture"
    return number


def _format():
    blocks = b"".join([_block(0, place) for place in range(BLOCKS)])
    return bytes(HOME_AT) + blocks


def _work(host, path, sync_flags):
    """Three transactions, each promised when its commit has ended; the log, and the bytes before."""
    handle = host.open(path, OPEN_RDWR | OPEN_CREATE)
    host.write(handle, _format(), 0)
    power = PowerLoss(host)
    log = power.watch(handle, path)
    toy = Toy(power, handle, lambda: power.sync(handle, sync_flags))
    for number in (1, 2, 3):
        toy.commit(number)
        log.promise(number)
    host.close(handle)
    return log, _format()


@pytest.fixture(params=[SYNC_ALL, SYNC_DATA, SYNC_BARRIER], ids=["all", "data", "barrier"])
def work(request, host, path):
    return *_work(host, path("journal"), request.param), request.param != SYNC_BARRIER


def test_a_journal_survives_every_prefix_and_thousands_of_states(work):
    log, before, durable = work

    def check(state):
        number = _recover(state.image())
        assert not durable or number >= max(state.promises, default=0), f"{number} is there"

    states = log.states(before)
    assert verify(states.prefixes(), lambda state: _recover(state.image())) > 30
    assert verify(states.seeded(1, 1000), check) == 1000


def test_one_transaction_survives_every_state_there_is(host, path):
    log, before = _work(host, path("journal"), SYNC_ALL)
    del log.events[log.promises[0][0] :]
    assert verify(log.states(before).exhaustive(1000), lambda state: _recover(state.image())) == 1 + 63 + 1 + 63


def test_with_barriers_dropped_the_journal_is_caught(work):
    log, before, _ = work
    states = log.states(before, barriers=False)
    with pytest.raises(Lost, match=r"seed 1 index \d+, barriers dropped: .*: a mixture") as caught:
        verify(states.seeded(1, 1000), lambda state: _recover(state.image()))
    index = int(str(caught.value).split("index ")[1].split(",")[0])
    with pytest.raises(AssertionError):
        _recover(states.state(1, index).image())


@pytest.mark.parametrize("forgotten", range(3))
def test_a_barrier_that_is_missing_is_found(forgotten):
    """But the first: the checksum in the commit record does its work, too."""
    host = Bare(Memory({b"journal": MemoryFile(_format())}))
    host.init(VERSION, Upcalls(lambda: None, lambda: None))
    power = PowerLoss(host)
    handle = power.open(b"journal", OPEN_RDWR)
    made = itertools.count()
    toy = Toy(power, handle, lambda: next(made) % 3 == forgotten or power.sync(handle, SYNC_ALL))
    for number in (1, 2, 3):
        toy.commit(number)
    states = power.log(b"journal").states(_format()).seeded(1, 3000)
    if forgotten == 0:
        assert verify(states, lambda state: _recover(state.image())) == 3000
        return
    with pytest.raises(Lost):
        verify(states, lambda state: _recover(state.image()))
