# SPDX-License-Identifier: BSD-2-Clause
"""Extents where the host cannot tell: all is data."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import EXTENT_DATA
from rump.rumpuser.posix.files import Files
from rump.rumpuser.pure.arguments import check_range


class NoHoles(Files):
    """One extent, as long as the file."""

    def extents(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...]:
        size, _, _ = self.getfileinfo(handle)
        check_range(start, length)
        end = min(size, start + length)
        return ((EXTENT_DATA, start, end - start),) if start < end else ()
