# SPDX-License-Identifier: BSD-2-Clause
"""Extents by lseek's SEEK_DATA and SEEK_HOLE."""

from __future__ import annotations

import errno
import os
import stat

from rump.rumpuser.interface.hypercalls import EXTENT_DATA, EXTENT_HOLE
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.no_holes import NoHoles
from rump.rumpuser.pure.arguments import check_range

_SEEK_DATA: int = getattr(os, "SEEK_DATA", -1)
_SEEK_HOLE: int = getattr(os, "SEEK_HOLE", -1)
FINDS_HOLES = _SEEK_DATA >= 0
"""Whether this release of the host has the two; an older one calls all of a file data."""


class SeekHoles(NoHoles):
    """Data and holes as the host's file system tells them; a file it cannot tell of is all data."""

    def extents(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...]:
        found = self._sought(handle, start, length)
        return super().extents(handle, start, length) if found is None else found

    @blocking
    def _sought(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...] | None:
        descriptor = self._descriptor(handle)
        check_range(start, length)
        status = os.fstat(descriptor)
        if not FINDS_HOLES or not stat.S_ISREG(status.st_mode):     # a device has no size here
            return None
        end = min(status.st_size, start + length)
        position = os.lseek(descriptor, 0, os.SEEK_CUR)     # an adopted file's belongs to the program: put it back
        try:
            return tuple(_walk(descriptor, start, end))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            return None
        finally:
            os.lseek(descriptor, position, os.SEEK_SET)


def _walk(descriptor: int, position: int, end: int) -> list[tuple[int, int, int]]:
    extents = []
    while position < end:
        data = min(_next_data(descriptor, position, end), end)
        if data > position:
            extents.append((EXTENT_HOLE, position, data - position))
        if data == end:
            break
        # A hole at `data` itself can only mean that somebody is changing the file: call the rest data.
        hole = os.lseek(descriptor, data, _SEEK_HOLE)
        position = min(hole, end) if hole > data else end
        extents.append((EXTENT_DATA, data, position - data))
    return extents


def _next_data(descriptor: int, position: int, end: int) -> int:
    try:
        return os.lseek(descriptor, position, _SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:      # that is: no data from here to the end
            raise
        return end
