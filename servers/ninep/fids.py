# SPDX-License-Identifier: BSD-2-Clause
"""Fids: the numbers by which a client means files."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e
from rump.servers.ninep.messages import NO_FID, QID_DIRECTORY, QID_FILE, QID_SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat
    from rump.servers.ninep.messages import Qid
    from rump.servers.ninep.tree import Node

FIDS_MAX = 1 << 16
"""Fids of one connection.  Linux keeps one for each name it caches."""
_QID_TYPES = {abi.S_IFDIR: QID_DIRECTORY, abi.S_IFLNK: QID_SYMLINK}


def qid_of(fileid: int, mode: int, version: int) -> Qid:
    """What names a file to clients.  Linux adds 2 to the path for the inode number (v9fs_qid2ino), which is so the
    file's own."""
    return _QID_TYPES.get(mode & abi.S_IFMT, QID_FILE), version, (fileid - 2) & 0xFFFFFFFFFFFFFFFF


def version_of(generation: int, changed: int, size: int) -> int:
    """The version in a qid: another one when the file changes, or when another file gets its number.

    changed  its status change time, nanoseconds
    """
    return (generation * 0x9E3779B1 ^ changed ^ changed >> 32 ^ size << 8) & 0xFFFFFFFF


def stat_qid(stat: Stat) -> Qid:
    """The qid of a file."""
    return qid_of(stat.st_ino, stat.st_mode, version_of(stat.st_gen, stat.st_ctime_ns, stat.st_size))


def identity_of(stat: Stat) -> tuple[int, int, int]:
    """What tells a file from every other, also from one that had its number before."""
    return stat.st_dev, stat.st_ino, stat.st_gen


class Attribute:
    """What a fid is after xattrwalk or xattrcreate.

    name    that of the attribute; b"": the list of all
    value   what is read, or gathered from writes
    size    how much is to be written; -1: it is read
    flags   of setxattr(2)
    """

    __slots__ = ("flags", "name", "size", "value")

    def __init__(self, name: bytes, value: bytes = b"", size: int = -1, flags: int = 0) -> None:
        self.name = name
        self.value = bytearray(value)
        self.size = size
        self.flags = flags


class Fid:
    """A file that a client holds.

    lwp       the process of the user who attached
    node      its name; held
    top       the name that was attached to: ".." leads no further
    identity  which file it is
    mode      its type and permissions when it was walked to
    fd        the lwp's descriptor; -1: not open
    attribute what it is otherwise
    locks     whether locks were taken through it
    """

    __slots__ = ("attribute", "fd", "identity", "locks", "lwp", "mode", "node", "top")

    def __init__(self, lwp: Lwp, node: Node, top: Node, stat: Stat) -> None:
        self.lwp = lwp
        self.node = node
        self.top = top
        self.identity = identity_of(stat)
        self.mode = stat.st_mode
        self.fd = -1
        self.attribute: Attribute | None = None
        self.locks = False

    def status(self) -> Stat:
        """The file's, whatever it is called now.  Errors: ESTALE - its name leads to another one; as lstat."""
        stat = self.lwp.fstat(self.fd) if self.fd >= 0 else self.lwp.lstat(self.node.path())
        if identity_of(stat) != self.identity:
            raise fault(e.ESTALE)
        return stat

    def path(self) -> bytes:
        """A path that leads to it, as long as the tree is locked.  Errors: as `status`."""
        path = self.node.path()
        if identity_of(self.lwp.lstat(path)) != self.identity:
            raise fault(e.ESTALE)
        return path

    def directory(self) -> bytes:
        """The same, of a directory.  Errors: also ENOTDIR."""
        if self.mode & abi.S_IFMT != abi.S_IFDIR:
            raise fault(e.ENOTDIR)
        return self.path()

    def descriptor(self) -> int:
        """Errors: EBADF - it is not open."""
        if self.fd < 0:
            raise fault(e.EBADF)
        return self.fd


class FidTable:
    """Those of a connection, by number."""

    def __init__(self) -> None:
        self._fids: dict[int, Fid] = {}

    def __getitem__(self, number: int) -> Fid:
        """Errors: EBADF."""
        fid = self._fids.get(number)
        if fid is None:
            raise fault(e.EBADF, f"fid {number}")
        return fid

    def check_free(self, number: int) -> None:
        """Errors: EBADF - in use, or none; EMFILE - there are too many."""
        if number in self._fids or number == NO_FID:
            raise fault(e.EBADF, f"fid {number}")
        if len(self._fids) >= FIDS_MAX:
            raise fault(e.EMFILE)

    def __setitem__(self, number: int, fid: Fid) -> None:
        self._fids[number] = fid

    def pop(self, number: int) -> Fid:
        """Take one out.  Errors: EBADF."""
        fid = self[number]
        del self._fids[number]
        return fid

    def clear(self) -> list[tuple[int, Fid]]:
        """Take all out."""
        fids, self._fids = list(self._fids.items()), {}
        return fids

    def __len__(self) -> int:
        return len(self._fids)
