# SPDX-License-Identifier: BSD-2-Clause
"""The front end of a device that another domain provides: how both find each other and agree (io/xenbus.h).

Each end has a folder in the store with its state.  We offer a page and an event channel; the other end
connects to them.
"""

from __future__ import annotations

from rump.rumpuser.bare.xen import abi
from rump.rumpuser.interface.errno import EBUSY, EIO, ENXIO, HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.bare.xen.events import Events
    from rump.rumpuser.bare.xen.grants import Grants
    from rump.rumpuser.bare.xen.machine import Machine
    from rump.rumpuser.bare.xen.xenstore import Store

PATIENCE = 30 * 10**9
"""How long the other end may take for a step."""


class Domain:
    """What front ends need of the guest they are in."""

    def __init__(self, machine: Machine, events: Events, grants: Grants, store: Store) -> None:
        self.machine, self.events, self.grants, self.store = machine, events, grants, store
        self._spare: list[int] = []

    def page(self) -> int:
        """The address of a zeroed page."""
        if not self._spare:
            return self.machine.pages(1)
        address = self._spare.pop()
        self.machine.view(address, abi.PAGE)[:] = bytes(abi.PAGE)
        return address

    def give_back(self, address: int) -> None:
        """Let a page be used again; nobody else may have it mapped."""
        self._spare.append(address)


class FrontEnd:
    """One device; `path` is our folder of it, such as b"device/vbd/51712".

    port        the event channel to the other end, in domain `domain_id`
    """

    def __init__(self, domain: Domain, path: bytes) -> None:
        self.domain, self.path = domain, path
        store = domain.store
        self.other = store.read(path + b"/backend")
        self.domain_id = store.read_number(path + b"/backend-id")
        if not self.other or self.domain_id >= abi.DOMAIN_SELF:
            raise HostError(ENXIO, f"{path!r} has no other end")
        self.port = 0
        self._shared: list[tuple[int, int]] = []        # addresses, grants

    def setting(self, name: bytes, default: int | None = None) -> int:
        """A number that the other end has written."""
        return self.domain.store.read_number(self.other + b"/" + name, default)

    def share(self, address: int, read_only: bool = False) -> int:
        """Let the other end map a page, until `disconnect`; its grant."""
        reference = self.domain.grants.grant(self.domain_id, address, read_only)
        self._shared.append((address, reference))
        return reference

    def connect(self, rings: dict[bytes, int], values: dict[bytes, bytes], ready: int = abi.STATE_INITIALISED) -> None:
        """Offer the pages at the addresses `rings`, a port and `values`; wait for the other end.

        `ready` is the state in which the other end looks at the offer.  Errors: EIO - it will not; ETIMEDOUT.
        """
        store, path = self.domain.store, self.path
        self._begin()
        self.port = self.domain.events.allocate(self.domain_id)
        offered = {
            **{name: b"%d" % self.share(address) for name, address in rings.items()},
            b"event-channel": b"%d" % self.port,
            **values,
            b"state": b"%d" % ready,
        }
        store.write_all({path + b"/" + name: value for name, value in offered.items()})
        self._until(abi.STATE_CONNECTED)

    def _begin(self) -> None:
        """Have the other end wait for an offer; from a connection before this one it may still be closed."""
        again = self.domain.store.read_number(self.path + b"/state", 0) == abi.STATE_CLOSED
        self._state(abi.STATE_INITIALISING)
        if again:
            self._until(abi.STATE_INITWAIT, over=())
        else:
            self._until(abi.STATE_INITWAIT, abi.STATE_INITIALISED, abi.STATE_CONNECTED)

    def connected(self) -> None:
        """Say that we are ready."""
        self._state(abi.STATE_CONNECTED)

    def alive(self) -> bool:
        """Whether the other end is there."""
        return self.setting(b"state", 0) == abi.STATE_CONNECTED

    def disconnect(self) -> None:
        """Part from the other end, and take the pages back; those that it holds on to stay granted and are lost."""
        self._state(abi.STATE_CLOSING)
        store = self.domain.store
        until = self.domain.machine.monotonic() + PATIENCE
        store.wait_for(self.other + b"/state", lambda state: not state or state >= abi.STATE_CLOSING, until)
        self._state(abi.STATE_CLOSED)
        store.wait_for(self.other + b"/state", lambda state: not state or state >= abi.STATE_CLOSED, until)
        self.domain.events.close(self.port)
        while self._shared:
            address, reference = self._shared.pop()
            try:
                self.domain.grants.end(reference)
            except HostError as error:
                if error.errno != EBUSY:
                    raise
                continue
            self.domain.give_back(address)

    def _state(self, state: int) -> None:
        self.domain.store.write(self.path + b"/state", b"%d" % state)

    def _until(self, *states: int, over: tuple[int, ...] = (abi.STATE_CLOSING, abi.STATE_CLOSED)) -> None:
        until = self.domain.machine.monotonic() + PATIENCE
        found = self.domain.store.wait_for(self.other + b"/state", lambda state: state in (*states, *over), until)
        if found in over:
            raise HostError(EIO, f"the other end of {self.path!r} has closed")
