# SPDX-License-Identifier: BSD-2-Clause
"""``--trace`` and ``--record``: the host inside the middleware that the options ask for."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.session import Options
    from rump.kernel.init import Recorder
    from rump.rumpuser.interface.hypercalls import Hypercalls

STANDARD_ERROR = 2
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0)


def wrap(host: Hypercalls, options: Options, opened: list[int]) -> tuple[Hypercalls, Recorder | None]:
    """The wrapped host, and the recorder that the kernel is to tell of system calls.

    Descriptors opened on the way are added to `opened`, for the caller to close.
    """
    recorder = None
    if options.trace is not None:
        from rump.rumpuser.middleware.trace import Trace

        host = Trace(host, _sink(options.trace, opened))
    if options.record is not None:
        from rump.rumpuser.middleware.record import Record

        host = recorder = Record(host, _sink(options.record, opened))
    return host, recorder


def _sink(path: str, opened: list[int]) -> Callable[[bytes], object]:
    """What writes each line to a host file, "" being standard error."""
    descriptor = STANDARD_ERROR
    if path:
        descriptor = os.open(path, _FLAGS, 0o666)
        opened.append(descriptor)

    def write(line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(descriptor, view):]

    return write
