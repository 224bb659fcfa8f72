# SPDX-License-Identifier: BSD-2-Clause
"""No byte-range locks that belong to a handle (the older fcntl locks belong to the process: another thing)."""

from __future__ import annotations

from rump.rumpuser.interface.errno import EOPNOTSUPP, HostError
from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files


class NoLocks(Files):
    """lock refuses every file."""

    @blocking
    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        self._descriptor(handle)
        raise HostError(EOPNOTSUPP, "lock")
