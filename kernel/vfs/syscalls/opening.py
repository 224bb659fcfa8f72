# SPDX-License-Identifier: BSD-2-Clause
"""open(2), getdents(2), chdir(2) and their kin."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs import access
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.file import VnodeFile, truncate
from rump.kernel.vfs.namei import namei, namei_parent, path_of
from rump.kernel.vfs.special import open_special
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.file import File
    from rump.kernel.vfs.vnode import Vnode

KNOWN_FLAGS = (
    abi.O_ACCMODE | abi.O_NONBLOCK | abi.O_APPEND | abi.O_SYNC | abi.O_NOFOLLOW | abi.O_CREAT | abi.O_TRUNC
    | abi.O_EXCL | abi.O_DIRECTORY | abi.O_CLOEXEC
)  # fmt: skip


class OpeningCalls(LwpBase):
    """System calls that lead to files."""

    @syscall
    def open(self, path: bytes, flags: int, mode: int = 0o666) -> int:
        """open(2).  Errors: as namei; EEXIST, EISDIR, EROFS, EPERM, ELOOP (O_NOFOLLOW), ENXIO, EMFILE, EINVAL."""
        return self._open(abi.AT_FDCWD, path, flags, mode)

    @syscall
    def openat(self, dirfd: int, path: bytes, flags: int, mode: int = 0o666) -> int:
        """openat(2).  Errors: as open; EBADF, ENOTDIR - `dirfd`."""
        return self._open(dirfd, path, flags, mode)

    def _open(self, dirfd: int, path: bytes, flags: int, mode: int) -> int:
        if flags & ~KNOWN_FLAGS or flags & abi.O_ACCMODE == abi.O_ACCMODE:
            raise fault(e.EINVAL, f"open flags {flags:#x}")
        if flags & abi.O_CREAT:
            vnode, made = self._open_create(dirfd, path, flags, mode)
            flags &= ~abi.O_TRUNC if made else -1
        else:
            vnode = namei(self, path, dirfd, not flags & abi.O_NOFOLLOW)
            self._check_open(vnode, flags)
        file = self._open_vnode(vnode, flags)
        try:
            return self.process.install(file, close_on_exec=bool(flags & abi.O_CLOEXEC))
        except BaseException:
            file.close()
            raise

    def _open_create(self, dirfd: int, path: bytes, flags: int, mode: int) -> tuple[Vnode, bool]:
        """The file, and whether it was missing and has been made; O_EXCL does not even follow a symbolic link."""
        follow = not flags & (abi.O_EXCL | abi.O_NOFOLLOW)
        mode = abi.S_IFREG | (mode & 0o7777 & ~self.process.umask)
        directory, name, vnode = namei_parent(self, path, dirfd, follow)
        if vnode is None:
            try:
                return self.kernel.create(self, directory, name, mode), True
            except FileExistsError:         # somebody else was faster
                directory, name, vnode = namei_parent(self, path, dirfd, follow)
                if vnode is None:
                    raise
        if flags & abi.O_EXCL:
            raise fault(e.EEXIST)
        self._check_open(vnode, flags)
        return vnode, False

    def _check_open(self, vnode: Vnode, flags: int) -> None:
        """What the file's type, its permissions and its flags say."""
        writing = flags & abi.O_ACCMODE != abi.O_RDONLY
        if vnode.kind == abi.S_IFLNK:
            raise fault(e.ELOOP, "a symbolic link")
        if vnode.kind == abi.S_IFDIR and (writing or flags & (abi.O_CREAT | abi.O_TRUNC)):
            raise fault(e.EISDIR)
        if vnode.kind != abi.S_IFDIR and flags & abi.O_DIRECTORY:
            raise fault(e.ENOTDIR)
        want = 0 if flags & abi.O_ACCMODE == abi.O_WRONLY else access.READ
        if writing or flags & abi.O_TRUNC:
            want |= access.WRITE
        access.check(self.process.credentials, vnode, want)
        appending = flags & (abi.O_APPEND | abi.O_TRUNC) == abi.O_APPEND
        if vnode.attributes[v.FLAGS] & access.APPEND and (writing or flags & abi.O_TRUNC) and not appending:
            raise fault(e.EPERM, "append-only")

    def _open_vnode(self, vnode: Vnode, flags: int) -> File:
        if vnode.kind in (abi.S_IFREG, abi.S_IFDIR):
            if flags & abi.O_TRUNC:
                truncate(vnode, 0)
            return VnodeFile(self.kernel, vnode, flags, self.process.credentials)
        return open_special(self, vnode, flags)

    @syscall
    def truncate(self, path: bytes, size: int) -> None:
        """truncate(2).  Errors: as namei; EACCES, EISDIR, EINVAL, EFBIG, EROFS."""
        vnode = namei(self, path)
        if vnode.kind == abi.S_IFDIR:
            raise fault(e.EISDIR)
        access.check(self.process.credentials, vnode, access.WRITE)
        if vnode.kind != abi.S_IFREG:
            raise fault(e.EINVAL)
        truncate(vnode, size)

    @syscall
    def getdents(self, fd: int, count: int = 8192) -> tuple[tuple[bytes, int, int], ...]:
        """getdents(2): about `count` of the next entries as (name, fileid, DT_*), "." and ".." first; () at the end.

        Errors: EBADF, EINVAL - not a directory.
        """
        file = self._directory_file(fd)
        vnode = file.vnode
        dots: list[tuple[bytes, int, int]] = []
        if file.dots == 0:
            parent = self.kernel.parent(self, vnode)
            dots = [(b".", vnode.handle[0], abi.DT_DIR), (b"..", parent.handle[0], abi.DT_DIR)]
            file.dots = 2
            file.offset += 2
        if file.cookie == v.END:
            return tuple(dots)
        entries, file.cookie = vnode.mount.volume.list(vnode.handle, file.cookie, count)
        self.kernel.check_names(vnode, [entry[0] for entry in entries])
        file.offset += len(entries)
        dots += [(name, fileid, kind) for name, _, fileid, kind in entries]
        return tuple(dots)

    def _directory_file(self, fd: int) -> VnodeFile:
        file = self.process.file(fd)
        if not isinstance(file, VnodeFile) or file.vnode.kind != abi.S_IFDIR:
            raise fault(e.EINVAL, f"descriptor {fd} is not of a directory")
        if not file.readable:
            raise fault(e.EBADF, f"descriptor {fd} is not open for reading")
        return file

    @syscall
    def chdir(self, path: bytes) -> None:
        """chdir(2).  Errors: as namei; ENOTDIR, EACCES."""
        self._change(namei(self, path))

    @syscall
    def fchdir(self, fd: int) -> None:
        """fchdir(2).  Errors: EBADF, ENOTDIR, EACCES."""
        self._change(self.directory_of(fd))

    def _change(self, vnode: Vnode) -> None:
        self._check_directory(vnode)
        old, self.process.cwd = self.process.cwd, vnode
        self.kernel.vnodes.reference(vnode)
        if old is not None:
            self.kernel.vnodes.release(old)

    def _check_directory(self, vnode: Vnode) -> None:
        if vnode.kind != abi.S_IFDIR:
            raise fault(e.ENOTDIR)
        access.check(self.process.credentials, vnode, access.EXECUTE)

    @syscall
    def chroot(self, path: bytes) -> None:
        """chroot(2).  Errors: EPERM - not root; as namei; ENOTDIR."""
        if self.process.credentials.euid != 0:
            raise fault(e.EPERM)
        vnode = namei(self, path)
        self._check_directory(vnode)
        old, self.process.root = self.process.root, vnode
        self.kernel.vnodes.reference(vnode)
        if old is not None:
            self.kernel.vnodes.release(old)

    @syscall
    def getcwd(self) -> bytes:
        """getcwd(3): the working directory's path from the root.  Errors: ENOENT - it was removed."""
        assert self.process.cwd is not None
        return path_of(self, self.process.cwd)

    @syscall
    def umask(self, mask: int) -> int:
        """umask(2): sets it, returns the one before."""
        old, self.process.umask = self.process.umask, mask & 0o777
        return old
