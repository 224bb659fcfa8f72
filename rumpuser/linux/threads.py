# SPDX-License-Identifier: BSD-2-Clause
"""Threads with names: proc(5) lets a thread write its own into /proc/thread-self/comm."""

from __future__ import annotations

import os

from rump.rumpuser.pure.threads import Threads

_NAME = "/proc/thread-self/comm"


class LinuxThreads(Threads):
    """Names as ps(1) and top(1) show them: the first 15 bytes."""

    def _name_thread(self, name: str) -> None:
        try:
            descriptor = os.open(_NAME, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:     # no /proc, or an older one
            return
        try:
            os.write(descriptor, os.fsencode(name))
        except OSError:
            pass            # a name is a courtesy
        finally:
            os.close(descriptor)
