# SPDX-License-Identifier: BSD-2-Clause
"""DragonFly BSD: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: arc4random_buf(3), what is mounted, names of threads.  Nothing punches holes (there is no
fdiscard), and lseek knows none; disks are character devices, to which only whole sectors go.
"""

from __future__ import annotations

from rump.rumpuser.dragonfly.disk import Disk
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import Arc4Random, CompiledChecksums, NamedThreads
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.mounted import CompiledBusy
from rump.rumpuser.posix.nic_tap_device import TapDevice
from rump.rumpuser.posix.no_discard import NoDiscard
from rump.rumpuser.posix.no_holes import NoHoles
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.posix.watch_kqueue import KqueueWatches
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory


class DragonFly(
    Disk, NoHoles, CompiledBusy, NoDiscard, KqueueWatches, TapDevice, Streams, Clock, Arc4Random, Parameters, Console,
    NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The DragonFly BSD backend."""

    folder = "dragonfly"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "dragonfly",
            self.folder,
            {},
            locks=True,
            notifies=True,
            absent=absences(type(self)),
        )
