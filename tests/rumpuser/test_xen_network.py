# SPDX-License-Identifier: BSD-2-Clause
"""The front end of a network card, against a model of Xen and of the other domain."""

import sys
import threading

import pytest
import xen_model
from xen_net_model import NetBackend

from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.bare.nic import NetworkCards
from rump.rumpuser.bare.xen import abi
from rump.rumpuser.bare.xen.events import Events
from rump.rumpuser.bare.xen.frontend import Domain
from rump.rumpuser.bare.xen.grants import Grants
from rump.rumpuser.bare.xen.hypervisor import Hypervisor
from rump.rumpuser.bare.xen.network import BUFFERS, LONGEST, Card, find_cards
from rump.rumpuser.bare.xen.xenstore import Store
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="Xen's rings are little-endian, as is the machine")
SECOND = 10**9


@pytest.fixture
def xen():
    return xen_model.Xen()


@pytest.fixture
def daemon(xen):
    return xen_model.Daemon(xen)


@pytest.fixture(params=[False, True], ids=["looking", "interrupts"])
def domain(xen, daemon, request):
    hypervisor = Hypervisor(xen)
    events = Events(hypervisor, xen.shared)
    assert not request.param or events.listen()
    return Domain(xen, events, Grants(hypervisor), Store(xen, events, daemon.page, xen_model.STORE_PORT))


@pytest.fixture
def backend(xen, daemon):
    return NetBackend(xen, daemon)


@pytest.fixture
def card(domain, backend):
    return Card(domain, backend.front)


def frame(number, length=60):
    """A frame that is told from others."""
    return (b"\xff" * 12 + b"\x08\x06" + number.to_bytes(4, "big")).ljust(length, bytes((number % 251,)))


def fails(errno, call, *arguments):
    with pytest.raises(HostError) as raised:
        call(*arguments)
    assert raised.value.errno == errno, raised.value


def test_layouts_have_the_sizes_of_the_header():
    assert (abi.NET_TRANSMIT_REQUEST.size, abi.NET_TRANSMIT_RESPONSE.size) == (12, 4)
    assert (abi.NET_RECEIVE_REQUEST.size, abi.NET_RECEIVE_RESPONSE.size) == (8, 8)
    for entry in (abi.NET_TRANSMIT_ENTRY, abi.NET_RECEIVE_ENTRY):
        assert abi.NET_RING * entry <= abi.PAGE - abi.RING_ENTRIES < 2 * abi.NET_RING * entry


def test_the_address_is_the_tool_stacks(card):
    assert card.address == bytes.fromhex("00163e010203")


@pytest.mark.parametrize(
    "mac",
    [b"", b"0:16:3e:1:2", b"0:16:3e:1:2:3:4", b"x:1:2:3:4:5", b"100:1:2:3:4:5", b"01:0:0:0:0:1", b"0:0:0:0:0:0"],
)
def test_an_address_that_is_none(xen, daemon, domain, mac):
    fails(e.ENXIO, Card, domain, NetBackend(xen, daemon, mac=mac).front)


@pytest.mark.parametrize("length", [14, 60, LONGEST])
def test_sending(backend, card, length):
    card.send(memoryview(frame(1, length)))
    assert backend.sent == [frame(1, length)]


def test_frames_that_are_too_long(backend, card):
    fails(e.EMSGSIZE, card.send, memoryview(frame(1, LONGEST + 1)))
    tagged = frame(1)[:12] + b"\x81\x00" + bytes(LONGEST - 14 + 4)
    card.send(memoryview(tagged))
    fails(e.EMSGSIZE, card.send, memoryview(tagged + b"x"))
    assert backend.sent == [tagged]


def test_receiving(xen, backend, card):
    backend.put(frame(1), frame(2, LONGEST))
    assert [card.receive(0), card.receive(0), card.receive(0)] == [frame(1), frame(2, LONGEST), b""]
    backend.offset = 256
    xen.later = [lambda: backend.put(frame(3))]
    start = xen.now
    assert card.receive(SECOND) == frame(3)
    assert xen.now < start + SECOND


def test_a_time_without_frames(xen, card):
    start = xen.now
    assert card.receive(SECOND // 2) == b""
    assert start + SECOND // 2 <= xen.now < start + SECOND


def test_the_rings_go_round(backend, card):
    for number in range(3 * abi.NET_RING):
        card.send(memoryview(frame(number)))
        backend.put(frame(number + 1))
        assert card.receive(0) == frame(number + 1)
    assert backend.sent == [frame(number) for number in range(3 * abi.NET_RING)]


def test_what_there_is_no_room_for_waits_and_keeps_its_order(backend, card):
    frames = [frame(number) for number in range(3 * BUFFERS)]
    backend.put(*frames)
    assert [card.receive(SECOND) for _ in frames] == frames


def test_no_room_to_send(xen, backend, card):
    backend.held = []
    for number in range(BUFFERS):
        card.send(memoryview(frame(number)))
    start = xen.now
    fails(e.ENOBUFS, card.send, memoryview(frame(99)))
    assert xen.now <= start + SECOND
    xen.later = [backend.let_go]
    card.send(memoryview(frame(100)))
    assert backend.sent[-1] == frame(100)


@pytest.mark.parametrize("status", [-1, -2])
def test_a_frame_that_is_lost_on_its_way(backend, card, status):
    backend.status = status
    for number in range(2 * BUFFERS):
        card.send(memoryview(frame(number)))


def test_errors_and_frames_without_a_header_are_passed_over(backend, card):
    backend.deliver = lambda identity, offset, flags, status: (identity, offset, flags, -1)
    backend.put(frame(1))
    backend.deliver = lambda *response: response
    backend.put(b"x" * 13, frame(2))
    assert card.receive(0) == frame(2)


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda identity, offset, flags, status: (identity + BUFFERS, offset, flags, status),
        lambda identity, offset, flags, status: (0, offset, flags, status),
        lambda identity, offset, flags, status: (identity, 4090, flags, status),
        lambda identity, offset, flags, status: (identity, offset, flags, 5000),
        lambda identity, offset, flags, status: (identity, offset, 4, status),
        lambda identity, offset, flags, status: (identity, offset, 8, status),
    ],
    ids=["identity", "twice", "offset", "length", "more", "extra"],
)
def test_nonsense_about_a_frame_for_us_ends_it(backend, card, nonsense):
    backend.deliver = nonsense
    backend.put(frame(1), frame(2))
    fails(e.ENETDOWN, card.receive, 0)
    fails(e.ENETDOWN, card.receive, 0)
    fails(e.ENETDOWN, card.send, memoryview(frame(3)))


@pytest.mark.parametrize(
    "nonsense",
    [lambda identity, status: (identity + BUFFERS, status), lambda identity, status: (identity, 7)],
    ids=["identity", "status"],
)
def test_nonsense_about_a_frame_of_ours_ends_it(backend, card, nonsense):
    backend.answer = nonsense
    card.send(memoryview(frame(1)))
    fails(e.ENETDOWN, card.send, memoryview(frame(2)))


@pytest.mark.parametrize("sends", [True, False])
def test_more_responses_than_requests_end_it(backend, card, sends):
    backend.extra = 300
    if sends:
        card.send(memoryview(frame(1)))
        fails(e.ENETDOWN, card.send, memoryview(frame(2)))
    else:
        backend.put(frame(1))
        fails(e.ENETDOWN, card.receive, 0)


def test_an_other_end_that_goes_away(xen, backend, card):
    backend.rings = None
    backend.state(6)
    start = xen.now
    fails(e.ENETDOWN, card.receive, None)
    assert xen.now < start + 5 * SECOND


def test_an_other_end_that_closes_instead(daemon, domain, backend):
    daemon.watchers[backend.front + b"/state"] = lambda: backend.state(6)
    fails(e.EIO, Card, domain, backend.front)


def test_what_is_sent_cannot_be_written_to_by_the_other_end(xen, backend, card):
    for buffer in card._outgoing:
        with pytest.raises(AssertionError):
            xen.map_grant(xen_model.OTHER, buffer.grant, True)


def test_closed_and_opened_again(xen, domain, backend, card):
    card.send(memoryview(frame(1)))
    card.close()
    assert card.closed
    entries = xen.grant_frames[0]
    assert all(xen.load(entries + 8 * reference, 2) == 0 for reference in range(512))
    used = xen.next_page
    again = Card(domain, backend.front)
    assert (backend.connections, xen.next_page) == (2, used)       # the same pages
    backend.put(frame(2))
    assert again.receive(0) == frame(2)
    fails(e.ENETDOWN, card.receive, 0)


def test_a_page_that_is_still_mapped_is_not_used_again(xen, domain, backend, card):
    kept = card._incoming[5]
    xen.set_grant_flags(kept.grant, abi.GRANT_WRITING)
    card.close()
    kept.view[:4] = b"mine"
    again = Card(domain, backend.front)
    again.close()
    assert kept.grant not in {buffer.grant for buffer in again._incoming + again._outgoing}
    assert bytes(kept.view[:4]) == b"mine"


def test_finding_cards(xen, daemon, domain):
    for number in (10, 2):
        NetBackend(xen, daemon, number=number)
    assert find_cards(domain) == [b"device/vif/2", b"device/vif/10"]


def test_a_thread_that_sends_does_not_wait_for_one_that_receives(xen, backend, card):
    """Receiving holds no lock while it waits."""
    answered = threading.Event()

    def reply():
        thread = threading.Thread(target=card.send, args=(memoryview(frame(1)),))
        thread.start()
        thread.join(10)
        answered.set()
        backend.put(frame(2))

    xen.later = [reply]
    assert card.receive(SECOND) == frame(2)
    assert answered.is_set() and backend.sent == [frame(1)]


def test_by_the_hypercalls(backend, card):
    class Platform(Memory):
        def nic(self, name):
            return card if name in (b"", b"net0") else None

    host = NetworkCards(Platform({}))
    nic = host.nic_open(b"net0")
    assert host.nic_address(nic) == card.address
    host.nic_send(nic, frame(1))
    backend.put(frame(2))
    assert host.nic_receive(nic, SECOND) == frame(2)
    fails(e.EINVAL, host.nic_send, nic, b"short")
    fails(e.ENXIO, host.nic_open, b"net7")
    host.nic_close(nic)
    assert card.closed
