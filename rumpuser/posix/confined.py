# SPDX-License-Identifier: BSD-2-Clause
"""Confined processes: fresh interpreters that get a stream, some files to read, and then give up all else.

Never a fork of this process: its threads, locks and files are no business of the new one.  It ends when we say so, or
when we are gone: signals that a terminal or a service manager sends to all at once are not for it, since what it was to
write out would be lost.
"""

from __future__ import annotations

import os
import sys

from rump.rumpuser.interface.errno import EBADF, EINVAL, EOPNOTSUPP, HostError
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.pure.handles import found, number_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rump.rumpuser.posix.confined_start import Process

KILL = 9        # the signal


class ConfinedProcesses(Files, Streams):
    """spawn_confined, confined_end.  `confined_host` names the class of the new process's host, "module:class"."""

    confined_host = "rump.rumpuser.posix.confined_child:ConfinedHost"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._confined: dict[int, Process] = {}
        self._dying: list[Process] = []

    @blocking
    def spawn_confined(
        self, entry: str, modules: tuple[str, ...], handles: tuple[int, ...], memory: int, seconds: int
    ) -> tuple[int, int]:
        # Here, since few programs confine anything, and all of them start.
        from rump.rumpuser.posix.confined_start import ConfinedStream, Process, readable, socketpair, start

        module, _, function = entry.partition(":")
        if not module or not function or memory <= 0 or seconds < 0:
            raise HostError(EINVAL, "spawn_confined")
        if not sys.executable:
            raise HostError(EOPNOTSUPP, "no interpreter to start")
        descriptors = [readable(found(self._descriptors, handle)) for handle in handles]
        self._dying = [process for process in self._dying if process.wait(0) is None]
        ours, theirs = socketpair()
        watched, held = os.pipe()
        try:
            arguments = (entry, self.confined_host, ",".join(modules), str(len(handles)), str(memory), str(seconds))
            pid = start([theirs.fileno(), watched, *descriptors], arguments)
        except BaseException:
            ours.close()
            os.close(held)
            raise
        finally:
            theirs.close()
            os.close(watched)
        stream = number_for(self._streams, ConfinedStream(ours))
        return number_for(self._confined, Process(pid, held)), stream

    @blocking
    def confined_end(self, process: int) -> int:
        ended = self._confined.pop(process, None)
        if ended is None:
            raise HostError(EBADF)
        status = ended.end()
        if status is None:
            self._dying.append(ended)
            return -KILL
        return status
