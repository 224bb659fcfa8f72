# SPDX-License-Identifier: BSD-2-Clause
"""Running programs of the host: editors, and what exec and find are told to run."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.fsutils.command import Output


def call(words: list[str], out: Output) -> int:
    """Run a program; its exit status, or 128 and the number of the signal that ended it.

    Errors: OSError - it cannot be run.  It has our standard input, output and error, and ^C is its own affair.
    """
    descriptor = out.descriptor()
    with interrupts_left_to_it():
        if descriptor is not None:
            status = subprocess.run(words, stdout=descriptor, check=False).returncode
        else:
            done = subprocess.run(words, stdout=subprocess.PIPE, check=False)
            out.write(done.stdout)
            status = done.returncode
    return status if status >= 0 else 128 - status


@contextmanager
def interrupts_left_to_it() -> Iterator[None]:
    """While it lasts ^C does nothing to us."""
    try:
        before = signal.signal(signal.SIGINT, lambda number, frame: None)
    except ValueError:          # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
