# SPDX-License-Identifier: BSD-2-Clause
"""The platform of a machine with virtio devices.

disk0, disk1 ...    block devices, in the order found; also by their serial number
net0, net1 ...      network cards
"""

from __future__ import annotations

from rump.rumpuser.bare import _hyper
from rump.rumpuser.bare.machinery import Machinery
from rump.rumpuser.bare.metal.machine import Hyper
from rump.rumpuser.bare.virtio import mmio, pci
from rump.rumpuser.bare.virtio.block import Block
from rump.rumpuser.bare.virtio.device import BLOCK, CONSOLE, ENTROPY, NETWORK
from rump.rumpuser.interface.errno import EBUSY, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rump.rumpuser.bare.platform import Device
    from rump.rumpuser.bare.virtio.console import Console
    from rump.rumpuser.bare.virtio.device import Transport
    from rump.rumpuser.pure.cards import Nic

    class Card(Nic, Protocol):
        """A card that says whether it has been closed."""

        closed: bool

_MICROVM = range(0xFEB00000, 0xFEB00000 + 24 * mmio.LENGTH, mmio.LENGTH)
"""Where QEMU's microvm puts virtio devices; one that is not there reads as zeros or ones."""


class Metal(Machinery):
    """A machine of its own."""

    name = "bare-metal"

    def __init__(self) -> None:
        super().__init__()
        self.machine = Hyper()
        self._found: list[Transport] | None = None
        self._cards: dict[int, Card] = {}

    def transports(self, kind: int) -> list[Transport]:
        """The virtio devices of a kind."""
        if self._found is None:
            self._found = [*pci.devices(self.machine)] if pci.there(self.machine) else [*self._in_memory()]
        return [transport for transport in self._found if transport.kind == kind]

    def _in_memory(self) -> list[mmio.Mmio]:
        told = mmio.announced(_hyper.COMMAND_LINE.decode("latin-1"))
        return mmio.devices(self.machine, told or _MICROVM)

    def find_disks(self) -> list[tuple[bytes, Device]]:
        blocks = [Block(transport, self.machine) for transport in self.transports(BLOCK)]
        return [(block.serial, block) for block in blocks]

    def seed(self) -> bytes:
        from rump.rumpuser.bare.virtio.entropy import Entropy

        for transport in self.transports(ENTROPY)[:1]:
            return Entropy(transport, self.machine).draw(48)
        return b""

    def find_cards(self) -> list[Callable[[], Card]]:
        """The network cards: what opens each."""
        from functools import partial

        from rump.rumpuser.bare.virtio.net import Card

        return [partial(Card, transport, self.machine) for transport in self.transports(NETWORK)]

    def nic(self, name: bytes) -> Card | None:
        cards = self.find_cards()
        named = [number for number in range(len(cards)) if name in (b"", b"net%d" % number)]
        for number in named:
            card = self._cards.get(number)
            if card is None or card.closed:
                card = self._cards[number] = cards[number]()
                return card
        if named:
            raise HostError(EBUSY, repr(name))
        return None

    def consoles(self) -> list[Console]:
        """The virtio consoles: streams of bytes beside the machine's own console."""
        from rump.rumpuser.bare.virtio.console import Console

        return [Console(transport, self.machine) for transport in self.transports(CONSOLE)]
