# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of DragonFly BSD 6.4: errors, and what open, lseek, fcntl and flock take.

From sys/errno.h, sys/fcntl.h, sys/unistd.h.
"""

from __future__ import annotations

from rump.conformance.models.numbers_of_freebsd import *  # noqa: F403

HOST = "dragonfly"
SYSTEM = "DragonFly BSD 6.4"
HEADERS = ("errno.h", "fcntl.h", "unistd.h")

ENOMEDIUM = 93
EASYNC = 99

O_CLOEXEC = 0x20000
F_GETLK = 7
F_SETLK = 8
