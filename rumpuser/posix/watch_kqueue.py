# SPDX-License-Identifier: BSD-2-Clause
"""Watches by kqueue(2), which the BSDs and macOS have; a host takes this piece only if `select` has kqueue."""

from __future__ import annotations

import select

from rump.rumpuser.posix.waiting import deadline, left
from rump.rumpuser.posix.watch_polling import PollingWatches, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# By name: type checkers know them only when they check for such a host.
_of: Any = select
_CHANGES = ("KQ_NOTE_WRITE", "KQ_NOTE_EXTEND", "KQ_NOTE_ATTRIB", "KQ_NOTE_DELETE")


class KqueueWatch(Watch):
    """EVFILT_VNODE tells of writes, of growing, and - when a file is cut - of new attributes."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._queue = _of.kqueue()
        changes = 0
        for name in _CHANGES:
            changes |= getattr(_of, name)
        flags = _of.KQ_EV_ADD | _of.KQ_EV_CLEAR
        try:
            self._queue.control([_of.kevent(descriptor, _of.KQ_FILTER_VNODE, flags, changes)], 0, 0)
        except OSError:
            self._queue.close()
            raise

    def changed(self, timeout: int | None) -> bool:
        until = deadline(timeout)
        while True:
            wait = left(until)
            if self._queue.control(None, 1, max(0, wait) / 1e9):
                return True
            if wait <= 0:
                return False

    def close(self) -> None:
        self._queue.close()


class KqueueWatches(PollingWatches):
    """Watches that wake at once; a file system that cannot tell is looked at from time to time."""

    def _watch(self, descriptor: int) -> Watch:
        try:
            return KqueueWatch(descriptor)
        except OSError:
            return super()._watch(descriptor)
