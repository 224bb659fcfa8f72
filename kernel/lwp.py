# SPDX-License-Identifier: BSD-2-Clause
"""Lwps: who makes system calls.  An lwp is a value that its caller holds; there is no hidden current one."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.init import Kernel
    from rump.kernel.proc import Process
    from rump.kernel.vfs.vnode import Vnode
    from rump.rumpuser.interface.hypercalls import Condition


class LwpBase:
    """A light-weight process: one line of execution inside the kernel at a time.

    lid      its number in this kernel
    process  whose descriptors, directories and credentials it uses
    held     vnodes that the system call under way looked up; dropped when it ends
    inside   whether a recorded system call is under way
    """

    def __init__(self, kernel: Kernel, lid: int, process: Process) -> None:
        self.kernel = kernel
        self.lid = lid
        self.process = process
        self.held: list[Vnode] = []
        self.inside = False
        process.lwps.append(lid)

    def hold(self, vnode: Vnode) -> None:
        """Keep a vnode until the system call ends."""
        self.kernel.vnodes.reference(vnode)
        self.held.append(vnode)

    def drop_held(self) -> None:
        """Let them go."""
        held, self.held = self.held, []
        for vnode in held:
            self.kernel.vnodes.release(vnode)

    def sleep(self, condition: Condition) -> None:
        """Wait to be woken, for what others of the kernel do.  Errors: EINTR - the process is to end."""
        process = self.process
        if not process.interrupted:
            process.sleeping.append(condition)
            try:
                condition.wait(None)
            finally:
                process.sleeping.remove(condition)
        if process.interrupted:
            raise fault(e.EINTR)

    def directory_of(self, fd: int) -> Vnode:
        """The directory a descriptor leads to.  Errors: EBADF, ENOTDIR."""
        vnode: Vnode | None = getattr(self.process.file(fd), "vnode", None)
        if vnode is None or vnode.kind != abi.S_IFDIR:
            raise fault(e.ENOTDIR, f"descriptor {fd}")
        return vnode
