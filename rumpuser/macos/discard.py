# SPDX-License-Identifier: BSD-2-Clause
"""Holes punched by F_PUNCHHOLE, which takes whole blocks of the file system and nothing behind the end."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from rump.rumpuser.interface.errno import EOPNOTSUPP, HostError
from rump.rumpuser.macos import abi
from rump.rumpuser.posix.files import _write_all
from rump.rumpuser.posix.no_discard import NoDiscard, refused


class Discard(NoDiscard):
    """What is not a whole block becomes zeros by being written."""

    def _punch(self, descriptor: int, start: int, length: int) -> None:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise HostError(EOPNOTSUPP, "discard")
        end = min(start + length, status.st_size)
        block = os.fstatvfs(descriptor).f_frsize
        first, last = min(end, -(-start // block) * block), end // block * block
        if first < last:
            hole = abi.FPUNCHHOLE.pack(fp_offset=first, fp_length=last - first)
            try:
                fcntl.fcntl(descriptor, abi.F_PUNCHHOLE, bytes(hole))
            except OSError as error:
                # Our arguments are right, so the file system cannot.
                raise refused(errno.ENOTSUP if error.errno == errno.EINVAL else error.errno) from error
            _write_all(descriptor, bytes(first - start), start)
            _write_all(descriptor, bytes(end - last), last)
        elif start < end:
            _write_all(descriptor, bytes(end - start), start)
