# SPDX-License-Identifier: BSD-2-Clause
"""The platform of a guest of Xen, the first domain or another.

ramdisk0, ramdisk1 ...  what was loaded with us
xvda, xvdb ...          disks that another domain provides
net0, net1 ...          network cards, likewise
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
    from collections.abc import Callable

    from rump.rumpuser.bare.metal.platform import Card
    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.bare.xen.block import Disk
    from rump.rumpuser.bare.xen.frontend import Domain
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
        self._domain: Domain | None = None

    def transports(self, kind: int) -> list[Transport]:
        return super().transports(kind) if self.first else []

    def find_disks(self) -> list[tuple[bytes, Device]]:
        return [*self._provided(), *super().find_disks()]

    def find_cards(self) -> list[Callable[[], Card]]:
        domain = self.domain()
        if domain is None:
            return super().find_cards()
        from functools import partial

        from rump.rumpuser.bare.xen.network import Card, find_cards

        return [*(partial(Card, domain, path) for path in find_cards(domain)), *super().find_cards()]

    def store(self) -> Store | None:
        """Xenstore; None where nobody runs it, as in a first domain that is alone."""
        domain = self.domain()
        return domain.store if domain is not None else None

    def domain(self) -> Domain | None:
        """What front ends need of us; None where there is no store."""
        if self._domain is None:
            self._domain = self._join()
        return self._domain

    def _join(self) -> Domain | None:
        frame = self.hypervisor.parameter(abi.PARAMETER_STORE_FRAME)
        port = self.hypervisor.parameter(abi.PARAMETER_STORE_PORT)
        if not frame or not port:
            return None
        from rump.rumpuser.bare.xen.frontend import Domain
        from rump.rumpuser.bare.xen.xenstore import Store

        self.events.listen()
        return Domain(_hyper, self.events, self.grants, Store(_hyper, self.events, frame * abi.PAGE, port))

    def _provided(self) -> list[tuple[bytes, Disk]]:
        domain = self.domain()
        if domain is None:
            return []
        from rump.rumpuser.bare.xen.block import find_disks

        return find_disks(domain)
