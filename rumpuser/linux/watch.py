# SPDX-License-Identifier: BSD-2-Clause
"""Watches by inotify(7), which the standard library does not reach: a compiled piece."""

from __future__ import annotations

import os

from rump.rumpuser.posix.compiled import Compiled
from rump.rumpuser.posix.watch_polling import PollingWatches, Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class InotifyWatch(Watch):
    """`events` is readable as soon as something has happened to the file."""

    def __init__(self, descriptor: int, lib: Any, events: int) -> None:
        self.descriptor = descriptor
        self._lib = lib
        self._events = events

    def changed(self, timeout: int | None) -> bool:
        from rump.rumpuser.posix.waiting import deadline, readable

        until = deadline(timeout)
        while readable(until, self._events):
            if self._lib.rump_watch_drain(self._events) > 0:      # else somebody else was quicker
                return True
        return False

    def close(self) -> None:
        os.close(self._events)


class InotifyWatches(PollingWatches, Compiled):
    """Watches that wake at once; where inotify has no room left, a file is looked at from time to time."""

    def _watch(self, descriptor: int) -> Watch:
        module = self._module("watch")
        events: int = module.lib.rump_watch_open(b"/proc/self/fd/%d" % descriptor) if module else -1
        return super()._watch(descriptor) if events < 0 else InotifyWatch(descriptor, module.lib, events)
