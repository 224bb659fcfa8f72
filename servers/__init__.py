# SPDX-License-Identifier: BSD-2-Clause
"""Other ways into a kernel than being in its process: programs of the host, built on its system calls.

`connect(url)` makes this program a process of a kernel elsewhere (see `rump.servers.client`).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.servers.client import connect

    __all__ = ["connect"]

else:

    def __getattr__(name):
        """`connect`, when somebody asks for it."""
        if name == "connect":
            from rump.servers.client import connect

            return connect
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
