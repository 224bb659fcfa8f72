# SPDX-License-Identifier: BSD-2-Clause
"""Aligned memory: a piece of an array that is a little longer, which tells where it lies."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EINVAL, ENOMEM, HostError
from rump.rumpuser.interface.hypercalls import Hypercalls

LARGEST_ALIGNMENT = 1 << 30


class AlignedMemory(Hypercalls):
    """memory_create.  The array stays where it is: one that is looked at cannot grow."""

    def memory_create(self, length: int, alignment: int) -> memoryview:
        if length < 0 or not 0 < alignment <= LARGEST_ALIGNMENT or alignment & (alignment - 1):
            raise HostError(EINVAL, "memory_create")
        from array import array

        try:
            memory = array("B", (0,)) * (length + alignment - 1 or 1)
        except (MemoryError, OverflowError):
            raise HostError(ENOMEM, "memory_create") from None
        start = -memory.buffer_info()[0] % alignment
        return memoryview(memory)[start : start + length]
