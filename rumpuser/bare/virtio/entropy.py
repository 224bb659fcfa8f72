# SPDX-License-Identifier: BSD-2-Clause
"""A virtio entropy device.  VIRTIO 1.2, section 5.4: it fills what it is given with random bytes."""

from __future__ import annotations

from rump.rumpuser.bare.virtio.device import Driver
from rump.rumpuser.interface.errno import EIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.virtio.machine import Machine

_PIECE = 256


class Entropy:
    """Errors: ENODEV, ENXIO - it cannot be used."""

    def __init__(self, transport: Transport, machine: Machine) -> None:
        self._driver = Driver(transport, machine, 0)
        self._driver.start(8)
        self._memory, self._lock = machine.memory(_PIECE), machine.lock()
        self._address = machine.physical(self._memory)

    def draw(self, length: int) -> bytes:
        """`length` bytes, as many as the device takes its time for.  Errors: EIO."""
        drawn = bytearray()
        with self._lock:
            while len(drawn) < length:
                self._driver.check()
                self._driver.queues[0].add([], [(self._address, min(_PIECE, length - len(drawn)))])
                self._driver.notify(0)
                [(_, written)] = self._driver.wait(0)
                if not written:
                    raise HostError(EIO, "virtio entropy: nothing came")
                drawn += self._memory[:written]
                self._memory[:] = bytes(_PIECE)     # what somebody is given is nobody else's
        return bytes(drawn)
