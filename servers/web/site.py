# SPDX-License-Identifier: BSD-2-Clause
"""What is served, and to whom: a process's root, to any number of connections."""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error

from rump.servers.listening import is_loopback
from rump.servers.web.handler import Handler

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp


class Site:
    """A tree of files for browsers.

    title     what its pages are called
    password  what everyone must know (any user name will do); None: nothing
    hosts     names and numbers by which it may be asked for; None: any.  Without this the page of a stranger, whose
              name was made to lead to this machine, could read it (DNS rebinding).
    log       told what clients are not
    """

    def __init__(
        self, lwp: Lwp, title: str, *, password: str | None = None, hosts: frozenset[str] | None = frozenset(),
        log: Callable[[str], object] = lambda line: None,
    ) -> None:  # fmt: skip
        self.lwp = lwp
        self.title = title
        self.log = log
        self._password = None if password is None else password.encode()
        self.hosts = hosts

    def admits_host(self, header: str | None) -> bool:
        """Whether a request names a host that we are.

        A loopback address and ``localhost`` always are; the port does not matter.
        """
        if self.hosts is None:
            return True
        if header is None:
            return False
        host = header.strip().lower()
        name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
        return name == "localhost" or name in self.hosts or (_is_number(name) and is_loopback(name))

    def admits_user(self, header: str | None) -> bool:
        """Whether the password, if there is one, was given (RFC 7617)."""
        if self._password is None:
            return True
        kind, _, value = (header or "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            given = b64decode(value.strip(), validate=True)
        except (Error, ValueError):
            return False
        return hmac.compare_digest(given.partition(b":")[2], self._password)

    def serve(self, stream: socket.socket, peer: str) -> None:
        """Talk with a client until it leaves, in a process of the kernel of its own."""
        kernel = self.lwp.kernel
        lwp = kernel.cpu.run(lambda: kernel.newproc(self.lwp, name="http"))
        try:
            Handler(stream, peer, self, lwp)
        except OSError:         # the client went away, or we are to end
            pass
        finally:
            kernel.exit(lwp)


def _is_number(host: str) -> bool:
    """Whether it is an address and no name: ``127.0.0.1.example`` would be one.

    >>> _is_number("127.0.0.1"), _is_number("::1"), _is_number("127.0.0.1.example")
    (True, True, False)
    """
    return set(host) <= set("0123456789.") or ":" in host
