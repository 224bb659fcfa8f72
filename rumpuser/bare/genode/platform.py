# SPDX-License-Identifier: BSD-2-Clause
"""The platform of a Genode component.

disk0   the block session
"""

from __future__ import annotations

from _thread import allocate_lock

from rump.rumpuser.bare.memory import MemoryFile
from rump.rumpuser.bare.sectors import Sectors
from rump.rumpuser.interface.errno import EIO, EROFS, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, FT_BLK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Protocol

    from typing_extensions import Buffer

    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.bare.sectors import Request

    class Module(Protocol):
        """`_genode`."""

        def disk(self) -> tuple[int, int, bool]: ...
        def read(self, buffer: Buffer, offset: int, /) -> bool: ...
        def write(self, data: Buffer, offset: int, /) -> bool: ...
        def sync(self) -> bool: ...
        def discard(self, offset: int, length: int, /) -> bool: ...
        def monotonic(self) -> int: ...
        def epoch_offset(self) -> int: ...
        def block_until(self, time: int, /) -> None: ...
        def console_write(self, data: Buffer, /) -> None: ...
        def entropy(self, length: int, /) -> bytes: ...
        def halt(self, status: int, /) -> None: ...


class Disk(Sectors):
    """A `Device`: the block session."""

    kind = FT_BLK
    name = "disk0"

    def __init__(self, module: Module) -> None:
        self._module, self.lock = module, allocate_lock()
        self.size, self.sector, self.read_only = module.disk()

    def carry_out(self, requests: list[Request]) -> list[int]:
        return [0 if self._one(*request) else EIO for request in requests]

    def _one(self, operation: int, view: memoryview, offset: int) -> bool:
        return self._module.read(view, offset) if operation == BIO_READ else self._module.write(view, offset)

    def resize(self, size: int) -> None:
        """Never asked of a disk."""

    def sync(self) -> None:
        """What was written is on stable storage."""
        with self.lock:
            if not self.read_only and not self._module.sync():
                raise HostError(EIO, self.name)

    def discard(self, start: int, length: int) -> None:
        """Give back the whole sectors of a range.  Errors: EROFS; EIO - the session takes none."""
        with self.lock:
            if self.read_only:
                raise HostError(EROFS, self.name)
            if not self._module.discard(start, length):
                raise HostError(EIO, self.name)


class Genode:
    """A `Platform`; files that are no devices are memory."""

    name = "bare-genode"
    clock_resolution = 1000         # the timer session counts microseconds

    def __init__(self, module: Module) -> None:
        self._module = module
        self.environment: dict[str, str] = {}
        self.files: dict[bytes, Device] = {b"disk0": Disk(module)}

    def halt(self, status: int) -> NoReturn:
        self._module.halt(status)
        raise SystemExit(status)    # a simulation returns

    def monotonic(self) -> int:
        return self._module.monotonic()

    def epoch_offset(self) -> int:
        return self._module.epoch_offset()

    def block_until(self, time: int) -> None:
        self._module.block_until(max(0, time))

    def console_write(self, data: bytes) -> None:
        self._module.console_write(data)

    def entropy(self, length: int) -> bytes:
        return self._module.entropy(length)

    def device(self, path: bytes, create: bool) -> Device | None:
        if create:
            self.files.setdefault(path, MemoryFile())
        return self.files.get(path)
