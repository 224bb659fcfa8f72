# SPDX-License-Identifier: BSD-2-Clause
"""The conformance suite through a mount: a body's system calls are Linux' own, which asks the server for what it does
not know; the server calls the kernel that holds the file system under test."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from host_calls import HostProcess

from rump.conformance.scenario import MOUNT, Caller, NotHere, Scenario
from rump.servers.fuse.base import Settings
from rump.servers.fuse.operations import Operations
from rump.servers.fuse.server import Server

if TYPE_CHECKING:
    from rump.conformance.drivers import Subject
    from rump.conformance.machines.base import Machine
    from rump.kernel.init import Kernel
    from rump.kernel.lwps import Lwp


class Mount:
    """What a process of a kernel has for its root, mounted on a directory by a server in a thread."""

    def __init__(self, kernel: Kernel, path: bytes, directory: str) -> None:
        self._kernel = kernel
        self._lwp: Lwp = kernel.newproc(kernel.lwp, name="fuse")
        self._lwp.chroot(path)
        self._lwp.chdir(b"/")
        settings = Settings(another=lambda: kernel.newproc(self._lwp))
        usable = threading.Event()
        self._server = Server(Operations(self._lwp, settings), directory, ready=usable.set, tick=lambda: None)
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, args=(usable,))
        self._thread.start()
        usable.wait(20)

    def end(self) -> None:
        """Unmount; the server has let go of the kernel when this returns."""
        self._server.stop()
        self._thread.join(20)
        self._server.close()
        self._kernel.exit(self._lwp)
        if self._problem is not None:
            raise self._problem

    def _serve(self, usable: threading.Event) -> None:
        try:
            self._server.serve("conformance", ["rw", "default_permissions", "allow_other"])
        except BaseException as problem:
            self._problem = problem
            usable.set()


class MountedScenario(Scenario):
    """A scenario whose callers are processes of the host in a mount of what is under test."""

    def __init__(self, kernel: Kernel, machine: Machine, subject: Subject, reads: bool) -> None:
        super().__init__(kernel, machine, subject, reads)
        self._folder = tempfile.TemporaryDirectory(prefix="rump-fuse-")
        self._root = os.path.join(self._folder.name, "root")
        os.makedirs(self._root + "/mnt")
        os.makedirs(self._root + "/tmp")
        os.chmod(self._folder.name, 0o755)
        self._mount = Mount(kernel, MOUNT, self._root + "/mnt")
        self._processes: list[HostProcess] = []
        self._real: Any = self.lwp
        self.lwp: Any = self._host(0, 0, ())

    def _host(self, uid: int, gid: int, groups: tuple[int, ...]) -> Any:
        first = 0 if self._processes else 3
        self._processes.append(HostProcess(self._real, self._root, uid, gid, groups, first=first))
        made = self._processes[-1]
        if made is not self._processes[0]:
            where = self._processes[0].getcwd()
            made.thread.do(lambda: os.chdir(where))
        return made

    def process(self, uid: int, gid: int | None = None, groups: tuple[int, ...] = ()) -> Caller:
        gid = uid if gid is None else gid
        return Caller(self._host(uid, gid, groups), self.writer, f"user{uid}: ")

    def newlwp(self) -> Caller:
        raise NotHere("lwps of one process")

    def remount(self, *, read_only: bool = False) -> None:
        raise NotHere("mounting again")

    def finish(self) -> None:
        self.leave()
        super().finish()

    def leave(self) -> None:
        """The mount goes; from now on the kernel is called directly."""
        if self.lwp is not self._real:
            for process in self._processes:
                process.end()
            self.lwp = self._real
            try:
                self._mount.end()
            finally:
                self._folder.cleanup()
