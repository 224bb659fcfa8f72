# SPDX-License-Identifier: BSD-2-Clause
"""Becoming a daemon, and telling who started it when it is ready (the original's rumpuser_daemonize)."""

from __future__ import annotations

import os
import sys

FAILED = 1


class Daemon:
    """Made before the work that may fail: from then on we are the child.  The parent ends when the child is `ready`,
    with 0, or when it ended without being so, with its status.
    """

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        if os.fork():
            os.close(self._writing)
            os._exit(_told(reading))
        os.close(reading)
        os.setsid()

    def ready(self) -> None:
        """Let go of the terminal, and let the parent end."""
        null = os.open(os.devnull, os.O_RDWR)
        sys.stdout.flush()
        sys.stderr.flush()
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        os.write(self._writing, b"\0")
        os.close(self._writing)

    def failed(self, status: int = FAILED) -> None:
        """It will not be ready."""
        os.write(self._writing, bytes([status]))
        os.close(self._writing)


def _told(reading: int) -> int:
    """What the child says its status is; FAILED if it ends without a word."""
    word = os.read(reading, 1)
    return word[0] if word else FAILED
