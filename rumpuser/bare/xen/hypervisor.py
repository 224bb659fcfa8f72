# SPDX-License-Identifier: BSD-2-Clause
"""Hypercalls: Xen's numbers and layouts on one side, values and HostErrors on the other."""

from __future__ import annotations

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.interface import errno
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from struct import Struct

    from rump.rumpuser.bare.xen.machine import Machine


def failure(number: int, what: str) -> HostError:
    """One of Xen's errors in the one errno space; EIO for a number that Xen does not know either."""
    return HostError(getattr(errno, abi.ERRORS.get(number, "EIO"), errno.EIO), what)


class Hypervisor:
    """Xen, as one guest reaches it.  Every call raises the HostError that Xen's error means."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def call(self, number: int, *arguments: int) -> int:
        """A hypercall; its result, 0 or more."""
        result = self.machine.hypercall(number, *arguments)
        if result < 0:
            raise failure(-result, f"Xen's hypercall {number}")
        return result

    def operation(self, number: int, command: int, layout: Struct, *fields: int) -> tuple[int, ...]:
        """A command with a structure; the structure as it is afterwards."""
        structure = bytearray(layout.pack(*fields))
        self.call(number, command, self.machine.physical(structure))
        return layout.unpack(structure)

    def version(self) -> str:
        """Xen's version, "4.17.7" or the like."""
        major, minor = divmod(self.call(abi.XEN_VERSION, abi.VERSION_NUMBER, 0), 1 << 16)
        extra = bytearray(abi.EXTRA_BYTES)
        self.call(abi.XEN_VERSION, abi.VERSION_EXTRA, self.machine.physical(extra))
        tail = bytes(extra).partition(b"\0")[0].decode("ascii", "replace")
        return f"{major}.{minor}{tail}"

    def reservation(self) -> int:
        """How many pages of memory this guest has."""
        domain = bytearray(abi.DOMAIN.pack(abi.DOMAIN_SELF))
        return self.call(abi.MEMORY_OP, abi.CURRENT_RESERVATION, self.machine.physical(domain))

    def add_to_physmap(self, space: int, index: int, address: int) -> None:
        """Put a page of Xen's in place of the guest's page at `address`."""
        fields = abi.DOMAIN_SELF, 0, space, index, address // abi.PAGE
        self.operation(abi.MEMORY_OP, abi.ADD_TO_PHYSMAP, abi.PHYSMAP, *fields)

    def parameter(self, index: int) -> int:
        """What the tool stack has left for this guest; 0 if nothing."""
        return self.operation(abi.HVM_OP, abi.HVM_GET_PARAMETER, abi.HVM_PARAMETER, abi.DOMAIN_SELF, 0, index, 0)[3]

    def yield_processor(self) -> None:
        """Let other guests run."""
        self.call(abi.SCHED_OP, abi.SCHED_YIELD, 0)

    def shutdown(self, reason: int) -> None:
        """End this guest."""
        self.operation(abi.SCHED_OP, abi.SCHED_SHUTDOWN, abi.SHUTDOWN, reason)
