# SPDX-License-Identifier: BSD-2-Clause
"""Messages over a stream of bytes: a letter, a length (32 bits, little-endian), so many bytes.  Both ends use it."""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = Struct("<cI")
LONGEST = 1 << 24
"""Bytes of a message, at most."""


class Line:
    """`read` gives at most so many bytes and waits for one at least, b"" at the end; `write` takes all."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[memoryview], object]) -> None:
        self._read, self._write = read, write

    def send(self, kind: bytes, data: bytes | memoryview = b"") -> None:
        self._write(memoryview(_HEAD.pack(kind, len(data)) + data))

    def receive(self) -> tuple[bytes, bytes]:
        """The next message: (letter, contents).  Errors: EOFError - there is none, or only part of one."""
        kind, length = _HEAD.unpack(self._exactly(_HEAD.size))
        if length > LONGEST:
            raise EOFError(f"a message of {length} bytes")
        return kind, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            piece = self._read(length - len(data))
            if not piece:
                raise EOFError("the line was cut")
            data += piece
        return bytes(data)
