# SPDX-License-Identifier: BSD-2-Clause
"""Event ports with files, by port_associate(3C): an association is good for one event, and is by a file's name."""

from __future__ import annotations

import errno
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.conformance.models.system import System

_LINK = b"/proc/self/path/"
_FILE_OBJECT = 80       # bytes of a file_obj_t, where pointers have 64 bits
_TICK = 0.001           # seconds between two looks


class EventPorts:
    """The functions of the backend's piece.  `refusal` is the name of an error that port_associate fails with."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._seen: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.refusal = ""

    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"rump_watch_open": self._open, "rump_watch_next": self._next, "rump_watch_wait": self._wait}

    def _open(self) -> int:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _next(self, port: int, descriptor: int, path: bytes, memory: memoryview) -> int:
        assert memory.nbytes == _FILE_OBJECT and not memory.readonly
        if self.refusal:
            return int(getattr(self._system.numbers, self.refusal))
        try:
            named = os.stat(self._target(path))
        except OSError as error:
            return self._system.number_of(error.errno or 0)
        if not os.path.samestat(named, os.fstat(descriptor)):
            return self._system.number_of(errno.ENOENT)
        self._seen[port] = descriptor, self._system.look(descriptor)
        return 0

    def _target(self, path: bytes) -> bytes:
        """What the link of proc(5) says; Linux' own would lead to a file without a name, too."""
        assert path.startswith(_LINK)
        return os.readlink(b"/proc/self/fd/" + path.removeprefix(_LINK))

    def _wait(self, port: int, nanoseconds: int) -> int:
        """port_get(3C).  The event takes the association with it."""
        until = time.monotonic_ns() + nanoseconds
        while True:
            descriptor, seen = self._seen.get(port, (-1, ()))
            if descriptor >= 0 and self._system.look(descriptor) != seen:
                del self._seen[port]
                return 1
            if time.monotonic_ns() >= until:
                return 0
            time.sleep(_TICK)
