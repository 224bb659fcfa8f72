# SPDX-License-Identifier: BSD-2-Clause
"""Requests that change names: lcreate, symlink, mknod, mkdir, link, rename, renameat, unlinkat, remove."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers import linux
from rump.servers.ninep.attaching import check_name
from rump.servers.ninep.fids import Fid, identity_of, stat_qid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.stat import Stat
    from rump.servers.ninep.connection import Connection
    from rump.servers.ninep.messages import Values
    from rump.servers.ninep.tree import Node

REQUESTS = ("Tlcreate", "Tsymlink", "Tmknod", "Tmkdir", "Tlink", "Trename", "Trenameat", "Tunlinkat", "Tremove")
_NO_GID = 0xFFFFFFFF


def _place(fid: Fid, name: bytes) -> bytes:
    """The path of a name in the directory that a fid is.  Errors: ENOTDIR, ESTALE, EINVAL."""
    check_name(name)
    return fid.directory().rstrip(b"/") + b"/" + name


def _made(connection: Connection, path: bytes, gid: int) -> Stat:
    """What there is to say of a new file, once it has the group that the client says: we believe whom it says it is,
    so we believe this too."""
    lwp = connection.export.lwp
    if gid not in (_NO_GID, lwp.lstat(path).st_gid) and not connection.export.is_squashed():
        try:
            lwp.lchown(path, -1, gid)
        except OSError as error:
            if error.errno != e.EOPNOTSUPP:         # there are no groups on FAT
                raise
    return lwp.lstat(path)


def lcreate(connection: Connection, number: int, name: bytes, flags: int, mode: int, gid: int) -> Values:
    """Make a regular file, if need be, and open it: the fid becomes its own.

    Errors: EBADF, ENOTDIR, ESTALE, EINVAL; as open.
    """
    fid = connection.fids[number]
    if fid.fd >= 0 or fid.attribute is not None:
        raise fault(e.EINVAL)
    path = _place(fid, name)
    wanted = linux.open_flags(flags & ~linux.O_DIRECTORY) | abi.O_NOFOLLOW | abi.O_NONBLOCK
    try:
        fid.lwp.lstat(path)
        is_new = False
    except FileNotFoundError:
        is_new = True
    fd = fid.lwp.open(path, wanted | abi.O_CREAT, mode & 0o7777)
    try:
        stat = fid.lwp.fstat(fd)
        if stat.st_mode & abi.S_IFMT != abi.S_IFREG:
            raise fault(e.EEXIST)
        if is_new:
            stat = _made(connection, path, gid)
    except OSError:
        fid.lwp.close(fd)
        raise
    tree = connection.export.tree
    node = tree.child(fid.node, name)
    tree.release(fid.node)
    fid.node, fid.identity, fid.mode, fid.fd = node, identity_of(stat), stat.st_mode, fd
    return stat_qid(stat), 0


def symlink(connection: Connection, number: int, name: bytes, target: bytes, gid: int) -> Values:
    """Make a symbolic link.  Errors: as lcreate; as symlink."""
    fid = connection.fids[number]
    path = _place(fid, name)
    fid.lwp.symlink(target, path)
    return (stat_qid(_made(connection, path, gid)),)


def mknod(connection: Connection, number: int, name: bytes, mode: int, major: int, minor: int, gid: int) -> Values:
    """Make a file of another kind, or an empty regular one.  Errors: as lcreate; as mknod."""
    fid = connection.fids[number]
    path = _place(fid, name)
    if mode & abi.S_IFMT == abi.S_IFREG:
        fid.lwp.close(fid.lwp.open(path, abi.O_RDONLY | abi.O_CREAT | abi.O_EXCL, mode & 0o7777))
    else:
        fid.lwp.mknod(path, mode, abi.makedev(major, minor))
    return (stat_qid(_made(connection, path, gid)),)


def mkdir(connection: Connection, number: int, name: bytes, mode: int, gid: int) -> Values:
    """Make a directory.  Errors: as lcreate; as mkdir."""
    fid = connection.fids[number]
    path = _place(fid, name)
    fid.lwp.mkdir(path, mode & 0o7777)
    return (stat_qid(_made(connection, path, gid)),)


def link(connection: Connection, directory: int, number: int, name: bytes) -> Values:
    """Give a file another name.  Errors: EBADF, ENOTDIR, ESTALE, EINVAL; as link."""
    fid = connection.fids[number]
    path = _place(connection.fids[directory], name)
    fid.lwp.linkat(abi.AT_FDCWD, fid.path(), abi.AT_FDCWD, path)
    return ()


def rename(connection: Connection, number: int, directory: int, name: bytes) -> Values:
    """Give a file another name, in any directory.  Errors: as renameat."""
    fid = connection.fids[number]
    if fid.node.parent is None:
        raise fault(e.EBUSY)
    target = connection.fids[directory]
    _rename(connection, fid, fid.path(), fid.node.parent, fid.node.name, target, name)
    return ()


def renameat(connection: Connection, old: int, old_name: bytes, new: int, new_name: bytes) -> Values:
    """Change a name.  Errors: EBADF, ENOTDIR, ESTALE, EINVAL; as rename."""
    fid = connection.fids[old]
    _rename(connection, fid, _place(fid, old_name), fid.node, old_name, connection.fids[new], new_name)
    return ()


def _rename(
    connection: Connection, fid: Fid, path: bytes, parent: Node, name: bytes, target: Fid, new_name: bytes
) -> None:
    """Change a name, and what clients hold of it.  Where both name one file, rename(2) does nothing."""
    new_path = _place(target, new_name)
    lwp, tree = fid.lwp, connection.export.tree
    try:
        same = identity_of(lwp.lstat(path)) == identity_of(lwp.lstat(new_path))
    except FileNotFoundError:
        same = False
    lwp.rename(path, new_path)
    if not same:
        tree.moved(parent, name, target.node, new_name)


def unlinkat(connection: Connection, number: int, name: bytes, flags: int) -> Values:
    """Remove a name.  Errors: EBADF, ENOTDIR, ESTALE, EINVAL; as unlink and rmdir."""
    fid = connection.fids[number]
    path = _place(fid, name)
    _remove(fid, path, bool(flags & linux.AT_REMOVEDIR))
    connection.export.tree.removed(fid.node, name)
    return ()


def remove(connection: Connection, number: int) -> Values:
    """Remove what a fid is, and the fid in any case; remove(5).  Errors: EBADF, ESTALE; as unlink and rmdir."""
    fid = connection.fids.pop(number)
    try:
        if fid.attribute is not None or fid.node.parent is None:
            raise fault(e.EINVAL)
        parent, name = fid.node.parent, fid.node.name
        _remove(fid, fid.path(), fid.mode & abi.S_IFMT == abi.S_IFDIR)
        connection.export.tree.removed(parent, name)
    finally:
        connection.forget(number, fid)
    return ()


def _remove(fid: Fid, path: bytes, is_directory: bool) -> None:
    """What is a directory to the client must be one.  Errors: EISDIR, as Linux says it; as unlink and rmdir."""
    if is_directory:
        fid.lwp.rmdir(path)
        return
    if fid.lwp.lstat(path).st_mode & abi.S_IFMT == abi.S_IFDIR:
        raise fault(e.EISDIR)
    fid.lwp.unlink(path)
