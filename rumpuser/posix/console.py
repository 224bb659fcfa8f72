# SPDX-License-Identifier: BSD-2-Clause
"""The console is standard error (standard output belongs to the program), and the end of the program."""

from __future__ import annotations

import os
import sys

from rump.rumpuser.interface.hypercalls import EXIT_PANIC, Hypercalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_CONSOLE = 2


class Console(Hypercalls):
    """Unbuffered, so that the last words before a crash are seen."""

    def console_write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(_CONSOLE, data) :]
        except OSError:
            pass        # nowhere left to complain

    def exit(self, status: int) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                pass    # full, closed, or absent: the program ends all the same
        if status == EXIT_PANIC:
            os.abort()
        os._exit(status & 0xFF)
