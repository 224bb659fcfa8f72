# SPDX-License-Identifier: BSD-2-Clause
"""The front end of a ring of requests and responses in one shared page (io/ring.h).

Producers and consumers count modulo 2^32 and never wait for one another.  What is read of the other end is checked: it
may be anything.
"""

from __future__ import annotations

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.interface.errno import EIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.xen.machine import Machine

MODULUS = 1 << 32


class FrontRing:
    """A ring of `entries` (a power of two) of `size` bytes, in the page at `address`."""

    def __init__(self, machine: Machine, address: int, entries: int, size: int) -> None:
        self._machine, self._address = machine, address
        self._view = machine.view(address, abi.PAGE)
        self._entries, self._size = entries, size
        self._produced = self._consumed = 0     # requests, responses
        self._view[: abi.RING_ENTRIES] = abi.RING_INDICES.pack(0, 1, 0, 1).ljust(abi.RING_ENTRIES, b"\0")

    @property
    def room(self) -> int:
        """How many requests more it takes."""
        return self._entries - self.waiting

    @property
    def waiting(self) -> int:
        """How many requests have had no response yet."""
        return (self._produced - self._consumed) % MODULUS

    def put(self, request: bytes) -> None:
        """Write a request; it is there for the other end after `push`.  Requires: room."""
        start = self._start(self._produced)
        self._view[start : start + len(request)] = request
        self._produced = (self._produced + 1) % MODULUS

    def push(self) -> None:
        """Show the requests to the other end, which is then to be nudged."""
        self._machine.store(self._address + abi.RING_REQUEST_PRODUCER, 4, self._produced)

    def take(self, length: int) -> list[bytes]:
        """The responses that are there: the first `length` bytes of each.  Errors: EIO - more than were asked for."""
        produced = self._machine.load(self._address + abi.RING_RESPONSE_PRODUCER, 4)
        if (produced - self._consumed) % MODULUS > self.waiting:
            raise HostError(EIO, "there are more responses than requests")
        found = []
        while self._consumed != produced:
            start = self._start(self._consumed)
            found.append(bytes(self._view[start : start + length]))
            self._consumed = (self._consumed + 1) % MODULUS
        return found

    def ask_for_event(self) -> None:
        """Have the other end nudge us at the next response.  One may have come before it knew: look again."""
        self._machine.store(self._address + abi.RING_RESPONSE_EVENT, 4, (self._consumed + 1) % MODULUS)
        self._machine.barrier()

    def _start(self, index: int) -> int:
        return abi.RING_ENTRIES + index % self._entries * self._size
