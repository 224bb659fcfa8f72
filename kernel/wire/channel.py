# SPDX-License-Identifier: BSD-2-Clause
"""Values to and from a peer over a stream of the host: frames, each a length (u32, little-endian) and a value.

One caller at a time sends, and one receives.
"""

from __future__ import annotations

from struct import Struct

from rump.kernel.errors import fault
from rump.kernel.wire.values import decode, encode
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Hypercalls

LIMIT = 64 << 20
"""The longest frame taken, in bytes, unless told."""

_LENGTH = Struct("<I")
_PIECE = 1 << 18


class Channel:
    """A stream of a host, as a way for values."""

    def __init__(self, host: Hypercalls, stream: int, limit: int = LIMIT) -> None:
        self._host = host
        self._stream = stream
        self._limit = limit
        self._received = bytearray()

    def send(self, value: object) -> None:
        """Send a value.  Errors: EINVAL - it is none; EMSGSIZE - it is too long; those of `stream_send`."""
        data = encode(value)
        if len(data) > self._limit:
            raise fault(e.EMSGSIZE, f"a frame of {len(data)} bytes")
        self._host.stream_send(self._stream, _LENGTH.pack(len(data)) + data)

    def receive(self, timeout: int | None = None) -> Any:
        """The next value.

        Errors: EPIPE - the peer has gone, or went in the middle of one; ETIMEDOUT - not all of it came within `timeout`
        nanoseconds; EPROTO - it is none, or longer than the limit.
        """
        until = None if timeout is None else self._host.clock_gettime(CLOCK_ABSMONO) + timeout
        (length,) = _LENGTH.unpack(self._take(4, until))
        if length > self._limit:
            raise fault(e.EPROTO, f"a frame of {length} bytes")
        return decode(self._take(length, until))

    def _take(self, length: int, until: int | None) -> bytes:
        """So many bytes of the stream."""
        received = self._received       # one buffer: a list of pieces of a byte each would take fifty times as much
        while len(received) < length:
            wait = None if until is None else max(0, until - self._host.clock_gettime(CLOCK_ABSMONO))
            piece = self._host.stream_receive(self._stream, _PIECE, wait)
            if not piece:
                raise fault(e.EPIPE, "the peer has gone")
            received += piece
        data = bytes(memoryview(received)[:length])
        del received[:length]
        return data
