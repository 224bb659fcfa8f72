# SPDX-License-Identifier: BSD-2-Clause
"""The Hurd's numbers and layouts, as far as this backend uses them without a compiler.

From glibc 2.41: sysdeps/mach/hurd/bits/fcntl.h, bits/types/struct_flock.h.  Python's errno and os know the rest: errno
0x40000000 and up (Mach's error system 0x10), O_RDONLY 1, O_WRONLY 2.  Older releases have an int for l_type and
l_whence: with 64-bit processors that is the same bytes, and only questions use the layout, locks go through lockf.
"""

from __future__ import annotations

from rump.rumpuser.posix.layout import Layout

SYSTEM = "GNU Hurd, glibc 2.41"
HEADERS = ("sys/types.h", "fcntl.h")

FLOCK = Layout("struct flock", ("l_type", "h"), ("l_whence", "h"), ("l_start", "q"), ("l_len", "q"), ("l_pid", "i"))
