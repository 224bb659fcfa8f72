# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of NetBSD 10: errors, and what open, lseek, fcntl and flock take.

From sys/errno.h, sys/fcntl.h, unistd.h.
"""

from __future__ import annotations

from rump.conformance.models.numbers_of_bsd import *  # noqa: F403

HOST = "netbsd"
SYSTEM = "NetBSD 10"
HEADERS = ("errno.h", "fcntl.h", "unistd.h", "sys/file.h")

EOPNOTSUPP = 45
EIDRM = 82
ENOMSG = 83
EOVERFLOW = 84
EILSEQ = 85
ENOTSUP = 86
ECANCELED = 87
EBADMSG = 88
ENODATA = 89
ENOSR = 90
ENOSTR = 91
ETIME = 92
ENOATTR = 93
EMULTIHOP = 94
ENOLINK = 95
EPROTO = 96
EOWNERDEAD = 97
ENOTRECOVERABLE = 98

O_NOCTTY = 0x8000
O_CLOEXEC = 0x400000
F_GETLK = 7
F_SETLK = 8
