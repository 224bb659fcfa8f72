# SPDX-License-Identifier: BSD-2-Clause
"""Network cards that another domain provides (io/netif.h): one pair of rings, frames of one page, no offloads.

As with disks, data goes by way of pages that are granted once and for all, and what the other end says is checked: one
that talks nonsense or goes away is a card that is gone.
"""

from __future__ import annotations

from _thread import allocate_lock

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.bare.xen.frontend import FrontEnd
from rump.rumpuser.bare.xen.ring import FrontRing
from rump.rumpuser.interface.errno import EIO, EMSGSIZE, ENETDOWN, ENOBUFS, ENXIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.xen.frontend import Domain

BUFFERS = 64                            # frames under way, in either direction
LONGEST = 1514
TAG = 4                                 # of IEEE 802.1Q
HEADER = 14
NAP = 10**6
"""How long it is waited for room to send in, and how often it is looked for a frame: two threads may wait for one
event, and only one of them gets it."""

LOOK = 10**9
"""How often it is looked whether the other end is still there, when it says nothing."""

OFFER = {
    b"request-rx-copy": b"1",           # frames are copied to our pages; no other way is left
    b"feature-rx-notify": b"1",         # we nudge when there is room for frames
    b"feature-no-csum-offload": b"1",
    b"feature-sg": b"0",
    b"feature-gso-tcpv4": b"0",
}


class Buffer:
    """Room for one frame: a page, and its grant."""

    def __init__(self, view: memoryview, grant: int) -> None:
        self.view, self.grant = view, grant


class Card:
    """A card as the hypercalls want it (`rumpuser.pure.cards.Nic`)."""

    closed = False

    def __init__(self, domain: Domain, path: bytes) -> None:
        """Connect to a card.  Errors: EIO, ENXIO, ETIMEDOUT - it cannot be used."""
        self._machine, self._events = domain.machine, domain.events
        self.name = path.decode("ascii", "replace")
        self.address = _address(domain.store.read(path + b"/mac"), self.name)
        self._front = FrontEnd(domain, path)
        self._receiving, self._sending = allocate_lock(), allocate_lock()
        self._failed = False
        pages = domain.page(), domain.page()
        self._transmit = FrontRing(domain.machine, pages[0], abi.NET_RING, abi.NET_TRANSMIT_ENTRY)
        self._receive = FrontRing(domain.machine, pages[1], abi.NET_RING, abi.NET_RECEIVE_ENTRY)
        self._outgoing = [self._buffer(read_only=True) for _ in range(BUFFERS)]
        self._incoming = [self._buffer() for _ in range(BUFFERS)]
        self._free, self._sent = list(range(BUFFERS)), set[int]()
        self._offered = set[int]()
        self._arrived: list[tuple[int, int, int]] = []      # buffer, offset, length; the next one last
        for number in range(BUFFERS):
            self._offer(number)
        self._receive.push()
        self._front.connect({b"tx-ring-ref": pages[0], b"rx-ring-ref": pages[1]}, OFFER, abi.STATE_CONNECTED)
        self._events.send(self._front.port)

    def _buffer(self, read_only: bool = False) -> Buffer:
        address = self._front.domain.page()
        return Buffer(self._machine.view(address, abi.PAGE), self._front.share(address, read_only))

    def close(self) -> None:
        """Part from the other end, and take the pages back."""
        with self._sending, self._receiving:
            self.closed = True
            self._front.disconnect()

    def _check(self) -> None:
        if self._failed or self.closed:
            raise HostError(ENETDOWN, self.name)

    def _fail(self, what: str) -> HostError:
        """What the other end did shall not be; the card is no longer used."""
        self._failed = True
        return HostError(ENETDOWN, f"{self.name}: {what}")

    def _responses(self, ring: FrontRing, length: int) -> list[bytes]:
        try:
            return ring.take(length)
        except HostError as error:
            if error.errno != EIO:
                raise
            raise self._fail("more responses than requests") from error

    # ---- sending -------------------------------------------------------------------------------------------------

    def send(self, frame: memoryview) -> None:
        tagged = TAG if bytes(frame[12:14]) == b"\x81\x00" else 0
        length = len(frame)
        if length > LONGEST + tagged:
            raise HostError(EMSGSIZE)
        with self._sending:
            self._check()
            number = self._room()
            buffer = self._outgoing[number]
            buffer.view[:length] = frame
            self._sent.add(number)
            self._transmit.put(abi.NET_TRANSMIT_REQUEST.pack(buffer.grant, 0, 0, number, length))
            self._transmit.push()
            self._events.send(self._front.port)

    def _room(self) -> int:
        """A free buffer.  Errors: ENOBUFS - all are on their way, and none comes back in time; ENETDOWN."""
        until = self._machine.monotonic() + NAP
        while True:
            self._come_back()
            if self._free:
                return self._free.pop()
            self._transmit.ask_for_event()
            seen = self._machine.interrupts()
            self._come_back()
            if self._free:
                return self._free.pop()
            if self._machine.monotonic() >= until:
                raise HostError(ENOBUFS if self._front.alive() else ENETDOWN, self.name)
            self._machine.wait(until, seen)

    def _come_back(self) -> None:
        """Frames that were sent, or lost on their way, free their buffers."""
        for data in self._responses(self._transmit, abi.NET_TRANSMIT_RESPONSE.size):
            number, status = abi.NET_TRANSMIT_RESPONSE.unpack(data)
            if number not in self._sent or status not in (abi.NET_OKAY, abi.NET_ERROR, abi.NET_DROPPED):
                raise self._fail(f"status {status} of frame {number}")
            self._sent.remove(number)
            self._free.append(number)

    # ---- receiving -----------------------------------------------------------------------------------------------

    def receive(self, timeout: int | None) -> bytes:
        now = self._machine.monotonic()
        until, look = None if timeout is None else now + timeout, now + LOOK
        while True:
            with self._receiving:
                self._check()
                frame = self._next()
            if frame:
                return frame
            now = self._machine.monotonic()
            if until is not None and now >= until:
                return b""
            if now >= look:
                if not self._front.alive():
                    raise HostError(ENETDOWN, self.name)
                look = now + LOOK
            self._events.wait(self._front.port, now + NAP if until is None else min(until, now + NAP))

    def _next(self) -> bytes:
        """A frame, if one is there."""
        if not self._arrived:
            self._arrive()
        if not self._arrived:
            self._receive.ask_for_event()
            self._arrive()
        while self._arrived:
            number, offset, length = self._arrived.pop()
            frame = bytes(self._incoming[number].view[offset : offset + length])
            self._offer(number)
            self._receive.push()
            self._events.send(self._front.port)
            if len(frame) >= HEADER:
                return frame
        return b""

    def _offer(self, number: int) -> None:
        self._offered.add(number)
        self._receive.put(abi.NET_RECEIVE_REQUEST.pack(number, self._incoming[number].grant))

    def _arrive(self) -> None:
        """Look what has arrived.  A frame with an error is one without bytes."""
        found = []
        for data in self._responses(self._receive, abi.NET_RECEIVE_RESPONSE.size):
            number, offset, flags, status = abi.NET_RECEIVE_RESPONSE.unpack(data)
            length = max(status, 0)
            if number not in self._offered or offset + length > abi.PAGE or flags & ~abi.NET_CHECKED:
                raise self._fail(f"status {status} at {offset} of page {number}, flags {flags:#x}")
            self._offered.remove(number)
            found.append((number, offset, length))
        self._arrived = found[::-1] + self._arrived


def _address(text: bytes, name: str) -> bytes:
    """The six bytes of an Ethernet address, as the tool stack writes it: 00:16:3e:01:02:03."""
    try:
        address = bytes(int(part, 16) for part in text.split(b":"))
    except ValueError:
        address = b""
    if len(address) != 6 or address[0] & 1 or not any(address):
        raise HostError(ENXIO, f"{name}: {text!r} is no address")
    return address


def find_cards(domain: Domain) -> list[bytes]:
    """The folders of the cards that the tool stack has given this guest, by number."""
    return [b"device/vif/" + name for name in sorted(filter(bytes.isdigit, domain.store.list(b"device/vif")), key=int)]
