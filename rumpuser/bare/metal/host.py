# SPDX-License-Identifier: BSD-2-Clause
"""The backend on bare metal: threads, network cards, the interpreter's own files, disks that take discards."""

from __future__ import annotations

from rump.rumpuser.bare.adopt import Adopts
from rump.rumpuser.bare.discard import Discards
from rump.rumpuser.bare.machinery import the
from rump.rumpuser.bare.metal.platform import Metal
from rump.rumpuser.bare.nic import NetworkCards
from rump.rumpuser.bare.threads import Threaded


class MetalHost(Adopts, Discards, NetworkCards, Threaded):
    """The backend on such a machine."""

    def __init__(self, platform: Metal | None = None) -> None:
        super().__init__(platform or the(Metal))
