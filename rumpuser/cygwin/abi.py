# SPDX-License-Identifier: BSD-2-Clause
"""Cygwin's numbers and layouts, as far as this backend uses them without a compiler.

From the headers of Cygwin 3.5: winsup/cygwin/include/cygwin/fs.h, cygwin/fcntl.h (struct flock with off_t of 64 bits).
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout

SYSTEM = "Cygwin 3.5"
HEADERS = ("sys/types.h", "fcntl.h", "cygwin/fs.h")

FLOCK = Layout("struct flock", ("l_type", "h"), ("l_whence", "h"), ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"))
BLKGETSIZE64 = 0x41268      # bytes, 64 bits; not Linux's number
BLKSSZGET = 0x1268          # int
