# SPDX-License-Identifier: BSD-2-Clause
"""Streams over sockets.

A socket that another thread waits on is not closed at once, since its number could be taken by another file meanwhile:
it is shut down, which ends the waiting, and the last one to leave closes it.
"""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EBADF, EINVAL, EOPNOTSUPP, HostError
from rump.rumpuser.posix.addresses import parse, tcp_address
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.sockets import connected, listening_at, listening_on, prompt, received
from rump.rumpuser.posix.waiting import deadline, readable
from rump.rumpuser.pure.handles import number_for
from rump.rumpuser.pure.upcalls import Handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any, Protocol

    from typing_extensions import Buffer

    class Stream(Protocol):
        """A stream, whatever is behind it."""

        def send(self, data: Buffer) -> None:
            """As `stream_send`."""

        def receive(self, length: int, timeout: int | None) -> bytes:
            """As `stream_receive`."""

        def close(self) -> None:
            """As `stream_close`."""


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


class Streams(Handshake):
    """stream_listen, _address, _accept, _connect, _adopt, _send, _receive, _peer, _close."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._streams: dict[int, Stream | Listener] = {}

    def _stream(self, number: int) -> Stream:
        found = self._streams.get(number)
        if found is None or isinstance(found, Listener):
            raise HostError(EBADF)
        return found

    def _listener(self, number: int) -> Listener:
        found = self._streams.get(number)
        if not isinstance(found, Listener):
            raise HostError(EBADF)
        return found

    @blocking
    def stream_listen(self, address: bytes, mode: int = 0o600) -> int:
        host, port = parse(address)
        made = listening_at(host, mode) if port < 0 else listening_on(host, port)
        return number_for(self._streams, Listener(made, host if port < 0 else b""))

    # What a number stands for is looked up with the virtual CPU: without it, the number may be another's soon.

    def stream_address(self, listener: int) -> bytes:
        return self._address(self._listener(listener))

    @blocking
    def _address(self, listener: Listener) -> bytes:
        with listener:
            name = listener.socket.getsockname()
        return tcp_address(name) if isinstance(name, tuple) else b"unix://" + os.fsencode(name)

    def stream_accept(self, listener: int, timeout: int | None) -> int:
        return self._accept(self._listener(listener), deadline(timeout))

    @blocking
    def _accept(self, listener: Listener, until: int | None) -> int:
        with listener:
            while True:
                try:
                    return number_for(self._streams, SocketStream(prompt(listener.socket.accept()[0])))
                except (BlockingIOError, ConnectionAbortedError):
                    if not readable(until, listener.socket.fileno(), listener.waker.fileno()):
                        return -1
                    listener.check()

    @blocking
    def stream_connect(self, address: bytes, timeout: int | None) -> int:
        host, port = parse(address)
        return number_for(self._streams, SocketStream(connected(host, port, timeout)))

    @blocking
    def stream_adopt(self, descriptor: int) -> int:
        import socket

        own = os.dup(descriptor)
        try:
            made = socket.socket(fileno=own)
        except OSError:
            os.close(own)
            raise
        made.settimeout(None)
        return number_for(self._streams, SocketStream(made))

    def stream_send(self, stream: int, data: Buffer) -> None:
        self._send(self._stream(stream), data)

    @blocking
    def _send(self, stream: Stream, data: Buffer) -> None:
        stream.send(data)

    def stream_receive(self, stream: int, length: int, timeout: int | None) -> bytes:
        found = self._stream(stream)
        if length <= 0:
            raise HostError(EINVAL, f"length {length}")
        return self._receive(found, length, timeout)

    @blocking
    def _receive(self, stream: Stream, length: int, timeout: int | None) -> bytes:
        return stream.receive(length, timeout)

    def stream_peer(self, stream: int) -> tuple[int, int, int]:
        return self._peer(self._stream(stream))

    @blocking
    def _peer(self, stream: Stream) -> tuple[int, int, int]:
        if not isinstance(stream, SocketStream):
            raise HostError(EOPNOTSUPP, "not a unix stream")
        return stream.peer(self._credentials)

    def _credentials(self, socket: socket.socket) -> tuple[int, int, int]:
        """As stream_peer; a host that can tell overrides this."""
        raise HostError(EOPNOTSUPP, "stream_peer")

    @blocking
    def stream_close(self, stream: int) -> None:
        closing = self._streams.pop(stream, None)
        if closing is None:
            raise HostError(EBADF)
        closing.close()
