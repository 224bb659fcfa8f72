# SPDX-License-Identifier: BSD-2-Clause
"""Cygwin: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: arc4random_buf(3), names of threads.  Paths may be Windows' own (C:\\disk.img) as well as
POSIX'.  A file that a program of Windows keeps to itself is EBUSY when it is opened, EACCES or EBUSY in a range that
such a program has locked; our own locks keep out programs of Cygwin only.  Holes are not punched, and are found since
Cygwin 3.5.  There are no tap devices, so no network cards.  A watch looks from time to time.
"""

from __future__ import annotations

from rump.rumpuser.cygwin.busy import Drives
from rump.rumpuser.cygwin.disk import Disk
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import Arc4Random, CompiledChecksums, NamedThreads
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.copy import Copy
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.no_discard import NoDiscard
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.seek_holes import FINDS_HOLES, SeekHoles
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.posix.watch_polling import PollingWatches
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory


class Cygwin(
    Disk, SeekHoles, Drives, NoDiscard, Copy, PollingWatches, Streams, Clock, Arc4Random, Parameters, Console,
    NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The Cygwin backend."""

    folder = "cygwin"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "cygwin",
            self.folder,
            {},
            finds_holes=FINDS_HOLES,
            locks=True,
            absent=absences(type(self)),
        )
