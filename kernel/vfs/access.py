# SPDX-License-Identifier: BSD-2-Clause
"""Who may do what to a file: permission bits, ownership, file flags (kauth's secmodel_suser and genfs_can_*)."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.proc import Credentials
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Attributes

READ = 4
WRITE = 2
EXECUTE = 1
IMMUTABLE = abi.UF_IMMUTABLE | abi.SF_IMMUTABLE
APPEND = abi.UF_APPEND | abi.SF_APPEND


def permitted(credentials: Credentials, attributes: Attributes, want: int) -> bool:
    """Whether the mode bits grant all of `want`.  Root may all, but executes only what anybody may."""
    mode = attributes[v.MODE]
    if credentials.euid == 0:
        if want & EXECUTE and mode & abi.S_IFMT != abi.S_IFDIR:
            return bool(mode & 0o111)
        return True
    if credentials.euid == attributes[v.UID]:
        granted = mode >> 6
    elif credentials.is_member(attributes[v.GID]):
        granted = mode >> 3
    else:
        granted = mode
    return granted & want == want


def may_search(credentials: Credentials, attributes: Attributes) -> bool:
    """Whether names may be looked up in a directory."""
    return permitted(credentials, attributes, EXECUTE)


def check(credentials: Credentials, vnode: Vnode, want: int) -> None:
    """Errors: EACCES - the bits do not grant it; EROFS, EPERM (immutable) - for WRITE."""
    if want & WRITE:
        check_writable_mount(vnode)
        if vnode.attributes[v.FLAGS] & IMMUTABLE:
            raise fault(e.EPERM, "immutable")
    if not permitted(credentials, vnode.attributes, want):
        raise fault(e.EACCES)


def check_writable_mount(vnode: Vnode) -> None:
    """Devices, FIFOs and sockets may be written to on a read-only mount; files and directories not.  Errors: EROFS."""
    if vnode.mount.read_only and vnode.kind in (abi.S_IFREG, abi.S_IFDIR, abi.S_IFLNK):
        raise fault(e.EROFS)


def check_owner(credentials: Credentials, vnode: Vnode) -> None:
    """The file's owner, or root.  Errors: EPERM, EROFS."""
    if vnode.mount.read_only:
        raise fault(e.EROFS)
    if credentials.euid not in (0, vnode.attributes[v.UID]):
        raise fault(e.EPERM)


def check_unchangeable(vnode: Vnode) -> None:
    """Attributes of immutable and append-only files do not change.  Errors: EPERM."""
    if vnode.attributes[v.FLAGS] & (IMMUTABLE | APPEND):
        raise fault(e.EPERM, "immutable or append-only")


def check_remove(credentials: Credentials, directory: Vnode, vnode: Vnode) -> None:
    """A name may be taken out of a directory: writable, not append-only, and the sticky bit honoured.

    Errors: EACCES, EPERM, EROFS.
    """
    check(credentials, directory, WRITE)
    if directory.attributes[v.FLAGS] & APPEND or vnode.attributes[v.FLAGS] & (IMMUTABLE | APPEND):
        raise fault(e.EPERM, "immutable or append-only")
    sticky = directory.attributes[v.MODE] & abi.S_ISVTX
    if sticky and credentials.euid not in (0, directory.attributes[v.UID], vnode.attributes[v.UID]):
        raise fault(e.EPERM, "sticky directory")
