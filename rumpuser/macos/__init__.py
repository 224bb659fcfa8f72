# SPDX-License-Identifier: BSD-2-Clause
"""macOS: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: arc4random_buf(3), what is mounted, names of threads.  There are no tap devices, so no network
cards.
"""

from __future__ import annotations

from rump.rumpuser.macos.discard import Discard
from rump.rumpuser.macos.disk import Disk
from rump.rumpuser.macos.sync import FullSync
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import Arc4Random, CompiledChecksums, NamedThreads
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.mounted import CompiledBusy
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.seek_holes import FINDS_HOLES, SeekHoles
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.posix.watch_kqueue import KqueueWatches
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory


class MacOS(
    Disk, SeekHoles, FullSync, CompiledBusy, Discard, KqueueWatches, Streams, Clock, Arc4Random, Parameters, Console,
    NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The macOS backend."""

    folder = "macos"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "macos",
            self.folder,
            {},
            finds_holes=FINDS_HOLES,
            punches_holes=True,
            locks=True,
            notifies=True,
            absent=absences(type(self)),
        )
