# SPDX-License-Identifier: BSD-2-Clause
"""The platform of a guest of Xen, the first domain or another.

ramdisk0, ramdisk1 ...  what was loaded with us
xvda, xvdb ...          disks that another domain provides
In the first domain, whose hardware is the machine's, the devices of `Metal` are there too.
"""

from __future__ import annotations

from rump.rumpuser.bare import _hyper
from rump.rumpuser.bare.metal.platform import Metal
from rump.rumpuser.bare.xen import abi
from rump.rumpuser.bare.xen.clock import Clock
from rump.rumpuser.bare.xen.events import Events
from rump.rumpuser.bare.xen.grants import Grants
from rump.rumpuser.bare.xen.hypervisor import Hypervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.xen.block import Disk
    from rump.rumpuser.bare.xen.xenstore import Store


class Xen(Metal):
    """A virtual machine of Xen.

    first                               it is the first domain
    hypervisor, events, grants, clock   what Xen offers, for those who want more than files
    """

    name = "bare-xen"

    def __init__(self) -> None:
        super().__init__()
        flags = _hyper.load(_hyper.START_INFO + abi.START_FLAGS, 4) if _hyper.START_INFO else 0
        self.first = bool(flags & abi.START_FIRST_DOMAIN)
        self.hypervisor = Hypervisor(_hyper)
        self.events = Events(self.hypervisor, _hyper.SHARED_INFO)
        self.grants = Grants(self.hypervisor)
        self.clock = Clock(_hyper, _hyper.SHARED_INFO)

    def transports(self, kind: int) -> list[Transport]:
        return super().transports(kind) if self.first else []

    def find_disks(self) -> list[tuple[bytes, Device]]:
        return [*self._provided(), *super().find_disks()]

    def store(self) -> Store | None:
        """Xenstore; None where nobody runs it, as in a first domain that is alone."""
        frame = self.hypervisor.parameter(abi.PARAMETER_STORE_FRAME)
        port = self.hypervisor.parameter(abi.PARAMETER_STORE_PORT)
        if not frame or not port:
            return None
        from rump.rumpuser.bare.xen.xenstore import Store

        return Store(_hyper, self.events, frame * abi.PAGE, port)

    def _provided(self) -> list[tuple[bytes, Disk]]:
        store = self.store()
        if store is None:
            return []
        from rump.rumpuser.bare.xen.block import find_disks
        from rump.rumpuser.bare.xen.frontend import Domain

        self.events.listen()
        return find_disks(Domain(_hyper, self.events, self.grants, store))
