# SPDX-License-Identifier: BSD-2-Clause
"""Byte-range locks that belong to an open file description ("OFD"), for hosts whose fcntl has them."""

from __future__ import annotations

import errno
import fcntl
import struct

from rump.rumpuser.interface.errno import EAGAIN, EINVAL, EOPNOTSUPP, HostError
from rump.rumpuser.interface.hypercalls import LOCK_EXCLUSIVE, LOCK_RELEASE, LOCK_SHARED, LOCK_TEST
from rump.rumpuser.posix.errors import blocking, errno_of
from rump.rumpuser.posix.files import Files
from rump.rumpuser.pure.arguments import check_range

_MODES = {LOCK_SHARED: fcntl.F_RDLCK, LOCK_EXCLUSIVE: fcntl.F_WRLCK, LOCK_RELEASE: fcntl.F_UNLCK}
_FREE = fcntl.F_UNLCK
_SEEK_SET = 0
# Linux's and illumos' struct flock: type, whence, start, length, pid; off_t has 64 bits in every CPython.
_FLOCK = struct.Struct("hhqqi0q")
_SET_LOCK = getattr(fcntl, "F_OFD_SETLK", 0)
_GET_LOCK = getattr(fcntl, "F_OFD_GETLK", 0)
_REFUSALS = {
    errno.EACCES: EAGAIN,           # POSIX lets a host say this, too, when somebody else holds it
    errno.EINVAL: EOPNOTSUPP,       # our arguments are right, so it is the file or the kernel
    errno.ENOLCK: EOPNOTSUPP,       # file systems from elsewhere, without their lock service
    errno.ENOSYS: EOPNOTSUPP,
}


class OfdLocks(Files):
    """lock; a host takes this piece only if `fcntl` has F_OFD_SETLK."""

    def __init__(self) -> None:
        super().__init__()
        self._locked: set[int] = set()

    @blocking
    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        descriptor = self._descriptor(handle)
        check_range(start, length)
        if mode == LOCK_TEST:
            _test(descriptor, start, length)
            return
        if mode not in _MODES:
            raise HostError(EINVAL, "unknown mode")
        _set(descriptor, mode, start, length)
        self._locked.add(handle)

    def close(self, handle: int) -> None:
        # An adopted file stays open in the program and would keep our locks, so let go of them by name.
        if handle in self._locked:
            self._locked.discard(handle)
            _set(self._descriptor(handle), LOCK_RELEASE, 0, 0)
        super().close(handle)


def _set(descriptor: int, mode: int, start: int, length: int) -> None:
    _fcntl(descriptor, _SET_LOCK, _MODES[mode], start, length)


def _test(descriptor: int, start: int, length: int) -> None:
    if _fcntl(descriptor, _GET_LOCK, fcntl.F_WRLCK, start, length) != _FREE:
        raise HostError(EAGAIN, "lock")


def _fcntl(descriptor: int, command: int, kind: int, start: int, length: int) -> int:
    """One call; the type of lock that it answers with."""
    try:
        answer = fcntl.fcntl(descriptor, command, _FLOCK.pack(kind, _SEEK_SET, start, length, 0))
    except OSError as error:
        raise HostError(_REFUSALS.get(error.errno or 0) or errno_of(error.errno), "lock") from error
    return int(_FLOCK.unpack(answer)[0])
