# SPDX-License-Identifier: BSD-2-Clause
"""FreeBSD's numbers and layouts, as far as this backend uses them without a compiler.

From the headers of FreeBSD 14: sys/fcntl.h, sys/disk.h.
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout, ior

SYSTEM = "FreeBSD 14"
HEADERS = ("sys/types.h", "sys/fcntl.h", "sys/disk.h")

FLOCK = Layout(
    "struct flock",
    ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"), ("l_type", "h"), ("l_whence", "h"), ("l_sysid", "i"),
)  # fmt: skip
DIOCGSECTORSIZE = ior("d", 128, 4)      # u_int
DIOCGMEDIASIZE = ior("d", 129, 8)       # off_t, bytes
