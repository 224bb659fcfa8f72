# SPDX-License-Identifier: BSD-2-Clause
"""Holes punched by fallocate, which the standard library does not reach: a compiled piece."""

from __future__ import annotations

from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.linux.compiled import compiled
from rump.rumpuser.posix.errors import errno_of
from rump.rumpuser.posix.no_discard import NoDiscard


class Discard(NoDiscard):
    """discard for files and, on kernels since 4.9, block devices."""

    def _punch(self, descriptor: int, start: int, length: int) -> None:
        module = compiled()
        if module is None:
            super()._punch(descriptor, start, length)
        elif number := module.lib.rump_punch(descriptor, start, length):
            raise HostError(errno_of(number), "discard")
