# SPDX-License-Identifier: BSD-2-Clause
"""The guest's side of Xen, against a model of Xen and of the other domain."""

import random
import sys

import pytest
import xen_model as model

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.discard import Discards
from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.bare.ramdisk import RamDisk
from rump.rumpuser.bare.xen import abi
from rump.rumpuser.bare.xen.block import Disk, disk_name, find_disks
from rump.rumpuser.bare.xen.clock import Clock
from rump.rumpuser.bare.xen.events import Events
from rump.rumpuser.bare.xen.frontend import Domain
from rump.rumpuser.bare.xen.grants import Grants
from rump.rumpuser.bare.xen.hypervisor import Hypervisor
from rump.rumpuser.bare.xen.ring import FrontRing
from rump.rumpuser.bare.xen.xenstore import Store
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, BIO_WRITE, OPEN_RDWR, SYNC_ALL

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="Xen's rings are little-endian, as is the machine")
PATTERN = random.Random(1).randbytes(1 << 18)


@pytest.fixture
def xen():
    return model.Xen()


@pytest.fixture
def hypervisor(xen):
    return Hypervisor(xen)


@pytest.fixture(params=[False, True], ids=["looking", "interrupts"])
def events(xen, hypervisor, request):
    events = Events(hypervisor, xen.shared)
    assert not request.param or events.listen()
    return events


@pytest.fixture
def daemon(xen):
    return model.Daemon(xen)


@pytest.fixture
def store(xen, events, daemon):
    return Store(xen, events, daemon.page, model.STORE_PORT)


@pytest.fixture
def domain(xen, hypervisor, events, store):
    return Domain(xen, events, Grants(hypervisor), store)


@pytest.fixture
def disk(xen, daemon, domain):
    def make(data=PATTERN, **settings):
        backend = model.BlockBackend(xen, daemon, data, **settings)
        return backend, Disk(domain, backend.front, b"xvda")

    return make


def fails(errno, call, *arguments):
    with pytest.raises(HostError) as raised:
        call(*arguments)
    assert raised.value.errno == errno, raised.value


# ---- hypercalls ----------------------------------------------------------------------------------------------------


def test_layouts_have_the_sizes_of_the_headers():
    sizes = {
        "PHYSMAP": 24, "SHUTDOWN": 4, "POLL": 24, "BIND_INTERDOMAIN": 12, "BIND_VIRQ": 12, "ALLOCATE": 8,
        "TIME_INFO": 30, "WALL_CLOCK": 16, "HVM_PARAMETER": 16, "UPCALL_VECTOR": 8, "QUERY_SIZE": 16,
        "GRANT_ENTRY": 8, "STORE_HEADER": 16, "BLOCK_REQUEST": 24, "BLOCK_DISCARD_REQUEST": 32,
        "BLOCK_SEGMENT": 8, "BLOCK_RESPONSE": 12,
    }  # fmt: skip
    assert {name: getattr(abi, name).size for name in sizes} == sizes
    assert abi.BLOCK_REQUEST.size + abi.BLOCK_SEGMENTS * abi.BLOCK_SEGMENT.size == abi.BLOCK_ENTRY
    assert abi.RING_ENTRIES + abi.BLOCK_RING * abi.BLOCK_ENTRY <= abi.PAGE


def test_every_error_of_xen_is_one_of_ours():
    assert all(hasattr(e, name) for name in abi.ERRORS.values())


def test_version_and_memory(xen, hypervisor):
    assert hypervisor.version() == "4.17.7"
    assert hypervisor.reservation() == len(xen.memory) // 4096


def test_a_refusal_is_an_error_of_ours(hypervisor):
    fails(e.ENOSYS, hypervisor.call, 99)
    fails(e.EINVAL, hypervisor.operation, abi.EVENT_CHANNEL_OP, abi.EVENT_SEND, abi.PORT, 77)


def test_shutdown(xen, hypervisor):
    hypervisor.shutdown(abi.SHUTDOWN_CRASH)
    assert xen.shut == 3


# ---- clock ---------------------------------------------------------------------------------------------------------


def test_system_time_counts_from_the_stamp(xen):
    xen.set_time(stamp=1000, system=5_000)
    clock = Clock(xen, xen.shared)
    assert clock.system_time() == 5_000 + 500       # 1000 ticks at half a nanosecond each


@pytest.mark.parametrize(("shift", "expected"), [(0, 1500), (-1, 750)])
def test_the_stamp_may_be_negative(xen, shift, expected):
    xen.set_time(stamp=(1 << 64) - 1000, system=0, shift=shift)
    assert Clock(xen, xen.shared).system_time() == expected


@pytest.mark.parametrize(("shift", "expected"), [(1, 2000), (-1, 500), (0, 1000)])
def test_shift(xen, shift, expected):
    xen.set_time(shift=shift)
    assert Clock(xen, xen.shared).system_time() == expected


def test_system_time_never_goes_back(xen):
    xen.set_time(system=10_000)
    clock = Clock(xen, xen.shared)
    before = clock.system_time()
    xen.set_time(system=1)
    assert clock.system_time() == before


def test_a_time_that_is_being_changed_is_read_again(xen, monkeypatch):
    xen.set_time(version=3, system=1)
    looked = []

    def barrier():
        looked.append(None)
        if len(looked) == 4:
            xen.set_time(version=4, stamp=2000, system=7)

    monkeypatch.setattr(xen, "barrier", barrier)
    assert Clock(xen, xen.shared).system_time() == 7


def test_wall_clock(xen):
    xen.set_time(wall=(1_700_000_000, 5, 1))
    assert Clock(xen, xen.shared).wall() == ((1 << 32) + 1_700_000_000) * 10**9 + 5


# ---- event channels ------------------------------------------------------------------------------------------------


def test_a_nudge_of_ourselves(xen, events):
    port = events.allocate(abi.DOMAIN_SELF)
    local = events.bind(abi.DOMAIN_SELF, port)
    assert not events.take(port)
    events.send(local)
    assert events.take(port)
    assert not events.take(port)


def test_other_ports_keep_their_events(xen, events):
    first, second = events.allocate(0), events.allocate(0)
    xen.raise_event(first)
    xen.raise_event(second)
    assert events.take(first)
    assert events.wait(second, 0)


def test_an_event_that_comes_while_another_is_taken_is_not_lost(xen, events, monkeypatch):
    first, second = events.allocate(0), events.allocate(0)
    xen.raise_event(first)
    exchange = xen.compare_exchange
    monkeypatch.setattr(xen, "compare_exchange", lambda *words: (xen.raise_event(second), exchange(*words))[1])
    assert events.take(first)
    assert events.take(second)


def test_waiting(xen, events):
    port = events.allocate(0)
    assert not events.wait(port, xen.now + 10**7)
    xen.later = [lambda: xen.raise_event(port)]
    start = xen.now
    assert events.wait(port, start + 10**9)
    assert xen.now < start + 10**9
    for _ in range(3):                      # Xen interrupts again only if the bits were taken back
        xen.later = [lambda: xen.raise_event(port)]
        start = xen.now
        assert events.wait(port, start + 10**9)
        assert xen.now < start + 2 * 10**6


def test_poll(xen, events):
    port = events.allocate(0)
    assert not events.poll(port, xen.now + 1000)
    xen.raise_event(port)
    assert events.poll(port, 0)


def test_a_closed_port(xen, events):
    port = events.bind_virq(abi.VIRQ_TIMER)
    xen.raise_event(port)
    events.close(port)
    fails(e.EINVAL, events.send, port)
    assert not events.take(port)


@pytest.mark.parametrize("port", [-1, abi.PORTS])
def test_no_such_port(events, port):
    fails(e.EINVAL, events.take, port)


# ---- grants --------------------------------------------------------------------------------------------------------


def test_grants(xen, hypervisor):
    grants = Grants(hypervisor)
    page = xen.pages(1)
    reference = grants.grant(5, page)
    assert reference == abi.GRANTS_RESERVED
    xen.map_grant(5, reference, True)[:3] = b"abc"
    assert bytes(xen.reach(page, 3)) == b"abc"
    other = grants.grant(5, page, read_only=True)
    with pytest.raises(AssertionError):
        xen.map_grant(5, other, True)
    grants.end(reference)
    with pytest.raises(AssertionError):
        xen.map_grant(5, reference, False)
    assert grants.grant(6, page) == reference


@pytest.mark.parametrize("flag", [abi.GRANT_READING, abi.GRANT_WRITING])
def test_a_grant_in_use_stays(xen, hypervisor, flag):
    grants = Grants(hypervisor)
    reference = grants.grant(5, xen.pages(1))
    xen.set_grant_flags(reference, flag)
    fails(e.EBUSY, grants.end, reference)
    xen.map_grant(5, reference, True)


def test_a_grant_taken_into_use_while_it_ends_stays(xen, hypervisor, monkeypatch):
    grants = Grants(hypervisor)
    reference = grants.grant(5, xen.pages(1))
    exchange = xen.compare_exchange

    def race(*words):
        xen.set_grant_flags(reference, abi.GRANT_READING)
        return exchange(*words)

    monkeypatch.setattr(xen, "compare_exchange", race)
    fails(e.EBUSY, grants.end, reference)


def test_the_table_grows_to_its_limit(xen, hypervisor):
    grants = Grants(hypervisor)
    page = xen.pages(1)
    made = [grants.grant(0, page) for _ in range(2 * 512 - abi.GRANTS_RESERVED)]
    assert made == list(range(abi.GRANTS_RESERVED, 1024))
    fails(e.ENOSPC, grants.grant, 0, page)


# ---- xenstore ------------------------------------------------------------------------------------------------------


def test_values(daemon, store):
    daemon.nodes[b"name"] = b"guest"
    assert store.read(b"name") == b"guest"
    store.write(b"device/a", b"1")
    store.write(b"device/b/c", b"2")
    assert store.list(b"device") == [b"a", b"b"]
    assert store.list(b"nothing") == []
    store.remove(b"name")
    fails(e.ENOENT, store.read, b"name")


def test_values_longer_than_the_ring(daemon, store):
    store.write(b"long", b"x" * 4000)
    assert daemon.nodes[b"long"] == b"x" * 4000
    assert store.read(b"long") == b"x" * 4000
    fails(e.EINVAL, store.write, b"long", b"x" * 4096)


def test_the_ring_goes_round(store):
    for number in range(200):
        store.write(b"n%d" % number, b"%d" % number)
    assert [store.read_number(b"n%d" % number) for number in range(200)] == list(range(200))


@pytest.mark.parametrize("path", [b"", b"a\0b", b"a" * 3073])
def test_paths_that_are_none(store, path):
    fails(e.EINVAL, store.read, path)


def test_numbers(daemon, store):
    daemon.nodes |= {b"n": b"12", b"text": b"twelve", b"long": b"9" * 21}
    assert store.read_number(b"n") == 12
    assert store.read_number(b"text", 3) == 3
    assert store.read_number(b"nothing", 4) == 4
    fails(e.EINVAL, store.read_number, b"text")
    fails(e.EINVAL, store.read_number, b"long")


def test_all_or_none(daemon, store):
    daemon.refuse_commits = 2
    store.write_all({b"a": b"1", b"b": b"2"})
    assert daemon.nodes == {b"a": b"1", b"b": b"2"}
    daemon.refuse_commits = 1000
    fails(e.EAGAIN, store.write_all, {b"c": b"1"})
    assert b"c" not in daemon.nodes


def test_news_are_passed_over(daemon, store):
    daemon.news = b"\x0f\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0abcd"
    store.write(b"a", b"1")
    assert store.read(b"a") == b"1"


@pytest.mark.parametrize(
    "distort",
    [
        lambda kind, number, payload: b"\x02\0\0\0" + (number + 1).to_bytes(4, "little") + bytes(8),
        lambda kind, number, payload: bytes((kind, 0, 0, 0)) + number.to_bytes(4, "little") + b"\0\0\0\0\x01\x10\0\0",
        lambda kind, number, payload: b"\x63\0\0\0" + number.to_bytes(4, "little") + bytes(8),
        lambda kind, number, payload: b"\x10\0\0\0" + number.to_bytes(4, "little") + bytes(4) + b"\x02\0\0\0?\0",
    ],
    ids=["number", "length", "type", "error"],
)
def test_nonsense_is_an_error(daemon, store, distort):
    daemon.distort = distort
    fails(e.EIO, store.read, b"a")


def test_a_daemon_that_does_not_answer(xen, daemon, store):
    daemon.silent = True
    start = xen.now
    fails(e.ETIMEDOUT, store.read, b"a")
    assert xen.now >= start + 30 * 10**9
    daemon.silent = False
    fails(e.EIO, store.read, b"a")          # an answer now could be one to the question before


def test_a_damaged_ring(xen, daemon, store):
    xen.store(daemon.page + 2060, 4, 5000)
    daemon.silent = True
    fails(e.EIO, store.read, b"a")


# ---- rings ---------------------------------------------------------------------------------------------------------


def test_more_responses_than_requests(xen):
    ring = FrontRing(xen, xen.pages(1), 32, 112)
    assert ring.room == 32
    ring.put(b"request")
    ring.push()
    assert ring.waiting == 1
    xen.store(ring._address + abi.RING_RESPONSE_PRODUCER, 4, 2)
    fails(e.EIO, ring.take, 12)


def test_indices_run_on_modulo_32_bits(xen):
    address = xen.pages(1)
    ring = FrontRing(xen, address, 32, 112)
    ring._produced = ring._consumed = (1 << 32) - 1
    for number in range(3):
        ring.put(b"%d" % number)
    ring.push()
    assert xen.load(address, 4) == 2
    xen.store(address + abi.RING_RESPONSE_PRODUCER, 4, 2)
    assert [data[:1] for data in ring.take(12)] == [b"0", b"1", b"2"]
    assert ring.room == 32


# ---- disks ---------------------------------------------------------------------------------------------------------


def test_what_a_disk_says_of_itself(disk):
    _, device = disk(sector=4096, info=4)
    assert (device.size, device.sector, device.read_only) == (len(PATTERN), 4096, True)
    fails(e.EROFS, device.write, memoryview(b"x" * 4096), 0)


@pytest.mark.parametrize("delay", [False, True])
@pytest.mark.parametrize("sector", [512, 4096])
def test_reading_and_writing(disk, sector, delay):
    backend, device = disk(sector=sector)
    backend.delay = delay
    expected, chance = bytearray(PATTERN), random.Random(2)
    for _ in range(60):
        start = chance.randrange(len(PATTERN))
        length = min(len(PATTERN) - start, chance.choice([1, 511, 512, 4096, 50_000, 200_000]))
        if chance.random() < 0.5:
            data = chance.randbytes(length)
            expected[start : start + length] = data
            device.write(memoryview(data), start)
        else:
            buffer = bytearray(length)
            device.read(memoryview(buffer), start)
            assert buffer == expected[start : start + length]
    assert backend.data == expected
    assert all(sector_number * 512 % sector == 0 for _, sector_number, _ in backend.log)


def test_many_at_once(disk):
    _, device = disk()
    buffers = [bytearray(1024) for _ in range(100)]
    requests = [(BIO_READ, memoryview(buffer), 2048 * number) for number, buffer in enumerate(buffers)]
    requests.append((BIO_WRITE, memoryview(b"z" * 512), 512 * 511))
    assert device.submit(requests) == [0] * 101
    assert all(buffer == PATTERN[2048 * number : 2048 * number + 1024] for number, buffer in enumerate(buffers))


def test_nothing_to_transfer(disk):
    backend, device = disk()
    device.read(memoryview(b""), 0)
    assert backend.log == []


@pytest.mark.parametrize(
    ("offer", "operation"), [("feature_flush_cache", 3), ("feature_barrier", 2), (None, None)],
    ids=["flush", "barrier", "no"],
)  # fmt: skip
def test_sync(disk, offer, operation):
    backend, device = disk(**({offer: 1} if offer else {}))
    device.sync()
    assert [kind for kind, _, _ in backend.log] == ([operation] if operation else [])


def test_a_flush_that_was_no_offer(disk):
    backend, device = disk(feature_flush_cache=1)
    backend.status = -2
    device.sync()
    device.sync()
    assert len(backend.log) == 1


def test_errors(disk):
    backend, device = disk(feature_flush_cache=1)
    backend.status = -1
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)
    fails(e.EIO, device.write, memoryview(bytes(512)), 0)
    fails(e.EIO, device.sync)
    backend.status = 0
    device.read(memoryview(bytearray(512)), 0)


def test_discard(disk):
    backend, device = disk(feature_discard=1, discard_granularity=4096)
    device.discard(1000, 10_000)
    assert backend.data == PATTERN[:4096] + bytes(4096) + PATTERN[8192:]
    device.discard(1, 100)
    assert len(backend.log) == 1


def test_no_discard(disk):
    fails(e.EOPNOTSUPP, disk()[1].discard, 0, 4096)


@pytest.mark.parametrize(
    "answer",
    [
        lambda identity, operation, status: (identity + 1000, operation, status),
        lambda identity, operation, status: (identity, operation ^ 1, status),
    ],
    ids=["identity", "operation"],
)
def test_an_answer_to_something_else_ends_it(disk, answer):
    backend, device = disk()
    backend.answer = answer
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)
    backend.answer = lambda *response: response
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)


def test_more_answers_than_questions_end_it(disk):
    backend, device = disk()
    backend.extra = 40
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)


@pytest.mark.parametrize("status", [-3, 1, 32767])
def test_a_status_that_is_none(disk, status):
    backend, device = disk()
    backend.status = status
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)


def test_an_other_end_that_goes_away(xen, disk):
    backend, device = disk()
    backend.ring = None
    start = xen.now
    backend.state(6)
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)
    assert xen.now < start + 10 * 10**9


def test_an_other_end_that_falls_silent(xen, disk):
    backend, device = disk()
    backend.ring = None
    start = xen.now
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)
    assert xen.now >= start + 60 * 10**9


@pytest.mark.parametrize(
    "settings", [{"sector": 100}, {"sector": 0}, {"sectors": 7, "sector": 4096}, {"sector": 65536}]
)
def test_a_geometry_that_cannot_be(disk, settings):
    fails(e.ENXIO, lambda: disk(**settings))


def test_an_other_end_that_closes_instead(xen, daemon, domain):
    backend = model.BlockBackend(xen, daemon, PATTERN)
    daemon.watchers[backend.front + b"/state"] = lambda: backend.state(6)
    fails(e.EIO, Disk, domain, backend.front, b"xvda")


def test_close_takes_the_pages_back(xen, disk, domain):
    backend, device = disk()
    device.close()
    assert daemon_state(backend) == b"6"
    entries = xen.grant_frames[0]
    assert all(xen.load(entries + 8 * reference, 2) == 0 for reference in range(512))
    fails(e.EIO, device.read, memoryview(bytearray(512)), 0)


def daemon_state(backend):
    return backend.daemon.nodes[backend.front + b"/state"]


def test_finding_disks(xen, daemon, domain):
    model.BlockBackend(xen, daemon, PATTERN, number=51728)
    model.BlockBackend(xen, daemon, bytes(4096))
    model.BlockBackend(xen, daemon, PATTERN, number=51744, sector=3)
    found = find_disks(domain)
    assert [(name, device.size) for name, device in found] == [(b"xvda", 4096), (b"xvdb", len(PATTERN))]


@pytest.mark.parametrize(
    ("number", "name"),
    [(51712, b"xvda"), (51713, b"xvda1"), (51728, b"xvdb"), (1 << 28 | 16 << 8, b"xvdq"),
     (1 << 28 | 702 << 8, b"xvdaaa"), (768, b"vbd768")],
)  # fmt: skip
def test_names_of_disks(number, name):
    assert disk_name(number) == name


def test_the_backend_works_on_such_a_disk(disk):
    backend, device = disk(feature_flush_cache=1, feature_discard=1)

    class Host(Discards, Bare):
        pass

    host = Host(Memory({b"xvda": device}))
    handle = host.open(b"xvda", OPEN_RDWR)
    assert host.write(handle, b"hello", 1000) == 5
    buffer = bytearray(7)
    assert host.read(handle, buffer, 999) == 7
    assert buffer == PATTERN[999:1000] + b"hello" + PATTERN[1005:1006]
    host.sync(handle, SYNC_ALL)
    host.discard(handle, 0, 512)
    assert backend.data[:512] == bytes(512)
    host.close(handle)


def test_a_ram_disk():
    memory = bytearray(PATTERN)
    device = RamDisk(memoryview(memory))
    device.write(memoryview(b"abc"), 5)
    device.sync()
    buffer = bytearray(5)
    device.read(memoryview(buffer), 4)
    assert buffer == PATTERN[4:5] + b"abc" + PATTERN[8:9]
    assert (device.size, device.read_only) == (len(PATTERN), False)
