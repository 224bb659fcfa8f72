# SPDX-License-Identifier: BSD-2-Clause
"""DragonFly's numbers and layouts, as far as this backend uses them without a compiler.

From the headers of DragonFly BSD 6.4: sys/fcntl.h, sys/diskslice.h.
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout, ior

SYSTEM = "DragonFly BSD 6.4"
HEADERS = ("sys/types.h", "sys/fcntl.h", "sys/diskslice.h")

FLOCK = Layout("struct flock", ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"), ("l_type", "h"), ("l_whence", "h"))
PARTINFO = Layout(
    "struct partinfo",
    ("media_offset", "Q"), ("media_size", "Q"), ("media_blocks", "Q"), ("media_blksize", "i"),
    ("skip_platform", "I"), ("skip_bsdlabel", "I"), ("fstype", "i"), ("fstypestr", "16s"),
)  # fmt: skip
DIOCGPART = ior("d", 104, PARTINFO.size)        # a disk, slice or partition: bytes, and bytes of a sector
