# SPDX-License-Identifier: BSD-2-Clause
"""Event channels: how domains nudge one another (event_channel.h, the two-level interface).

A port's pending bit is in the shared page.  It is taken by hand here, so that no handler runs at odd moments; an
interrupt, if there is one, only ends a wait earlier.
"""

from __future__ import annotations

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.interface.errno import EINVAL, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.xen.hypervisor import Hypervisor

POLL_INTERVAL = 1_000_000
"""How long a wait without interrupts lets others run before it looks again."""


class Events:
    """The event channels of this guest; `shared` is the address of the shared page."""

    def __init__(self, hypervisor: Hypervisor, shared: int) -> None:
        self._hypervisor, self._machine, self._shared = hypervisor, hypervisor.machine, shared
        self._interrupts = False

    def listen(self) -> bool:
        """Have events interrupt the processor; whether that works (else waiting means looking again and again)."""
        try:
            fields = 0, self._machine.interrupt_vector()
            self._hypervisor.operation(abi.HVM_OP, abi.HVM_SET_UPCALL_VECTOR, abi.UPCALL_VECTOR, *fields)
        except OSError:
            return False
        self._interrupts = True
        return True

    def allocate(self, remote: int) -> int:
        """A new port that domain `remote` may bind."""
        fields = abi.DOMAIN_SELF, remote, 0
        return self._hypervisor.operation(abi.EVENT_CHANNEL_OP, abi.EVENT_ALLOCATE, abi.ALLOCATE, *fields)[2]

    def bind(self, remote: int, port: int) -> int:
        """A new port, connected to a port that domain `remote` allocated for us."""
        fields = remote, 0, port, 0
        command = abi.EVENT_BIND_INTERDOMAIN
        return self._hypervisor.operation(abi.EVENT_CHANNEL_OP, command, abi.BIND_INTERDOMAIN, *fields)[3]

    def bind_virq(self, interrupt: int) -> int:
        """A new port on which a virtual interrupt of this processor arrives."""
        fields = interrupt, 0, 0
        return self._hypervisor.operation(abi.EVENT_CHANNEL_OP, abi.EVENT_BIND_VIRQ, abi.BIND_VIRQ, *fields)[2]

    def send(self, port: int) -> None:
        """Nudge whoever is at the other end."""
        self._hypervisor.operation(abi.EVENT_CHANNEL_OP, abi.EVENT_SEND, abi.PORT, port)

    def close(self, port: int) -> None:
        """Give a port up."""
        self._hypervisor.operation(abi.EVENT_CHANNEL_OP, abi.EVENT_CLOSE, abi.PORT, port)
        self.take(port)

    def take(self, port: int) -> bool:
        """Whether an event has arrived since it was last asked."""
        if not 0 <= port < abi.PORTS:
            raise HostError(EINVAL, f"event channel {port}")
        address, bit = self._shared + abi.EVENTS_PENDING + port // 32 * 4, 1 << port % 32
        word = self._machine.load(address, 4)
        while word & bit:
            found = self._machine.compare_exchange(address, word, word & ~bit)
            if found == word:
                return True
            word = found
        return False

    def wait(self, port: int, until: int) -> bool:
        """Wait for an event, until `monotonic` says so; False if none came.  Other threads run meanwhile."""
        machine = self._machine
        while True:
            seen = machine.interrupts()
            self._rearm()
            if self.take(port):
                return True
            now = machine.monotonic()
            if now >= until:
                return False
            if self._interrupts:
                machine.wait(until, seen)
            else:
                machine.wait(min(until, now + POLL_INTERVAL))

    def _rearm(self) -> None:
        """Xen interrupts only when it sets the upcall's byte, and sets that only when it sets a bit of the selector."""
        self._machine.store(self._shared + abi.UPCALL_PENDING, 1, 0)
        self._machine.store(self._shared + abi.PENDING_SELECTOR, 8, 0)
        self._machine.barrier()

    def poll(self, port: int, system_time: int) -> bool:
        """Have Xen stop this processor, all of it, until an event or that system time; whether there was one."""
        ports = bytearray(abi.PORT.pack(port))
        fields = self._machine.physical(ports), 1, 0, system_time
        self._hypervisor.operation(abi.SCHED_OP, abi.SCHED_POLL, abi.POLL, *fields)
        return self.take(port)
