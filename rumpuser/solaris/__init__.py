# SPDX-License-Identifier: BSD-2-Clause
"""Solaris and illumos: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: arc4random_buf(3), names of threads, watches by event ports.  Tap devices are a third party's,
so there are no network cards.
"""

from __future__ import annotations

from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import Arc4Random, CompiledChecksums, NamedThreads
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.seek_holes import FINDS_HOLES, SeekHoles
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory
from rump.rumpuser.solaris.busy import MountTable
from rump.rumpuser.solaris.discard import Discard
from rump.rumpuser.solaris.disk import Disk
from rump.rumpuser.solaris.watch import EventPortWatches


class Solaris(
    Disk, SeekHoles, MountTable, Discard, EventPortWatches, Streams, Clock, Arc4Random, Parameters, Console,
    NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The Solaris and illumos backend."""

    folder = "solaris"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "solaris",
            self.folder,
            {"notifies": "watch"},
            finds_holes=FINDS_HOLES,
            punches_holes=True,
            locks=True,
            absent=absences(type(self)),
        )
