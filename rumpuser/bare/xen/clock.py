# SPDX-License-Identifier: BSD-2-Clause
"""Xen's clocks: system time, which counts from the start of Xen, and the wall clock (xen.h)."""

from __future__ import annotations

from rump.rumpuser.bare.xen import abi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.xen.machine import Machine

MASK = (1 << 64) - 1
SECOND = 10**9


class Clock:
    """The clocks in the shared page at `shared`."""

    def __init__(self, machine: Machine, shared: int) -> None:
        self._machine = machine
        self._time = machine.view(shared + abi.TIME, abi.TIME_INFO.size)
        self._wall = machine.view(shared + abi.WALL, abi.WALL_CLOCK.size)
        self._last = 0

    def system_time(self) -> int:
        """Nanoseconds since Xen started; never goes back."""
        while True:
            before = self._version(self._time)
            _, _, stamp, time, multiplier, shift, _ = abi.TIME_INFO.unpack(self._time)
            # Both are counters modulo 2^64: Xen may have moved the guest's counter to a negative start.
            ticks = (self._machine.timestamp() - stamp) & MASK
            if before == self._version(self._time) and not before & 1:
                break
        ticks = (ticks << shift if shift >= 0 else ticks >> -shift) & MASK
        self._last = max(self._last, int(time) + (ticks * int(multiplier) >> 32))
        return self._last

    def wall(self) -> int:
        """Nanoseconds since 1970 at system time 0; Xen changes it when somebody sets the clock."""
        while True:
            before = self._version(self._wall)
            _, seconds, nanoseconds, high = abi.WALL_CLOCK.unpack(self._wall)
            if before == self._version(self._wall) and not before & 1:
                return (int(high) << 32 | int(seconds)) * SECOND + int(nanoseconds)

    def _version(self, view: memoryview) -> int:
        self._machine.barrier()
        return int.from_bytes(view[:4], "little")
