# SPDX-License-Identifier: BSD-2-Clause
"""macOS' numbers and layouts, as far as this backend uses them without a compiler.

From the headers of macOS 14 (XNU 10002): sys/fcntl.h, sys/disk.h.
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout, ior

SYSTEM = "macOS 14"
HEADERS = ("sys/types.h", "sys/fcntl.h", "sys/disk.h")

FLOCK = Layout("struct flock", ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"), ("l_type", "h"), ("l_whence", "h"))
F_FULLFSYNC = 51        # and through the disk's own cache
F_BARRIERFSYNC = 85     # and a barrier in the disk's own cache
F_OFD_SETLK = 90
F_OFD_GETLK = 92
F_PUNCHHOLE = 99
FPUNCHHOLE = Layout("struct fpunchhole", ("fp_flags", "I"), ("reserved", "I"), ("fp_offset", "q"), ("fp_length", "q"))

DKIOCGETBLOCKSIZE = ior("d", 24, 4)     # uint32_t
DKIOCGETBLOCKCOUNT = ior("d", 25, 8)    # uint64_t
