# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of OpenBSD 7.8: errors, and what open, lseek, fcntl and flock take.

From sys/errno.h, sys/fcntl.h, sys/unistd.h.
"""

from __future__ import annotations

from rump.conformance.models.numbers_of_bsd import *  # noqa: F403

HOST = "openbsd"
SYSTEM = "OpenBSD 7.8"
HEADERS = ("errno.h", "fcntl.h", "unistd.h", "sys/file.h")

EOPNOTSUPP = 45
EIPSEC = 82
ENOATTR = 83
EILSEQ = 84
ENOMEDIUM = 85
EMEDIUMTYPE = 86
EOVERFLOW = 87
ECANCELED = 88
EIDRM = 89
ENOMSG = 90
ENOTSUP = 91
EBADMSG = 92
ENOTRECOVERABLE = 93
EOWNERDEAD = 94
EPROTO = 95

O_NOCTTY = 0x8000
O_CLOEXEC = 0x10000
F_GETLK = 7
F_SETLK = 8
