# SPDX-License-Identifier: BSD-2-Clause
"""GNU Hurd: what POSIX hosts share, and the pieces beside this file.

Errors are Mach's (0x40000002 for ENOENT) until they are translated, by name as everywhere.  Disks are files of a
translator.  lseek knows no holes (it is an RPC that refuses SEEK_DATA) and nothing punches any.  There are no tap
devices, so no network cards.  A watch looks from time to time.
"""

from __future__ import annotations

from rump.rumpuser.hurd.busy import MountTable
from rump.rumpuser.hurd.disk import Disk
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import CompiledChecksums
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.getrandom import GetRandom
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.no_discard import NoDiscard
from rump.rumpuser.posix.no_holes import NoHoles
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.posix.watch_polling import PollingWatches
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory
from rump.rumpuser.pure.threads import Threads


class Hurd(
    Disk, NoHoles, MountTable, NoDiscard, PollingWatches, Streams, Clock, GetRandom, Parameters, Console, Threads,
    AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The Hurd backend."""

    folder = "hurd"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "hurd",
            self.folder,
            {},
            locks=True,
            absent=absences(type(self)),
        )
