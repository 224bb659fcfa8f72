# SPDX-License-Identifier: BSD-2-Clause
"""What the bare backend stands on: six functions, and devices found by name.

For readers and type checkers; nothing imports it at run time (a bare interpreter may not have `typing`).
"""

from __future__ import annotations

from typing import NoReturn, Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.pure.cards import Nic


class Device(Protocol):
    """Something with bytes in it.  The backend asks only for ranges inside [0, size).

    kind        an FT_* of the interface: FT_REG if it can be resized
    size        bytes
    sector      bytes, a power of two
    read_only   it cannot be written to

    Two methods more are used where a device has them: ``submit(requests)``, which carries out many (BIO_* operation,
    view, offset) together and returns the errno of each, 0 where all went well; ``discard(start, length)``.
    """

    kind: int
    size: int
    sector: int
    read_only: bool

    def read(self, buffer: memoryview, offset: int) -> None:
        """Fill the whole of `buffer` from `offset`."""

    def write(self, data: memoryview, offset: int) -> None:
        """Write the whole of `data` at `offset`."""

    def resize(self, size: int) -> None:
        """Become `size` bytes long, zeros at the end.  Asked only of regular files."""

    def sync(self) -> None:
        """Bring what was written to stable storage, all of it and in order."""


class Platform(Protocol):
    """A machine, or a hypervisor's idea of one.  Times are nanoseconds.

    name                 the backend's name
    clock_resolution     the step of `monotonic`
    environment          what getparam finds
    """

    name: str
    clock_resolution: int
    environment: dict[str, str]

    def halt(self, status: int) -> NoReturn:
        """Stop the machine; EXIT_PANIC says that all is lost."""

    def monotonic(self) -> int:
        """Time since some start; never goes back."""

    def epoch_offset(self) -> int:
        """What to add to `monotonic` for the time since 1970."""

    def block_until(self, time: int) -> None:
        """Do nothing, as cheaply as possible, until `monotonic` is at least `time`."""

    def console_write(self, data: bytes) -> None:
        """Show all of `data`."""

    def entropy(self, length: int) -> bytes:
        """`length` random bytes."""

    def device(self, path: bytes, create: bool) -> Device | None:
        """The device of that name, None if there is none; with `create` a new one where the platform can make one."""


class NicPlatform(Platform, Protocol):
    """A platform with network cards; see `rumpuser.bare.nic`."""

    def nic(self, name: bytes) -> Nic | None:
        """The network card of that name, opened (b"": the first that is free); None if there is none."""
