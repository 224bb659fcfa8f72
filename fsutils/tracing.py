# SPDX-License-Identifier: BSD-2-Clause
"""The host inside the middleware that options and environment ask for: ``--trace``, ``--record``, ``--no-sync``,
SOURCE_DATE_EPOCH."""

from __future__ import annotations

import os

from rump.fsutils.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.fsutils.session import Options
    from rump.kernel.init import Recorder
    from rump.rumpuser.interface.hypercalls import Hypercalls

STANDARD_ERROR = 2
_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


def for_writing(host: Hypercalls, options: Options) -> Hypercalls:
    """The host for a run that writes to images.

    With SOURCE_DATE_EPOCH the clock stands at that time and random bytes depend on it alone.
    """
    if not options.sync:
        from rump.rumpuser.middleware.nosync import NoSync

        host = NoSync(host)
    epoch = source_date_epoch()
    if epoch is not None:
        from rump.rumpuser.middleware.reproducible import FixedClock, FixedEntropy

        host = FixedEntropy(FixedClock(host, epoch), b"rumpkernel:%d" % epoch)
    return host


def source_date_epoch() -> int | None:
    """SOURCE_DATE_EPOCH in nanoseconds, None if it is not set.  Errors: UsageError - it is no number."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise UsageError(f"SOURCE_DATE_EPOCH={text}: not a number of seconds")
    return int(text) * 10**9


def wrap(host: Hypercalls, options: Options, opened: list[int], again: bool) -> tuple[Hypercalls, Recorder | None]:
    """The wrapped host, and the recorder that the kernel is to tell of system calls.

    Descriptors opened on the way are added to `opened`, for the caller to close.  `again`: it is not the first time,
    and what was written goes on.
    """
    recorder = None
    if options.trace is not None:
        from rump.rumpuser.middleware.trace import Trace

        host = Trace(host, _sink(options.trace, opened, again))
    if options.record is not None:
        from rump.rumpuser.middleware.record import Record

        host = recorder = Record(host, _sink(options.record, opened, again))
    return host, recorder


def _sink(path: str, opened: list[int], again: bool) -> Callable[[bytes], object]:
    """What writes each line to a host file, "" being standard error."""
    descriptor = STANDARD_ERROR
    if path:
        descriptor = os.open(path, _FLAGS | (os.O_APPEND if again else os.O_TRUNC), 0o666)
        opened.append(descriptor)

    def write(line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[os.write(descriptor, view):]

    return write
