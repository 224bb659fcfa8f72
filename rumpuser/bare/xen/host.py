# SPDX-License-Identifier: BSD-2-Clause
"""The backend of a guest of Xen: what the one on bare metal has, on the platform that Xen makes."""

from __future__ import annotations

from rump.rumpuser.bare.machinery import the
from rump.rumpuser.bare.metal.host import MetalHost
from rump.rumpuser.bare.xen.platform import Xen


class XenHost(MetalHost):
    """A guest of Xen."""

    def __init__(self, platform: Xen | None = None) -> None:
        super().__init__(platform or the(Xen))
