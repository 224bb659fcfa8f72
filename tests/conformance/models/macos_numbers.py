# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of macOS 14: errors, and what open, lseek, fcntl and flock take.

From sys/errno.h, sys/fcntl.h, sys/unistd.h.
"""

from __future__ import annotations

from rump.conformance.models.numbers_of_bsd import *  # noqa: F403

HOST = "macos"
SYSTEM = "macOS 14"
HEADERS = ("errno.h", "fcntl.h", "unistd.h", "sys/file.h")

ENOTSUP = 45
EPWROFF = 82
EDEVERR = 83
EOVERFLOW = 84
EBADEXEC = 85
EBADARCH = 86
ESHLIBVERS = 87
EBADMACHO = 88
ECANCELED = 89
EIDRM = 90
ENOMSG = 91
EILSEQ = 92
ENOATTR = 93
EBADMSG = 94
EMULTIHOP = 95
ENODATA = 96
ENOLINK = 97
ENOSR = 98
ENOSTR = 99
EPROTO = 100
ETIME = 101
EOPNOTSUPP = 102
ENOPOLICY = 103
ENOTRECOVERABLE = 104
EOWNERDEAD = 105
EQFULL = 106
ENOTCAPABLE = 107

O_NOCTTY = 0x20000
O_CLOEXEC = 0x1000000
F_GETLK = 7
F_SETLK = 8

SEEK_HOLE = 3
SEEK_DATA = 4
