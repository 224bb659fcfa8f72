# SPDX-License-Identifier: BSD-2-Clause
"""rename(2): all its cases, checked once for every file system."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import access
from rump.kernel.vfs.locking import lock_names, unlock
from rump.kernel.vfs.namei import namei_parent
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.lwp import LwpBase
    from rump.kernel.vfs.vnode import Vnode


def rename(lwp: LwpBase, old_dirfd: int, old: bytes, new_dirfd: int, new: bytes) -> None:
    """Give a file another name, replacing what has it.  Errors: POSIX rename()."""
    while not _attempt(lwp, old_dirfd, old, new_dirfd, new):
        pass


def _attempt(lwp: LwpBase, old_dirfd: int, old: bytes, new_dirfd: int, new: bytes) -> bool:
    """False: somebody else was changing these directories, and all must be looked up again."""
    from_directory, from_name, vnode = namei_parent(lwp, old, old_dirfd, directory=True)
    if vnode is None:
        raise fault(e.ENOENT)
    if old.endswith(b"/") and vnode.kind != abi.S_IFDIR:
        raise fault(e.ENOTDIR)
    to_directory, to_name, target = namei_parent(lwp, new, new_dirfd, directory=vnode.kind == abi.S_IFDIR)
    if {from_name, to_name} & {b".", b"..", b""}:
        raise fault(e.EINVAL, 'the last component is "." or ".."')
    if from_directory.mount is not to_directory.mount:
        raise fault(e.EXDEV)
    _check_mounts(vnode, target)
    if target is vnode and not _same_name(from_directory, from_name, to_directory, to_name):
        return True
    _check_types(vnode, target)
    if vnode.kind == abi.S_IFDIR:
        _check_not_below(vnode, to_directory)
    _check_permissions(lwp, from_directory, vnode, to_directory, target)
    if from_directory is to_directory and from_name == to_name:
        return True
    moves = vnode.kind == abi.S_IFDIR and from_directory is not to_directory
    # Directories move one at a time: two could get below one another.
    locks = lock_names(
        (from_directory, from_name, vnode), (to_directory, to_name, target),
        victim=target if target is not None and target.kind == abi.S_IFDIR else None,
        before=lwp.kernel.moving if moves else None,
    )  # fmt: skip
    if not locks:
        return False
    try:
        if moves:
            _check_not_below(vnode, to_directory)       # again: others may have moved meanwhile
        _rename(from_directory, from_name, vnode, to_directory, to_name, None if target is vnode else target)
        if vnode.kind == abi.S_IFDIR:
            _move(lwp, vnode, to_directory, to_name)
    finally:
        unlock(locks)
    return True


def _same_name(from_directory: Vnode, from_name: bytes, to_directory: Vnode, to_name: bytes) -> bool:
    """One name, spelled with other letters on a file system that does not tell them apart."""
    key = from_directory.mount.volume.name_key
    return from_directory is to_directory and key(from_name) == key(to_name)


def _check_mounts(vnode: Vnode, target: Vnode | None) -> None:
    for each in (vnode, target):
        if each is not None and (each is each.mount.root or each.covered_by is not None):
            raise fault(e.EBUSY, "a mounted file system")


def _check_types(vnode: Vnode, target: Vnode | None) -> None:
    if target is None or target is vnode:
        return
    if target.kind == abi.S_IFDIR and vnode.kind != abi.S_IFDIR:
        raise fault(e.EISDIR)
    if target.kind != abi.S_IFDIR and vnode.kind == abi.S_IFDIR:
        raise fault(e.ENOTDIR)


def _check_not_below(vnode: Vnode, directory: Vnode | None) -> None:
    """A directory does not move into itself."""
    while directory is not None:
        if directory is vnode:
            raise fault(e.EINVAL, "into a directory below itself")
        directory = directory.parent


def _check_permissions(
    lwp: LwpBase, from_directory: Vnode, vnode: Vnode, to_directory: Vnode, target: Vnode | None
) -> None:
    credentials = lwp.process.credentials
    access.check_remove(credentials, from_directory, vnode)
    if target is None:
        access.check(credentials, to_directory, access.WRITE)
    else:
        access.check_remove(credentials, to_directory, target)
    if vnode.kind == abi.S_IFDIR and from_directory is not to_directory:
        access.check(credentials, vnode, access.WRITE)      # its ".." changes


def _rename(
    from_directory: Vnode, from_name: bytes, vnode: Vnode, to_directory: Vnode, to_name: bytes, target: Vnode | None
) -> None:
    """The volume's part, and what the kernel remembers of it."""
    moved, left, entered, lost = from_directory.mount.volume.rename(
        from_directory.handle, from_name, to_directory.handle, to_name
    )
    vnode.attributes = moved
    from_directory.attributes = left
    to_directory.attributes = entered
    if target is not None and lost is not None:
        target.attributes = lost
    from_directory.forget_name(from_name)
    to_directory.forget_name(to_name)
    to_directory.remember(to_name, vnode)


def _move(lwp: LwpBase, vnode: Vnode, directory: Vnode, name: bytes) -> None:
    """A directory hangs somewhere else now."""
    vnode.name = name
    if vnode.parent is not directory:
        lwp.kernel.vnodes.reference(directory)
        old, vnode.parent = vnode.parent, directory
        if old is not None:
            lwp.kernel.vnodes.release(old)
