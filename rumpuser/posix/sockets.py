# SPDX-License-Identifier: BSD-2-Clause
"""Sockets, as `streams` wants them."""

from __future__ import annotations

import os
import stat

from rump.rumpuser.interface.errno import EAFNOSUPPORT, ENAMETOOLONG, ETIMEDOUT, HostError
from rump.rumpuser.posix.addresses import resolved
from rump.rumpuser.posix.waiting import deadline, readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

BACKLOG = 128


def listening_at(path: bytes, mode: int) -> socket.socket:
    """A socket with a name in the file system.  Nobody can connect before it listens, so the mode is set in time."""
    made = _unix_socket()
    try:
        try:
            made.bind(path)
        except OSError as error:
            if error.errno is None or not _deserted(path):
                raise _named(error) from None
            os.unlink(path)
            made.bind(path)
        os.chmod(path, mode)
        return _listening(made)
    except BaseException:
        made.close()
        raise


def listening_on(host: bytes, port: int) -> socket.socket:
    """A socket with an address of the host, or every one."""
    import socket

    family, name = resolved(host, port)
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(name)
        return _listening(made)
    except BaseException:
        made.close()
        raise


def _listening(socket: socket.socket) -> socket.socket:
    socket.listen(BACKLOG)
    socket.setblocking(False)
    return socket


def _deserted(path: bytes) -> bool:
    """Whether the path is of a socket that nobody listens at."""
    import socket

    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def connected(host: bytes, port: int, timeout: int | None) -> socket.socket:
    """A socket connected to a path (port -1) or to a port of a host.  Errors: as `stream_connect`."""
    import socket

    if port < 0:
        made, name = _unix_socket(), host
    else:
        family, name = resolved(host, port)  # type: ignore[assignment]
        made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.settimeout(None if timeout is None else max(timeout, 1) / 1e9)
        made.connect(name)
        return prompt(made)
    except TimeoutError:
        made.close()
        raise HostError(ETIMEDOUT) from None
    except OSError as error:
        made.close()
        raise _named(error) from None


def prompt(socket: socket.socket) -> socket.socket:
    """The same, sending small pieces at once, and blocking."""
    import socket as sockets

    if socket.family in (sockets.AF_INET, getattr(sockets, "AF_INET6", None)):
        socket.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    socket.setblocking(True)
    return socket


def _unix_socket() -> socket.socket:
    import socket

    if not hasattr(socket, "AF_UNIX"):
        raise HostError(EAFNOSUPPORT, "unix")
    return socket.socket(socket.AF_UNIX)


def _named(error: OSError) -> OSError:
    """Python gives no number to the one error that it finds itself: the path is too long for the host."""
    return HostError(ENAMETOOLONG) if error.errno is None else error


def received(socket: socket.socket, length: int, timeout: int) -> bytes:
    """What comes within that time.  Errors: ETIMEDOUT."""
    import socket as sockets

    until = deadline(timeout)
    while readable(until, socket.fileno()):
        try:
            return socket.recv(length, sockets.MSG_DONTWAIT)
        except BlockingIOError:     # another thread was faster
            pass
    raise HostError(ETIMEDOUT)
