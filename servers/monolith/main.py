# SPDX-License-Identifier: BSD-2-Clause
"""`rump monolith CONFIG`: run one until it is told to end."""

from __future__ import annotations

import signal
import sys

from rump.servers.monolith.assembly import Monolith
from rump.servers.monolith.config import ConfigError, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(path: str, *, check: bool = False) -> int:
    """Run the monolith of a configuration in the foreground; the exit status.

    What it listens at is printed once all of it runs.  It ends by SIGINT, SIGTERM or SIGHUP, and when a client of
    sysproxy asks for it.  With `check` the configuration is only read.
    """
    try:
        config = read(path)
        if check:
            return 0
        monolith = Monolith(config, _log)
        before = [signal.signal(number, _ending(monolith)) for number in SIGNALS]
        try:
            monolith.start()
            try:
                _announce(monolith)
                monolith.wait()
            finally:
                monolith.stop()
        finally:
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)
    except (ConfigError, OSError) as error:
        _log(str(error))
        return 1
    return 0


def _ending(monolith: Monolith) -> Callable[[int, FrameType | None], None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        monolith.ended.set()

    return end


def _announce(monolith: Monolith) -> None:
    for entry, way in monolith.ways:
        print(f"{entry.kind} {way.address}")
    if monolith.status is not None:
        print(f"status http://{monolith.status.address}/")
    print("ready", flush=True)


def _log(line: str) -> None:
    sys.stderr.write(f"rump monolith: {line}\n")
