# SPDX-License-Identifier: BSD-2-Clause
"""What a guest of Xen needs of the machine it is on: hypercalls, memory, time.  `rumpuser.bare._hyper` is one.

For readers and type checkers; nothing imports it at run time.  Times are nanoseconds, addresses those that Xen uses.
"""

from typing import Protocol


class Machine(Protocol):
    """A processor under Xen."""

    def hypercall(self, number: int, *arguments: int) -> int:
        """Up to five arguments; the result as Xen gives it, negative for an error."""

    def physical(self, buffer: bytearray | memoryview) -> int:
        """The address of a buffer, valid while somebody holds it and does not resize it."""

    def pages(self, count: int) -> int:
        """The address of that many zeroed pages in a row.  Raises MemoryError."""

    def view(self, address: int, length: int) -> memoryview:
        """The bytes at an address, to read and write."""

    def load(self, address: int, width: int) -> int:
        """Read 1, 2, 4 or 8 bytes in one access."""

    def store(self, address: int, width: int, value: int) -> None:
        """Write 1, 2, 4 or 8 bytes in one access."""

    def compare_exchange(self, address: int, old: int, new: int) -> int:
        """Put `new` in place of `old` in the 32-bit word there, unless another number is there; which one was."""

    def barrier(self) -> None:
        """What was stored before is visible to others before anything is loaded after it."""

    def timestamp(self) -> int:
        """The time stamp counter."""

    def monotonic(self) -> int:
        """Time since boot; never goes back."""

    def wait(self, until: int, seen: int = -1) -> int:
        """Let others run until that time, or until `interrupts` is not `seen`; how many interrupts came by then."""

    def interrupts(self) -> int:
        """How many interrupts of devices came so far."""

    def interrupt_vector(self) -> int:
        """A vector for the interrupts of a device."""
