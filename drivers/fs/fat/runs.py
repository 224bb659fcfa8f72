# SPDX-License-Identifier: BSD-2-Clause
"""Runs of files' bytes, of clusters that are on the device."""

from __future__ import annotations

from rump.kernel.errors import Corrupt
from rump.kernel.vfs.volume import DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Run


def add(runs: list[Run], device: BlockDevice, offset: int, length: int, place: int) -> None:
    """Add a run, or lengthen the last.  What lies behind the end of the device is not there, nor what comes after it.

    Errors: EIO - that is all of the first run.
    """
    length = min(length, device.size - place)
    if runs and runs[-1][1] + runs[-1][2] != offset:
        return
    if length > 0 and runs and runs[-1][3] + runs[-1][2] == place:
        runs[-1] = (DATA, runs[-1][1], runs[-1][2] + length, runs[-1][3])
    elif length > 0:
        runs.append((DATA, offset, length, place))
    elif not runs:
        raise Corrupt(f"byte {place} is behind the end of {device.name}")
