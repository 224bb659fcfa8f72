# SPDX-License-Identifier: BSD-2-Clause
"""A platform of nothing but memory: files by name, a clock that moves only when told, entropy from a seed."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EFBIG, HostError
from rump.rumpuser.interface.hypercalls import FT_REG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from rump.rumpuser.bare.platform import Device

LARGEST_FILE = 1 << 30


class MemoryFile:
    """A regular file, or with `kind` another device, in a bytearray."""

    read_only = False

    def __init__(self, data: bytes = b"", kind: int = FT_REG, sector: int = 512) -> None:
        self.data, self.kind, self.sector = bytearray(data), kind, sector
        self.size = len(self.data)

    def read(self, buffer: memoryview, offset: int) -> None:
        buffer[:] = memoryview(self.data)[offset : offset + len(buffer)]

    def write(self, data: memoryview, offset: int) -> None:
        self.data[offset : offset + len(data)] = data

    def resize(self, size: int) -> None:
        if size > LARGEST_FILE:
            raise HostError(EFBIG)
        del self.data[size:]
        self.data += bytes(size - len(self.data))
        self.size = size

    def sync(self) -> None:
        """Memory is as stable as it gets."""


class Memory:
    """`now` is the wall clock at the start, nanoseconds since 1970; a creating open makes a new file.

    `time` (monotonic), `wall` (what the wall clock said when that was 0) and `console` are there for tests to use.
    """

    name = "bare-memory"
    clock_resolution = 1

    def __init__(self, files: dict[bytes, Device] | None = None, now: int = 0, seed: int = 0) -> None:
        self.files: dict[bytes, Device] = {} if files is None else files
        self.environment: dict[str, str] = {}
        self.console = bytearray()
        self.time, self.wall, self._random = 0, now, seed

    def halt(self, status: int) -> NoReturn:
        raise SystemExit(status)

    def monotonic(self) -> int:
        return self.time

    def epoch_offset(self) -> int:
        return self.wall

    def block_until(self, time: int) -> None:
        self.time = max(self.time, time)

    def console_write(self, data: bytes) -> None:
        self.console += data

    def entropy(self, length: int) -> bytes:
        drawn = bytearray()
        while len(drawn) < length:
            # A linear congruence: repeatable, and good enough for a machine that nobody attacks.
            self._random = (self._random * 0x5851F42D4C957F2D + 0x14057B7EF767814F) % (1 << 64)
            drawn += (self._random >> 32).to_bytes(4, "little")
        return bytes(drawn[:length])

    def device(self, path: bytes, create: bool) -> Device | None:
        if create:
            self.files.setdefault(path, MemoryFile())
        return self.files.get(path)
