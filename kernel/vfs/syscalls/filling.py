# SPDX-License-Identifier: BSD-2-Clause
"""Extension calls that fill a file system: rump_copy_in, rump_copy_range, rump_populate (docs/system-calls.md)."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs import access, copying, populating, writing
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Row


class FillingCalls(LwpBase):
    """Extension calls that write."""

    @syscall
    def rump_copy_in(
        self, fd: int, offset: int, length: int, handle: int, source: int, sparse: bool = True
    ) -> int:
        """Copy bytes of an adopted host file into a regular file; how many were covered, short only at the host file's
        end.

        With `sparse` blocks of zeros (4096 bytes, by the regular file's offsets), holes of the host file or not, are
        left out: the regular file must read as zeros there, and is made as long as what was covered.
        Errors: EBADF, EINVAL, EISDIR; EFBIG, ENOSPC, EDQUOT - any part may be copied; EIO; those of reading there.
        """
        vnode = self._regular(fd, writing=True)
        if offset < 0 or length < 0 or source < 0:
            raise fault(e.EINVAL, f"range {offset}+{length} from {source}")
        file = copying.HostFile(self.kernel.host, handle)
        if file.end is not None:
            length = max(0, min(length, file.end - source))
        vnode.lock.exclusive()
        try:
            writing.check(vnode, offset, length)
            count = copying.copy_in(vnode, offset, length, file, source, sparse)
            self._written(fd, vnode)
        finally:
            vnode.lock.unlock()
        return count

    @syscall
    def rump_copy_range(
        self, fd: int, offset: int, to_fd: int, to_offset: int, length: int, sparse: bool = True
    ) -> int:
        """Copy bytes from one regular file to another, of any file systems; how many were covered, short only at the
        end of the first.

        With `sparse` holes are left out, as by `rump_copy_in`.
        Errors: as rump_copy_in; EINVAL - overlapping ranges of one file.
        """
        vnode, target = self._regular(fd, writing=False), self._regular(to_fd, writing=True)
        if offset < 0 or length < 0 or to_offset < 0:
            raise fault(e.EINVAL, f"range {offset}+{length} to {to_offset}")
        length = max(0, min(length, vnode.attributes[v.SIZE] - offset))
        if vnode is target and abs(to_offset - offset) < length:
            raise fault(e.EINVAL, "overlapping ranges")
        writing.check(target, to_offset, length)
        count = copying.copy_range(vnode, offset, target, to_offset, length, sparse)
        target.lock.exclusive()
        try:
            self._written(to_fd, target)
        finally:
            target.lock.unlock()
        return count

    def _regular(self, fd: int, *, writing: bool) -> Vnode:
        file = self.process.file(fd)
        vnode: Vnode | None = getattr(file, "vnode", None)
        if not (file.writable if writing else file.readable):
            raise fault(e.EBADF, f"descriptor {fd} is not open for {'writing' if writing else 'reading'}")
        if vnode is None or vnode.kind != abi.S_IFREG:
            raise fault(e.EISDIR if vnode is not None and vnode.kind == abi.S_IFDIR else e.EINVAL)
        return vnode

    def _written(self, fd: int, vnode: Vnode) -> None:
        """What follows every write."""
        writing.drop_set_id(vnode, self.process.credentials)
        if self.process.file(fd).flags & abi.O_SYNC:
            vnode.mount.volume.sync()

    @syscall
    def rump_populate(self, fd: int, rows: tuple[Row, ...]) -> tuple[int, ...]:
        """Make files of any type in an open directory, each with its name, its contents and all its attributes: 0 or an
        errno for each, in order.

        A row is (name, mode with its type, uid, gid, rdev, target, flags, atime, mtime, birthtime, contents,
        ((xattr, value), ...)), as `rump.kernel.vfs.volume` names them; no umask is applied.  A row is done whole or not
        at all, and one that fails leaves the others alone.  EEXIST; EINVAL, ENAMETOOLONG - a name that is none, an
        attribute out of range; EPERM - others than root make no devices, nothing of other users, of groups that are
        neither theirs nor the directory's, or with what only root may set; EOPNOTSUPP - the format has no such thing;
        ENOSPC, EFBIG, E2BIG, EMLINK.
        Errors: EBADF, ENOTDIR, EACCES, EROFS, EPERM - immutable; ENOENT - it was removed; EIO: any may have been made.
        """
        directory = self.directory_of(fd)
        access.check(self.process.credentials, directory, access.WRITE | access.EXECUTE)
        return populating.populate(self.kernel, directory, rows, self.process.credentials)
