# SPDX-License-Identifier: BSD-2-Clause
"""The memory of who makes a system call: copy(9), with requests to the client."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.kernel.sysproxy.frames import COPY, COPYIN, COPYINSTR, COPYOUT
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 20
"""Bytes copied with one frame."""
TRANSFER = 16 << 20
"""Bytes of one read or write of a file; what is longer is several."""
STREAM = 1 << 16
"""Bytes of one read or write of a pipe or another stream: as many as a pipe holds."""
ADDRESS_MAX = 1 << 64


class Memory:
    """Copies from and to a client.

    ask     sends a request of that type and payload and returns the payload of its answer, which is at most so long
    tell    sends a request that has no answer
    """

    def __init__(self, ask: Callable[[int, bytes, int], bytes], tell: Callable[[int, bytes], None]) -> None:
        self._ask = ask
        self._tell = tell

    def copyin(self, address: int, length: int) -> bytes:
        """`length` bytes, PIECE at most.  Errors: EFAULT."""
        if not length:
            return b""
        _check(address, length)
        data = self._ask(COPYIN, COPY.pack(length, address), length)
        if len(data) != length:
            raise fault(e.EFAULT, f"{len(data)} of {length} bytes")
        return data

    def copyinstr(self, address: int, longest: int) -> bytes:
        """A string, without its NUL, which is among the first `longest` bytes.  Errors: EFAULT; ENAMETOOLONG."""
        _check(address, 1)
        string, end, _ = self._ask(COPYINSTR, COPY.pack(longest, address), longest).partition(b"\0")
        if not end or len(string) >= longest:
            raise fault(e.ENAMETOOLONG if len(string) >= longest else e.EFAULT)
        return string

    def copyout(self, data: bytes | memoryview, address: int) -> None:
        """Put bytes into the caller's memory, in pieces of PIECE.  Errors: EFAULT."""
        if data:
            _check(address, len(data))
        for at in range(0, len(data), PIECE):
            piece = data[at : at + PIECE]
            self._tell(COPYOUT, b"".join((COPY.pack(len(piece), address + at), piece)))


def _check(address: int, length: int) -> None:
    """The first page belongs to nobody, and nothing goes round the end of memory."""
    if address < 4096 or address + length > ADDRESS_MAX:
        raise fault(e.EFAULT, f"address {address:#x}")
