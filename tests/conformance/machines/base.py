# SPDX-License-Identifier: BSD-2-Clause
"""What a machine is: a host's hypercalls, and host files to put images into.

Clock, entropy and console are fixed (`Fixed`), so that a scenario is the same on all machines; everything else is the
host's own.
"""

from __future__ import annotations

from rump.rumpuser.bare.memory import Memory
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, PARAM_HOSTNAME
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.pure.no_threads import LonelyCondition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Condition, Hypercalls, Mutex

NOW = 1_600_000_000 * 10**9
SEED = 1
EXECUTED = "executed"
"""The suite ran on that system itself."""
SIMULATED = "simulated"
"""The backend ran against a model of that system's documented behaviour."""


class Machine:
    """A host under test; a context manager.

    how       the word of HOSTS.md for what a run on it proves: `EXECUTED` or `SIMULATED`
    isolate   whether the bodies run with each driver in a process of its own
    remote    whether their system calls go through a server (`rump.conformance.remotely`)
    """

    how = EXECUTED
    isolate = False
    remote = False

    def hypercalls(self) -> Hypercalls:
        """The host, before the handshake."""
        raise NotImplementedError

    def path(self, name: str) -> bytes:
        """The path of a host file."""
        raise NotImplementedError

    def put(self, name: str, data: bytes) -> bytes:
        """Make a host file; its path."""
        raise NotImplementedError

    def get(self, name: str) -> bytes | bytearray:
        """A host file's contents; not to be kept."""
        raise NotImplementedError

    def open_handles(self) -> int:
        """How many handles the kernel has not closed."""
        raise NotImplementedError

    # What the contract of the hypercalls is tested on.

    def contract_host(self) -> Hypercalls:
        """The host before the handshake, with nothing fixed."""
        return self.hypercalls()

    def another_host(self) -> Hypercalls | None:
        """A second host with the same files that knows nothing of the first, None where there can be but one."""
        return None

    def folder(self) -> bytes | None:
        """A folder of the host, None on a host without folders."""
        return None

    def address(self, view: memoryview) -> int | None:
        """Where memory lies, None where ctypes is not there to tell."""
        try:
            import ctypes
        except ImportError:
            return None
        return ctypes.addressof(ctypes.c_char.from_buffer(view))

    def network(self) -> tuple[bytes, bytes, bytes] | None:
        """A network card's name, an IPv4 address for the kernel, and that of a neighbour at the other end of the wire
        who answers ARP and ICMP echoes; None where there is no network.
        """
        return None

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *exception: object) -> None:
        """Its files go."""


class Fixed(Middleware):
    """A host whose clock, entropy, console and name are those of a `Memory` platform; waiting moves the clock."""

    def __init__(self, host: Hypercalls) -> None:
        super().__init__(host)
        self.platform = Memory(now=NOW, seed=SEED)

    def _call(self, name: str, *arguments: Any) -> Any:
        own: Callable[..., Any] | None = getattr(self, "_fixed_" + name, None)
        return own(*arguments) if own is not None else super()._call(name, *arguments)

    def _fixed_clock_gettime(self, clock: int) -> int:
        platform = self.platform
        return platform.monotonic() + (0 if clock == CLOCK_ABSMONO else platform.epoch_offset())

    def _fixed_clock_sleep(self, clock: int, nanoseconds: int) -> None:
        self._sleep(nanoseconds - (self.platform.monotonic() if clock == CLOCK_ABSMONO else 0))

    def _fixed_getrandom(self, length: int, flags: int = 0) -> bytes:
        return self.platform.entropy(length)

    def _fixed_getparam(self, name: str) -> str:
        return "rump" if name == PARAM_HOSTNAME else self.host.getparam(name)

    def _fixed_console_write(self, data: bytes) -> None:
        self.platform.console_write(data)

    def _fixed_condition_create(self, mutex: Mutex) -> Condition:
        return LonelyCondition(mutex, self._sleep)

    def _sleep(self, nanoseconds: int) -> None:
        self.platform.block_until(self.platform.monotonic() + nanoseconds)
