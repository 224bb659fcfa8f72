# SPDX-License-Identifier: BSD-2-Clause
"""Requests on open files: lopen, read, write, readdir, fsync, lock, getlock."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs.volume import CTIME, END, FILEID, GENERATION, MODE, SIZE
from rump.rumpuser.interface import errno as e
from rump.servers import linux
from rump.servers.ninep import constants, xattrs
from rump.servers.ninep.fids import Fid, identity_of, qid_of, stat_qid, version_of
from rump.servers.ninep.locks import Held, extent
from rump.servers.ninep.messages import directory_entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rump.kernel.vfs.volume import EntryPlus
    from rump.servers.ninep.connection import Connection
    from rump.servers.ninep.messages import Values

REQUESTS = ("Tlopen", "Tread", "Twrite", "Treaddir", "Tfsync", "Tlock", "Tgetlock")
_DOTS = 2                   # "." and ".." come first: an entry's offset is its cookie and 2
_LAST = (1 << 63) - 1       # behind the last entry, where there is no other cookie
_ENTRY_SIZE = 48            # bytes an entry takes, about
_CLIENT_MAX = 1 << 10       # bytes of a client's name that locks are kept under


def lopen(connection: Connection, number: int, flags: int) -> Values:
    """Open a regular file or a directory.  Errors: EBADF, ESTALE; EINVAL - it is open; ENXIO - a special file, which
    is the client's own to open; ELOOP - a symbolic link; as open."""
    fid = connection.fids[number]
    if fid.fd >= 0 or fid.attribute is not None:
        raise fault(e.EINVAL)
    kind = fid.mode & abi.S_IFMT
    if kind not in (abi.S_IFREG, abi.S_IFDIR):
        raise fault(e.ELOOP if kind == abi.S_IFLNK else e.ENXIO)
    wanted = linux.open_flags(flags & ~linux.O_EXCL) | abi.O_NOFOLLOW | abi.O_NONBLOCK
    fd = fid.lwp.open(fid.node.path(), wanted)
    stat = fid.lwp.fstat(fd)
    if identity_of(stat) != fid.identity:
        fid.lwp.close(fd)
        raise fault(e.ESTALE)
    fid.fd = fd
    return stat_qid(stat), 0


def read(connection: Connection, number: int, offset: int, count: int) -> Values:
    """Data of a file, or of an extended attribute.  Errors: EBADF, EISDIR, EINVAL; as pread."""
    fid = connection.fids[number]
    count = connection.payload(count)
    if fid.attribute is not None:
        return (xattrs.read(fid.attribute, offset, count),)
    return (fid.lwp.pread(fid.descriptor(), count, _offset(offset)),)


def write(connection: Connection, number: int, offset: int, data: memoryview) -> Values:
    """Data for a file, or an extended attribute.  Errors: EBADF; as pwrite."""
    fid = connection.fids[number]
    if fid.attribute is not None:
        return (xattrs.write(fid.attribute, offset, data),)
    return (fid.lwp.pwrite(fid.descriptor(), data, _offset(offset)),)


def _offset(offset: int) -> int:
    """Errors: EFBIG - it is none that a file can have."""
    if offset >> 63:
        raise fault(e.EFBIG)
    return offset


def readdir(connection: Connection, number: int, offset: int, count: int) -> Values:
    """Entries of a directory from an offset on, as many as fit; none at the end.

    Errors: EBADF; ENOTDIR; EINVAL - not even one fits; as rump_listdir.
    """
    fid = connection.fids[number]
    fd = fid.descriptor()
    if fid.mode & abi.S_IFMT != abi.S_IFDIR:
        raise fault(e.ENOTDIR)
    room = connection.payload(count)
    data = bytearray()
    for entry in _entries(fid, fd, offset, max(1, room // _ENTRY_SIZE)):
        if len(data) + len(entry) > room:
            if not data:
                raise fault(e.EINVAL)
            break
        data += entry
    return (data,)


def _entries(fid: Fid, fd: int, offset: int, count: int) -> Iterator[bytes]:
    """Entries from an offset on, about `count`, as the protocol has them."""
    for own in range(offset, _DOTS):
        name = (b".", b"..")[own]
        yield directory_entry(stat_qid(fid.lwp.fstatat(fd, name)), own + 1, abi.DT_DIR, name)
    if offset >> 63:
        raise fault(e.EINVAL)
    for name, cookie, row in _rows(fid, fd, max(0, offset - _DOTS), count):
        after = _LAST if cookie == END else cookie + _DOTS
        if row is None:                 # cannot be read: the name is there all the same
            yield directory_entry((0, 0, 0), after, abi.DT_UNKNOWN, name)
            continue
        qid = qid_of(row[FILEID], row[MODE], version_of(row[GENERATION], row[CTIME], row[SIZE]))
        yield directory_entry(qid, after, row[MODE] >> 12 & 0xF, name)


def _rows(fid: Fid, fd: int, cookie: int, count: int) -> Iterator[EntryPlus]:
    """A page of a directory from a cookie on."""
    while cookie not in (END, _LAST - _DOTS):
        rows, cookie = fid.lwp.rump_listdir(fd, cookie, count)
        if rows:
            yield from rows
            return


def fsync(connection: Connection, number: int, datasync: int) -> Values:
    """All that was written to a file is on stable storage.  Errors: EBADF; as fsync."""
    fid = connection.fids[number]
    fid.lwp.fsync(fid.descriptor())
    return ()


def _wanted(
    connection: Connection, number: int, kind: int, start: int, length: int, process: int, client: bytes
) -> Held:
    """A lock as a client asks for it.  Errors: EINVAL."""
    if len(client) > _CLIENT_MAX:
        raise fault(e.EINVAL)
    return Held((connection.number, client, process), kind, *extent(start, length), number)


def lock(
    connection: Connection, number: int, kind: int, flags: int, start: int, length: int, process: int, client: bytes
) -> Values:
    """Take a record lock, or give it up.  Errors: EBADF, EINVAL, ENOLCK."""
    fid = connection.fids[number]
    fid.descriptor()
    wanted = _wanted(connection, number, kind, start, length, process, client)
    got = connection.export.locks.set(fid.identity, wanted)
    fid.locks = fid.locks or got
    return (constants.LOCK_SUCCESS if got else constants.LOCK_BLOCKED,)


def getlock(
    connection: Connection, number: int, kind: int, start: int, length: int, process: int, client: bytes
) -> Values:
    """A lock that is in the way of one; the one itself, as unlocked, if none is.  Errors: EBADF, EINVAL."""
    fid = connection.fids[number]
    fid.descriptor()
    held = connection.export.locks.conflict(
        fid.identity, _wanted(connection, number, kind, start, length, process, client)
    )
    if held is None:
        return constants.LOCK_UNLOCK, start, length, process, client
    end = 0 if held.end >= 1 << 64 else held.end - held.start
    return held.kind, held.start, end, held.owner[2], held.owner[1]
