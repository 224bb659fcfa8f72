# SPDX-License-Identifier: BSD-2-Clause
"""Requests for extended attributes: xattrwalk, xattrcreate.  Their names are Linux', as the kernel's are."""

from __future__ import annotations

from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.linux import XATTR_REPLACE, XATTR_SIZE_MAX
from rump.servers.ninep.fids import Attribute, Fid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.servers.ninep.connection import Connection
    from rump.servers.ninep.messages import Values

REQUESTS = ("Txattrwalk", "Txattrcreate")


def xattrwalk(connection: Connection, number: int, new: int, name: bytes) -> Values:
    """A fid to read an attribute from, or the list of all if it has no name.

    Errors: EBADF, EMFILE; ENOATTR, EOPNOTSUPP, EACCES.
    """
    origin = connection.fids[number]
    connection.fids.check_free(new)
    stat = origin.status()
    value = _value(origin, name)
    fid = Fid(origin.lwp, connection.export.tree.hold(origin.node), origin.top, stat)
    fid.attribute = Attribute(name, value)
    connection.fids[new] = fid
    return (len(value),)


def _value(fid: Fid, name: bytes) -> bytes:
    lwp = fid.lwp
    if fid.fd >= 0:
        return lwp.fgetxattr(fid.fd, name) if name else _joined(lwp.flistxattr(fid.fd))
    path = fid.path()
    return lwp.lgetxattr(path, name) if name else _joined(lwp.llistxattr(path))


def _joined(names: tuple[bytes, ...]) -> bytes:
    """Names as listxattr(2) of Linux has them."""
    return b"".join(name + b"\0" for name in names)


def xattrcreate(connection: Connection, number: int, name: bytes, size: int, flags: int) -> Values:
    """A fid becomes what an attribute's value is written to; clunk sets it.

    Errors: EBADF; EINVAL - no name, or an open file; E2BIG.
    """
    fid = connection.fids[number]
    if not name or fid.fd >= 0 or fid.attribute is not None:
        raise fault(e.EINVAL)
    if size > XATTR_SIZE_MAX:
        raise fault(e.E2BIG)
    fid.status()
    fid.attribute = Attribute(name, b"", size, flags)
    return ()


def read(attribute: Attribute, offset: int, count: int) -> bytes:
    """Part of a value.  Errors: EBADF - it is to be written."""
    if attribute.size >= 0:
        raise fault(e.EBADF)
    return bytes(attribute.value[offset : offset + count])


def write(attribute: Attribute, offset: int, data: memoryview) -> int:
    """Part of a value; pieces come in order.  Errors: EBADF - it is read; EINVAL - not where the last one ended;
    ENOSPC - more than was announced."""
    if attribute.size < 0:
        raise fault(e.EBADF)
    if offset != len(attribute.value):
        raise fault(e.EINVAL)
    if offset + len(data) > attribute.size:
        raise fault(e.ENOSPC)
    attribute.value += data
    return len(data)


def store(fid: Fid) -> None:
    """Set what was written to a fid, if anything was to be.  Errors: EINVAL - it is not all there; as setxattr.

    To remove an attribute Linux replaces it by nothing (v9fs_xattr_set).
    """
    attribute = fid.attribute
    if attribute is None or attribute.size < 0:
        return
    if len(attribute.value) != attribute.size:
        raise fault(e.EINVAL)
    path = fid.path()
    if not attribute.size and attribute.flags == XATTR_REPLACE:
        fid.lwp.lremovexattr(path, attribute.name)
    else:
        fid.lwp.lsetxattr(path, attribute.name, bytes(attribute.value), attribute.flags)
