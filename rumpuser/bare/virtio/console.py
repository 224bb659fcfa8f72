# SPDX-License-Identifier: BSD-2-Clause
"""One port of a virtio console device, a stream of bytes each way.  VIRTIO 1.2, section 5.3.

Of a device with MULTIPORT it is the first port that the device tells of, else port 0.  QEMU's port 0 is a console: what
it cannot pass on at once it throws away; from any other port's queue it takes no more until it has.
"""

from __future__ import annotations

from struct import Struct

from rump.rumpuser.bare.virtio.device import Driver
from rump.rumpuser.interface.errno import ENXIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.virtio.machine import Machine

MULTIPORT = 1 << 1          # VIRTIO_CONSOLE_F_MULTIPORT, 5.3.3
_PORTS_FIELD = (4, 4)       # struct virtio_console_config, max_nr_ports, 5.3.4
_CONTROL_IN, _CONTROL_OUT = 2, 3                        # queues, 5.3.2
_CONTROL = Struct("<IHH")                               # struct virtio_console_control: id, event, value; 5.3.6.2
_DEVICE_READY, _PORT_ADD, _PORT_READY, _PORT_OPEN = 0, 1, 3, 6
_PORTS = 4                  # ports that we make queues for
_BUFFER = 1 << 14
_BUFFERS = 8
_PIECE = 1 << 16            # written at a time
_NAP = 500_000              # nanoseconds between looks for input


class Console:
    """Both streams.  Errors of all calls: EIO - the device is given up; of the first, ENXIO - it has no port for us."""

    def __init__(self, transport: Transport, machine: Machine) -> None:
        self._driver, self._machine = Driver(transport, machine, MULTIPORT), machine
        port = self._first_port() if self._driver.features & MULTIPORT else self._only_port()
        self._receive, self._transmit = (2 * port + 2, 2 * port + 3) if port else (0, 1)
        self._receiving, self._sending = machine.lock(), machine.lock()
        self._memory = machine.memory(_BUFFER * self._driver.queues[self._receive].size)
        self._address = machine.physical(self._memory)
        self._numbers: dict[int, int] = {}
        self._come = bytearray()
        for number in range(self._driver.queues[self._receive].size):
            self._offer(number)
        self._driver.notify(self._receive)
        if self._driver.features & MULTIPORT:
            self._tell(port, _PORT_OPEN)

    def _only_port(self) -> int:
        self._driver.start(_BUFFERS, _BUFFERS)
        return 0

    def _first_port(self) -> int:
        """The port that the device tells of first (5.3.5)."""
        [ports] = self._driver.read(_PORTS_FIELD)
        ports = min(ports, _PORTS)
        self._driver.start(*[_BUFFERS] * (2 * ports + 2))
        self._events = memory = self._machine.memory(_CONTROL.size * self._driver.queues[_CONTROL_IN].size)
        address, places = self._machine.physical(memory), {}
        for place in range(0, len(memory), _CONTROL.size):
            head = self._driver.queues[_CONTROL_IN].add([], [(address + place, _CONTROL.size)])
            places[head] = place
        self._driver.notify(_CONTROL_IN)
        self._tell(0, _DEVICE_READY)
        for head, written in self._driver.wait(_CONTROL_IN):
            port, event, _ = _CONTROL.unpack_from(memory, places[head])
            if written == _CONTROL.size and event == _PORT_ADD and port < ports:
                self._tell(port, _PORT_READY)
                return int(port)
        self._driver.give_up()
        raise HostError(ENXIO, f"{self._driver.transport.name}: no port")

    def _tell(self, port: int, event: int) -> None:
        """A control message to the device, which has taken it when this returns."""
        memory = self._machine.memory(_CONTROL.size)
        _CONTROL.pack_into(memory, 0, port, event, 1)
        self._driver.queues[_CONTROL_OUT].add([(self._machine.physical(memory), _CONTROL.size)], [])
        self._driver.notify(_CONTROL_OUT)
        self._driver.wait(_CONTROL_OUT)

    def _offer(self, number: int) -> None:
        head = self._driver.queues[self._receive].add([], [(self._address + _BUFFER * number, _BUFFER)])
        self._numbers[head] = number

    def write(self, data: memoryview) -> None:
        """All of it; waits until the other end has taken it."""
        with self._sending:
            for begin in range(0, len(data), _PIECE):
                piece = data[begin : begin + _PIECE]
                self._driver.check()
                self._driver.queues[self._transmit].add([(self._machine.physical(piece), len(piece))], [])
                self._driver.notify(self._transmit)
                self._driver.wait(self._transmit, patience=None)

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
        for head, written in self._driver.finished(self._receive):
            number = self._numbers.pop(head)
            self._come += self._memory[_BUFFER * number : _BUFFER * number + written]
            self._offer(number)
            self._driver.notify(self._receive)
