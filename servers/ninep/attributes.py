# SPDX-License-Identifier: BSD-2-Clause
"""Requests for what is known of files: getattr, setattr, statfs, readlink."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers import linux
from rump.servers.ninep import constants
from rump.servers.ninep.fids import stat_qid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.servers.ninep.connection import Connection
    from rump.servers.ninep.fids import Fid
    from rump.servers.ninep.messages import Values

REQUESTS = ("Tgetattr", "Tsetattr", "Tstatfs", "Treadlink")
_NANOSECONDS = 1_000_000_000
_OWNERS = constants.SETATTR_UID | constants.SETATTR_GID
_TIMES = constants.SETATTR_ATIME | constants.SETATTR_MTIME


def _wire(time: int) -> tuple[int, int]:
    """A time in seconds, which may be negative, and nanoseconds."""
    return time // _NANOSECONDS & 0xFFFFFFFFFFFFFFFF, time % _NANOSECONDS


def getattr(connection: Connection, number: int, mask: int) -> Values:
    """All there is; what is asked for costs no more.  Errors: EBADF, ESTALE; as lstat."""
    stat = connection.fids[number].status()
    valid = constants.GETATTR_BASIC | constants.GETATTR_GEN | (constants.GETATTR_BTIME if stat.st_birthtime_ns else 0)
    times = [part for time in (stat.st_atime_ns, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_birthtime_ns)
             for part in _wire(time)]  # fmt: skip
    return (valid, stat_qid(stat), stat.st_mode, stat.st_uid, stat.st_gid, stat.st_nlink,
            linux.encode_device(stat.st_rdev), stat.st_size, stat.st_blksize, stat.st_blocks, *times, stat.st_gen,
            0)  # fmt: skip


def setattr(
    connection: Connection, number: int, valid: int, mode: int, uid: int, gid: int, size: int,
    atime: int, atime_ns: int, mtime: int, mtime_ns: int,
) -> Values:  # fmt: skip
    """Change what `valid` says.  Owners go first: that they change takes set-id bits away.

    Errors: EBADF, ESTALE; as truncate, chown, chmod, utimens.
    """
    fid = connection.fids[number]
    fid.status()
    if valid & constants.SETATTR_SIZE:
        _set_size(fid, size)
    if valid & _OWNERS:
        _set_owners(fid, uid if valid & constants.SETATTR_UID else -1, gid if valid & constants.SETATTR_GID else -1)
    if valid & constants.SETATTR_MODE:
        _set_mode(fid, mode & 0o7777)
    if valid & _TIMES:
        _set_times(
            fid,
            _time(valid, constants.SETATTR_ATIME, constants.SETATTR_ATIME_SET, atime, atime_ns),
            _time(valid, constants.SETATTR_MTIME, constants.SETATTR_MTIME_SET, mtime, mtime_ns),
        )
    return ()


def _set_size(fid: Fid, size: int) -> None:
    if fid.fd >= 0 and fid.lwp.fcntl(fid.fd, abi.F_GETFL) & abi.O_ACCMODE != abi.O_RDONLY:
        fid.lwp.ftruncate(fid.fd, size)
    elif fid.mode & abi.S_IFMT in (abi.S_IFREG, abi.S_IFDIR):
        fid.lwp.truncate(fid.path(), size)
    else:
        raise fault(e.EINVAL)


def _set_owners(fid: Fid, uid: int, gid: int) -> None:
    if fid.fd >= 0:
        fid.lwp.fchown(fid.fd, uid, gid)
    else:
        fid.lwp.lchown(fid.path(), uid, gid)


def _set_mode(fid: Fid, mode: int) -> None:
    if fid.fd >= 0:
        fid.lwp.fchmod(fid.fd, mode)
    else:
        fid.lwp.lchmod(fid.path(), mode)


def _set_times(fid: Fid, atime: int | str | None, mtime: int | str | None) -> None:
    if fid.fd >= 0:
        fid.lwp.futimens(fid.fd, atime, mtime)
    else:
        fid.lwp.lutimens(fid.path(), atime, mtime)


def _time(valid: int, wanted: int, given: int, seconds: int, nanoseconds: int) -> int | str | None:
    """Nanoseconds since 1970, "now", or None: as it is.  Errors: EINVAL."""
    if not valid & wanted:
        return None
    if not valid & given:
        return "now"
    if nanoseconds >= _NANOSECONDS:
        raise fault(e.EINVAL)
    return (seconds - (seconds >> 63 << 64)) * _NANOSECONDS + nanoseconds


def statfs(connection: Connection, number: int) -> Values:
    """How full the file system is.  Errors: EBADF, ESTALE; as statvfs.

    Counts are in fragments, which is what clients take the block size for.
    """
    fid = connection.fids[number]
    lwp, node = fid.lwp, fid.node
    path = fid.path()
    if fid.mode & abi.S_IFMT == abi.S_IFLNK and node.parent is not None:
        path = node.parent.path()
    found = lwp.statvfs(path)
    return (constants.V9FS_MAGIC, found.f_frsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files,
            found.f_ffree, found.f_fsid & 0xFFFFFFFFFFFFFFFF, found.f_namemax)  # fmt: skip


def readlink(connection: Connection, number: int) -> Values:
    """A symbolic link's target.  Errors: EBADF, ESTALE; EINVAL - it is none."""
    fid = connection.fids[number]
    return (fid.lwp.readlink(fid.path()),)
