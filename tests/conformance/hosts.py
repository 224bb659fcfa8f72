# SPDX-License-Identifier: BSD-2-Clause
"""The hosts under test.

Each is a `Machine`: hypercalls, and host files to put images into.  Clock, entropy and console are fixed, so that a
scenario is the same on all of them; everything else is the host's own.  A host joins with a class here.
"""

from __future__ import annotations

from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory, MemoryFile
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, PARAM_HOSTNAME
from rump.rumpuser.middleware.base import Middleware
from rump.rumpuser.pure.no_threads import LonelyCondition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.interface.hypercalls import Condition, Hypercalls, Mutex

NOW = 1_600_000_000 * 10**9
SEED = 1
PIECE = 65_536
"""An image's pieces of this size that are zero become holes."""


class Machine:
    """A host under test; a context manager."""

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


class LinuxMachine(Machine):
    """Linux, its files in a temporary folder.  `native` False: without the compiled pieces."""

    def __init__(self, native: bool) -> None:
        import os
        import tempfile

        from rump.rumpuser.linux import Linux

        self._folder = tempfile.mkdtemp(prefix="rump-conformance-")
        self._before = os.environ.get("RUMP_NATIVE")
        if not native:
            os.environ["RUMP_NATIVE"] = "0"
        self._linux = Linux()

    def hypercalls(self) -> Hypercalls:
        return Fixed(self._linux)

    def path(self, name: str) -> bytes:
        return f"{self._folder}/{name}".encode()

    def put(self, name: str, data: bytes) -> bytes:
        with open(self.path(name), "wb") as file:
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE]
                if piece.count(0) != len(piece):
                    file.seek(start)
                    file.write(piece)
            file.truncate(len(data))
        return self.path(name)

    def get(self, name: str) -> bytes:
        with open(self.path(name), "rb") as file:
            return file.read()

    def open_handles(self) -> int:
        return len(self._linux._descriptors)

    def __exit__(self, *exception: object) -> None:
        import os
        import shutil

        shutil.rmtree(self._folder)
        if self._before is None:
            os.environ.pop("RUMP_NATIVE", None)
        else:
            os.environ["RUMP_NATIVE"] = self._before


class MemoryMachine(Machine):
    """The bare backend on a platform of nothing but memory."""

    def __init__(self) -> None:
        self._files: dict[bytes, Device] = {}
        self._bare = Bare(Memory(self._files, now=NOW, seed=SEED))

    def hypercalls(self) -> Hypercalls:
        return self._bare

    def path(self, name: str) -> bytes:
        return name.encode()

    def put(self, name: str, data: bytes) -> bytes:
        self._files[self.path(name)] = MemoryFile(data)
        return self.path(name)

    def get(self, name: str) -> bytes | bytearray:
        file = self._files[self.path(name)]
        assert isinstance(file, MemoryFile)
        return file.data

    def open_handles(self) -> int:
        return len(self._bare._open)


HOSTS: dict[str, Callable[[], Machine]] = {
    "linux": lambda: LinuxMachine(True),
    "linux-pure": lambda: LinuxMachine(False),
    "bare-memory": MemoryMachine,
}
