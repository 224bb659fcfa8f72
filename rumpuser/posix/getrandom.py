# SPDX-License-Identifier: BSD-2-Clause
"""Randomness by getrandom(2), which can also refuse to wait; Linux, Solaris, the BSDs, Cygwin and the Hurd have it."""

from __future__ import annotations

import os

from rump.rumpuser.interface.hypercalls import RANDOM_NOWAIT
from rump.rumpuser.posix.entropy import Entropy

_getrandom = getattr(os, "getrandom", None)     # by name: type checkers know it only when they check for Linux
_NO_WAIT: int = getattr(os, "GRND_NONBLOCK", 0)


class GetRandom(Entropy):
    """EAGAIN from the host until it has collected its first entropy after boot."""

    def _draw(self, length: int, flags: int) -> bytes:
        if _getrandom is None:      # a C library without it
            return super()._draw(length, flags)
        drawn: bytes = _getrandom(length, _NO_WAIT if flags & RANDOM_NOWAIT else 0)
        return drawn
