# SPDX-License-Identifier: BSD-2-Clause
"""Races, step by step: what one lwp does while another is in a hypercall.

The kernel makes no thread and a host may have none, so a second system call is made in the middle of a first one, by
the same thread, where the first gives up the virtual CPU: before its n-th hypercall that may block.  If the second
would have to wait for a lock that the first holds it fails (EDEADLK: nobody is there to give the lock up) and is made
behind the first.  Whatever happens, the end must be one that the two, one after the other, can bring about.
"""

from __future__ import annotations

from rump.rumpuser.middleware.base import BLOCKING, Middleware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.rumpuser.interface.hypercalls import Hypercalls, Upcalls


class Between(Middleware):
    """Makes a call before one of the hypercalls that may block, with the virtual CPU given up."""

    def __init__(self, host: Hypercalls) -> None:
        super().__init__(host)
        self._upcalls: Upcalls | None = None
        self._left = 0
        self._call_back: Callable[[], object] | None = None

    def arm(self, step: int, call: Callable[[], object]) -> None:
        """Make the call before the `step`-th hypercall from now on, the first being 1."""
        self._left, self._call_back = step, call

    def disarm(self) -> bool:
        """Whether the call has been made; it is not made any more."""
        call, self._call_back = self._call_back, None
        return call is None

    def _call(self, name: str, *arguments: Any) -> Any:
        if name == "init":
            self._upcalls = arguments[1]
        elif self._call_back is not None and name in BLOCKING:
            self._left -= 1
            if not self._left:
                self._now()
        return super()._call(name, *arguments)

    def _now(self) -> None:
        call, self._call_back = self._call_back, None
        assert self._upcalls is not None and call is not None
        self._upcalls.unschedule()
        try:
            call()
        finally:
            self._upcalls.schedule()
