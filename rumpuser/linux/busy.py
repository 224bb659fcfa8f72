# SPDX-License-Identifier: BSD-2-Clause
"""busy, for regular files and block devices; nobody uses anything else."""

from __future__ import annotations

import os

from rump.rumpuser.posix.errors import blocking
from rump.rumpuser.posix.files import Files


class Busy(Files):
    """How to find out is loaded when somebody asks: only writers do."""

    @blocking
    def busy(self, handle: int) -> str:
        from rump.rumpuser.linux.users import user_of

        return user_of(os.fstat(self._descriptor(handle)))
