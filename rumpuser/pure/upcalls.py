# SPDX-License-Identifier: BSD-2-Clause
"""The handshake, and what a host keeps of it: how to give the virtual CPU up and take it back."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.interface.hypercalls import VERSION, Hypercalls, Upcalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Call = TypeVar("Call", bound=Callable[..., Any])


def _nothing() -> None:
    """There is no virtual CPU before `init`."""


class Handshake(Hypercalls):
    """`init`; the other pieces call `_unschedule` before and `_schedule` after what may block."""

    _schedule: Callable[[], object] = staticmethod(_nothing)
    _unschedule: Callable[[], object] = staticmethod(_nothing)

    def init(self, version: int, upcalls: Upcalls) -> None:
        if version != VERSION:
            raise HostError(EINVAL, f"hypercall interface {VERSION}, and the kernel wants {version}")
        self._schedule = upcalls.schedule
        self._unschedule = upcalls.unschedule


def blocking(call: Call) -> Call:
    """A hypercall that may block: without the virtual CPU while it runs."""

    def around(self: Any, *arguments: Any, **named: Any) -> Any:
        self._unschedule()
        try:
            return call(self, *arguments, **named)
        finally:
            self._schedule()

    around.__wrapped__ = call  # type: ignore[attr-defined]    # for those who ask what it takes
    return around  # type: ignore[return-value]
