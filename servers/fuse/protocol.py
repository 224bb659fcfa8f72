# SPDX-License-Identifier: BSD-2-Clause
"""The messages between Linux and a file system in user space: include/uapi/linux/fuse.h, version 7.39.

A request is a header and what its operation says; the answer a header and likewise.  All in the machine's own byte
order.  Structures are named for the header's; fields that are not used here are padding.
"""

from __future__ import annotations

from struct import Struct

MAJOR = 7
MINOR = 39              # with FUSE_STATX
OLDEST = 23             # Linux 3.15: the first whose fuse_init_out is as below

# enum fuse_opcode
LOOKUP, FORGET, GETATTR, SETATTR, READLINK, SYMLINK = 1, 2, 3, 4, 5, 6
MKNOD, MKDIR, UNLINK, RMDIR, RENAME, LINK = 8, 9, 10, 11, 12, 13
OPEN, READ, WRITE, STATFS, RELEASE = 14, 15, 16, 17, 18
FSYNC, SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR, FLUSH = 20, 21, 22, 23, 24, 25
INIT, OPENDIR, READDIR, RELEASEDIR, FSYNCDIR = 26, 27, 28, 29, 30
CREATE, INTERRUPT, DESTROY, IOCTL = 35, 36, 38, 39
BATCH_FORGET, FALLOCATE, READDIRPLUS, RENAME2, LSEEK, COPY_FILE_RANGE = 42, 43, 44, 45, 46, 47
STATX = 52

# enum fuse_notify_code: what we say unasked, in the place of an errno
NOTIFY_INVAL_INODE, NOTIFY_INVAL_ENTRY = 2, 3
EXPIRE_ONLY = 1 << 0            # the name is to be looked up again (7.38; before, it is forgotten with all below it)

UNANSWERED = frozenset((FORGET, BATCH_FORGET, INTERRUPT))

ROOT = 1                # the node of the root
UNKNOWN_INO = 0xFFFFFFFF        # of an entry that cannot be looked at

# INIT: what the two sides can do
ASYNC_READ = 1 << 0
ATOMIC_O_TRUNC = 1 << 3         # O_TRUNC is open's to do
BIG_WRITES = 1 << 5
HAS_IOCTL_DIR = 1 << 11
AUTO_INVAL_DATA = 1 << 12       # cached data goes when size or times have changed
DO_READDIRPLUS = 1 << 13
READDIRPLUS_AUTO = 1 << 14
ASYNC_DIO = 1 << 15
PARALLEL_DIROPS = 1 << 18
MAX_PAGES = 1 << 22
CACHE_SYMLINKS = 1 << 23
EXPLICIT_INVAL_DATA = 1 << 25   # cached data goes when the server says so, never by what times say
HANDLE_KILLPRIV_V2 = 1 << 28    # set-id bits and capabilities of what is written to are taken away by the server

# SETATTR: what is to be set
FATTR_MODE, FATTR_UID, FATTR_GID, FATTR_SIZE = 1 << 0, 1 << 1, 1 << 2, 1 << 3
FATTR_ATIME, FATTR_MTIME, FATTR_FH = 1 << 4, 1 << 5, 1 << 6
FATTR_ATIME_NOW, FATTR_MTIME_NOW = 1 << 7, 1 << 8
FATTR_KILL_SUIDGID = 1 << 11

GETATTR_FH = 1 << 0
WRITE_KILL_SUIDGID = 1 << 2
OPEN_KILL_SUIDGID = 1 << 0
FOPEN_KEEP_CACHE = 1 << 1       # data cached by an earlier open is still good
FOPEN_CACHE_DIR = 1 << 3        # a listing may be cached
FSYNC_FDATASYNC = 1 << 0

REQUEST = Struct("=IIQQIIIHxx")         # fuse_in_header: length, operation, unique, node, uid, gid, pid, extensions
ANSWER = Struct("=IiQ")                 # fuse_out_header: length, -errno, unique

INIT_IN = Struct("=IIII")               # major, minor, max_readahead, flags
INIT_OUT = Struct("=IIIIHHIIHH8x24x")   # major, minor, max_readahead, flags, max_background, congestion_threshold,
#                                         max_write, time_gran, max_pages, map_alignment
ATTR = Struct("=QQQqqqIIIIIIIIII")      # ino, size, blocks, times, their nanoseconds, mode, nlink, uid, gid, rdev,
#                                         blksize, flags
ENTRY = Struct("=QQQQII" + ATTR.format[1:])     # node, generation, how long name and attributes hold: s, s, ns, ns
ATTR_OUT = Struct("=QI4x" + ATTR.format[1:])    # how long they hold: s, ns
GETATTR_IN = Struct("=I4xQ")            # flags, fh
SETATTR_IN = Struct("=I4xQQ8xqq8xIIIIIII4x")    # valid, fh, size, atime, mtime, their ns and ctime's, mode, -, uid, gid
MKNOD_IN = Struct("=II8x")              # mode, rdev
MKDIR_IN = Struct("=I4x")               # mode
RENAME_IN = Struct("=Q")                # node of the new directory
RENAME2_IN = Struct("=QI4x")            # the same; flags
LINK_IN = Struct("=Q")                  # node of the file
OPEN_IN = Struct("=II")                 # flags, open_flags
CREATE_IN = Struct("=II4xI")            # flags, mode, open_flags
OPEN_OUT = Struct("=QI4x")              # fh, FOPEN_*
READ_IN = Struct("=QQI4x8xI4x")         # fh, offset, size, flags of the file
WRITE_IN = Struct("=QQII8xI4x")         # fh, offset, size, write flags, flags of the file
WRITE_OUT = Struct("=I4x")              # size
STATFS_OUT = Struct("=QQQQQIII4x24x")   # blocks, free, available, files, free files, bsize, namelen, frsize
RELEASE_IN = Struct("=QI")              # fh, flags; also of FLUSH and FSYNC
SETXATTR_IN = Struct("=II")             # size, flags
GETXATTR_IN = Struct("=I4x")               # size, in both directions
FORGET_IN = Struct("=Q")                # how many times the node was looked up
FORGET_ONE = Struct("=QQ")              # node, the same
BATCH_FORGET_IN = Struct("=I4x")        # how many follow
DIRENT = Struct("=QQII")                # ino, offset behind it, length of the name, type
FALLOCATE_IN = Struct("=QQQI4x")        # fh, offset, length, mode
LSEEK_IN = Struct("=QqI4x")             # fh, offset, whence
LSEEK_OUT = Struct("=q")                # offset
COPY_FILE_RANGE_IN = Struct("=QQQQQQQ")         # fh, offset, node to, fh to, offset to, length, flags
INVAL_INODE_OUT = Struct("=Qqq")        # node, offset, length (0: to the end)
INVAL_ENTRY_OUT = Struct("=QII")        # node of the directory, length of the name, flags; the name and a NUL follow
IOCTL_IN = Struct("=QIIQII")            # fh, flags, command, argument, in_size, out_size
IOCTL_OUT = Struct("=iIII")             # result, flags, in_iovs, out_iovs
STATX_IN = Struct("=I4xQII")            # flags as GETATTR's, fh, sx_flags, sx_mask
SX_TIME = "qIi"                         # s, ns, -
STATX_OUT = Struct(
    "=QI4x16x"                          # how long it holds: s, ns
    "IIQ" "III" "Hxx" "QQQQ"            # mask, blksize, attributes; nlink, uid, gid; mode; ino, size, blocks, mask
    + 4 * SX_TIME                       # access, birth, change, modification
    + "IIII112x"                        # rdev's major and minor, dev's
)  # fmt: skip
