# SPDX-License-Identifier: BSD-2-Clause
"""No operating system, and no device: everything is memory."""

from __future__ import annotations

from rump.conformance.machines.base import NOW, SEED, Machine
from rump.rumpuser.bare import Bare
from rump.rumpuser.bare.memory import Memory, MemoryFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.interface.hypercalls import Hypercalls


class MemoryMachine(Machine):
    """The bare backend on a platform of nothing but memory."""

    def __init__(self) -> None:
        self._files: dict[bytes, Device] = {}
        self._bare = Bare(Memory(self._files, now=NOW, seed=SEED))

    def hypercalls(self) -> Hypercalls:
        return self._bare

    def path(self, name: str) -> bytes:
        return name.encode()

    def put(self, name: str, data: bytes) -> bytes:
        self._files[self.path(name)] = MemoryFile(data)
        return self.path(name)

    def get(self, name: str) -> bytes | bytearray:
        file = self._files[self.path(name)]
        assert isinstance(file, MemoryFile)
        return file.data

    def open_handles(self) -> int:
        return len(self._bare._open)
