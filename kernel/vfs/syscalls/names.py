# SPDX-License-Identifier: BSD-2-Clause
"""mkdir(2), link(2), symlink(2), readlink(2), unlink(2), rename(2) and their kin."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs import access
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.locking import lock_names, unlock
from rump.kernel.vfs.namei import link_target, namei, namei_parent
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.cpu import SleepLock
    from rump.kernel.vfs.vnode import Vnode


class NameCalls(LwpBase):
    """System calls that make, change and remove names."""

    @syscall
    def mkdir(self, path: bytes, mode: int = 0o777) -> None:
        """mkdir(2).  Errors: as namei; EEXIST, EACCES, EROFS, ENOSPC, EMLINK."""
        self._make(abi.AT_FDCWD, path, abi.S_IFDIR | (mode & 0o7777))

    @syscall
    def mkdirat(self, dirfd: int, path: bytes, mode: int = 0o777) -> None:
        """mkdirat(2).  Errors: as mkdir."""
        self._make(dirfd, path, abi.S_IFDIR | (mode & 0o7777))

    @syscall
    def mkfifo(self, path: bytes, mode: int = 0o666) -> None:
        """mkfifo(2).  Errors: as mkdir; EOPNOTSUPP."""
        self._make(abi.AT_FDCWD, path, abi.S_IFIFO | (mode & 0o7777))

    @syscall
    def mkfifoat(self, dirfd: int, path: bytes, mode: int = 0o666) -> None:
        """mkfifoat(2).  Errors: as mkfifo."""
        self._make(dirfd, path, abi.S_IFIFO | (mode & 0o7777))

    @syscall
    def mknod(self, path: bytes, mode: int, device: int = 0) -> None:
        """mknod(2).  Errors: as mkdir; EPERM - a device, and not root; EINVAL - type; EOPNOTSUPP."""
        self._mknod(abi.AT_FDCWD, path, mode, device)

    @syscall
    def mknodat(self, dirfd: int, path: bytes, mode: int, device: int = 0) -> None:
        """mknodat(2).  Errors: as mknod."""
        self._mknod(dirfd, path, mode, device)

    def _mknod(self, dirfd: int, path: bytes, mode: int, device: int) -> None:
        kind = mode & abi.S_IFMT or abi.S_IFREG
        if kind not in (abi.S_IFREG, abi.S_IFIFO, abi.S_IFCHR, abi.S_IFBLK, abi.S_IFSOCK):
            raise fault(e.EINVAL, f"mode {mode:#o}")
        is_device = kind in (abi.S_IFCHR, abi.S_IFBLK)
        if is_device and self.process.credentials.euid != 0:
            raise fault(e.EPERM)
        self._make(dirfd, path, kind | (mode & 0o7777), device if is_device else 0)

    @syscall
    def symlink(self, target: bytes, path: bytes) -> None:
        """symlink(2).  Errors: as mkdir; ENAMETOOLONG, ENOENT - empty target."""
        self._symlink(target, abi.AT_FDCWD, path)

    @syscall
    def symlinkat(self, target: bytes, dirfd: int, path: bytes) -> None:
        """symlinkat(2).  Errors: as symlink."""
        self._symlink(target, dirfd, path)

    def _symlink(self, target: bytes, dirfd: int, path: bytes) -> None:
        if not target:
            raise fault(e.ENOENT, "empty target")
        if len(target) >= abi.PATH_MAX:
            raise fault(e.ENAMETOOLONG, "target")
        if b"\0" in target:
            raise fault(e.EINVAL, "NUL byte in target")
        self._make(dirfd, path, abi.S_IFLNK | 0o777, 0, target)

    def _make(self, dirfd: int, path: bytes, mode: int, rdev: int = 0, target: bytes = b"") -> None:
        directory, name, vnode = namei_parent(self, path, dirfd, directory=mode & abi.S_IFMT == abi.S_IFDIR)
        if vnode is not None:
            raise fault(e.EEXIST)
        self.kernel.create(self, directory, name, mode & ~self.process.umask, rdev, target)

    @syscall
    def readlink(self, path: bytes) -> bytes:
        """readlink(2): the target.  Errors: as namei; EINVAL - not a symbolic link."""
        return self._readlink(namei(self, path, follow=False))

    @syscall
    def readlinkat(self, dirfd: int, path: bytes) -> bytes:
        """readlinkat(2).  Errors: as readlink."""
        return self._readlink(namei(self, path, dirfd, follow=False))

    def _readlink(self, vnode: Vnode) -> bytes:
        if vnode.kind != abi.S_IFLNK:
            raise fault(e.EINVAL, "not a symbolic link")
        return link_target(vnode)

    @syscall
    def link(self, path: bytes, new: bytes) -> None:
        """link(2); a symbolic link is followed.  Errors: as namei; EEXIST, EXDEV, EPERM - a directory; EMLINK."""
        self._link(abi.AT_FDCWD, path, abi.AT_FDCWD, new, abi.AT_SYMLINK_FOLLOW)

    @syscall
    def linkat(self, dirfd: int, path: bytes, new_dirfd: int, new: bytes, flag: int = 0) -> None:
        """linkat(2), with AT_SYMLINK_FOLLOW.  Errors: as link."""
        self._link(dirfd, path, new_dirfd, new, flag)

    def _link(self, dirfd: int, path: bytes, new_dirfd: int, new: bytes, flag: int) -> None:
        locks: list[SleepLock] = []
        while not locks:
            vnode = namei(self, path, dirfd, bool(flag & abi.AT_SYMLINK_FOLLOW))
            if vnode.kind == abi.S_IFDIR:
                raise fault(e.EPERM, "a directory")
            directory, name, existing = namei_parent(self, new, new_dirfd)
            if existing is not None:
                raise fault(e.EEXIST)
            if directory.mount is not vnode.mount:
                raise fault(e.EXDEV)
            access.check(self.process.credentials, directory, access.WRITE)
            access.check_unchangeable(vnode)
            locks = lock_names((directory, name, None))
            if locks and vnode.attributes[v.NLINK] == 0:
                unlock(locks)       # it lost its last name since it was looked up
        try:
            vnode.attributes, directory.attributes = directory.mount.volume.link(vnode.handle, directory.handle, name)
        finally:
            unlock(locks)
        directory.forget_negatives()
        directory.remember(name, vnode)

    @syscall
    def unlink(self, path: bytes) -> None:
        """unlink(2).  Errors: as namei; EPERM - a directory; EACCES, EROFS, EBUSY."""
        self._unlink(abi.AT_FDCWD, path)

    @syscall
    def unlinkat(self, dirfd: int, path: bytes, flag: int = 0) -> None:
        """unlinkat(2), with AT_REMOVEDIR.  Errors: as unlink and rmdir."""
        if flag & ~abi.AT_REMOVEDIR:
            raise fault(e.EINVAL, f"flag {flag:#x}")
        if flag:
            self._rmdir(dirfd, path)
        else:
            self._unlink(dirfd, path)

    def _unlink(self, dirfd: int, path: bytes) -> None:
        locks: list[SleepLock] = []
        while not locks:
            directory, name, vnode = namei_parent(self, path, dirfd)
            if vnode is None:
                raise fault(e.ENOENT)
            if vnode.kind == abi.S_IFDIR:
                raise fault(e.EPERM, "a directory")
            access.check_remove(self.process.credentials, directory, vnode)
            locks = lock_names((directory, name, vnode))
        assert vnode is not None
        try:
            vnode.attributes, directory.attributes = directory.mount.volume.unlink(directory.handle, name)
        finally:
            unlock(locks)
        directory.forget_name(name)

    @syscall
    def rmdir(self, path: bytes) -> None:
        """rmdir(2).  Errors: as namei; ENOTDIR, ENOTEMPTY, EINVAL - "."; EBUSY - a mount or the root; EACCES."""
        self._rmdir(abi.AT_FDCWD, path)

    def _rmdir(self, dirfd: int, path: bytes) -> None:
        locks: list[SleepLock] = []
        while not locks:
            directory, name, vnode = namei_parent(self, path, dirfd, directory=True)
            if vnode is None:
                raise fault(e.ENOENT)
            if vnode.kind != abi.S_IFDIR:
                raise fault(e.ENOTDIR)
            if name == b".":
                raise fault(e.EINVAL, 'the last component is "."')
            if name == b"..":
                raise fault(e.ENOTEMPTY)
            if vnode is vnode.mount.root or vnode is self.kernel.rootvnode or not name:
                raise fault(e.EBUSY, "a mounted file system")
            access.check_remove(self.process.credentials, directory, vnode)
            locks = lock_names((directory, name, vnode), victim=vnode)
        assert vnode is not None
        try:
            vnode.attributes, directory.attributes = directory.mount.volume.rmdir(directory.handle, name)
        finally:
            unlock(locks)
        directory.forget_name(name)

    @syscall
    def rename(self, old: bytes, new: bytes) -> None:
        """rename(2).  Errors: as namei; EXDEV, EINVAL, EISDIR, ENOTDIR, ENOTEMPTY, EBUSY, EACCES, EROFS, EPERM."""
        self._rename(abi.AT_FDCWD, old, abi.AT_FDCWD, new)

    @syscall
    def renameat(self, dirfd: int, old: bytes, new_dirfd: int, new: bytes) -> None:
        """renameat(2).  Errors: as rename."""
        self._rename(dirfd, old, new_dirfd, new)

    def _rename(self, dirfd: int, old: bytes, new_dirfd: int, new: bytes) -> None:
        # Here, since every program makes names and few change any.
        from rump.kernel.vfs.rename import rename

        rename(self, dirfd, old, new_dirfd, new)


