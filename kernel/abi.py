# SPDX-License-Identifier: BSD-2-Clause
"""Constants of the system call interface, with NetBSD's values (its public headers are named at each group)."""

from __future__ import annotations

# sys/fcntl.h
O_RDONLY = 0x0
O_WRONLY = 0x1
O_RDWR = 0x2
O_ACCMODE = 0x3
O_NONBLOCK = 0x4
O_APPEND = 0x8
O_SYNC = 0x80
O_NOFOLLOW = 0x100
O_CREAT = 0x200
O_TRUNC = 0x400
O_EXCL = 0x800
O_DIRECTORY = 0x200000
O_CLOEXEC = 0x400000

F_DUPFD = 0
F_GETFD = 1
F_SETFD = 2
F_GETFL = 3
F_SETFL = 4
F_GETLK = 7
F_SETLK = 8
F_SETLKW = 9
F_DUPFD_CLOEXEC = 12
FD_CLOEXEC = 1
F_RDLCK = 1
F_UNLCK = 2
F_WRLCK = 3
LOCK_SH = 0x1
LOCK_EX = 0x2
LOCK_NB = 0x4
LOCK_UN = 0x8

AT_FDCWD = -100
AT_EACCESS = 0x100
AT_SYMLINK_NOFOLLOW = 0x200
AT_SYMLINK_FOLLOW = 0x400
AT_REMOVEDIR = 0x800

# sys/unistd.h
FDATASYNC = 0x10
FFILESYNC = 0x20
FDISKSYNC = 0x40
F_OK = 0
X_OK = 1
W_OK = 2
R_OK = 4
SEEK_SET = 0
SEEK_CUR = 1
SEEK_END = 2
SEEK_DATA = 3           # not NetBSD's: as Linux and Solaris have them
SEEK_HOLE = 4

# sys/stat.h
S_IFMT = 0o170000
S_IFIFO = 0o010000
S_IFCHR = 0o020000
S_IFDIR = 0o040000
S_IFBLK = 0o060000
S_IFREG = 0o100000
S_IFLNK = 0o120000
S_IFSOCK = 0o140000
S_ISUID = 0o4000
S_ISGID = 0o2000
S_ISVTX = 0o1000

UF_NODUMP = 0x1
UF_IMMUTABLE = 0x2
UF_APPEND = 0x4
UF_OPAQUE = 0x8
# FreeBSD's, for the attributes of MS-DOS and its heirs
UF_SYSTEM = 0x80
UF_ARCHIVE = 0x800
UF_READONLY = 0x1000
UF_HIDDEN = 0x8000
SF_ARCHIVED = 0x10000
SF_IMMUTABLE = 0x20000
SF_APPEND = 0x40000

UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2

# sys/dirent.h: a type is S_IFMT >> 12
DT_UNKNOWN = 0
DT_FIFO = 1
DT_CHR = 2
DT_DIR = 4
DT_BLK = 6
DT_REG = 8
DT_LNK = 10
DT_SOCK = 12

# sys/fstypes.h
MNT_RDONLY = 0x1
MNT_SYNCHRONOUS = 0x2
MNT_NOEXEC = 0x4
MNT_NOSUID = 0x8
MNT_NODEV = 0x10
MNT_NOATIME = 0x04000000
MNT_UPDATE = 0x10000
MNT_FORCE = 0x80000

# statvfs1(2), getvfsstat(2) (sys/statvfs.h)
ST_WAIT = 1            # ask the file system
ST_NOWAIT = 2          # what it said last

# sys/poll.h
POLLIN = 0x1
POLLPRI = 0x2
POLLOUT = 0x4
POLLERR = 0x8
POLLHUP = 0x10
POLLNVAL = 0x20

# sys/syslimits.h, sys/param.h
PATH_MAX = 4096         # NetBSD: 1024, too little for the trees of other systems
NAME_MAX = 511
MAXSYMLINKS = 32
OPEN_MAX = 1024         # NetBSD: 128, soft
NGROUPS_MAX = 16
PIPE_BUF = 512

# sys/xattr.h
XATTR_CREATE = 0x1
XATTR_REPLACE = 0x2


def makedev(major: int, minor: int) -> int:
    """A device number as NetBSD packs it (sys/types.h): major in bits 8-19, minor in bits 0-7 and 20-31.

    A major above 12 bits or a minor above 20 bits does not fit those; the excess is kept above bit 32 so that
    every device number of every file system goes through unchanged.
    """
    low = (major << 8 & 0xFFF00) | (minor << 12 & 0xFFF00000) | (minor & 0xFF)
    return low | (major >> 12) << 32 | (minor >> 20) << 52


def major(device: int) -> int:
    """The major number of a device number made by `makedev`."""
    return (device >> 8 & 0xFFF) | (device >> 32 & 0xFFFFF) << 12


def minor(device: int) -> int:
    """The minor number of a device number made by `makedev`."""
    return (device >> 12 & 0xFFF00) | (device & 0xFF) | (device >> 52) << 20
