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
        self._condition = cpu.condition()
        self._wakeups = wakeups

    def changed(self) -> None:
        """Let those waiting look again."""
        self._condition.broadcast()
        self._wakeups.broadcast()

    def wait(self) -> None:
        self._condition.wait(None)

    def read(self, buffer: memoryview, nonblocking: bool) -> int:
        """What there is; waits while there is nothing but a writer.  0: no writer is left."""
        if not buffer:
            return 0
        while not self.data:
            if not self.writers:
                return 0
            if nonblocking:
                raise fault(e.EAGAIN)
            self.wait()
        count = min(len(buffer), len(self.data))
        buffer[:count] = self.data[:count]
        del self.data[:count]
        self.changed()
        return count

    def write(self, data: memoryview, nonblocking: bool) -> int:
        """All of it, in one piece up to PIPE_BUF; waits for room.  Errors: EPIPE - no reader is left."""
        done = 0
        while done < len(data) or not done:
            if not self.readers:
                raise fault(e.EPIPE)
            room = CAPACITY - len(self.data)
            left = len(data) - done
            if room >= left or (room and len(data) > abi.PIPE_BUF):
                self.data += data[done : done + room]
                done += min(room, left)
                self.changed()
                if not left:
                    break
            elif nonblocking:
                if done:
                    break
                raise fault(e.EAGAIN)
            else:
                self.wait()
        return done


class PipeEnd(File):
    """One end.  `identity` is what stat says of a FIFO in a file system; a pipe has none."""

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
        return self.pipe.read(buffer, bool(self.flags & abi.O_NONBLOCK))

    def write(self, data: Buffer, offset: int) -> int:
        return self.pipe.write(memoryview(data).cast("B"), bool(self.flags & abi.O_NONBLOCK))

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
