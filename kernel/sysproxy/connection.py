# SPDX-License-Identifier: BSD-2-Clause
"""One stream of the host, and the frames on it.

Nothing here runs with the virtual CPU but the hypercalls themselves.
"""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.sysproxy.frames import HEADER, Frame
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.cpu import VirtualCPU
    from rump.rumpuser.interface.hypercalls import Hypercalls

PIECE = 1 << 16
"""Bytes received at once."""


class Connection:
    """A stream and what was received of it but not asked for yet.

    limit       bytes of the longest frame taken
    patience    nanoseconds that a frame, or a line, may take to come; None: for ever
    """

    def __init__(self, host: Hypercalls, cpu: VirtualCPU, stream: int, limit: int, patience: int | None) -> None:
        self._host = host
        self._cpu = cpu
        self._stream = stream
        self.limit = limit
        self.patience = patience
        self._received = bytearray()
        self._closed = False

    def _call(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """A hypercall.  Errors: ETIMEDOUT; ECONNRESET - the connection is gone, whatever the host says of it."""
        with self._cpu.guard:
            if self._closed:        # the stream's number may be another's by now
                raise fault(e.ECONNRESET)
            try:
                return call(self._stream, *arguments)
            except HostError as error:
                raise fault(e.ETIMEDOUT if error.errno == e.ETIMEDOUT else e.ECONNRESET, error.detail) from None

    def send(self, data: bytes) -> None:
        """Send all of it, in one piece.  Errors: ECONNRESET."""
        self._call(self._host.stream_send, data)

    def frame(self) -> Frame:
        """The next frame.

        Errors: ECONNRESET - there is none any more; EPROTO - no frame, or a longer one; ETIMEDOUT - not in time.
        """
        until = self._until()
        self._await(HEADER.size, until)
        length, number, kind, type, extra = HEADER.unpack_from(self._received)
        if not HEADER.size <= length <= self.limit:
            raise fault(e.EPROTO, f"a frame of {length} bytes")
        self._await(length, until)
        payload = bytes(memoryview(self._received)[HEADER.size : length])
        del self._received[:length]
        return Frame(number, kind, type, extra, payload)

    def line(self, longest: int) -> bytes:
        """A line with its newline.  Errors: ECONNRESET; EPROTO - a longer one; ETIMEDOUT."""
        until = self._until()
        while (end := self._received.find(b"\n", 0, longest)) < 0:
            if len(self._received) >= longest:
                raise fault(e.EPROTO, "a banner without end")
            self._receive(until)
        line = bytes(self._received[: end + 1])
        del self._received[: end + 1]
        return line

    def _until(self) -> int | None:
        """When patience ends: who sends a byte now and then gains no time by it."""
        return None if self.patience is None else self._now() + self.patience

    def _now(self) -> int:
        with self._cpu.guard:
            return self._host.clock_gettime(CLOCK_ABSMONO)

    def _await(self, length: int, until: int | None) -> None:
        while len(self._received) < length:
            self._receive(until)

    def _receive(self, until: int | None) -> None:
        left = None if until is None else max(0, until - self._now())
        data = self._call(self._host.stream_receive, PIECE, left)
        if not data:
            raise fault(e.ECONNRESET)
        self._received += data

    def peer(self) -> tuple[int, int, int] | None:
        """(process, user, group) at the other end; None where the host cannot tell."""
        with self._cpu.guard:
            try:
                return None if self._closed else self._host.stream_peer(self._stream)
            except HostError:
                return None

    def close(self) -> None:
        """End it, and with it what waits for it.  May be called again."""
        with self._cpu.guard:
            if not self._closed:
                self._closed = True
                self._host.stream_close(self._stream)
