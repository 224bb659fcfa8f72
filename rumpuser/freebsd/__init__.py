# SPDX-License-Identifier: BSD-2-Clause
"""FreeBSD: what POSIX hosts share, and the pieces beside this file.

With the compiled pieces: fspacectl(2), arc4random_buf(3), what is mounted, names of threads.  Without them holes cannot
be punched and who uses a disk does not show.  Disks are character devices, to which only whole sectors go.
"""

from __future__ import annotations

import os

from rump.rumpuser.freebsd.disk import Disk
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import Arc4Random, CompiledChecksums, CompiledDiscard, NamedThreads
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.mounted import CompiledBusy
from rump.rumpuser.posix.nic_tap_device import TapDevice
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.seek_holes import FINDS_HOLES, SeekHoles
from rump.rumpuser.posix.streams import Streams
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.posix.watch_kqueue import KqueueWatches
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.memory import AlignedMemory


class FreeBSD(
    Disk, SeekHoles, CompiledBusy, CompiledDiscard, KqueueWatches, TapDevice, Streams, Clock, Arc4Random, Parameters,
    Console, NamedThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The FreeBSD backend."""

    folder = "freebsd"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "freebsd",
            self.folder,
            {"punches_holes": "discard"},
            finds_holes=FINDS_HOLES,
            locks=True,
            copies_ranges=hasattr(os, "copy_file_range"),
            notifies=True,
            absent=absences(type(self)),
        )
