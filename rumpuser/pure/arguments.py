# SPDX-License-Identifier: BSD-2-Clause
"""What every host refuses alike: arguments that the contract calls EINVAL."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EINVAL, HostError
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    BIO_WRITE,
    CLOCK_ABSMONO,
    CLOCK_RELWALL,
    OPEN_ACCMODE,
    OPEN_BIO,
    OPEN_CREATE,
    OPEN_EXCL,
    RANDOM_HARD,
    RANDOM_NOWAIT,
    SYNC_ALL,
    SYNC_BARRIER,
    SYNC_DATA,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

_OPEN_FLAGS = OPEN_ACCMODE | OPEN_CREATE | OPEN_EXCL | OPEN_BIO
_SYNC_FLAGS = SYNC_DATA | SYNC_ALL | SYNC_BARRIER


def check_clock(clock: int) -> None:
    """CLOCK_RELWALL or CLOCK_ABSMONO."""
    if clock not in (CLOCK_RELWALL, CLOCK_ABSMONO):
        raise HostError(EINVAL, "no such clock")


def check_random(length: int, flags: int) -> None:
    """Of getrandom: no negative length, no unknown flag."""
    if length < 0 or flags & ~(RANDOM_HARD | RANDOM_NOWAIT):
        raise HostError(EINVAL)


def check_open(path: bytes, flags: int) -> None:
    """Of open: flags that are known and go together, no NUL in the path."""
    if flags & ~_OPEN_FLAGS or flags & OPEN_ACCMODE == OPEN_ACCMODE:
        raise HostError(EINVAL, "unknown flags")
    if flags & OPEN_EXCL and not flags & OPEN_CREATE:
        raise HostError(EINVAL, "OPEN_EXCL without OPEN_CREATE")
    if b"\0" in path:
        raise HostError(EINVAL, "a NUL byte in the path")


def check_requests(requests: Sequence[tuple[int, Buffer, int]]) -> None:
    """Of submit: known operations only."""
    if any(operation not in (BIO_READ, BIO_WRITE) for operation, _, _ in requests):
        raise HostError(EINVAL, "unknown operation")


def check_range(start: int, length: int) -> None:
    """Not negative, and ending within the 63 bits that a file's offsets have."""
    if start < 0 or length < 0 or start + length >> 63:
        raise HostError(EINVAL)


def check_sync(flags: int) -> None:
    """Of sync: known flags, at least one."""
    if not flags or flags & ~_SYNC_FLAGS:
        raise HostError(EINVAL, "unknown flags")
