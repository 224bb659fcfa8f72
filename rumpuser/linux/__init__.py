# SPDX-License-Identifier: BSD-2-Clause
"""Linux: what POSIX hosts share, and the pieces beside this file.

The compiled pieces are used where they were installed; RUMP_NATIVE=0 in the environment turns them off.
"""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Traits
from rump.rumpuser.linux.busy import Busy
from rump.rumpuser.linux.compiled import LinuxChecksums, compiled_names
from rump.rumpuser.linux.discard import Discard
from rump.rumpuser.linux.disk import Disk
from rump.rumpuser.linux.entropy import LinuxEntropy
from rump.rumpuser.posix.clock import Clock, resolution
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.copy import Copy
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.locks import OfdLocks
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.seek_holes import SeekHoles
from rump.rumpuser.posix.threads import Threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Linux(
    Disk, SeekHoles, OfdLocks, Busy, Copy, Discard, Clock, LinuxEntropy, Parameters, Console, Threads, Components,
    LinuxChecksums, Inflation,
):  # fmt: skip
    """The Linux backend.  Several in one process know nothing of one another, but share the program's environment."""

    def __init__(self) -> None:
        super().__init__()
        self.traits = LinuxTraits()


class LinuxTraits(Traits):
    """What depends on compiled pieces is found out when somebody asks: loading them takes 2 ms."""

    def __init__(self) -> None:
        super().__init__(
            "linux",
            threads=True,
            clock_resolution=resolution(),
            finds_holes=True,
            locks=True,
            copies_ranges=True,
        )
        del self.compiled, self.punches_holes

    def __getattr__(self, name: str) -> Any:
        if name not in ("compiled", "punches_holes"):
            raise AttributeError(name)
        self.compiled = compiled_names()
        self.punches_holes = "discard" in self.compiled
        return getattr(self, name)
