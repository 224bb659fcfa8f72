# SPDX-License-Identifier: BSD-2-Clause
"""mount(2), unmount(2), statvfs(2), sync(2)."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs.namei import namei, path_of
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.stat import Statvfs

KNOWN_FLAGS = (
    abi.MNT_RDONLY | abi.MNT_SYNCHRONOUS | abi.MNT_NOEXEC | abi.MNT_NOSUID | abi.MNT_NODEV | abi.MNT_NOATIME
)


class MountCalls(LwpBase):
    """System calls on mounts."""

    @syscall
    def mount(
        self, fstype: str, path: bytes, flags: int = 0, device: bytes = b"", options: dict[str, str] | None = None
    ) -> None:
        """mount(2): the file system of type `fstype` ("" finds out) on `device`, over the directory `path`.

        Errors: EPERM - not root; as namei; ENODEV - unknown type; ENOTBLK - not a block device; EBUSY - it is
        mounted already; ENOTDIR, EINVAL; EFTYPE - not this file system; EROFS - it cannot be written to.
        """
        if self.process.credentials.euid != 0:
            raise fault(e.EPERM)
        if flags & ~KNOWN_FLAGS:
            raise fault(e.EINVAL, f"mount flags {flags:#x}")
        covered = namei(self, path)
        if covered.kind != abi.S_IFDIR:
            raise fault(e.ENOTDIR)
        block = self._block_device(device) if device else None
        path = path_of(self, covered)
        mount = self.kernel.mounts.attach(fstype, covered, flags, block, options or {})
        mount.source = device
        mount.path = path

    def _block_device(self, path: bytes) -> BlockDevice:
        vnode = namei(self, path)
        if vnode.kind != abi.S_IFBLK:
            raise fault(e.ENOTBLK, path.decode("utf-8", "replace"))
        return self.kernel.device_of(vnode)

    @syscall
    def unmount(self, path: bytes, flags: int = 0) -> None:
        """unmount(2), with MNT_FORCE.  Errors: EPERM; as namei; EINVAL - not a mount's root; EBUSY - in use."""
        if self.process.credentials.euid != 0:
            raise fault(e.EPERM)
        if flags & ~abi.MNT_FORCE:
            raise fault(e.EINVAL, f"unmount flags {flags:#x}")
        vnode = namei(self, path)
        mount = vnode.mount
        if vnode is not mount.root or mount.covered is None:
            raise fault(e.EINVAL, "not the root of a mounted file system")
        self.drop_held()
        self.kernel.mounts.detach(mount, bool(flags & abi.MNT_FORCE))

    @syscall
    def statvfs(self, path: bytes, flags: int = abi.ST_WAIT) -> Statvfs:
        """statvfs1(2); ST_NOWAIT: what is known of the last time.  Errors: as namei; the volume's."""
        return namei(self, path).mount.statvfs(flags)

    @syscall
    def fstatvfs(self, fd: int, flags: int = abi.ST_WAIT) -> Statvfs:
        """fstatvfs1(2).  Errors: EBADF, EINVAL; the volume's."""
        vnode = getattr(self.process.file(fd), "vnode", None)
        if vnode is None:
            raise fault(e.EINVAL, f"descriptor {fd} is not of a file system")
        result: Statvfs = vnode.mount.statvfs(flags)
        return result

    @syscall
    def getvfsstat(self, flags: int = abi.ST_WAIT) -> tuple[Statvfs, ...]:
        """getvfsstat(2): every mount, in the order mounted.

        ST_WAIT asks each; of one that fails or hangs, and of all with ST_NOWAIT, what is known from the last time
        is told (numbers of 0: nothing).  A driver in a process of its own delays this at most by the time that it may
        take for a request.
        """
        mounts = self.kernel.mounts
        # Others unmount while one is waited for.
        return tuple([mount.statvfs_anyway(flags) for mount in mounts if mount in tuple(mounts)])

    @syscall
    def sync(self) -> None:
        """sync(2): every mount.  Errors: EIO - of the first that failed; all are tried."""
        problem: OSError | None = None
        for mount in self.kernel.mounts:
            try:
                mount.volume.sync()
            except OSError as error:
                problem = problem or error
        if problem is not None:
            raise problem
