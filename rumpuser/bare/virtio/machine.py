# SPDX-License-Identifier: BSD-2-Clause
"""What drivers of real devices need of a machine: memory that devices reach, registers, ports, time.

For readers and type checkers; nothing imports it at run time.
"""

from types import TracebackType
from typing import Protocol


class Lock(Protocol):
    """What mutual exclusion is made of; `_thread.LockType` is one."""

    def __enter__(self) -> object: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Machine(Protocol):
    """A machine with devices.  Addresses are those that devices use; times are nanoseconds."""

    def memory(self, length: int) -> memoryview:
        """Zeroed memory for a device and its driver, on a page's boundary; it goes with the last view of it."""

    def physical(self, buffer: memoryview, /) -> int:
        """Where a buffer lies, all of it in one piece, for as long as there is a view of it."""

    def load(self, address: int, width: int, /) -> int:
        """Read a register of 1, 2 or 4 bytes, in one access."""

    def store(self, address: int, width: int, value: int, /) -> None:
        """Write a register, in one access."""

    def map(self, address: int, length: int, /) -> None:
        """Make registers reachable for `load` and `store`."""

    def port_in(self, port: int, width: int, /) -> int:
        """Read an I/O port of 1, 2 or 4 bytes."""

    def port_out(self, port: int, width: int, value: int, /) -> None:
        """Write an I/O port."""

    def barrier(self) -> None:
        """What was stored before is seen by devices before anything is loaded after."""

    def monotonic(self) -> int:
        """Time since some start; never goes back."""

    def rest(self, until: int, /) -> None:
        """Give the processor up until something happened or it is that time; it may well return earlier."""

    def lock(self) -> Lock:
        """A new lock, free."""
