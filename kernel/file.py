# SPDX-License-Identifier: BSD-2-Clause
"""Open files: what a file descriptor leads to, whatever is behind it."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.kernel.lwp import LwpBase
    from rump.kernel.proc import Process
    from rump.kernel.stat import Stat

KEPT_FLAGS = abi.O_ACCMODE | abi.O_NONBLOCK | abi.O_APPEND | abi.O_SYNC
SETTABLE_FLAGS = abi.O_NONBLOCK | abi.O_APPEND | abi.O_SYNC


class File:
    """An open file (POSIX: open file description).  Descriptors share it by dup and rfork; the last close ends it.

    flags   O_ACCMODE and the status flags
    offset  where read and write go on, in bytes
    """

    seekable = False
    waits = False
    """Whether reading and writing may wait for what other lwps do: then they fail with EAGAIN, and `sleep` waits."""

    def __init__(self, flags: int) -> None:
        self.flags = flags & KEPT_FLAGS
        self.offset = 0
        self.references = 1

    @property
    def readable(self) -> bool:
        return self.flags & abi.O_ACCMODE != abi.O_WRONLY

    @property
    def writable(self) -> bool:
        return self.flags & abi.O_ACCMODE != abi.O_RDONLY

    def readinto(self, buffer: memoryview, offset: int) -> int:
        """Fill a buffer from `offset` (ignored where there is no position); how many bytes, 0 at the end."""
        raise fault(e.EOPNOTSUPP)

    def write(self, data: Buffer, offset: int) -> int:
        """Write at `offset` (ignored likewise; the end with O_APPEND); how many bytes."""
        raise fault(e.EOPNOTSUPP)

    def sleep(self, lwp: LwpBase) -> None:
        """Wait until reading or writing is worth another try.  Errors: EINTR."""

    def size(self) -> int:
        """For SEEK_END."""
        raise fault(e.ESPIPE)

    def seek(self, offset: int) -> None:
        """Go on reading and writing there."""
        self.offset = offset

    def seek_data(self, offset: int, hole: bool) -> int:
        """The next data (or hole) at or behind `offset`.  Errors: ENXIO."""
        raise fault(e.ESPIPE)

    def stat(self) -> Stat:
        raise fault(e.EOPNOTSUPP)

    def truncate(self, size: int) -> None:
        raise fault(e.EINVAL)

    def allocate(self, offset: int, length: int) -> None:
        """Set space aside for a range.  Errors: ENODEV - not a file that takes any."""
        raise fault(e.ENODEV)

    def discard(self, offset: int, length: int) -> None:
        """A range reads as zeros from now on, and takes no space.  Errors: ENODEV, EISDIR, EOPNOTSUPP."""
        raise fault(e.ENODEV)

    def sync(self) -> None:
        """Nothing to bring anywhere, unless overridden."""
        raise fault(e.EINVAL)

    def poll(self, events: int) -> int:
        """Which of the POLL* events are there now.  Files that never block always are."""
        return events & (abi.POLLIN | abi.POLLOUT)

    def unlock(self, process: Process) -> None:
        """A process closes one of its descriptors: its advisory locks on the file are gone."""

    def close(self) -> None:
        """The last reference is gone."""
