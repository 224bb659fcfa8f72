# SPDX-License-Identifier: BSD-2-Clause
"""Streams over sockets.

What they are made of is loaded by the first call: few programs have any, and all of them start.
"""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EBADF, EINVAL, EOPNOTSUPP, HostError
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.pure.handles import number_for
from rump.rumpuser.pure.upcalls import Handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import Any, Protocol

    from typing_extensions import Buffer

    from rump.rumpuser.posix.endpoints import Listener

    class Stream(Protocol):
        """A stream, whatever is behind it."""

        def send(self, data: Buffer) -> None:
            """As `stream_send`."""

        def receive(self, length: int, timeout: int | None) -> bytes:
            """As `stream_receive`."""

        def close(self) -> None:
            """As `stream_close`."""


class Streams(Handshake):
    """stream_listen, _address, _accept, _connect, _adopt, _send, _receive, _peer, _close."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._streams: dict[int, Stream | Listener] = {}

    def _stream(self, number: int) -> Stream:
        from rump.rumpuser.posix.endpoints import Listener

        found = self._streams.get(number)
        if found is None or isinstance(found, Listener):
            raise HostError(EBADF)
        return found

    def _listener(self, number: int) -> Listener:
        from rump.rumpuser.posix.endpoints import Listener

        found = self._streams.get(number)
        if not isinstance(found, Listener):
            raise HostError(EBADF)
        return found

    @blocking
    def stream_listen(self, address: bytes, mode: int = 0o600) -> int:
        from rump.rumpuser.posix.addresses import parse
        from rump.rumpuser.posix.endpoints import Listener
        from rump.rumpuser.posix.sockets import listening_at, listening_on

        host, port = parse(address)
        made = listening_at(host, mode) if port < 0 else listening_on(host, port)
        return number_for(self._streams, Listener(made, host if port < 0 else b""))

    # What a number stands for is looked up with the virtual CPU: without it, the number may be another's soon.

    def stream_address(self, listener: int) -> bytes:
        return self._address(self._listener(listener))

    @blocking
    def _address(self, listener: Listener) -> bytes:
        from rump.rumpuser.posix.addresses import tcp_address

        with listener:
            name = listener.socket.getsockname()
        return tcp_address(name) if isinstance(name, tuple) else b"unix://" + os.fsencode(name)

    def stream_accept(self, listener: int, timeout: int | None) -> int:
        from rump.rumpuser.posix.waiting import deadline

        return self._accept(self._listener(listener), deadline(timeout))

    @blocking
    def _accept(self, listener: Listener, until: int | None) -> int:
        from rump.rumpuser.posix.endpoints import SocketStream
        from rump.rumpuser.posix.sockets import prompt
        from rump.rumpuser.posix.waiting import readable

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
        from rump.rumpuser.posix.addresses import parse
        from rump.rumpuser.posix.endpoints import SocketStream
        from rump.rumpuser.posix.sockets import connected

        host, port = parse(address)
        return number_for(self._streams, SocketStream(connected(host, port, timeout)))

    @blocking
    def stream_adopt(self, descriptor: int) -> int:
        import socket

        from rump.rumpuser.posix.endpoints import SocketStream

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
        from rump.rumpuser.posix.endpoints import SocketStream

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
