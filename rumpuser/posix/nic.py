# SPDX-License-Identifier: BSD-2-Clause
"""Network cards over a descriptor whose every read and write is one Ethernet frame, as a host's tap device has it."""

from __future__ import annotations

import errno
import os

from rump.rumpuser.interface.errno import EMSGSIZE, ENETDOWN, ENOBUFS, HostError
from rump.rumpuser.posix.errors import errno_of
from rump.rumpuser.posix.waiting import deadline, readable
from rump.rumpuser.pure.cards import Cards

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.rumpuser.pure.cards import Nic

LONGEST = 65_535 + 18       # bytes of a frame: the longest IP packet, the header, a VLAN tag
_REFUSALS = {
    errno.EAGAIN: ENOBUFS,
    errno.EIO: ENETDOWN,        # what tap devices say while the interface is down
    errno.ENXIO: ENETDOWN,
}


class TapCard:
    """A card over `descriptor`, which does not block and is the card's own."""

    def __init__(self, descriptor: int, address: bytes) -> None:
        self._descriptor = descriptor
        self.address = address

    def send(self, frame: memoryview) -> None:
        """One write."""
        if len(frame) > LONGEST:
            raise HostError(EMSGSIZE, "a frame too long")
        try:
            os.write(self._descriptor, frame)
        except OSError as error:
            raise refusal(error) from error

    def receive(self, timeout: int | None) -> bytes:
        """One read, when there is something."""
        until = deadline(timeout)
        while True:
            try:
                return os.read(self._descriptor, LONGEST)
            except BlockingIOError:
                if not readable(until, self._descriptor):
                    return b""
            except OSError as error:
                raise refusal(error) from error

    def close(self) -> None:
        """The host takes its end away, too, unless it is to stay."""
        os.close(self._descriptor)


class NetworkCards(Cards):
    """Cards of a host with tap devices; a host overrides `_tap`."""

    def _tap(self, name: bytes) -> tuple[int, bytes]:
        """A descriptor that does not block, of the tap device `name`, and the interface's own name."""
        raise NotImplementedError

    def _card(self, name: bytes) -> Nic:
        return tap_card(name, self._tap)


def tap_card(name: bytes, tap: Callable[[bytes], tuple[int, bytes]]) -> TapCard:
    """A card over what `tap` opens, as `NetworkCards._tap` does.  Errors: HostError."""
    try:
        descriptor, interface = tap(name)
    except OSError as error:
        raise error if isinstance(error, HostError) else HostError(errno_of(error.errno), repr(name)) from error
    return TapCard(descriptor, address_of(interface))


def address_of(interface: bytes) -> bytes:
    """An address for the kernel's end: of the range for local use, from the names of host and interface, so that it is
    the same in each run and another one on other hosts.  (The interface's own address is the other end's.)
    """
    from binascii import crc32

    return b"\xb2\x0a" + crc32(os.fsencode(os.uname().nodename) + b"/" + interface).to_bytes(4, "big")


def refusal(error: OSError) -> HostError:
    """What an error of the device means to who sends and receives."""
    return HostError(_REFUSALS.get(error.errno or 0) or errno_of(error.errno), "network card")
