# SPDX-License-Identifier: BSD-2-Clause
"""Where servers listen: TCP addresses and Unix sockets, with a thread for each connection."""

from __future__ import annotations

import os
import selectors
import socket
import stat
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Serve: TypeAlias = Callable[[socket.socket, str], None]     # a connection, and who is at the other end

UNIX = "unix:"
CONNECTIONS_MAX = 64
"""Connections that are served at a time; more wait to be accepted."""
_IDLE = 60.0                # seconds to wait for connections to end when a listener closes
_PAUSE = 0.1                # seconds before another try where the host has no descriptor or thread left


class AddressError(ValueError):
    """An address that makes no sense, or must not be listened on; the text says why."""


class RemoteAddress(AddressError):
    """One that other machines reach."""


def split_address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` or ``[IPV6]:PORT``; port 0 is any free one.  Errors: AddressError.

    >>> split_address("127.0.0.1:564"), split_address("[::1]:0")
    (('127.0.0.1', 564), ('::1', 0))
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise AddressError(f"{text}: an address is HOST:PORT, [IPV6]:PORT or {UNIX}PATH")
    if ":" in host and not bracketed:
        raise AddressError(f"{text}: an IPv6 address stands in brackets")
    return host[1:-1] if bracketed else host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address, given as a number."""
    return host == "::1" or host.startswith("127.")


def joined(host: str, port: int) -> str:
    """A host's number and a port as one writes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Listener:
    """Accepts connections until it is closed.

    address     where it listens: ``HOST:PORT`` in numbers, or ``unix:PATH``
    is_private  whether nobody but this machine's users reach it
    """

    def __init__(
        self, address: str, serve: Serve, *, allow_remote: bool = False, limit: int = CONNECTIONS_MAX
    ) -> None:
        """Bind; `start` begins to accept.  Errors: AddressError; RemoteAddress, unless they may; OSError."""
        self._serve = serve
        self._path: str | None = None
        self._open: set[socket.socket] = set()
        self._free = threading.Semaphore(limit)
        self._guard = threading.Condition()
        self._closing = threading.Event()
        if address.startswith(UNIX):
            self._socket = self._bind_unix(address.removeprefix(UNIX))
            self.address, self.is_private = address, True
        else:
            self._socket, self.address, self.is_private = _bind_tcp(address, allow_remote)
        self._socket.setblocking(False)
        self._wake, self._woken = socket.socketpair()       # closing the one end is seen at the other
        self._thread = threading.Thread(target=self._accept, name=f"listen {self.address}", daemon=True)

    def _bind_unix(self, path: str) -> socket.socket:
        """A socket that only its owner reaches; one that nobody listens on any more is replaced."""
        if not path:
            raise AddressError(f"{UNIX}: where?")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _remove_dead(path)
            mask = os.umask(0o177)
            try:
                listener.bind(path)
            finally:
                os.umask(mask)
            listener.listen()
        except BaseException:
            listener.close()
            raise
        self._path = path
        return listener

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def _accept(self) -> None:
        """Give every connection a thread, until the listener closes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._closing.is_set():
                self._free.acquire()
                selector.select()
                if self._closing.is_set() or not self._accept_one():
                    self._free.release()

    def _accept_one(self) -> bool:
        """Whether somebody came and is served."""
        try:
            connection, peer = self._socket.accept()
        except BlockingIOError:         # he has left again
            return False
        except OSError:
            self._closing.wait(_PAUSE)
            return False
        connection.setblocking(True)
        with self._guard:
            self._open.add(connection)
        name = joined(peer[0], peer[1]) if isinstance(peer, tuple) else "a local client"
        try:
            threading.Thread(target=self._run, args=(connection, name), daemon=True).start()
        except RuntimeError:
            self._forget(connection)
            self._closing.wait(_PAUSE)
            return False
        return True

    def _run(self, connection: socket.socket, peer: str) -> None:
        try:
            if self._closing.is_set():
                return
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(connection, peer)
        finally:
            self._forget(connection)
            self._free.release()

    def _forget(self, connection: socket.socket) -> None:
        connection.close()
        with self._guard:
            self._open.discard(connection)
            self._guard.notify_all()

    def close(self) -> None:
        """Accept no more, end all connections, and wait until what they are at is done."""
        self._closing.set()
        self._wake.close()
        self._free.release()
        if self._thread.ident is not None:
            self._thread.join(_IDLE)
        self._socket.close()
        self._woken.close()
        with self._guard:
            for connection in self._open:
                _shut(connection)
            self._guard.wait_for(lambda: not self._open, _IDLE)
        if self._path is not None:
            try:
                os.unlink(self._path)
            except FileNotFoundError:       # somebody has tidied up
                pass


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:         # it is not connected any more
        pass


def _bind_tcp(address: str, allow_remote: bool) -> tuple[socket.socket, str, bool]:
    """A socket, its address in numbers, whether it is loopback's.  Errors: AddressError; OSError."""
    host, port = split_address(address)
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    private = is_loopback(str(where[0]))
    if not private and not allow_remote:
        raise RemoteAddress(f"{address}: other machines reach that address")
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen()
        bound = listener.getsockname()
    except BaseException:
        listener.close()
        raise
    return listener, joined(bound[0], bound[1]), private


def _remove_dead(path: str) -> None:
    """Remove a socket that nobody listens on; what else is there stays, and bind says so."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
