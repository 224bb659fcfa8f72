# SPDX-License-Identifier: BSD-2-Clause
"""Who uses a disk: mnttab(5)."""

from __future__ import annotations

from rump.rumpuser.posix.mounted import Busy, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

MOUNTS = "/etc/mnttab"


class MountTable(Busy):
    """Block devices that are mounted; pools of zfs do not stand there with their disks, and swap needs privilege."""

    def _users(self, status: os.stat_result) -> Iterator[tuple[str, str]]:
        for fields in table(MOUNTS, "\t"):
            if len(fields) >= 2:
                yield fields[0], f"mounted on {fields[1]}"
