# SPDX-License-Identifier: BSD-2-Clause
"""Attributes of files, as they change."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk_files
from rump.drivers.fs.ext2fs.inode import FLAGS as SHOWN_FLAGS
from rump.drivers.fs.ext2fs.writing.inode import Draft
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.inode import Inode
    from rump.drivers.fs.ext2fs.writing.state import State

ID_MAX = (1 << 32) - 1
_FLAG_BITS = 7 << 4         # INODE_IMMUTABLE, INODE_APPEND, INODE_NODUMP


def check_changeable(inode: Inode) -> None:
    """Whether a file's contents can change.  Errors: EINVAL - it is no regular file; ENOTSUP - it is encrypted;
    EPERM - it is sealed (fs-verity), or holds an attribute's value."""
    if inode.mode & abi.S_IFMT != abi.S_IFREG:
        raise fault(e.EINVAL, f"inode {inode.number} is no regular file")
    if inode.flags & disk_files.INODE_ENCRYPT:
        raise fault(e.ENOTSUP, f"inode {inode.number} is encrypted")
    if inode.flags & (disk_files.INODE_VERITY | disk_files.INODE_EA_INODE):
        raise fault(e.EPERM, f"inode {inode.number}: its contents cannot change")


def apply(state: State, draft: Draft, changes: tuple[tuple[int, int], ...]) -> None:
    """Change fields of a draft (`Volume.set_attributes`), and save it.

    Errors: EINVAL, EOPNOTSUPP; those of changing the size.
    """
    wanted = dict(changes)
    draft.ctime = now = state.now()
    draft.version += 1
    if v.SIZE in wanted:
        draft.mtime = now
    for field, value in changes:
        if field == v.MODE:
            _set_mode(state, draft, value)
        elif field in (v.UID, v.GID):
            _set_owner(draft, field, value)
        elif field in _TIMES:
            setattr(draft, _TIMES[field], value)
        elif field == v.FLAGS:
            draft.flags = draft.flags & ~_FLAG_BITS | flag_bits(value)
        elif field != v.SIZE:
            raise fault(e.EOPNOTSUPP, f"attribute {field}")
    state.inodes.save(draft)        # whatever is out of range shows before a long cut begins
    if v.SIZE in wanted:
        check_changeable(draft)
        state.data.set_size(draft, wanted[v.SIZE])
        state.inodes.save(draft)


_TIMES = {v.ATIME: "atime", v.MTIME: "mtime", v.CTIME: "ctime", v.BIRTHTIME: "birthtime"}


def _set_mode(state: State, draft: Draft, mode: int) -> None:
    """Change permissions, and those of the access control list if there is one."""
    before = draft.mode
    draft.mode = draft.mode & abi.S_IFMT | mode & 0o7777
    if draft.mode != before and (draft.xattr_block or any(draft.tail)):
        from rump.drivers.fs.ext2fs.writing.xattr import follow_mode

        follow_mode(state, draft)


def _set_owner(draft: Draft, field: int, value: int) -> None:
    if not 0 <= value <= ID_MAX:
        raise fault(e.EINVAL, f"owner {value}")
    if field == v.UID:
        draft.uid = value
    else:
        draft.gid = value


def flag_bits(flags: int) -> int:
    """The inode's flags for those of chflags(2).  Errors: EOPNOTSUPP."""
    for bits, shown in enumerate(SHOWN_FLAGS):
        if shown == flags:
            return bits << 4
    raise fault(e.EOPNOTSUPP, f"flags {flags:#x}")
