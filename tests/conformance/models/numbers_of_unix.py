# SPDX-License-Identifier: BSD-2-Clause
"""What the BSDs, System V and their kin have alike: the numbers of Unix before they parted.

A model's own file takes these and adds what is the system's; tests/abi holds all of them to each system's headers.
"""

from __future__ import annotations

EPERM = 1
ENOENT = 2
ESRCH = 3
EINTR = 4
EIO = 5
ENXIO = 6
E2BIG = 7
ENOEXEC = 8
EBADF = 9
ECHILD = 10
ENOMEM = 12
EACCES = 13
EFAULT = 14
ENOTBLK = 15
EBUSY = 16
EEXIST = 17
EXDEV = 18
ENODEV = 19
ENOTDIR = 20
EISDIR = 21
EINVAL = 22
ENFILE = 23
EMFILE = 24
ENOTTY = 25
ETXTBSY = 26
EFBIG = 27
ENOSPC = 28
ESPIPE = 29
EROFS = 30
EMLINK = 31
EPIPE = 32
EDOM = 33
ERANGE = 34

O_RDONLY = 0
O_WRONLY = 1
O_RDWR = 2
F_GETFL = 3
F_RDLCK = 1
LOCK_SH = 1
LOCK_EX = 2
LOCK_NB = 4
LOCK_UN = 8

SEEK_SET = 0
SEEK_CUR = 1
SEEK_END = 2
