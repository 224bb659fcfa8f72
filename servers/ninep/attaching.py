# SPDX-License-Identifier: BSD-2-Clause
"""Requests about fids: attach(5), walk(5), clunk(5), flush(5)."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.ninep.fids import Fid, stat_qid
from rump.servers.ninep.messages import MAXIMUM_WALK, NO_FID
from rump.servers.ninep.xattrs import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.servers.ninep.connection import Connection
    from rump.servers.ninep.messages import Qid, Values

REQUESTS = ("Tauth", "Tattach", "Tflush", "Twalk", "Tclunk")


def auth(connection: Connection, afid: int, uname: bytes, aname: bytes, number: int) -> Values:
    """Nobody needs to prove anything: whoever reaches the server is let in.  Errors: ENOENT, as diod says it."""
    raise fault(e.ENOENT)


def attach(connection: Connection, number: int, afid: int, uname: bytes, aname: bytes, n_uname: int) -> Values:
    """A user begins at a directory, `aname` from the root of what is served.

    Errors: EINVAL - the proof that was not asked for; as walk.
    """
    if afid != NO_FID:
        raise fault(e.EINVAL)
    connection.fids.check_free(number)
    tree = connection.export.tree
    lwp = connection.user(connection.export.identity(uname, n_uname))
    stat = lwp.lstat(b"/")
    fid = Fid(lwp, tree.hold(tree.root), tree.root, stat)
    try:
        for name in filter(None, aname.split(b"/")):
            _step(connection, fid, name)
    except OSError:
        tree.release(fid.node)
        raise
    fid.top = fid.node
    connection.fids[number] = fid
    return (stat_qid(fid.status()),)


def flush(connection: Connection, old: int) -> Values:
    """Give up a request: it has been answered."""
    return ()


def walk(connection: Connection, number: int, new: int, names: tuple[bytes, ...]) -> Values:
    """Another fid, for what names lead to from one.  Where they do so only in part the fid is not made.

    Errors: EBADF, EINVAL, EMFILE; of the first name ENOENT, ENOTDIR, EACCES.
    """
    origin = connection.fids[number]
    if new != number:
        connection.fids.check_free(new)
    if len(names) > MAXIMUM_WALK or origin.attribute is not None or (new == number and origin.fd >= 0):
        raise fault(e.EINVAL)
    tree, stat = connection.export.tree, origin.status()
    fid = Fid(origin.lwp, tree.hold(origin.node), origin.top, stat)
    qids: list[Qid] = []
    try:
        for name in names:
            qids.append(_step(connection, fid, name))
    except OSError:
        tree.release(fid.node)
        if not qids:
            raise
        return (tuple(qids),)
    if new == number:
        connection.forget(number, connection.fids.pop(number))
    connection.fids[new] = fid
    return (tuple(qids),)


def _step(connection: Connection, fid: Fid, name: bytes) -> Qid:
    """Take a fid on by one name.  Errors: ENOTDIR, ENOENT, EACCES, EINVAL - no name."""
    tree = connection.export.tree
    if fid.mode & abi.S_IFMT != abi.S_IFDIR:
        raise fault(e.ENOTDIR)
    if name == b"..":
        node = tree.hold(fid.node if fid.node is fid.top or fid.node.parent is None else fid.node.parent)
    else:
        check_name(name)
        node = tree.child(fid.node, name)
    try:
        stat = fid.lwp.lstat(node.path())
    except OSError:
        tree.release(node)
        raise
    step = Fid(fid.lwp, node, fid.top, stat)
    tree.release(fid.node)
    fid.node, fid.identity, fid.mode = node, step.identity, step.mode
    return stat_qid(stat)


def check_name(name: bytes) -> None:
    """Errors: EINVAL - it names nothing in a directory; ENOENT - it is empty."""
    if not name:
        raise fault(e.ENOENT)
    if name in (b".", b"..") or b"/" in name or b"\0" in name:
        raise fault(e.EINVAL)


def clunk(connection: Connection, number: int) -> Values:
    """A fid is no longer needed; an extended attribute is set now.  Errors: EBADF; as setxattr; of close."""
    fid = connection.fids.pop(number)
    try:
        store(fid)
    finally:
        connection.forget(number, fid)
    return ()
