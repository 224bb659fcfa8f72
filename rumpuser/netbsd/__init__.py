# SPDX-License-Identifier: BSD-2-Clause
"""NetBSD: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: fdiscard(2), fsync_range(2), arc4random_buf(3), what is mounted and swapped to, names of
threads.  Without them holes cannot be punched, a sync does not go through the disk's own cache, and who uses a disk
shows only for vnd(4).  lseek knows no holes, so all of a file is data.
"""

from __future__ import annotations

from rump.rumpuser.netbsd.busy import NetBSDBusy
from rump.rumpuser.netbsd.disk import Disk
from rump.rumpuser.netbsd.nic import CloningTap
from rump.rumpuser.netbsd.sync import RangeSync
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import Arc4Random, CompiledChecksums, CompiledDiscard, NamedThreads
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.no_holes import NoHoles
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.posix.watch_kqueue import KqueueWatches
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory


class NetBSD(
    Disk, NoHoles, RangeSync, NetBSDBusy, CompiledDiscard, KqueueWatches, CloningTap, Streams, Clock, Arc4Random,
    Parameters, Console, NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The NetBSD backend."""

    folder = "netbsd"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "netbsd",
            self.folder,
            {"punches_holes": "discard", "range_sync": "sync"},
            locks=True,
            notifies=True,
            absent=absences(type(self)),
        )
