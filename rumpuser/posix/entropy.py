# SPDX-License-Identifier: BSD-2-Clause
"""Randomness from the host's generator."""

from __future__ import annotations

import os

from rump.rumpuser.interface.hypercalls import Hypercalls
from rump.rumpuser.posix.errors import host_error
from rump.rumpuser.pure.arguments import check_random

LARGEST_DRAW = 1 << 20


class Entropy(Hypercalls):
    """The generator of the host seeds itself at start, so RANDOM_HARD and plain bytes are the same."""

    def getrandom(self, length: int, flags: int = 0) -> bytes:
        check_random(length, flags)
        pieces = []
        try:
            while length > 0:
                pieces.append(self._draw(min(length, LARGEST_DRAW), flags))
                length -= len(pieces[-1])
        except OSError as error:
            raise host_error(error) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _draw(self, length: int, flags: int) -> bytes:
        """Some of `length` bytes.  Never EAGAIN here: os.urandom is ready or waits for the host's first entropy."""
        return os.urandom(length)
