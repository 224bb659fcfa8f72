# SPDX-License-Identifier: BSD-2-Clause
"""Copying between two files: inside the host while it can, through a buffer where it cannot."""

from __future__ import annotations

import errno
import os
import stat

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files, _read_all, _write_all
from rump.rumpuser.pure.arguments import check_range

BUFFER = 1 << 20
# The two files are not of a kind the host copies between: not an error, only slower.
_CANNOT = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY}
_inside = getattr(os, "copy_file_range", None)


class Copy(Files):
    """copy_range."""

    @blocking
    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        from_descriptor, to_descriptor = self._descriptor(source), self._descriptor(target)
        check_range(source_offset, length)
        check_range(target_offset, length)
        if abs(source_offset - target_offset) < length and _same(from_descriptor, to_descriptor):
            raise HostError(EINVAL, "overlapping ranges")
        _read_all(from_descriptor, bytearray(), 0)      # EBADF for the wrong mode, even if there is nothing to copy
        _write_all(to_descriptor, b"", 0)
        length = _there(from_descriptor, source_offset, length)
        copied = _copy_inside(from_descriptor, source_offset, to_descriptor, target_offset, length)
        # A host that copies nothing may be at the end or may not know this file's size: reading tells.
        return copied + _copy_through(
            from_descriptor, source_offset + copied, to_descriptor, target_offset + copied, length - copied
        )


def _same(one: int, other: int) -> bool:
    return os.path.samestat(os.fstat(one), os.fstat(other))


def _there(descriptor: int, offset: int, length: int) -> int:
    """The length cut at the end of the source as it is now: a copy within one file may move that end."""
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size:     # 0 may mean that the host makes the contents up
        return min(length, max(0, status.st_size - offset))
    return length


def _copy_inside(source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
    copied = 0
    while _inside and copied < length:
        try:
            count = _inside(source, target, length - copied, source_offset + copied, target_offset + copied)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            break
        if not count:
            break
        copied += count
    return copied


def _copy_through(source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
    copied = 0
    view = memoryview(bytearray(min(BUFFER, length)))
    while copied < length:
        count = _read_all(source, view[: length - copied], source_offset + copied)
        if not count:
            break
        _write_all(target, view[:count], target_offset + copied)
        copied += count
    return copied
