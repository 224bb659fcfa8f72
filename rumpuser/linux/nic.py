# SPDX-License-Identifier: BSD-2-Clause
"""Network cards: tap interfaces, loaded with the first card."""

from __future__ import annotations

from rump.rumpuser.pure.cards import Cards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.pure.cards import Nic


class Taps(Cards):
    """A tap interface that is not there is made, and goes with the card, if this program may do so."""

    def _card(self, name: bytes) -> Nic:
        from rump.rumpuser.linux.tap import card

        return card(name)
