# SPDX-License-Identifier: BSD-2-Clause
"""Waiting for a descriptor, by nanoseconds."""

from __future__ import annotations

import time

LONGEST_WAIT = 86_400 * 10**9       # nanoseconds at a stretch; longer ones overflow some hosts' types


def deadline(timeout: int | None) -> int | None:
    """When a wait that begins now is over, by the monotonic clock; None for never."""
    return None if timeout is None else time.monotonic_ns() + timeout


def left(until: int | None, longest: int = LONGEST_WAIT) -> int:
    """Nanoseconds to wait at a stretch, none left if it is not positive."""
    return longest if until is None else min(longest, until - time.monotonic_ns())


def readable(until: int | None, *descriptors: int) -> bool:
    """Wait until one of them has something to read; False if it is `until` before."""
    import select  # here, since few programs wait and all of them start

    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    while True:
        wait = left(until)
        if poll.poll(max(0, -(-wait // 10**6))):
            return True
        if wait <= 0:
            return False
