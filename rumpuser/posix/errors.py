# SPDX-License-Identifier: BSD-2-Clause
"""The edge: the host's errors become `HostError` here, by name, and nowhere else."""

from __future__ import annotations

from rump.rumpuser.interface import errno as space
from rump.rumpuser.interface.errno import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Call = TypeVar("Call", bound=Callable[..., Any])

_numbers: dict[int, int] = {}


def errno_of(host_number: int | None) -> int:
    """The number of the one errno space for a number of this host; EIO where there is none."""
    if not _numbers:
        _numbers.update(_translation())
    return _numbers.get(host_number or 0, space.EIO)


def _translation() -> dict[int, int]:
    import errno as host

    names = {"EWOULDBLOCK": space.EAGAIN, "EDEADLOCK": space.EDEADLK}
    # Where a host has one number for two names, the one that comes last wins.  EOPNOTSUPP is what a file that cannot
    # do something says, ENOTSUP is rare: hence the downward order.
    for number in sorted(space.NAMES, reverse=True):
        names[space.NAMES[number]] = number
    return {getattr(host, name): number for name, number in names.items() if hasattr(host, name)}


def host_error(error: Exception, detail: str | None = None) -> HostError:
    """What the kernel gets to see of `error`: an OSError of the host, or an integer the host's types cannot hold."""
    if isinstance(error, HostError):
        return error
    if isinstance(error, OSError):
        return HostError(errno_of(error.errno), detail)
    return HostError(space.EINVAL, detail)


def blocking(call: Call) -> Call:
    """A hypercall that may block: without the virtual CPU while it runs, and through the edge when it fails."""

    def around(self: Any, *arguments: Any, **named: Any) -> Any:
        self._unschedule()
        try:
            return call(self, *arguments, **named)
        except (OSError, OverflowError) as error:
            raise host_error(error) from error
        finally:
            self._schedule()

    around.__wrapped__ = call  # type: ignore[attr-defined]    # for those who ask what it takes
    return around  # type: ignore[return-value]
