# SPDX-License-Identifier: BSD-2-Clause
"""The module `socket` on a modelled system: Linux' sockets, whose errors come with the system's numbers."""

from __future__ import annotations

import socket
from types import SimpleNamespace

from rump.conformance.models.modules import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.conformance.models.system import System

_CALLS = (
    "__init__", "bind", "connect", "getsockname", "getsockopt", "listen", "recv", "sendall", "setsockopt", "shutdown",
)


def sockets(system: System) -> SimpleNamespace:
    """`socket`."""

    class Socket(socket.socket):
        _system = system

        @translated
        def accept(self) -> tuple[socket.socket, Any]:
            made, name = super().accept()
            return Socket(fileno=made.detach()), name

    for name in _CALLS:
        setattr(Socket, name, translated(getattr(socket.socket, name)))
    return SimpleNamespace(**{**vars(socket), "socket": Socket})
