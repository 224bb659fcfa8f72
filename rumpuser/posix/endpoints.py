# SPDX-License-Identifier: BSD-2-Clause
"""Sockets that streams and listeners are made of.

A socket that another thread waits on is not closed at once, since its number could be taken by another file meanwhile:
it is shut down, which ends the waiting, and the last one to leave closes it.
"""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EBADF, EOPNOTSUPP, HostError
from rump.rumpuser.posix.sockets import received

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from typing_extensions import Buffer


class Endpoint:
    """A socket, and how many calls are under way on it.  Use it as a context manager for such a call."""

    def __init__(self, socket: socket.socket) -> None:
        import threading

        self.socket = socket
        self._counting = threading.Lock()
        self._calls = 0
        self._closed = False

    def __enter__(self) -> None:
        with self._counting:
            if self._closed:
                raise HostError(EBADF)
            self._calls += 1

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        with self._counting:
            self._calls -= 1
            if not self._closed:
                return
            if not self._calls:
                self._end()
        if isinstance(error, OSError):
            raise HostError(EBADF) from None

    def check(self) -> None:
        """Errors: EBADF - it was closed while the call was under way."""
        if self._closed:
            raise HostError(EBADF)

    def close(self) -> None:
        """End the calls under way; the socket goes with the last of them."""
        with self._counting:
            self._closed = True
            self._wake()
            if not self._calls:
                self._end()

    def _wake(self) -> None:
        """Make waiting calls return."""
        import socket

        if self._calls:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:         # the other end was faster
                pass

    def _end(self) -> None:
        self.socket.close()


class SocketStream(Endpoint):
    """A connected socket."""

    def __init__(self, socket: socket.socket) -> None:
        import threading

        super().__init__(socket)
        self._sending = threading.Lock()

    def send(self, data: Buffer) -> None:
        with self, self._sending:
            self.socket.sendall(data)

    def receive(self, length: int, timeout: int | None) -> bytes:
        with self:
            data = self.socket.recv(length) if timeout is None else received(self.socket, length, timeout)
            self.check()
            return data

    def peer(self, credentials: Callable[[socket.socket], tuple[int, int, int]]) -> tuple[int, int, int]:
        """Who is there, as `credentials` says of unix sockets."""
        import socket

        with self:
            if self.socket.family != socket.AF_UNIX:
                raise HostError(EOPNOTSUPP, "not a unix stream")
            return credentials(self.socket)


class Listener(Endpoint):
    """A listening socket.  A pair of others ends its waiting, since not every host lets a listening one be shut down.

    path    the name in the file system that goes with it, and its inode's number
    """

    def __init__(self, socket: socket.socket, path: bytes) -> None:
        import socket as sockets

        super().__init__(socket)
        self._path = path
        self._inode = os.stat(path).st_ino if path else 0
        self.waker, self._alarm = sockets.socketpair()

    def _wake(self) -> None:
        if self._path and _inode(self._path) == self._inode:
            os.unlink(self._path)
        self._alarm.close()

    def _end(self) -> None:
        super()._end()
        self.waker.close()


def _inode(path: bytes) -> int:
    try:
        return os.lstat(path).st_ino
    except OSError:
        return 0
