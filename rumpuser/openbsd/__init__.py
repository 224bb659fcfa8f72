# SPDX-License-Identifier: BSD-2-Clause
"""OpenBSD: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: arc4random_buf(3), what is mounted and swapped to, names of threads.  Nothing punches holes,
and lseek knows none.
"""

from __future__ import annotations

from rump.rumpuser.openbsd.disk import Disk
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


class OpenBSD(
    Disk, NoHoles, CompiledBusy, NoDiscard, KqueueWatches, TapDevice, Streams, Clock, Arc4Random, Parameters, Console,
    NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The OpenBSD backend."""

    folder = "openbsd"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "openbsd",
            self.folder,
            {},
            locks=True,
            notifies=True,
            absent=absences(type(self)),
        )
