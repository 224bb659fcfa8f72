# SPDX-License-Identifier: BSD-2-Clause
"""System calls that go through a server and back: what a body is given in the place of an lwp.

The kernel, its server and the client are in one process, with a thread for each connection; the body waits for its
call, so only one of them runs at a time.
"""

from __future__ import annotations

from rump.kernel.sysproxy.frames import COOKIE
from rump.kernel.sysproxy.native import offered
from rump.kernel.sysproxy.server import Limits, Server
from rump.servers import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.conformance.hosts import Machine
    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp
    from rump.servers.client.lwp import RemoteLwp

OWN = ("readinto", "preadinto")
"""What the client makes of other calls."""


class Reached:
    """An lwp of the kernel by way of its server; calls about files of the host, which no peer may make, go straight."""

    def __init__(self, remote: RemoteLwp, local: Lwp) -> None:
        self._remote = remote
        self._local = local

    def __getattr__(self, name: str) -> Any:
        return getattr(self._remote if name in offered() or name in OWN else self._local, name)


class Remotely:
    """A server for a kernel, and connections to it; a context manager."""

    def __init__(self, kernel: Kernel, machine: Machine) -> None:
        self._server = Server(kernel, b"unix://" + machine.path("socket"), limits=Limits(calls=0))
        self._server.start()
        self._connected: list[RemoteLwp] = []

    def reach(self, lwp: Lwp) -> Lwp:
        """The same lwp, remotely: a connection takes it over as it would a fork."""
        cookie = bytes([len(self._connected)]) * COOKIE
        self._server.offer(lwp, cookie)
        self._connected.append(connect(self._server.address.decode(), cookie=cookie))
        reached: Any = Reached(self._connected[-1], lwp)
        made: Lwp = reached
        return made

    def __enter__(self) -> Callable[[Lwp], Lwp]:
        return self.reach

    def __exit__(self, *exception: object) -> None:
        for connected in self._connected:
            connected.disconnect()
        self._server.stop()
