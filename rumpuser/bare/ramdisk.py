# SPDX-License-Identifier: BSD-2-Clause
"""A disk in memory: a module that was loaded together with us."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import FT_BLK


class RamDisk:
    """A `Device` over `memory`.  What is written to it is gone when the machine is."""

    kind = FT_BLK
    sector = 512
    read_only = False

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self.size = len(memory)

    def read(self, buffer: memoryview, offset: int) -> None:
        buffer[:] = self._memory[offset : offset + len(buffer)]

    def write(self, data: memoryview, offset: int) -> None:
        self._memory[offset : offset + len(data)] = data

    def resize(self, size: int) -> None:
        """Never asked of a disk."""

    def sync(self) -> None:
        """Memory is as stable as it gets."""

    def discard(self, start: int, length: int) -> None:
        """Memory has no space to give back."""
