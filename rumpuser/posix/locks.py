# SPDX-License-Identifier: BSD-2-Clause
"""Byte-range locks that belong to an open file description ("OFD"), for hosts whose fcntl has them."""

from __future__ import annotations

import errno
import fcntl
import os

from rump.rumpuser.interface.errno import EAGAIN, EINVAL, EOPNOTSUPP, HostError
from rump.rumpuser.interface.hypercalls import LOCK_EXCLUSIVE, LOCK_RELEASE, LOCK_SHARED, LOCK_TEST
from rump.rumpuser.posix.errors import blocking, errno_of
from rump.rumpuser.posix.files import Files
from rump.rumpuser.posix.layout import Layout
from rump.rumpuser.pure.arguments import check_range

_MODES = {LOCK_SHARED: fcntl.F_RDLCK, LOCK_EXCLUSIVE: fcntl.F_WRLCK, LOCK_RELEASE: fcntl.F_UNLCK}
_FREE = fcntl.F_UNLCK
FLOCK = Layout("struct flock", ("l_type", "h"), ("l_whence", "h"), ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"))
"""Linux's, and that of others who keep POSIX's order; off_t has 64 bits in every CPython."""
_REFUSALS = {
    errno.EACCES: EAGAIN,           # POSIX lets a host say this, too, when somebody else holds it
    errno.EINVAL: EOPNOTSUPP,       # our arguments are right, so it is the file or the kernel
    errno.ENOLCK: EOPNOTSUPP,       # file systems from elsewhere, without their lock service
    errno.ENOSYS: EOPNOTSUPP,
    errno.ENOTSUP: EOPNOTSUPP,      # where the two are not one number
}


class OfdLocks(Files):
    """lock; a host takes this piece only if its fcntl has such locks.

    _flock          the host's struct flock
    _lock_commands  how its fcntl spells "set" and "get" for locks of a description
    """

    _flock = FLOCK
    _lock_commands: tuple[int, int] = (getattr(fcntl, "F_OFD_SETLK", 0), getattr(fcntl, "F_OFD_GETLK", 0))

    def __init__(self) -> None:
        super().__init__()
        self._locked: set[int] = set()

    @blocking
    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        descriptor = self._descriptor(handle)
        check_range(start, length)
        if mode == LOCK_TEST:
            if self._lock_call(descriptor, 1, fcntl.F_WRLCK, start, length) != _FREE:
                raise HostError(EAGAIN, "lock")
            return
        if mode not in _MODES:
            raise HostError(EINVAL, "unknown mode")
        self._lock_call(descriptor, 0, _MODES[mode], start, length)
        self._locked.add(handle)

    def close(self, handle: int) -> None:
        # An adopted file stays open in the program and would keep our locks, so let go of them by name.
        if handle in self._locked:
            self._locked.discard(handle)
            self._lock_call(self._descriptor(handle), 0, fcntl.F_UNLCK, 0, 0)
        super().close(handle)

    def _lock_call(self, descriptor: int, which: int, kind: int, start: int, length: int) -> int:
        """One call; the type of lock that it answers with."""
        return record_lock(descriptor, self._lock_commands[which], self._flock, kind, start, length)


def record_lock(descriptor: int, command: int, layout: Layout, kind: int, start: int, length: int) -> int:
    """fcntl's call on a byte range; the type of lock that it answers with."""
    record = layout.pack(l_type=kind, l_whence=os.SEEK_SET, l_start=start, l_len=length)
    try:
        answer = fcntl.fcntl(descriptor, command, bytes(record))
    except OSError as error:
        raise refused(error) from error
    return layout.get(answer, "l_type")


def ask(descriptor: int, operation: int, start: int, length: int) -> None:
    """Set or give up (LOCK_SH, LOCK_EX, LOCK_UN) a lock by lockf of Python, where fcntl's structure is not needed."""
    if operation != fcntl.LOCK_UN:      # which Python takes by itself only
        operation |= fcntl.LOCK_NB
    try:
        fcntl.lockf(descriptor, operation, length, start, os.SEEK_SET)
    except OSError as error:
        raise refused(error) from error


def refused(error: OSError) -> HostError:
    """What a lock that was not to be had comes to."""
    return HostError(_REFUSALS.get(error.errno or 0) or errno_of(error.errno), "lock")
