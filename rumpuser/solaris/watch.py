# SPDX-License-Identifier: BSD-2-Clause
"""Watches by event ports, port_create(3C), which the standard library does not reach: a compiled piece.

A port is told of files by their names, and of one change for each port_associate(3C).  The name is the link of proc(5)
to the open file, which leads nowhere once the file has lost its name.
"""

from __future__ import annotations

import os

from rump.rumpuser.posix.compiled import Compiled
from rump.rumpuser.posix.waiting import deadline, left
from rump.rumpuser.posix.watch_polling import PollingWatches, Watch
from rump.rumpuser.solaris.abi import FILE_OBJ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class EventPortWatch(Watch):
    """A watch that wakes at once, until its file can no longer be named; then it looks from time to time."""

    def __init__(self, descriptor: int, module: Any) -> None:
        super().__init__(descriptor)
        self._lib = module.lib
        self._path = b"/proc/self/path/%d" % descriptor
        self._object = module.ffi.from_buffer(bytearray(FILE_OBJ.size))
        self._port: int = self._lib.rump_watch_open()
        if self._port >= 0:
            os.set_inheritable(self._port, False)
            self._next()

    def _next(self) -> None:
        """Ask for the next change."""
        if self._lib.rump_watch_next(self._port, self.descriptor, self._path, self._object):
            self.close()
            self._seen = self._look()

    def changed(self, timeout: int | None) -> bool:
        if self._port < 0:
            return super().changed(timeout)
        until = deadline(timeout)
        while True:
            wait = left(until)
            told = self._lib.rump_watch_wait(self._port, max(0, wait))
            if told < 0:
                raise OSError(-told, "port_get")
            if told:
                self._next()
                return True
            if wait <= 0:
                return False

    def close(self) -> None:
        if self._port >= 0:
            os.close(self._port)
            self._port = -1


class EventPortWatches(PollingWatches, Compiled):
    """Watches that wake at once; without the compiled piece, or where a file system cannot tell, they look."""

    def _watch(self, descriptor: int) -> Watch:
        module = self._module("watch")
        return super()._watch(descriptor) if module is None else EventPortWatch(descriptor, module)
