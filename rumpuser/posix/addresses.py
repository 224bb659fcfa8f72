# SPDX-License-Identifier: BSD-2-Clause
"""Addresses of streams: ``unix:///a/path`` and ``tcp://host:port/``, as rump_sp(7) writes them."""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

ANYWHERE = (b"", b"0", b"*", b"0.0.0.0")
PORT_MAX = 65_535


def parse(address: bytes) -> tuple[bytes, int]:
    """(path, -1) of a unix address, (host, port) of a tcp one.  Errors: EINVAL."""
    scheme, colon, rest = address.partition(b"://")
    if not colon or b"\0" in address:
        raise HostError(EINVAL, repr(address))
    if scheme == b"unix" and rest:
        return rest, -1
    if scheme == b"tcp":
        host, colon, port = rest.removesuffix(b"/").rpartition(b":")
        if colon and port.isdigit() and len(port) <= 5 and int(port) <= PORT_MAX and b"/" not in host:
            return host.removeprefix(b"[").removesuffix(b"]"), int(port)
    raise HostError(EINVAL, repr(address))


def resolved(host: bytes, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    """The family and the address of a host, given by numbers or by name.  Errors: EADDRNOTAVAIL, EAFNOSUPPORT."""
    import socket

    name = "0.0.0.0" if host in ANYWHERE else os.fsdecode(host)
    try:
        family, _, _, _, found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise HostError(EADDRNOTAVAIL, repr(host)) from None
    if family not in (socket.AF_INET, getattr(socket, "AF_INET6", None)):
        raise HostError(EAFNOSUPPORT, repr(host))
    return family, found


def tcp_address(name: tuple[object, ...]) -> bytes:
    """The address of a socket's name; of one that is bound to every address of the host, its loopback."""
    host, port = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(name[0]), str(name[0])), name[1]
    return (f"tcp://[{host}]:{port}/" if ":" in host else f"tcp://{host}:{port}/").encode()
