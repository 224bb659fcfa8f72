# SPDX-License-Identifier: BSD-2-Clause
"""Network cards of a machine without an operating system."""

from __future__ import annotations

from rump.rumpuser.bare import Bare
from rump.rumpuser.interface.errno import ENXIO, HostError
from rump.rumpuser.pure.cards import Cards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.platform import NicPlatform
    from rump.rumpuser.pure.cards import Nic


class NetworkCards(Cards, Bare):
    """A host on a platform that has network cards."""

    platform: NicPlatform

    def _card(self, name: bytes) -> Nic:
        card = self.platform.nic(name)
        if card is None:
            raise HostError(ENXIO, repr(name))
        return card
