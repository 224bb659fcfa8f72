# SPDX-License-Identifier: BSD-2-Clause
"""tmpfs: a file system in memory.  The kernel's own root is one, under the name rumpfs."""

from __future__ import annotations

from rump.drivers.fs.tmpfs.mount import CAPABILITIES, mount
from rump.kernel.vfs.volume import FileSystem

driver = FileSystem(
    "tmpfs",
    aliases=("rumpfs",),
    mount=mount,
    capabilities=CAPABILITIES,
    needs_device=False,
)
