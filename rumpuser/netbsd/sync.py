# SPDX-License-Identifier: BSD-2-Clause
"""Syncs by fsync_range(2), which takes a range, and can go on through the disk's own cache: a compiled piece."""

from __future__ import annotations

from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.interface.hypercalls import SYNC_ALL, SYNC_BARRIER
from rump.rumpuser.posix.compiled import Compiled
from rump.rumpuser.posix.errors import errno_of
from rump.rumpuser.posix.files import Files

_DATA, _FILE = 1, 2


class RangeSync(Files, Compiled):
    """Only what a barrier orders needs the whole file: what was written before it may lie outside the range."""

    def _sync(self, descriptor: int, flags: int, start: int, length: int) -> None:
        module = self._module("sync")
        if module is None:
            super()._sync(descriptor, flags, start, length)
            return
        if flags & (SYNC_ALL | SYNC_BARRIER):
            start = length = 0
        if number := module.lib.rump_sync_range(descriptor, _FILE if flags & SYNC_ALL else _DATA, start, length):
            raise HostError(errno_of(number), "sync")
