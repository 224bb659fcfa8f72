# SPDX-License-Identifier: BSD-2-Clause
"""What drivers of devices need (`rumpuser.bare.virtio.machine`), from our own kernel.

One flat address space: a buffer's address is the address that devices use.
"""

from __future__ import annotations

from _thread import allocate_lock

from rump.rumpuser.bare import _hyper
from rump.rumpuser.pure.memory import AlignedMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.virtio.machine import Lock


class Hyper:
    """A `Machine`."""

    load = staticmethod(_hyper.load)
    store = staticmethod(_hyper.store)
    map = staticmethod(_hyper.device_map)
    port_in = staticmethod(_hyper.port_in)
    port_out = staticmethod(_hyper.port_out)
    barrier = staticmethod(_hyper.barrier)
    physical = staticmethod(_hyper.physical)
    monotonic = staticmethod(_hyper.monotonic)

    def __init__(self) -> None:
        self._memory = AlignedMemory()

    def memory(self, length: int) -> memoryview:
        return self._memory.memory_create(length, _hyper.PAGE_SIZE)

    def rest(self, until: int) -> None:
        _hyper.wait(until, _hyper.interrupts())

    def lock(self) -> Lock:
        return allocate_lock()
