# SPDX-License-Identifier: BSD-2-Clause
"""A virtio network device.  VIRTIO 1.2, section 5.1: one pair of queues, frames as on the wire."""

from __future__ import annotations

from binascii import crc32

from rump.rumpuser.bare.virtio.device import Driver
from rump.rumpuser.interface.errno import EMSGSIZE, ENETDOWN, ENOBUFS, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.virtio.machine import Machine

F_MTU = 1 << 3              # feature bits, 5.1.3
F_MAC = 1 << 5
F_STATUS = 1 << 16
WANTED = F_MTU | F_MAC | F_STATUS

# struct virtio_net_config, 5.1.4: (offset, width)
_MAC = tuple((byte, 1) for byte in range(6))
_STATUS = (6, 2)
_MTU = (10, 2)
_LINK_UP = 1

RECEIVE, TRANSMIT = 0, 1    # queues, 5.1.2
_HEADER = 12                # struct virtio_net_hdr of version 1, 5.1.6: all zeros without offloads
_ETHER_HEADER = 14
_ETHER_MTU = 1500
_TAG = 4                    # of IEEE 802.1Q
_BUFFER = 2048
_BUFFERS = 64
_NAP = 1_000_000            # nanoseconds between looks for a frame


class Card:
    """A card as the hypercalls want it (`rumpuser.pure.cards.Nic`)."""

    closed = False

    def __init__(self, transport: Transport, machine: Machine) -> None:
        """Errors: ENODEV, ENXIO, EIO - it cannot be used."""
        self._driver, self._machine = Driver(transport, machine, WANTED), machine
        has = self._driver.features
        self.address = bytes(self._driver.read(*_MAC)) if has & F_MAC else made_up(transport.name)
        self._longest = _ETHER_HEADER + (self._driver.read(_MTU)[0] if has & F_MTU else _ETHER_MTU)
        self._longest = min(self._longest, _BUFFER - _HEADER - _TAG)
        self._driver.start(_BUFFERS, _BUFFERS)
        self._receiving, self._sending = machine.lock(), machine.lock()
        self._memory = [machine.memory(_BUFFERS * _BUFFER), machine.memory(_BUFFERS * _BUFFER)]
        self._addresses = [machine.physical(memory) for memory in self._memory]
        self._buffers: list[dict[int, int]] = [{}, {}]      # head -> number of the buffer
        self._free = list(range(self._driver.queues[TRANSMIT].size // 2))
        for number in range(self._driver.queues[RECEIVE].size):
            self._offer(number)
        self._driver.notify(RECEIVE)

    def _offer(self, number: int) -> None:
        head = self._driver.queues[RECEIVE].add([], [(self._addresses[RECEIVE] + _BUFFER * number, _BUFFER)])
        self._buffers[RECEIVE][head] = number

    def _check_link(self) -> None:
        if self._driver.features & F_STATUS and not self._driver.read(_STATUS)[0] & _LINK_UP:
            raise HostError(ENETDOWN, self._driver.transport.name)

    def send(self, frame: memoryview) -> None:
        tagged = _TAG if bytes(frame[12:14]) == b"\x81\x00" else 0
        if len(frame) > self._longest + tagged:
            raise HostError(EMSGSIZE)
        self._check_link()
        with self._sending:
            self._driver.check()
            number = self._room()
            start = _BUFFER * number
            self._memory[TRANSMIT][start : start + _HEADER + len(frame)] = bytes(_HEADER) + frame
            pieces = [(self._addresses[TRANSMIT] + start, _HEADER + len(frame))]
            self._buffers[TRANSMIT][self._driver.queues[TRANSMIT].add(pieces, [])] = number
            self._driver.notify(TRANSMIT)

    def _room(self) -> int:
        """A free buffer.  Errors: ENOBUFS - all are on their way, and none comes back in time."""
        until = self._machine.monotonic() + _NAP
        while True:
            for head, _ in self._driver.finished(TRANSMIT):
                self._free.append(self._buffers[TRANSMIT].pop(head))
            if self._free:
                return self._free.pop()
            if self._machine.monotonic() > until:
                raise HostError(ENOBUFS)
            self._machine.rest(until)

    def receive(self, timeout: int | None) -> bytes:
        until = None if timeout is None else self._machine.monotonic() + timeout
        while True:
            with self._receiving:
                frame = self._next()
            if frame:
                return frame
            self._check_link()
            now = self._machine.monotonic()
            if until is not None and now >= until:
                return b""
            self._machine.rest(now + _NAP if until is None else min(until, now + _NAP))

    def _next(self) -> bytes:
        """A frame, if one is there; the rest stay in the ring, which is the queue of arrival."""
        for head, written in self._driver.finished(RECEIVE):
            number = self._buffers[RECEIVE].pop(head)
            start = _BUFFER * number
            frame = bytes(self._memory[RECEIVE][start + _HEADER : start + written])
            self._offer(number)
            self._driver.notify(RECEIVE)
            if len(frame) >= _ETHER_HEADER:
                return frame
        return b""

    def close(self) -> None:
        """Stop the device: it writes to our memory no more."""
        self.closed = True
        self._driver.give_up()


def made_up(name: str) -> bytes:
    """An address for a card that has none: locally administered, and always the same for the same place."""
    return b"\xb2\x0a" + crc32(name.encode()).to_bytes(4, "big")
