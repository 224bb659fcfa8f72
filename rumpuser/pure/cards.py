# SPDX-License-Identifier: BSD-2-Clause
"""The calls for network cards, over cards as objects; how one comes by a card is each host's own."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EBADF, EINVAL, HostError
from rump.rumpuser.pure.handles import found, number_for
from rump.rumpuser.pure.upcalls import Handshake, blocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from typing_extensions import Buffer

    class Nic(Protocol):
        """A card; its failures are `HostError`.

        address     of the kernel's end, 6 bytes
        """

        address: bytes

        def send(self, frame: memoryview) -> None:
            """Send a frame of at least 14 bytes: all of it, or nothing after an error."""

        def receive(self, timeout: int | None) -> bytes:
            """The next frame; b"" if none came for `timeout` nanoseconds (None: for ever)."""

        def close(self) -> None:
            """Give it up; it is not used afterwards."""


HEADER = 14     # bytes of an Ethernet frame before its data: two addresses and a type


class Cards(Handshake):
    """nic_open, _address, _send, _receive, _close; a host overrides `_card`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._cards: dict[int, Nic] = {}

    def _card(self, name: bytes) -> Nic:
        """The card of that name, opened.  Errors: HostError, as `nic_open`."""
        raise NotImplementedError

    @blocking
    def nic_open(self, name: bytes) -> int:
        if b"\0" in name or b"/" in name:
            raise HostError(EINVAL, repr(name))
        return number_for(self._cards, self._card(name))

    @blocking
    def nic_address(self, nic: int) -> bytes:
        return found(self._cards, nic).address

    @blocking
    def nic_send(self, nic: int, frame: Buffer) -> None:
        card, view = found(self._cards, nic), memoryview(frame).cast("B")
        if len(view) < HEADER:
            raise HostError(EINVAL, "a frame without its header")
        card.send(view)

    @blocking
    def nic_receive(self, nic: int, timeout: int | None) -> bytes:
        return found(self._cards, nic).receive(timeout)

    @blocking
    def nic_close(self, nic: int) -> None:
        card = self._cards.pop(nic, None)
        if card is None:
            raise HostError(EBADF)
        card.close()
