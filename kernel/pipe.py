# SPDX-License-Identifier: BSD-2-Clause
"""Pipes and FIFOs (pipe(2), POSIX "Pipes and FIFOs")."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.file import File
from rump.kernel.stat import Stat
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.kernel.cpu import VirtualCPU
    from rump.kernel.lwp import LwpBase
    from rump.kernel.select import Wakeups

CAPACITY = 65536
"""Bytes a pipe holds before a writer waits."""


class Pipe:
    """The buffer between two ends."""

    def __init__(self, cpu: VirtualCPU, wakeups: Wakeups, now: int) -> None:
        self.data = bytearray()
        self.readers = 0
        self.writers = 0
        self.readers_ever = 0       # how many ends there have been
        self.writers_ever = 0
        self.time = now
        self.condition = cpu.condition()
        self._wakeups = wakeups

    def changed(self) -> None:
        """Let those waiting look again."""
        self.condition.broadcast()
        self._wakeups.broadcast()

    def read(self, buffer: memoryview) -> int:
        """What there is.  0: no writer is left.  Errors: EAGAIN - there is nothing but a writer."""
        if not buffer:
            return 0
        if not self.data:
            if not self.writers:
                return 0
            raise fault(e.EAGAIN)
        count = min(len(buffer), len(self.data))
        buffer[:count] = self.data[:count]
        del self.data[:count]
        self.changed()
        return count

    def write(self, data: memoryview) -> int:
        """As much as there is room for; up to PIPE_BUF all or nothing.

        Errors: EPIPE - no reader is left; EAGAIN - there is no room.
        """
        if not self.readers:
            raise fault(e.EPIPE)
        room = CAPACITY - len(self.data)
        if room < len(data) and (not room or len(data) <= abi.PIPE_BUF):
            raise fault(e.EAGAIN)
        count = min(room, len(data))
        self.data += data[:count]
        self.changed()
        return count


class PipeEnd(File):
    """One end.  `identity` is what stat says of a FIFO in a file system; a pipe has none."""

    waits = True

    def __init__(self, pipe: Pipe, flags: int, identity: Stat | None = None) -> None:
        super().__init__(flags)
        self.pipe = pipe
        self._identity = identity
        pipe.readers += self.readable
        pipe.writers += self.writable
        pipe.readers_ever += self.readable
        pipe.writers_ever += self.writable
        pipe.changed()

    def readinto(self, buffer: memoryview, offset: int) -> int:
        return self.pipe.read(buffer)

    def write(self, data: Buffer, offset: int) -> int:
        return self.pipe.write(memoryview(data).cast("B"))

    def sleep(self, lwp: LwpBase) -> None:
        lwp.sleep(self.pipe.condition)

    def stat(self) -> Stat:
        if self._identity is not None:
            return self._identity
        time = self.pipe.time
        size = len(self.pipe.data)
        return Stat(0, abi.S_IFIFO | 0o600, 0, 1, 0, 0, 0, time, time, time, time, size, 0, abi.PIPE_BUF, 0, 0)

    def poll(self, events: int) -> int:
        found = 0
        if self.readable:
            if self.pipe.data:
                found |= events & abi.POLLIN
            if not self.pipe.writers:
                found |= abi.POLLHUP
        if self.writable:
            if not self.pipe.readers:
                found |= abi.POLLERR
            elif CAPACITY - len(self.pipe.data) >= abi.PIPE_BUF:
                found |= events & abi.POLLOUT
        return found

    def close(self) -> None:
        self.pipe.readers -= self.readable
        self.pipe.writers -= self.writable
        self.pipe.changed()
