# SPDX-License-Identifier: BSD-2-Clause
"""getpid(2), getuid(2), setuid(2) and their kin."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.lwp import LwpBase
from rump.kernel.syscall import syscall
from rump.rumpuser.interface import errno as e

ID_MAX = (1 << 32) - 2


class IdentityCalls(LwpBase):
    """System calls about who one is."""

    @syscall
    def getpid(self) -> int:
        """getpid(2)."""
        return self.process.pid

    @syscall
    def getppid(self) -> int:
        """getppid(2)."""
        return self.process.parent

    @syscall
    def rump_processes(self) -> tuple[tuple[int, int, int, int, bytes], ...]:
        """All processes, by number: (pid, parent, effective user, descriptors in use, name)."""
        return tuple(
            (process.pid, process.parent, process.credentials.euid, len(process.descriptors()), process.name.encode())
            for _, process in sorted(self.kernel.processes.items())
        )

    @syscall
    def getuid(self) -> int:
        """getuid(2): the real user."""
        return self.process.credentials.ruid

    @syscall
    def geteuid(self) -> int:
        """geteuid(2)."""
        return self.process.credentials.euid

    @syscall
    def getgid(self) -> int:
        """getgid(2): the real group."""
        return self.process.credentials.rgid

    @syscall
    def getegid(self) -> int:
        """getegid(2)."""
        return self.process.credentials.egid

    @syscall
    def getgroups(self) -> tuple[int, ...]:
        """getgroups(2): the supplementary groups."""
        return self.process.credentials.groups

    @syscall
    def setuid(self, uid: int) -> None:
        """setuid(2): all three by root; otherwise only to the real or saved one.  Errors: EPERM, EINVAL."""
        new = self.process.credentials.copy()
        if new.euid == 0:
            new.ruid = new.suid = _identifier(uid)
        elif uid not in (new.ruid, new.suid):
            raise fault(e.EPERM)
        new.euid = uid
        self.process.credentials = new

    @syscall
    def seteuid(self, uid: int) -> None:
        """seteuid(2).  Errors: EPERM, EINVAL."""
        new = self.process.credentials.copy()
        if new.euid != 0 and uid not in (new.ruid, new.suid):
            raise fault(e.EPERM)
        new.euid = _identifier(uid)
        self.process.credentials = new

    @syscall
    def setgid(self, gid: int) -> None:
        """setgid(2): all three by root; otherwise only to the real or saved one.  Errors: EPERM, EINVAL."""
        new = self.process.credentials.copy()
        if new.euid == 0:
            new.rgid = new.sgid = _identifier(gid)
        elif gid not in (new.rgid, new.sgid):
            raise fault(e.EPERM)
        new.egid = gid
        self.process.credentials = new

    @syscall
    def setegid(self, gid: int) -> None:
        """setegid(2).  Errors: EPERM, EINVAL."""
        new = self.process.credentials.copy()
        if new.euid != 0 and gid not in (new.rgid, new.sgid):
            raise fault(e.EPERM)
        new.egid = _identifier(gid)
        self.process.credentials = new

    @syscall
    def setgroups(self, groups: tuple[int, ...]) -> None:
        """setgroups(2).  Errors: EPERM, EINVAL - too many."""
        if self.process.credentials.euid != 0:
            raise fault(e.EPERM)
        if len(groups) > abi.NGROUPS_MAX:
            raise fault(e.EINVAL, f"{len(groups)} groups")
        new = self.process.credentials.copy()
        new.groups = tuple(_identifier(gid) for gid in groups)
        self.process.credentials = new


def _identifier(number: int) -> int:
    if not 0 <= number <= ID_MAX:
        raise fault(e.EINVAL, f"id {number}")
    return number
