# SPDX-License-Identifier: BSD-2-Clause
"""Linux: what POSIX hosts share, and the pieces beside this file.

The compiled pieces are used where they were installed; RUMP_NATIVE=0 in the environment turns them off.
"""

from __future__ import annotations

from rump.rumpuser.linux.busy import Busy
from rump.rumpuser.linux.disk import Disk
from rump.rumpuser.linux.nic import Taps
from rump.rumpuser.linux.streams import PeerStreams
from rump.rumpuser.linux.threads import LinuxThreads
from rump.rumpuser.linux.watch import InotifyWatches
from rump.rumpuser.posix.clock import Clock
from rump.rumpuser.posix.compiled import CompiledChecksums, CompiledDiscard
from rump.rumpuser.posix.components import Components
from rump.rumpuser.posix.confined import ConfinedProcesses
from rump.rumpuser.posix.console import Console
from rump.rumpuser.posix.copy import Copy
from rump.rumpuser.posix.getrandom import GetRandom
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.posix.locks import OfdLocks
from rump.rumpuser.posix.parameters import Parameters
from rump.rumpuser.posix.seek_holes import SeekHoles
from rump.rumpuser.posix.traits import CompiledTraits
from rump.rumpuser.pure.memory import AlignedMemory


class Linux(
    Disk, SeekHoles, OfdLocks, Busy, Copy, CompiledDiscard, InotifyWatches, Taps, ConfinedProcesses, PeerStreams, Clock,
    GetRandom, Parameters, Console, LinuxThreads, AlignedMemory, Components, CompiledChecksums, Inflation,
):  # fmt: skip
    """The Linux backend.  Several in one process know nothing of one another, but share the program's environment."""

    folder = "linux"
    confined_host = "rump.rumpuser.linux.confined:LinuxConfinedHost"

    def __init__(self) -> None:
        super().__init__()
        self.traits = CompiledTraits(
            "linux", self.folder, {"punches_holes": "discard", "notifies": "watch"},
            finds_holes=True, locks=True, copies_ranges=True, confines=("landlock", "limits", "seccomp"),
        )  # fmt: skip
