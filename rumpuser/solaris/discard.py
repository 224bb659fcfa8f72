# SPDX-License-Identifier: BSD-2-Clause
"""Space given back by F_FREESP of fcntl(2)."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from rump.rumpuser.interface.errno import EOPNOTSUPP, HostError
from rump.rumpuser.posix.files import _write_all
from rump.rumpuser.posix.no_discard import NoDiscard, refused
from rump.rumpuser.solaris import abi


class Discard(NoDiscard):
    """A range that reaches the end of a file would cut it (ufs), one behind it make it grow (zfs): the last byte is
    always written instead.
    """

    def _punch(self, descriptor: int, start: int, length: int) -> None:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise HostError(EOPNOTSUPP, "discard")
        end = min(start + length, status.st_size)
        if start < end == status.st_size:
            end -= 1
            _write_all(descriptor, b"\0", end)
        if start >= end:
            return
        try:
            space = abi.FLOCK.pack(l_whence=os.SEEK_SET, l_start=start, l_len=end - start)
            fcntl.fcntl(descriptor, abi.F_FREESP, bytes(space))
        except OSError as error:
            # Our arguments are right, so the file system cannot.
            raise refused(errno.ENOTSUP if error.errno == errno.EINVAL else error.errno) from error
