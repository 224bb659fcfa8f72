# SPDX-License-Identifier: BSD-2-Clause
"""fcntl(2) with F_GETLK, F_SETLK, F_SETLKW; flock(2): advisory locks."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.kernel.vfs.advlock import FOREVER, AdvisoryLocks, Lock, byte_range, described
from rump.kernel.vfs.file import VnodeFile
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.file import File


class LockCalls(LwpBase):
    """System calls for advisory locks."""

    @syscall
    def fcntl_lock(
        self, fd: int, command: int, lock: tuple[int, int, int, int]
    ) -> tuple[int, int, int, int, int]:
        """fcntl(2) F_GETLK, F_SETLK, F_SETLKW.  `lock` is (type, whence, start, length): struct flock.

        Returns the lock in the way, as (type, whence, start, length, pid): of type F_UNLCK without one, and always
        for the commands that set.  Locks belong to the process, which loses those on a file with the first of the
        file's descriptors that it closes.

        Errors: EAGAIN; EBADF - not open for what is to be locked; EDEADLK; EINVAL - not a regular file, an unknown type
        or command; ENOLCK.
        """
        file = self.process.file(fd)
        kind, whence, start, length = lock
        if command not in (abi.F_GETLK, abi.F_SETLK, abi.F_SETLKW) or not abi.F_RDLCK <= kind <= abi.F_WRLCK:
            raise fault(e.EINVAL, f"fcntl {command}, lock type {kind}")
        locks = _locks_of(self, file)
        first, behind = byte_range(_base(file, whence) + start, length)
        if command != abi.F_GETLK and kind == abi.F_UNLCK:
            locks.drop(first, behind, self.process)
            return described(None)
        wanted = Lock(first, behind, kind == abi.F_WRLCK, self.process)
        if command == abi.F_GETLK:
            return described(locks.blocker(wanted))
        if not (file.writable if wanted.exclusive else file.readable):
            raise fault(e.EBADF, f"descriptor {fd} is not open for that")
        self.process.locked = True
        locks.take(wanted, self.sleep if command == abi.F_SETLKW else None)
        return described(None)

    @syscall
    def flock(self, fd: int, operation: int) -> None:
        """flock(2): LOCK_SH, LOCK_EX or LOCK_UN, with LOCK_NB not to wait.  The lock belongs to the open file.

        Errors: EAGAIN, EBADF, EDEADLK, EINVAL; EOPNOTSUPP - not a file of a file system.
        """
        file = self.process.file(fd)
        if not isinstance(file, VnodeFile):
            raise fault(e.EOPNOTSUPP)
        locks = _locks_of(self, file)
        kind = operation & ~abi.LOCK_NB
        if kind not in (abi.LOCK_SH, abi.LOCK_EX, abi.LOCK_UN):
            raise fault(e.EINVAL, f"flock {operation}")
        if kind == abi.LOCK_UN:
            locks.drop(0, FOREVER, file)
            return
        file.locked = True
        locks.take(Lock(0, FOREVER, kind == abi.LOCK_EX, file), None if operation & abi.LOCK_NB else self.sleep)


def _locks_of(lwp: LwpBase, file: File) -> AdvisoryLocks:
    """The locks of an open file's vnode.  Errors: EINVAL - it is none."""
    if not isinstance(file, VnodeFile):
        raise fault(e.EINVAL, "not a file of a file system")
    vnode = file.vnode
    if vnode.advlocks is None:
        vnode.advlocks = AdvisoryLocks(lwp.kernel.cpu, lwp.kernel.lock_waits)
    return vnode.advlocks


def _base(file: File, whence: int) -> int:
    """Where a range's start counts from."""
    if whence == abi.SEEK_SET:
        return 0
    if whence == abi.SEEK_CUR:
        return file.offset
    if whence == abi.SEEK_END:
        return file.size()
    raise fault(e.EINVAL, f"whence {whence}")
