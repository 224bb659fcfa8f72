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


class FrontEnd:
    """One device; `path` is our folder of it, such as b"device/vbd/51712".

    page, port      what is shared with the other end; domain_id says which domain that is
    """

    def __init__(self, domain: Domain, path: bytes) -> None:
        self.domain, self.path = domain, path
        store = domain.store
        self.other = store.read(path + b"/backend")
        self.domain_id = store.read_number(path + b"/backend-id")
        if not self.other or self.domain_id >= abi.DOMAIN_SELF:
            raise HostError(ENXIO, f"{path!r} has no other end")
        self.page = self.port = 0
        self._references: list[int] = []

    def setting(self, name: bytes, default: int | None = None) -> int:
        """A number that the other end has written."""
        return self.domain.store.read_number(self.other + b"/" + name, default)

    def share(self, address: int, read_only: bool = False) -> int:
        """Let the other end map a page, until `disconnect`; its grant."""
        reference = self.domain.grants.grant(self.domain_id, address, read_only)
        self._references.append(reference)
        return reference

    def connect(self, values: dict[bytes, bytes]) -> None:
        """Offer the page, the port and `values`; wait for the other end.  Errors: EIO - it will not; ETIMEDOUT."""
        store, path = self.domain.store, self.path
        self._state(abi.STATE_INITIALISING)
        self._until(abi.STATE_INITWAIT, abi.STATE_INITIALISED, abi.STATE_CONNECTED)
        offered = {
            b"ring-ref": b"%d" % self.share(self.page),
            b"event-channel": b"%d" % self.port,
            **values,
            b"state": b"%d" % abi.STATE_INITIALISED,
        }
        store.write_all({path + b"/" + name: value for name, value in offered.items()})
        self._until(abi.STATE_CONNECTED)

    def prepare(self) -> None:
        """Make what is going to be shared."""
        self.page = self.domain.machine.pages(1)
        self.port = self.domain.events.allocate(self.domain_id)

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
        while self._references:
            try:
                self.domain.grants.end(self._references.pop())
            except HostError as error:
                if error.errno != EBUSY:
                    raise

    def _state(self, state: int) -> None:
        self.domain.store.write(self.path + b"/state", b"%d" % state)

    def _until(self, *states: int) -> None:
        over = abi.STATE_CLOSING, abi.STATE_CLOSED
        until = self.domain.machine.monotonic() + PATIENCE
        found = self.domain.store.wait_for(self.other + b"/state", lambda state: state in (*states, *over), until)
        if found in over:
            raise HostError(EIO, f"the other end of {self.path!r} has closed")
