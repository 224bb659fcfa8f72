# SPDX-License-Identifier: BSD-2-Clause
"""A virtio device: how it is brought to life and how it is stopped, whatever transport it is found on.

VIRTIO 1.2: 2.1 device status field, 2.2 feature bits, 2.5.1 the configuration space's generation, 3.1 initialisation.
Devices are polled; interrupts stay off.
"""

from __future__ import annotations

from rump.rumpuser.bare.virtio.queue import Queue, queue_bytes
from rump.rumpuser.interface.errno import EIO, ENODEV, ENXIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from rump.rumpuser.bare.virtio.machine import Machine

    class Transport(Protocol):
        """What the transports have in common (chapter 4).

        kind    the device's type (chapter 5): 1 network, 2 block, 3 console, 4 entropy
        name    where it is, for messages
        """

        kind: int
        name: str

        def status(self) -> int: ...
        def set_status(self, status: int) -> None: ...
        def features(self) -> int: ...
        def accept(self, features: int) -> None: ...
        def queue_size(self, number: int) -> int: ...
        def enable_queue(self, number: int, size: int, addresses: tuple[int, int, int]) -> None: ...
        def notify(self, number: int) -> None: ...
        def generation(self) -> int: ...
        def configuration(self, offset: int, width: int) -> int: ...


NETWORK, BLOCK, CONSOLE, ENTROPY = 1, 2, 3, 4   # device types, chapter 5

ACKNOWLEDGE = 1             # device status, 2.1
DRIVER = 2
DRIVER_OK = 4
FEATURES_OK = 8
NEEDS_RESET = 64
FAILED = 128

VERSION_1 = 1 << 32         # VIRTIO_F_VERSION_1, chapter 6
ACCESS_PLATFORM = 1 << 33   # VIRTIO_F_ACCESS_PLATFORM: addresses go through an IOMMU

QUEUE_MAX = 256
PATIENCE = 60 * 10**9
"""Nanoseconds a device may take for a request before it is given up."""
_AWHILE = 50_000            # nanoseconds in which an answer is likely
_NAP = 500_000              # nanoseconds between looks after that, if no interrupt comes
_GENERATIONS = 100          # how often a configuration may change under our eyes


class Driver:
    """A device under a driver: features agreed on, queues made, errors remembered.

    Errors of everything here: EIO - the device broke the rules once, was reset, and is not used again.
    """

    def __init__(self, transport: Transport, machine: Machine, wanted: int) -> None:
        """Steps 1 to 6 of 3.1.1.  Errors: ENODEV - the device is of before version 1, or insists on more."""
        self.transport, self.machine = transport, machine
        self.queues: list[Queue] = []
        self._broken = False
        self._reset()
        self._add_status(ACKNOWLEDGE)
        self._add_status(DRIVER)
        offered = transport.features()
        if not offered & VERSION_1:
            raise self._refused("a legacy device")
        self.features = offered & (wanted | VERSION_1 | ACCESS_PLATFORM)
        transport.accept(self.features)
        self._add_status(FEATURES_OK)
        if not transport.status() & FEATURES_OK:
            raise self._refused("features are not accepted")

    def _refused(self, why: str) -> HostError:
        self._add_status(FAILED)
        return HostError(ENODEV, f"{self.transport.name}: {why}")

    def _add_status(self, bit: int) -> None:
        self.transport.set_status(self.transport.status() | bit)

    def _reset(self) -> None:
        """Stop the device (2.4); when this returns it touches no memory."""
        self.transport.set_status(0)
        until = self.machine.monotonic() + PATIENCE
        while self.transport.status():
            if self.machine.monotonic() > until:
                raise HostError(EIO, f"{self.transport.name}: cannot be reset")
            self.machine.rest(self.machine.monotonic() + _NAP)

    def start(self, *sizes: int) -> None:
        """Make the queues 0, 1 ... of at most these sizes, and steps 7 and 8.  Errors: ENXIO - it has fewer queues."""
        for number, largest in enumerate(sizes):
            size = min(self.transport.queue_size(number), largest, QUEUE_MAX)
            if not size or size & (size - 1):
                raise HostError(ENXIO, f"{self.transport.name}: queue {number} has a size of {size}")
            memory = self.machine.memory(queue_bytes(size))
            queue = Queue(size, memory, self.machine.physical(memory))
            self.transport.enable_queue(number, size, queue.addresses)
            self.queues.append(queue)
        self._add_status(DRIVER_OK)

    def read(self, *fields: tuple[int, int]) -> tuple[int, ...]:
        """Fields of the configuration space, each (offset, width in bytes), all of one moment (2.5.1)."""
        for _ in range(_GENERATIONS):
            generation = self.transport.generation()
            values = tuple([self.transport.configuration(*field) for field in fields])
            if self.transport.generation() == generation:
                return values
        raise HostError(EIO, f"{self.transport.name}: its configuration never stands still")

    def notify(self, number: int) -> None:
        """Tell the device of new buffers in a queue, if it wants to be told."""
        self.machine.barrier()      # the device looks for buffers after it asked not to be told, we the other way round
        if self.queues[number].wants_notice:
            self.transport.notify(number)

    def check(self) -> None:
        """Errors: EIO - the device is given up."""
        if self._broken:
            raise HostError(EIO, f"{self.transport.name}: given up after an earlier error")

    def finished(self, number: int) -> Iterator[tuple[int, int]]:
        """What the device is done with in a queue (`Queue.finished`)."""
        self.check()
        try:
            yield from self.queues[number].finished()
        except HostError:
            self.give_up()
            raise

    def wait(self, number: int, patience: int | None = PATIENCE) -> list[tuple[int, int]]:
        """The same, at least one; requires that the device has one.  Errors: EIO - it does not come in time."""
        begun = self.machine.monotonic()
        while True:
            done = list(self.finished(number))
            if done:
                return done
            now = self.machine.monotonic()
            late = patience is not None and now - begun > patience
            if late or self.transport.status() & NEEDS_RESET:
                self.give_up()
                raise HostError(EIO, f"{self.transport.name}: no answer")
            if now - begun > _AWHILE:
                self.machine.rest(now + _NAP)

    def give_up(self) -> None:
        """Stop the device for good: what it still has of our memory it must not touch."""
        self._broken = True
        self._reset()
