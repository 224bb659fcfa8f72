# SPDX-License-Identifier: BSD-2-Clause
"""stat(2), access(2), chmod(2), chown(2), chflags(2), utimens(2) and their kin."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.proc import Credentials
from rump.kernel.syscall import syscall
from rump.kernel.vfs import access
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.namei import namei
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from rump.kernel.stat import Stat
    from rump.kernel.vfs.vnode import Vnode

    Time: TypeAlias = int | str | None

UNCHANGED = 0xFFFFFFFF
"""A uid or gid that chown leaves as it is: (uid_t)-1."""
SYSTEM_FLAGS = 0xFFFF0000


class AttributeCalls(LwpBase):
    """System calls on attributes."""

    @syscall
    def stat(self, path: bytes) -> Stat:
        """stat(2).  Errors: as namei."""
        vnode = namei(self, path)
        return vnode.mount.stat(vnode.attributes)

    @syscall
    def lstat(self, path: bytes) -> Stat:
        """lstat(2).  Errors: as namei."""
        vnode = namei(self, path, follow=False)
        return vnode.mount.stat(vnode.attributes)

    @syscall
    def fstatat(self, dirfd: int, path: bytes, flag: int = 0) -> Stat:
        """fstatat(2), with AT_SYMLINK_NOFOLLOW.  Errors: as namei; EINVAL."""
        vnode = self._at(dirfd, path, flag)
        return vnode.mount.stat(vnode.attributes)

    def _at(self, dirfd: int, path: bytes, flag: int) -> Vnode:
        if flag & ~(abi.AT_SYMLINK_NOFOLLOW | abi.AT_EACCESS):
            raise fault(e.EINVAL, f"flag {flag:#x}")
        return namei(self, path, dirfd, not flag & abi.AT_SYMLINK_NOFOLLOW)

    def _vnode_of(self, fd: int) -> Vnode:
        vnode: Vnode | None = getattr(self.process.file(fd), "vnode", None)
        if vnode is None:
            raise fault(e.EINVAL, f"descriptor {fd} is not of a file system")
        return vnode

    @syscall
    def access(self, path: bytes, mode: int) -> None:
        """access(2), by the real user and group.  Errors: as namei; EACCES, EROFS, EINVAL."""
        self._access(abi.AT_FDCWD, path, mode, 0)

    @syscall
    def faccessat(self, dirfd: int, path: bytes, mode: int, flag: int = 0) -> None:
        """faccessat(2), with AT_EACCESS and AT_SYMLINK_NOFOLLOW.  Errors: as access."""
        self._access(dirfd, path, mode, flag)

    def _access(self, dirfd: int, path: bytes, mode: int, flag: int) -> None:
        if mode & ~(abi.R_OK | abi.W_OK | abi.X_OK):
            raise fault(e.EINVAL, f"access mode {mode:#x}")
        effective = self.process.credentials
        if not flag & abi.AT_EACCESS:
            self.process.credentials = Credentials(effective.ruid, effective.rgid, effective.groups)
        try:
            vnode = self._at(dirfd, path, flag)
            access.check(self.process.credentials, vnode, mode)
        finally:
            self.process.credentials = effective

    # ---- mode ----------------------------------------------------------------------------------------------------

    @syscall
    def chmod(self, path: bytes, mode: int) -> None:
        """chmod(2).  Errors: as namei; EPERM, EROFS, EINVAL, EOPNOTSUPP."""
        self._chmod(namei(self, path), mode)

    @syscall
    def lchmod(self, path: bytes, mode: int) -> None:
        """lchmod(2): a symbolic link itself.  Errors: as chmod."""
        self._chmod(namei(self, path, follow=False), mode)

    @syscall
    def fchmod(self, fd: int, mode: int) -> None:
        """fchmod(2).  Errors: EBADF, and as chmod."""
        self._chmod(self._vnode_of(fd), mode)

    @syscall
    def fchmodat(self, dirfd: int, path: bytes, mode: int, flag: int = 0) -> None:
        """fchmodat(2), with AT_SYMLINK_NOFOLLOW.  Errors: as chmod."""
        self._chmod(self._at(dirfd, path, flag), mode)

    def _chmod(self, vnode: Vnode, mode: int) -> None:
        credentials = self.process.credentials
        access.check_owner(credentials, vnode)
        access.check_unchangeable(vnode)
        if mode & ~0o7777:
            raise fault(e.EINVAL, f"mode {mode:#o}")
        if credentials.euid != 0:
            if mode & abi.S_ISVTX and vnode.kind != abi.S_IFDIR:
                raise fault(e.EFTYPE, "sticky bit on a file")
            if mode & abi.S_ISGID and not credentials.is_member(vnode.attributes[v.GID]):
                raise fault(e.EPERM, "set-group-id of a group one is not in")
        self._set(vnode, ((v.MODE, mode),))

    # ---- owner ---------------------------------------------------------------------------------------------------

    @syscall
    def chown(self, path: bytes, uid: int, gid: int) -> None:
        """chown(2); -1 leaves one as it is.  Errors: as namei; EPERM, EROFS, EOPNOTSUPP."""
        self._chown(namei(self, path), uid, gid)

    @syscall
    def lchown(self, path: bytes, uid: int, gid: int) -> None:
        """lchown(2).  Errors: as chown."""
        self._chown(namei(self, path, follow=False), uid, gid)

    @syscall
    def fchown(self, fd: int, uid: int, gid: int) -> None:
        """fchown(2).  Errors: EBADF, and as chown."""
        self._chown(self._vnode_of(fd), uid, gid)

    @syscall
    def fchownat(self, dirfd: int, path: bytes, uid: int, gid: int, flag: int = 0) -> None:
        """fchownat(2), with AT_SYMLINK_NOFOLLOW.  Errors: as chown."""
        self._chown(self._at(dirfd, path, flag), uid, gid)

    def _chown(self, vnode: Vnode, uid: int, gid: int) -> None:
        """Root may all; an owner may give a file to a group he is in.  Set-id bits go when others change owners."""
        credentials = self.process.credentials
        attributes = vnode.attributes
        uid = attributes[v.UID] if uid in (-1, UNCHANGED) else uid
        gid = attributes[v.GID] if gid in (-1, UNCHANGED) else gid
        access.check_owner(credentials, vnode)
        access.check_unchangeable(vnode)
        if not (0 <= uid < UNCHANGED and 0 <= gid < UNCHANGED):
            raise fault(e.EINVAL, f"owner {uid}:{gid}")
        changes: tuple[tuple[int, int], ...] = ((v.UID, uid), (v.GID, gid))
        if credentials.euid != 0:
            if uid != attributes[v.UID] or (gid != attributes[v.GID] and not credentials.is_member(gid)):
                raise fault(e.EPERM)
            if vnode.kind != abi.S_IFDIR:
                changes += ((v.MODE, attributes[v.MODE] & 0o7777 & ~(abi.S_ISUID | abi.S_ISGID)),)
        self._set(vnode, changes)

    # ---- flags ---------------------------------------------------------------------------------------------------

    @syscall
    def chflags(self, path: bytes, flags: int) -> None:
        """chflags(2).  Errors: as namei; EPERM, EROFS, EOPNOTSUPP."""
        self._chflags(namei(self, path), flags)

    @syscall
    def lchflags(self, path: bytes, flags: int) -> None:
        """lchflags(2).  Errors: as chflags."""
        self._chflags(namei(self, path, follow=False), flags)

    @syscall
    def fchflags(self, fd: int, flags: int) -> None:
        """fchflags(2).  Errors: EBADF, and as chflags."""
        self._chflags(self._vnode_of(fd), flags)

    def _chflags(self, vnode: Vnode, flags: int) -> None:
        credentials = self.process.credentials
        access.check_owner(credentials, vnode)
        before = vnode.attributes[v.FLAGS]
        if credentials.euid != 0 and ((flags ^ before) & SYSTEM_FLAGS or before & (abi.SF_IMMUTABLE | abi.SF_APPEND)):
            raise fault(e.EPERM, "system flags")
        if flags & ~vnode.mount.capabilities.flags:
            raise fault(e.EOPNOTSUPP, f"flags {flags:#x}")
        self._set(vnode, ((v.FLAGS, flags),))

    # ---- times ---------------------------------------------------------------------------------------------------

    @syscall
    def utimens(self, path: bytes, atime: Time, mtime: Time) -> None:
        """utimens(2): nanoseconds since 1970; "now"; None leaves a time.  Errors: as namei; EACCES, EPERM, EROFS."""
        self._utimens(namei(self, path), atime, mtime)

    @syscall
    def lutimens(self, path: bytes, atime: Time, mtime: Time) -> None:
        """lutimens(2).  Errors: as utimens."""
        self._utimens(namei(self, path, follow=False), atime, mtime)

    @syscall
    def futimens(self, fd: int, atime: Time, mtime: Time) -> None:
        """futimens(2).  Errors: EBADF, and as utimens."""
        self._utimens(self._vnode_of(fd), atime, mtime)

    @syscall
    def utimensat(self, dirfd: int, path: bytes, atime: Time, mtime: Time, flag: int = 0) -> None:
        """utimensat(2), with AT_SYMLINK_NOFOLLOW.  Errors: as utimens."""
        self._utimens(self._at(dirfd, path, flag), atime, mtime)

    def _utimens(self, vnode: Vnode, atime: Time, mtime: Time) -> None:
        """The owner may set any time; who may write may set both to now."""
        if atime is None and mtime is None:
            return
        credentials = self.process.credentials
        access.check_writable_mount(vnode)
        access.check_unchangeable(vnode)
        if credentials.euid not in (0, vnode.attributes[v.UID]):
            if atime != "now" or mtime != "now":
                raise fault(e.EPERM)
            access.check(credentials, vnode, access.WRITE)
        now = self.kernel.now()
        changes = ((v.ATIME, atime), (v.MTIME, mtime))
        self._set(
            vnode, tuple((field, now if time == "now" else _time(time)) for field, time in changes if time is not None)
        )

    def _set(self, vnode: Vnode, changes: tuple[tuple[int, int], ...]) -> None:
        vnode.lock.exclusive()
        try:
            vnode.attributes = vnode.mount.volume.set_attributes(vnode.handle, changes)
        finally:
            vnode.lock.unlock()


def _time(time: int | str) -> int:
    if not isinstance(time, int):
        raise fault(e.EINVAL, f"time {time!r}")
    return time
