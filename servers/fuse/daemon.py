# SPDX-License-Identifier: BSD-2-Clause
"""Work that goes on behind the command that started it, which returns once the work is on its way."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def detach(work: Callable[[Callable[[], None]], int]) -> int:
    """Do work in a process of its own; the exit status for the command: 0 as soon as the work calls what it is given,
    that of the work if it ends before.  Until then its standard error is ours."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        status = 1
        try:
            os.setsid()
            status = work(lambda: _on_its_way(writing))
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:
        if pipe.read():
            return 0
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _on_its_way(writing: int) -> None:
    """Let go of the terminal and of the directory; tell the command."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    os.write(writing, b"+")
    os.close(writing)
