# SPDX-License-Identifier: BSD-2-Clause
"""Structures of NetBSD's system calls as programs for amd64 have them (public headers are named at each).

Native byte order, natural alignment: a `long` and a pointer have 8 bytes.
"""

from __future__ import annotations

from struct import Struct

from rump.kernel.stat import Stat, Statvfs

SECOND = 10**9
_LONG = 1 << 64

# sys/stat.h, struct stat: st_dev, mode, ino, nlink, uid, gid, rdev, four times, size, blocks, blksize, flags, gen
STAT = Struct("=QI4xQIII4xQ8qqqIII8x4x")
# sys/statvfs.h, struct statvfs: flag, bsize, frsize, iosize; blocks, bfree, bavail, bresvd; files, ffree, favail,
# fresvd; four counters; fsidx; fsid, namemax, owner, spare, three strings
STATVFS = Struct("=4Q4Q4Q4Q8sQQI16x32s1024s1024s4x")
# sys/dirent.h, struct dirent: d_fileno, d_reclen, d_namlen, d_type; then the name with its NUL
DIRENT = Struct("=QHHB")
TIMESPEC = Struct("=qq")        # sys/timespec.h
TIMEVAL = Struct("=qi4x")       # sys/time.h
IOVEC = Struct("=QQ")           # sys/uio.h
POLLFD = Struct("=ihh")         # sys/poll.h
INT = Struct("=i")
UINT = Struct("=I")
POINTER = Struct("=Q")
FLOCK = Struct("=qqihh")         # sys/fcntl.h: l_start, l_len, l_pid, l_type, l_whence
OFFSET = Struct("=q")


def _timespec(nanoseconds: int) -> tuple[int, int]:
    return divmod(nanoseconds, SECOND)


def encode_stat(stat: Stat) -> bytes:
    """A struct stat."""
    times = [*_timespec(stat.st_atime_ns), *_timespec(stat.st_mtime_ns), *_timespec(stat.st_ctime_ns)]
    return STAT.pack(
        stat.st_dev % _LONG, stat.st_mode, stat.st_ino % _LONG, stat.st_nlink & 0xFFFFFFFF, stat.st_uid, stat.st_gid,
        stat.st_rdev % _LONG, *times, *_timespec(stat.st_birthtime_ns), stat.st_size, stat.st_blocks, stat.st_blksize,
        stat.st_flags, stat.st_gen & 0xFFFFFFFF,
    )  # fmt: skip


def decode_stat(data: bytes) -> Stat:
    """The reverse."""
    dev, mode, ino, nlink, uid, gid, rdev, *times, size, blocks, blksize, flags, gen = STAT.unpack(data)
    atime, mtime, ctime, birthtime = (times[at] * SECOND + times[at + 1] for at in (0, 2, 4, 6))
    return Stat(
        dev, mode, ino, nlink, uid, gid, rdev, atime, mtime, ctime, birthtime, size, blocks, blksize, flags, gen
    )


def encode_statvfs(found: Statvfs) -> bytes:
    """A struct statvfs; names are cut where NetBSD's have no room."""
    return STATVFS.pack(
        found.f_flag, found.f_bsize, found.f_frsize, found.f_bsize, found.f_blocks, found.f_bfree, found.f_bavail,
        max(0, found.f_bfree - found.f_bavail), found.f_files, found.f_ffree, found.f_ffree, 0, 0, 0, 0, 0,
        POINTER.pack(found.f_fsid % _LONG), found.f_fsid % _LONG, found.f_namemax, 0, found.f_fstypename[:31],
        found.f_mntonname[:1023], found.f_mntfromname[:1023],
    )  # fmt: skip


def decode_statvfs(data: bytes) -> Statvfs:
    """The reverse."""
    (flag, bsize, frsize, _, blocks, bfree, bavail, _, files, ffree, _, _, _, _, _, _, _, fsid, namemax, _, *names) = (
        STATVFS.unpack(data)
    )
    kind, on, source = (name.partition(b"\0")[0] for name in names)
    return Statvfs(flag, bsize, frsize, blocks, bfree, bavail, files, ffree, namemax, fsid, kind, on, source)


def encode_dirent(name: bytes, fileid: int, kind: int) -> bytes:
    """A struct dirent, of a multiple of 8 bytes."""
    length = -(-(DIRENT.size + len(name) + 1) // 8) * 8
    return (DIRENT.pack(fileid % _LONG, length, len(name), kind) + name).ljust(length, b"\0")


def decode_dirents(data: bytes) -> tuple[tuple[bytes, int, int], ...]:
    """(name, fileid, type) of each struct dirent.  Errors: ValueError - not such."""
    found, at = [], 0
    while at < len(data):
        if at + DIRENT.size > len(data):
            raise ValueError("a dirent cut off")
        fileid, length, namelen, kind = DIRENT.unpack_from(data, at)
        if length < DIRENT.size + namelen or at + length > len(data):
            raise ValueError("a dirent cut off")
        found.append((bytes(data[at + DIRENT.size : at + DIRENT.size + namelen]), fileid, kind))
        at += length
    return tuple(found)
