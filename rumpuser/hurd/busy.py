# SPDX-License-Identifier: BSD-2-Clause
"""Who uses a disk: /proc/mounts, of the translators procfs and mtab."""

from __future__ import annotations

from rump.rumpuser.posix.mounted import Busy, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

MOUNTS = "/proc/mounts"


class MountTable(Busy):
    """Stores that a file system's translator stands on; others (a swap partition, say) do not show."""

    def _users(self, status: os.stat_result) -> Iterator[tuple[str, str]]:
        for fields in table(MOUNTS):
            if len(fields) >= 2:
                yield fields[0], f"mounted on {fields[1]}"
