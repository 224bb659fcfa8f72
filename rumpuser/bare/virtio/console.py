# SPDX-License-Identifier: BSD-2-Clause
"""A virtio console device.  VIRTIO 1.2, section 5.3: its port 0, a stream of bytes each way, without MULTIPORT."""

from __future__ import annotations

from rump.rumpuser.bare.virtio.device import Driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.virtio.machine import Machine

RECEIVE, TRANSMIT = 0, 1    # queues of port 0, 5.3.2
_BUFFER = 1 << 14
_BUFFERS = 8
_PIECE = 1 << 16            # written at a time
_NAP = 500_000              # nanoseconds between looks for input


class Console:
    """Both streams.  Errors of all calls: EIO - the device is given up."""

    def __init__(self, transport: Transport, machine: Machine) -> None:
        self._driver, self._machine = Driver(transport, machine, 0), machine
        self._driver.start(_BUFFERS, _BUFFERS)
        self._receiving, self._sending = machine.lock(), machine.lock()
        self._memory = machine.memory(_BUFFER * self._driver.queues[RECEIVE].size)
        self._address = machine.physical(self._memory)
        self._numbers: dict[int, int] = {}
        self._come = bytearray()
        for number in range(self._driver.queues[RECEIVE].size):
            self._offer(number)
        self._driver.notify(RECEIVE)

    def _offer(self, number: int) -> None:
        head = self._driver.queues[RECEIVE].add([], [(self._address + _BUFFER * number, _BUFFER)])
        self._numbers[head] = number

    def write(self, data: memoryview) -> None:
        """All of it; waits until the other end has taken it."""
        with self._sending:
            for begin in range(0, len(data), _PIECE):
                piece = data[begin : begin + _PIECE]
                self._driver.check()
                self._driver.queues[TRANSMIT].add([(self._machine.physical(piece), len(piece))], [])
                self._driver.notify(TRANSMIT)
                self._driver.wait(TRANSMIT, patience=None)

    def read(self, length: int) -> bytes:
        """At most `length` bytes, at least one: waits for it."""
        with self._receiving:
            while not self._come:
                self._gather()
            taken = bytes(self._come[:length])
            del self._come[:length]
            return taken

    def ready(self) -> bool:
        """Whether there is something to read."""
        with self._receiving:
            self._take_in()
            return bool(self._come)

    def _gather(self) -> None:
        """What came, if anything did; else a rest."""
        self._take_in()
        if not self._come:
            self._machine.rest(self._machine.monotonic() + _NAP)

    def _take_in(self) -> None:
        for head, written in self._driver.finished(RECEIVE):
            number = self._numbers.pop(head)
            self._come += self._memory[_BUFFER * number : _BUFFER * number + written]
            self._offer(number)
            self._driver.notify(RECEIVE)
