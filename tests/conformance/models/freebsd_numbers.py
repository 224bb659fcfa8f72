# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of FreeBSD 14: errors, and what open, lseek, fcntl and flock take.

From sys/errno.h, sys/fcntl.h, sys/unistd.h.
"""

from __future__ import annotations

from rump.conformance.models.numbers_of_freebsd import *  # noqa: F403

HOST = "freebsd"
SYSTEM = "FreeBSD 14"
HEADERS = ("errno.h", "fcntl.h", "unistd.h", "sys/file.h")

ENOTCAPABLE = 93
ECAPMODE = 94
ENOTRECOVERABLE = 95
EOWNERDEAD = 96
EINTEGRITY = 97

O_CLOEXEC = 0x100000
F_GETLK = 11
F_SETLK = 12

SEEK_DATA = 3
SEEK_HOLE = 4
