# SPDX-License-Identifier: BSD-2-Clause
"""What stat(2) and statvfs(2) return: NetBSD's fields under their names, times in integer nanoseconds."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from rump.kernel.record import Record


class Stat(Record):
    """struct stat (sys/stat.h)."""

    st_dev: int             # of the mount
    st_mode: int            # S_IFMT | permissions
    st_ino: int
    st_nlink: int
    st_uid: int
    st_gid: int
    st_rdev: int            # of a device node
    st_atime_ns: int        # nanoseconds since 1970, may be negative
    st_mtime_ns: int
    st_ctime_ns: int
    st_birthtime_ns: int    # 0: not kept
    st_size: int            # bytes
    st_blocks: int          # of 512 bytes
    st_blksize: int         # best size for reading, bytes
    st_flags: int
    st_gen: int


class Statvfs(Record):
    """struct statvfs (sys/statvfs.h)."""

    f_flag: int
    f_bsize: int            # file system block size, bytes
    f_frsize: int           # what the counts are in, bytes
    f_blocks: int
    f_bfree: int
    f_bavail: int           # to others than root
    f_files: int
    f_ffree: int
    f_namemax: int
    f_fsid: int             # st_dev of its files
    f_fstypename: bytes
    f_mntonname: bytes
    f_mntfromname: bytes
