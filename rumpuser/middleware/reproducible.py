# SPDX-License-Identifier: BSD-2-Clause
"""Reproducible runs: the wall clock stands still, and what is random depends on a seed alone."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import CLOCK_RELWALL
from rump.rumpuser.middleware.thin import Thin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.interface.hypercalls import Hypercalls


class FixedClock(Thin):
    """A host whose wall clock shows one time for ever; `time` is in nanoseconds since 1970.

    The other clock goes on, and to sleep takes as long as ever.
    """

    def __init__(self, host: Hypercalls, time: int) -> None:
        super().__init__(host)
        self.time = time

    def clock_gettime(self, clock: int) -> int:
        return self.time if clock == CLOCK_RELWALL else self.host.clock_gettime(clock)


class FixedEntropy(Thin):
    """A host whose random bytes are SHA-256(seed, 0), SHA-256(seed, 1) ... with the counter as eight bytes, the most
    significant first; each call begins with a new digest.  Not fit for keys, whatever the flags say."""

    def __init__(self, host: Hypercalls, seed: bytes) -> None:
        super().__init__(host)
        self._seed = seed
        self._count = 0

    def getrandom(self, length: int, flags: int = 0) -> bytes:
        from hashlib import sha256

        if length < 0:
            return self.host.getrandom(length, flags)       # the host's own error
        pieces = []
        for _ in range(0, length, 32):
            pieces.append(sha256(self._seed + self._count.to_bytes(8, "big")).digest())
            self._count += 1
        return b"".join(pieces)[:length]
