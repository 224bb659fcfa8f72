# SPDX-License-Identifier: BSD-2-Clause
"""A client's connection to a server."""

from __future__ import annotations

import contextlib
import hmac
import threading
import time

from rump.kernel.errors import fault
from rump.kernel.sysproxy import auth
from rump.kernel.sysproxy import frames as f
from rump.kernel.sysproxy.connection import Connection
from rump.kernel.sysproxy.native import VERSION
from rump.kernel.wire.values import decode
from rump.rumpuser.host import default
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    from rump.kernel.cpu import VirtualCPU
    from rump.kernel.sysproxy.frames import Frame

    Retry: TypeAlias = Literal["none", "once", "inftime", "die"] | float

FRAME_MAX = 64 << 20        # bytes of a frame that a server may send
STEP, LONGEST = 0.1, 10.0   # seconds between two attempts: one step more each time


class NoKernel:
    """Where there is no kernel there is no virtual CPU to hold."""

    guard = contextlib.nullcontext()


class Link:
    """A connection, made again as the policy says.  One request is under way at a time; others wait.

    native      whether the server speaks the batched form
    """

    def __init__(
        self, url: bytes, name: str, secret: bytes | None, retry: Retry, timeout: float | None, genuine: bool
    ) -> None:
        self._host = default()
        self._url = url
        self.name = name
        self._secret = secret
        self._retry = retry
        self._timeout = None if timeout is None else int(timeout * 10**9)
        self._genuine = genuine
        self._connection: Connection | None = None
        self._number = 0
        self._lock = threading.RLock()
        self.native = False

    # ---- connecting --------------------------------------------------------------------------------------------------

    def connect(self, cookie: bytes | None = None) -> None:
        """Connect and shake hands, once; with a cookie, for the process that it is of.

        Errors: as `rump.servers.connect`; ESRCH - the cookie is of none.
        """
        connection = self._open()
        try:
            connection.line(f.BANNER_MAX)
            if self._secret is not None:
                auth.prove(connection, self._secret, digest, self._host.getrandom(auth.NONCE))
            self._connection = connection
            if cookie is None:
                self.ask(f.HANDSHAKE, f.GUEST, self.name.encode("utf-8", "surrogateescape") + b"\0")
            else:
                self.ask(f.HANDSHAKE, f.FORK, f.FORKING.pack(cookie, 0))
            self.native = not self._genuine and self._speaks_native()
            connection.patience = None
        except BaseException:
            self._connection = None
            connection.close()
            raise

    def _open(self) -> Connection:
        try:
            stream = self._host.stream_connect(self._url, self._timeout)
        except HostError as error:
            raise fault(error.errno or 0, self._url.decode("utf-8", "replace")) from None
        cpu: VirtualCPU = NoKernel()  # type: ignore[assignment]
        return Connection(self._host, cpu, stream, FRAME_MAX, self._timeout)

    def _speaks_native(self) -> bool:
        try:
            return bool(decode(self.ask(f.BATCH)) == VERSION)
        except OSError as error:
            if error.errno == e.ECONNRESET:
                raise
            return False

    def reconnect(self) -> None:
        """After the connection was lost.  Errors: ENOTCONN - it stays lost."""
        self._drop()
        if self._retry == "die":
            raise SystemExit("the connection to the rump kernel is lost")
        attempts, waited = 0, 0.0
        while self._retry != "none":
            try:
                return self.connect()
            except OSError:
                attempts += 1
                pause = min(STEP * attempts, LONGEST)
                if self._retry == "once" or (self._retry != "inftime" and waited >= float(self._retry)):
                    break
                time.sleep(pause)
                waited += pause
        raise fault(e.ENOTCONN, self._url.decode("utf-8", "replace"))

    def another(self, cookie: bytes, name: str) -> Link:
        """A link of its own for the process that a cookie is of."""
        link = Link(self._url, name, self._secret, self._retry, None, self._genuine)
        link._timeout = self._timeout
        link.connect(cookie)
        return link

    def close(self) -> None:
        """Hang up: the process in the kernel ends."""
        self._retry = "none"
        self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # ---- requests ----------------------------------------------------------------------------------------------------

    def repeated(self, request: Callable[[], bytes]) -> bytes:
        """Make a request, and again when the connection is lost and made anew."""
        with self._lock:
            while True:
                try:
                    return request()
                except ConnectionLost:
                    self.reconnect()

    def ask(
        self, type: int, extra: int = 0, payload: bytes = b"", serve: Callable[[Frame], bytes | None] | None = None
    ) -> bytes:
        """Send a request; the payload of its answer.  `serve` answers the server's own requests meanwhile.

        Errors: ConnectionLost; those of an ERROR frame.
        """
        with self._lock:
            connection = self._connection
            if connection is None:
                raise ConnectionLost
            self._number += 1
            number = self._number
            try:
                connection.send(f.encode(number, f.REQUEST, type, extra, payload))
                while True:
                    frame = connection.frame()
                    if frame.kind == f.REQUEST:
                        _serve(connection, frame, serve)
                    elif frame.kind not in (f.RESPONSE, f.ERROR):
                        raise fault(e.EPROTO, f"a frame of class {frame.kind}")
                    elif frame.number == number:
                        break
            except OSError as error:
                if error.errno not in (e.ECONNRESET, e.EPROTO):
                    raise
                raise ConnectionLost from None
        if frame.kind == f.ERROR:
            raise fault(f.ERRNOS.get(frame.extra, e.EIO), "the server refuses")
        return frame.payload


def _serve(connection: Connection, frame: Frame, serve: Callable[[Frame], bytes | None] | None) -> None:
    """Answer a request of the server's, which waits for it: with an error if it has no business to ask that."""
    try:
        answer = None if serve is None else serve(frame)
    except OSError:
        if frame.type in (f.COPYIN, f.COPYINSTR, f.ANONMMAP):
            connection.send(f.encode(frame.number, f.ERROR, frame.type, f.MALFORMED))
        return
    if answer is not None:
        connection.send(f.encode(frame.number, f.RESPONSE, frame.type, 0, answer))


class ConnectionLost(ConnectionError):
    """The connection is gone, or what came over it is no frame."""

    def __init__(self) -> None:
        super().__init__(e.ECONNRESET, e.PHRASES[e.ECONNRESET])


def digest(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.digest(key, message, "sha256")
