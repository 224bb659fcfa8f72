# SPDX-License-Identifier: BSD-2-Clause
"""getxattr(2), setxattr(2), listxattr(2), removexattr(2), in their plain, `l` and `f` forms.

Names are in full, with their name space, as NetBSD's Linux-compatible calls have them.  "user." attributes follow the
file's permissions; all others are root's to change, and "trusted." ones root's to see.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs import access
from rump.kernel.vfs.namei import namei
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.vnode import Vnode

NAME_MAX = 255
VALUE_MAX = 65536


class XattrCalls(LwpBase):
    """System calls on extended attributes."""

    @syscall
    def getxattr(self, path: bytes, name: bytes) -> bytes:
        """getxattr(2): the value.  Errors: as namei; ENOATTR, EOPNOTSUPP, EACCES."""
        return self._get(namei(self, path), name)

    @syscall
    def lgetxattr(self, path: bytes, name: bytes) -> bytes:
        """lgetxattr(2): of a symbolic link itself.  Errors: as getxattr."""
        return self._get(namei(self, path, follow=False), name)

    @syscall
    def fgetxattr(self, fd: int, name: bytes) -> bytes:
        """fgetxattr(2).  Errors: EBADF, and as getxattr."""
        return self._get(self._file_of(fd), name)

    @syscall
    def listxattr(self, path: bytes) -> tuple[bytes, ...]:
        """listxattr(2): the names.  Errors: as namei; EOPNOTSUPP."""
        return self._list(namei(self, path))

    @syscall
    def llistxattr(self, path: bytes) -> tuple[bytes, ...]:
        """llistxattr(2).  Errors: as listxattr."""
        return self._list(namei(self, path, follow=False))

    @syscall
    def flistxattr(self, fd: int) -> tuple[bytes, ...]:
        """flistxattr(2).  Errors: EBADF, and as listxattr."""
        return self._list(self._file_of(fd))

    @syscall
    def setxattr(self, path: bytes, name: bytes, value: bytes, flags: int = 0) -> None:
        """setxattr(2), with XATTR_CREATE and XATTR_REPLACE.  Errors: as namei; EEXIST, ENOATTR, EPERM, EACCES, EROFS,
        E2BIG, EINVAL, EOPNOTSUPP, ENOSPC."""
        self._set_xattr(namei(self, path), name, value, flags)

    @syscall
    def lsetxattr(self, path: bytes, name: bytes, value: bytes, flags: int = 0) -> None:
        """lsetxattr(2).  Errors: as setxattr."""
        self._set_xattr(namei(self, path, follow=False), name, value, flags)

    @syscall
    def fsetxattr(self, fd: int, name: bytes, value: bytes, flags: int = 0) -> None:
        """fsetxattr(2).  Errors: EBADF, and as setxattr."""
        self._set_xattr(self._file_of(fd), name, value, flags)

    @syscall
    def removexattr(self, path: bytes, name: bytes) -> None:
        """removexattr(2).  Errors: as namei; ENOATTR, EPERM, EACCES, EROFS, EOPNOTSUPP."""
        self._remove(namei(self, path), name)

    @syscall
    def lremovexattr(self, path: bytes, name: bytes) -> None:
        """lremovexattr(2).  Errors: as removexattr."""
        self._remove(namei(self, path, follow=False), name)

    @syscall
    def fremovexattr(self, fd: int, name: bytes) -> None:
        """fremovexattr(2).  Errors: EBADF, and as removexattr."""
        self._remove(self._file_of(fd), name)

    def _file_of(self, fd: int) -> Vnode:
        vnode: Vnode | None = getattr(self.process.file(fd), "vnode", None)
        if vnode is None:
            raise fault(e.EOPNOTSUPP, f"descriptor {fd} is not of a file system")
        return vnode

    def _get(self, vnode: Vnode, name: bytes) -> bytes:
        self._check_read(vnode, name)
        return vnode.mount.volume.get_xattr(vnode.handle, name)

    def _list(self, vnode: Vnode) -> tuple[bytes, ...]:
        names = vnode.mount.volume.list_xattr(vnode.handle)
        if self.process.credentials.euid != 0:
            names = tuple(name for name in names if not name.startswith(b"trusted."))
        return names

    def _set_xattr(self, vnode: Vnode, name: bytes, value: bytes, flags: int) -> None:
        if flags & ~(abi.XATTR_CREATE | abi.XATTR_REPLACE) or not 0 < len(name) <= NAME_MAX or b"\0" in name:
            raise fault(e.EINVAL, f"attribute {name!r}")
        if len(value) > VALUE_MAX:
            raise fault(e.E2BIG)
        self._check_write(vnode, name)
        vnode.lock.exclusive()
        try:
            vnode.attributes = vnode.mount.volume.set_xattr(vnode.handle, name, bytes(value), flags)
        finally:
            vnode.lock.unlock()

    def _remove(self, vnode: Vnode, name: bytes) -> None:
        self._check_write(vnode, name)
        vnode.lock.exclusive()
        try:
            vnode.attributes = vnode.mount.volume.remove_xattr(vnode.handle, name)
        finally:
            vnode.lock.unlock()

    def _check_read(self, vnode: Vnode, name: bytes) -> None:
        credentials = self.process.credentials
        if name.startswith(b"user."):
            access.check(credentials, vnode, access.READ)
        elif name.startswith(b"trusted.") and credentials.euid != 0:
            raise fault(e.ENOATTR)

    def _check_write(self, vnode: Vnode, name: bytes) -> None:
        if vnode.mount.read_only:
            raise fault(e.EROFS)
        access.check_unchangeable(vnode)
        if name.startswith(b"user."):
            if vnode.kind not in (abi.S_IFREG, abi.S_IFDIR):
                raise fault(e.EPERM, "user attributes belong to files and directories")
            access.check(self.process.credentials, vnode, access.WRITE)
        elif self.process.credentials.euid != 0:
            raise fault(e.EPERM)
