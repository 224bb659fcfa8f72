# SPDX-License-Identifier: BSD-2-Clause
"""Watches by looking from time to time, for hosts that tell nobody of changes."""

from __future__ import annotations

import os
import stat
import time

from rump.rumpuser.interface.errno import EBADF, EOPNOTSUPP, HostError
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files
from rump.rumpuser.pure.handles import found, number_for

INTERVAL = 100 * 10**6      # nanoseconds between two looks


class Watch:
    """A file and what it looked like.  `descriptor` is open for as long as the watch."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._seen = self._look()

    def _look(self) -> tuple[int, ...]:
        status = os.fstat(self.descriptor)
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_nlink

    def changed(self, timeout: int | None) -> bool:
        """As `watch_wait`."""
        from rump.rumpuser.posix.waiting import deadline, left

        until = deadline(timeout)
        while (seen := self._look()) == self._seen:
            wait = left(until, INTERVAL)
            if wait <= 0:
                return False
            time.sleep(wait / 1e9)
        self._seen = seen
        return True

    def close(self) -> None:
        """Give up what there is besides the descriptor."""


class PollingWatches(Files):
    """watch_create, watch_wait, watch_close; for regular files."""

    def __init__(self) -> None:
        super().__init__()
        self._watches: dict[int, Watch] = {}

    @blocking
    def watch_create(self, handle: int) -> int:
        descriptor = self._descriptor(handle)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise HostError(EOPNOTSUPP, "watch")
        own = os.dup(descriptor)
        try:
            return number_for(self._watches, self._watch(own))
        except OSError:
            self._close(own)
            raise

    def _watch(self, descriptor: int) -> Watch:
        """A watch by the best means of the host; the descriptor is closed after it."""
        return Watch(descriptor)

    @blocking
    def watch_wait(self, watch: int, timeout: int | None) -> bool:
        return found(self._watches, watch).changed(timeout)

    @blocking
    def watch_close(self, watch: int) -> None:
        closing = self._watches.pop(watch, None)
        if closing is None:
            raise HostError(EBADF)
        closing.close()
        self._close(closing.descriptor)
