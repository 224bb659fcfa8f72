# SPDX-License-Identifier: BSD-2-Clause
"""Processes and credentials: who calls, and what belongs to them."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.file import File
    from rump.kernel.vfs.vnode import Vnode
    from rump.rumpuser.interface.hypercalls import Condition


class Credentials:
    """User and groups of a process; never changed in place, so that lwps may share them (kauth(9))."""

    __slots__ = ("egid", "euid", "groups", "rgid", "ruid", "sgid", "suid")

    def __init__(self, uid: int = 0, gid: int = 0, groups: tuple[int, ...] = ()) -> None:
        self.ruid = self.euid = self.suid = uid
        self.rgid = self.egid = self.sgid = gid
        self.groups = groups

    def copy(self) -> Credentials:
        """An equal one, to be changed before anyone else sees it."""
        other = Credentials(groups=self.groups)
        other.ruid, other.euid, other.suid = self.ruid, self.euid, self.suid
        other.rgid, other.egid, other.sgid = self.rgid, self.egid, self.sgid
        return other

    def is_member(self, gid: int) -> bool:
        """Whether the effective group or one of the others is `gid`."""
        return gid == self.egid or gid in self.groups


class Process:
    """What all lwps of a process share: descriptors, directories, umask, credentials.

    pid, parent pid, name     as ps(1) shows them
    cwd, root                 directories, referenced; None until a root is mounted
    interrupted               its lwps shall sleep no more
    sleeping                  the conditions they sleep on
    """

    def __init__(self, pid: int, parent: int, name: str, credentials: Credentials) -> None:
        self.pid = pid
        self.parent = parent
        self.name = name
        self.credentials = credentials
        self.umask = 0o022
        self.cwd: Vnode | None = None
        self.root: Vnode | None = None
        self.lwps: list[int] = []
        self.interrupted = False
        self.sleeping: list[Condition] = []
        self.locked = False         # it has had advisory locks
        self._files: list[File | None] = []
        self._close_on_exec: set[int] = set()

    def file(self, fd: int) -> File:
        """The open file of a descriptor.  Errors: EBADF."""
        try:
            found = self._files[fd] if fd >= 0 else None
        except (IndexError, TypeError):
            found = None
        if found is None:
            raise fault(e.EBADF, f"descriptor {fd}")
        return found

    def install(self, file: File, lowest: int = 0, close_on_exec: bool = False) -> int:
        """Give a file the lowest free descriptor from `lowest` on.  Errors: EMFILE, EINVAL."""
        if not 0 <= lowest < abi.OPEN_MAX:
            raise fault(e.EINVAL, f"descriptor {lowest}")
        fd = lowest
        files = self._files
        while fd < len(files) and files[fd] is not None:
            fd += 1
        if fd >= abi.OPEN_MAX:
            raise fault(e.EMFILE)
        self._put(fd, file)
        self.set_close_on_exec(fd, close_on_exec)
        return fd

    def replace(self, fd: int, file: File) -> None:
        """dup2: `fd` leads to `file`; what it led to is closed."""
        if not 0 <= fd < abi.OPEN_MAX:
            raise fault(e.EBADF, f"descriptor {fd}")
        if fd < len(self._files) and self._files[fd] is not None:
            self.close(fd)
        self._put(fd, file)
        self.set_close_on_exec(fd, False)

    def _put(self, fd: int, file: File) -> None:
        files = self._files
        while len(files) <= fd:
            files.append(None)
        files[fd] = file

    def close(self, fd: int) -> None:
        """Close a descriptor; the file with its last one.  Errors: EBADF; with any other the descriptor is free too."""
        file = self.file(fd)
        self._files[fd] = None
        self._close_on_exec.discard(fd)
        while self._files and self._files[-1] is None:
            self._files.pop()
        if self.locked:
            file.unlock(self)
        release(file)

    def descriptors(self) -> tuple[int, ...]:
        """Those in use."""
        return tuple(fd for fd, file in enumerate(self._files) if file is not None)

    def is_close_on_exec(self, fd: int) -> bool:
        return fd in self._close_on_exec

    def set_close_on_exec(self, fd: int, on: bool) -> None:
        if on:
            self._close_on_exec.add(fd)
        else:
            self._close_on_exec.discard(fd)

    def copy_files(self, other: Process) -> None:
        """Take over another process's descriptors (rfork with RUMP_RFFDG)."""
        self._files = list(other._files)
        self._close_on_exec = set(other._close_on_exec)
        for file in self._files:
            if file is not None:
                file.references += 1


def release(file: File) -> None:
    """Drop one reference; the last one closes."""
    file.references -= 1
    if file.references == 0:
        file.close()
