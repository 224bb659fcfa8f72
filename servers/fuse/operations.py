# SPDX-License-Identifier: BSD-2-Clause
"""All operations, and which answers which request."""

from __future__ import annotations

from rump.servers.fuse import protocol as p
from rump.servers.fuse.attributes import AttributeOperations
from rump.servers.fuse.base import Settings
from rump.servers.fuse.control import ControlOperations
from rump.servers.fuse.data import DataOperations
from rump.servers.fuse.directories import DirectoryOperations
from rump.servers.fuse.names import NameOperations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.lwps import Lwp
    from rump.servers.fuse.base import Request


class Operations(NameOperations, AttributeOperations, DataOperations, DirectoryOperations, ControlOperations):
    """Answers requests on the file system that a process of a kernel, root's, has for its root.

    table  operation -> what answers it; for all others the answer is ENOSYS
    """

    def __init__(self, lwp: Lwp, settings: Settings | None = None) -> None:
        super().__init__(lwp, settings or Settings())
        self.table: dict[int, Callable[[Request], bytes | memoryview]] = {
            p.LOOKUP: self.lookup, p.FORGET: self.forget, p.BATCH_FORGET: self.batch_forget,
            p.READLINK: self.readlink, p.SYMLINK: self.symlink, p.MKNOD: self.mknod, p.MKDIR: self.mkdir,
            p.UNLINK: self.unlink, p.RMDIR: self.rmdir, p.RENAME: self.rename, p.RENAME2: self.rename2,
            p.LINK: self.link,
            p.GETATTR: self.getattr, p.SETATTR: self.setattr, p.STATX: self.statx, p.STATFS: self.statfs,
            p.GETXATTR: self.getxattr, p.LISTXATTR: self.listxattr, p.SETXATTR: self.setxattr,
            p.REMOVEXATTR: self.removexattr,
            p.OPEN: self.open, p.CREATE: self.create, p.READ: self.read, p.WRITE: self.write,
            p.RELEASE: self.release, p.FSYNC: self.fsync, p.FALLOCATE: self.fallocate, p.LSEEK: self.lseek,
            p.COPY_FILE_RANGE: self.copy_file_range,
            p.OPENDIR: self.opendir, p.READDIR: self.readdir, p.READDIRPLUS: self.readdirplus,
            p.RELEASEDIR: self.release, p.FSYNCDIR: self.fsync,
            p.INIT: self.init, p.IOCTL: self.ioctl,
        }  # fmt: skip

    def end(self) -> None:
        """Linux is gone."""
        self.descriptors.close_all()
