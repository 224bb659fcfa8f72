# SPDX-License-Identifier: BSD-2-Clause
"""Booting: from a host to a running kernel.

Order, as rump_init has it: shake hands with the host, virtual CPU, clocks, processes, then the components by phase:
the file-system faction with its root (rumpfs) and /dev, and at last the console as descriptors 0 to 2.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.callout import Callouts
from rump.kernel.component import FACTION_VFS, SYSCALL, Component, Drivers, in_order
from rump.kernel.cpu import SleepLock, VirtualCPU
from rump.kernel.dev.devsw import NODES, DeviceTable
from rump.kernel.devices import DeviceManagement
from rump.kernel.errors import fault
from rump.kernel.lwps import Lwp
from rump.kernel.proc import Credentials, Process
from rump.kernel.select import Wakeups
from rump.kernel.vfs import access
from rump.kernel.vfs import volume as v
from rump.kernel.vfs.etfs import Etfs
from rump.kernel.vfs.mounts import Mounts
from rump.kernel.vfs.namei import parent_of
from rump.kernel.vfs.vnode import VnodeTable
from rump.kernel.vfs.volume import Services
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface.hypercalls import CLOCK_ABSMONO, CLOCK_RELWALL, PARAM_HOSTNAME, VERSION, Upcalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.dev.partitions import Partition
    from rump.kernel.file import File
    from rump.kernel.lwp import LwpBase
    from rump.kernel.vfs.vnode import Vnode
    from rump.kernel.vfs.volume import Attributes, FileSystem
    from rump.rumpuser.interface.hypercalls import Hypercalls

    class Recorder(Protocol):
        """What is told of the system calls entered (`rump.rumpuser.middleware.record`)."""

        def syscall_enter(self, lwp_id: int, name: str, arguments: tuple[object, ...]) -> None: ...

        def syscall_exit(self, lwp_id: int, name: str, errno: int, result: object) -> None: ...


CACHE_BYTES = 16 << 20
VNODES = 4096
PATIENCE = 20 * 10**9


class Kernel(DeviceManagement):
    """A running kernel.  Make one with `boot`; use it as a context manager, or `halt` it.

    host      the hypercalls, with whatever middleware is around them
    lwp       an lwp of process 1, root's, in /
    drivers, mounts, devices, etfs, vnodes, callouts   its tables
    moving    held while a directory moves to another one
    lock_waits  who waits for an advisory lock -> whose it is
    """

    def __init__(
        self,
        host: Hypercalls,
        *,
        recorder: Recorder | None,
        marshal: bool,
        isolate: bool | None,
        patience: int,
        cache_bytes: int,
        vnodes: int,
        drivers: tuple[FileSystem, ...],
        log: Callable[[str], None] | None,
    ) -> None:
        self.host = host
        self.cpu = VirtualCPU(host)
        self.moving = SleepLock(self.cpu)
        self.lock_waits: dict[Process | File, Process | File] = {}
        host.init(VERSION, Upcalls(self.cpu.acquire, self.cpu.release))
        self.recorder = recorder
        self.marshal = marshal
        self.isolate = isolate
        self.patience = patience
        self.cache_bytes = cache_bytes
        self.log = log or self._log_to_console
        self.callouts = Callouts(self.monotonic)
        self.services = Services(
            self.now,
            host.getrandom,
            self.log,
            # Looked up at each call: a host may put something quicker in their place at the first one.
            lambda seed, data: host.crc32c(seed, data),
            lambda *arguments: host.crc32c_many(*arguments),
            lambda: SleepLock(self.cpu),
            self.callouts.schedule,
            lambda nanoseconds: host.clock_sleep(CLOCK_RELWALL, nanoseconds),
            lambda data, limit: host.inflate(data, limit),
        )
        self.wakeups = Wakeups(self.cpu, self.callouts, self.monotonic)
        self.devices = DeviceTable(host)
        self.vnodes = VnodeTable(self.cpu, vnodes, self.log)
        self.drivers = Drivers(host, drivers)
        self.mounts = Mounts(self)
        self.etfs = Etfs(self)
        self.rootvnode: Vnode | None = None
        self.processes: dict[int, Process] = {}
        self.started: set[str] = set()
        self._lids = 0
        self._wedges: dict[bytes, tuple[BlockDevice, Partition]] = {}
        self.halted = False
        self.lwp = self.newproc(name="rumplocal")

    # ---- the host's clocks and console ---------------------------------------------------------------------------

    def now(self) -> int:
        """Nanoseconds since 1970, by the host's wall clock."""
        return self.host.clock_gettime(CLOCK_RELWALL)

    def monotonic(self) -> int:
        """Nanoseconds that never go back."""
        return self.host.clock_gettime(CLOCK_ABSMONO)

    def tick(self) -> int:
        """Run the callouts that are due; how many."""
        return self.cpu.run(self.callouts.run)

    def shrink(self) -> int:
        """Give memory back: files that nobody uses are forgotten; how many."""
        return self.cpu.run(self.vnodes.shrink)

    def hostname(self) -> str:
        """What the host calls itself."""
        return self.host.getparam(PARAM_HOSTNAME)

    def _log_to_console(self, line: str) -> None:
        self.host.console_write(line.encode("utf-8", "backslashreplace") + b"\n")

    # ---- processes -----------------------------------------------------------------------------------------------

    def newproc(
        self, parent: Lwp | None = None, *, name: str = "", uid: int = 0, gid: int = 0, groups: tuple[int, ...] = ()
    ) -> Lwp:
        """Another process, without descriptors; its directories and umask are its parent's (process 1's)."""
        pid = len(self.processes) + 1
        while pid in self.processes:
            pid += 1
        source = (parent or self.lwp).process if self.processes else None
        process = Process(pid, source.pid if source else 0, name, Credentials(uid, gid, groups))
        if source is not None and source.cwd is not None and source.root is not None:
            process.cwd, process.root, process.umask = source.cwd, source.root, source.umask
            self.vnodes.reference(source.cwd)
            self.vnodes.reference(source.root)
        self.processes[pid] = process
        return self._lwp(process)

    def newlwp(self, lwp: Lwp) -> Lwp:
        """Another lwp of the same process."""
        return self._lwp(lwp.process)

    def _lwp(self, process: Process) -> Lwp:
        self._lids += 1
        return Lwp(self, self._lids, process)

    def exit(self, lwp: Lwp) -> None:
        """End a process: its descriptors are closed, its directories given up."""
        self.cpu.run(lambda: self._exit(lwp.process))

    def interrupt(self, process: Process) -> None:
        """Wake a process's lwps: what they wait for others with fails with EINTR, until told otherwise."""
        process.interrupted = True
        for condition in process.sleeping:
            condition.broadcast()
        self.wakeups.broadcast()

    def _exit(self, process: Process) -> None:
        if self.processes.pop(process.pid, None) is None:
            return
        self.interrupt(process)
        for fd in process.descriptors():
            try:
                process.close(fd)
            except OSError as error:
                self.log(f"pid {process.pid}: closing descriptor {fd}: {error}")
        for vnode in (process.cwd, process.root):
            if vnode is not None:
                self.vnodes.release(vnode)
        process.cwd = process.root = None

    # ---- files: what several system calls share ------------------------------------------------------------------

    def create(
        self, lwp: LwpBase, directory: Vnode, name: bytes, mode: int, rdev: int = 0, target: bytes = b""
    ) -> Vnode:
        """Make a file in a directory; its vnode, held by the lwp.

        It belongs to the caller's user and, as BSD has it, to the directory's group.
        Errors: ENOENT - the directory was removed; EACCES, EROFS, EPERM; ENAMETOOLONG; the volume's.
        """
        credentials = lwp.process.credentials
        if not name or name in (b".", b".."):
            raise fault(e.EEXIST)
        if len(name) > directory.mount.name_max:
            raise fault(e.ENAMETOOLONG)
        access.check(credentials, directory, access.WRITE | access.EXECUTE)
        gid = directory.attributes[v.GID]
        if mode & abi.S_ISGID and credentials.euid != 0 and not credentials.is_member(gid):
            mode &= ~abi.S_ISGID
        directory.lock.exclusive()
        try:
            if directory.attributes[v.NLINK] == 0:
                raise fault(e.ENOENT)
            made, directory.attributes = directory.mount.volume.create(
                directory.handle, name, mode, credentials.euid, gid, rdev, target
            )
        finally:
            directory.lock.unlock()
        directory.forget_negatives()
        return self.adopt_child(lwp, directory, name, made)

    def adopt_child(self, lwp: LwpBase, directory: Vnode, name: bytes, attributes: Attributes) -> Vnode:
        """The vnode of what a directory's volume said is called `name`; cached, held by the lwp."""
        vnode = self.vnodes.get(directory.mount, attributes)
        lwp.held.append(vnode)
        if vnode.kind == abi.S_IFDIR:
            self._hang(vnode, directory, name)
        if directory.names.get(name) is not vnode:
            directory.remember(name, vnode)
        return vnode

    def _hang(self, vnode: Vnode, directory: Vnode, name: bytes) -> None:
        """A directory has one parent.  One that turns up in two places, or above itself, is an image's lie."""
        if vnode.parent is directory:
            vnode.name = name
            return
        if vnode.parent is not None or vnode is directory.mount.root:
            raise fault(e.EIO, f"directory {vnode.handle[0]} has two parents")
        vnode.parent = directory
        vnode.name = name
        self.vnodes.reference(directory)

    def parent(self, lwp: LwpBase, directory: Vnode) -> Vnode:
        """What ".." is in a directory."""
        return parent_of(lwp, directory)

    def check_names(self, directory: Vnode, names: list[bytes]) -> None:
        """What a driver listed must be names.  Errors: EIO."""
        joined = b"/".join(names)
        if joined.count(b"/") != max(0, len(names) - 1) or b"\0" in joined or b"" in names:
            raise fault(e.EIO, f"directory {directory.handle[0]}: a name that is none")
        if b"." in names or b".." in names:
            raise fault(e.EIO, f'directory {directory.handle[0]}: "." or ".." among its names')

    # ---- the end -------------------------------------------------------------------------------------------------

    def halt(self) -> None:
        """End all processes, unmount everything, close the host's files.  Errors: the first that came up on the way."""
        if self.halted:
            return
        self.halted = True
        problems = self.cpu.run(self._halt)
        if problems:
            raise problems[0]

    def _halt(self) -> list[OSError]:
        for process in list(self.processes.values()):
            self._exit(process)
        problems = self.mounts.detach_all()
        for device in self.devices.blocks():
            try:
                device.close()
            except OSError as error:
                problems.append(error)
        return problems

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *exception: object) -> None:
        self.halt()


def boot(
    host: Hypercalls,
    *,
    components: Iterable[Component] = (),
    recorder: Recorder | None = None,
    marshal: bool = False,
    isolate: bool | None = False,
    patience: int = PATIENCE,
    cache_bytes: int = CACHE_BYTES,
    vnodes: int = VNODES,
    drivers: tuple[FileSystem, ...] = (),
    log: Callable[[str], None] | None = None,
) -> Kernel:
    """Boot a kernel on a host.

    components   more than the built-in ones
    recorder     is told of every system call (`rump.rumpuser.middleware.record`)
    marshal      volumes are reached through bytes only: what the test suite runs with
    isolate      what is mounted is mounted isolated, as with the option of that name (docs/isolation.md); None: images
                 are, where the host has confined processes
    patience     nanoseconds without a word after which an isolated driver counts as hanging
    cache_bytes  bound of each volume's buffer cache
    vnodes       bound of the unused vnodes kept
    drivers      tables of file systems that go before the built-in ones
    log          takes the lines that else go to the console

    Errors: EINVAL - the host has another version of the interface; those of the components.
    """
    kernel = Kernel(
        host, recorder=recorder, marshal=marshal, isolate=isolate, patience=patience, cache_bytes=cache_bytes,
        vnodes=vnodes, drivers=drivers, log=log,
    )
    for component in in_order([*BUILT_IN_COMPONENTS, *components]):
        component.start(kernel)
        kernel.started.add(component.name)
    return kernel


def _start_vfs(kernel: Kernel) -> None:
    """The root, /dev and /tmp."""
    root = kernel.mounts.attach("rumpfs", None, 0, None, {}).root
    process = kernel.lwp.process
    assert root is not None
    kernel.rootvnode = process.root = process.cwd = root
    kernel.vnodes.reference(root)
    kernel.vnodes.reference(root)
    dev = kernel.create(kernel.lwp, root, b"dev", abi.S_IFDIR | 0o755)
    kernel.create(kernel.lwp, root, b"tmp", abi.S_IFDIR | abi.S_ISVTX | 0o777)
    for name, permissions, rdev in NODES:
        kernel.create(kernel.lwp, dev, name, abi.S_IFCHR | permissions, rdev)
    kernel.lwp.drop_held()


def _start_console(kernel: Kernel) -> None:
    """Process 1 has the console as its descriptors 0, 1 and 2."""
    for flags in (abi.O_RDONLY, abi.O_WRONLY, abi.O_WRONLY):
        kernel.lwp.open(b"/dev/console", flags)


BUILT_IN_COMPONENTS = (
    Component("vfs", FACTION_VFS, _start_vfs),
    Component("console", SYSCALL, _start_console, requires=("vfs",)),
)
"""What every kernel starts with."""
