# SPDX-License-Identifier: BSD-2-Clause
"""Who uses a disk: /proc/partitions, whose last column says as which drive Windows has it."""

from __future__ import annotations

from rump.rumpuser.posix.mounted import Busy, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

PARTITIONS = "/proc/partitions"
_NAME, _DRIVE = 3, 4


class Drives(Busy):
    """A partition that Windows has as a drive; that a file is in use shows when it is opened (EBUSY)."""

    def _users(self, status: os.stat_result) -> Iterator[tuple[str, str]]:
        for fields in table(PARTITIONS):
            if len(fields) > _DRIVE and fields[0].isdigit():
                yield f"/dev/{fields[_NAME]}", f"mounted on {' '.join(fields[_DRIVE:])}"
