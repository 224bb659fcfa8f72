# SPDX-License-Identifier: BSD-2-Clause
"""Becoming a daemon, and telling who started it when it is ready (the original's rumpuser_daemonize)."""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = 1


class Daemon:
    """What the work of `daemonize` has of its being a daemon."""

    def __init__(self, writing: int) -> None:
        self._writing = writing

    def ready(self, directory: str | None = None) -> None:
        """Let go of the terminal, and let who started it go on.

        directory    to be in from now on, for work that would keep the one it was started in from being unmounted
        """
        if directory is not None:
            os.chdir(directory)
        null = os.open(os.devnull, os.O_RDWR)
        sys.stdout.flush()
        sys.stderr.flush()
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        os.write(self._writing, b"\0")
        os.close(self._writing)


def daemonize(work: Callable[[Daemon], int]) -> int:
    """Do work in a process of its own, which until it is ready may complain on our standard error.

    The status for who started it: 0 as soon as the work is ready, that of the work if it ended without being so.  Who
    is interrupted while waiting ends the work.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work(work, Daemon(writing))
    os.close(writing)
    try:
        with open(reading, "rb") as pipe:
            if pipe.read(1):
                return 0
    except BaseException:
        os.kill(pid, signal.SIGTERM)
        raise
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), FAILED)


def _work(work: Callable[[Daemon], int], daemon: Daemon) -> None:
    """The life of the process; it ends here, and never returns into the program that it was a copy of."""
    status = FAILED
    try:
        os.setsid()
        status = work(daemon)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
