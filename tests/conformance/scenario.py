# SPDX-License-Identifier: BSD-2-Clause
"""What a body is given: the system calls of an lwp, each written down, and ways to say what must be.

The working directory is the root of the file system under test.  The clock is virtual and moves when told.
"""

from __future__ import annotations

import hashlib

from rump.conformance.between import Between
from rump.conformance.transcript import Writer
from rump.conformance.tree import STANDARD, Entry, populate
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.kernel.lwps import Lwp, system_calls
from rump.kernel.vfs import volume as v
from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface import hypercalls as h

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from rump.conformance.drivers import Subject
    from rump.conformance.hosts import Machine
    from rump.kernel.init import Kernel

    Body = Callable[["Scenario"], None]
    B = TypeVar("B", bound=Callable[["Scenario"], None])

__all__ = ["AT", "MOUNT", "NOW", "SECOND", "Caller", "Entry", "Failed", "Scenario", "abi", "e", "interleaving",
           "reading", "v"]

MOUNT = b"/mnt"
"""Where the file system under test is mounted."""
NOW = 1_600_000_000 * 10**9
"""What the virtual clock says at boot."""
SECOND = 10**9
AT = abi.AT_FDCWD
ZEROS = bytes(65_536)


class Failed(AssertionError):
    """A body's expectation did not come true."""


class NotHere(Exception):
    """The file system under test does not have what the body is about."""


def reading(body: B) -> B:
    """Marks a body that only reads: it finds the standard tree (`rump.conformance.tree`)."""
    body.reads = True  # type: ignore[attr-defined]
    return body


def interleaving(body: B) -> B:
    """Marks a body that has one lwp act while another is in a hypercall (`rump.conformance.between`)."""
    body.interleaves = True  # type: ignore[attr-defined]
    return body


class Operation:
    """A system call of a caller, written down whenever it is made."""

    def __init__(self, caller: Caller, name: str) -> None:
        self.caller = caller
        self.name = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        caller, writer = self.caller, self.caller.writer
        try:
            result = getattr(caller.lwp, self.name)(*arguments, **named)
        except Fault as error:
            name = e.NAMES.get(error.errno or 0, str(error.errno))
            writer.operation(caller.label, self.name, arguments, named, name)
            raise
        writer.operation(caller.label, self.name, arguments, named, writer.result(self.name, result))
        return result


class Caller:
    """A process: every system call is a method.  Beside them a few short forms."""

    def __init__(self, lwp: Lwp, writer: Writer, label: str) -> None:
        self.lwp = lwp
        self.writer = writer
        self.label = label

    def __getattr__(self, name: str) -> Operation:
        if name not in system_calls():
            raise AttributeError(name)
        return Operation(self, name)

    def expect(self, errno: int, call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        """The call must fail with that errno."""
        try:
            result = call(*arguments, **named)
        except Fault as error:
            if error.errno != errno:
                raise Failed(f"{_call(call)}: {error}, not {e.NAMES[errno]}") from error
            return
        raise Failed(f"{_call(call)} returned {_short(result)}, not {e.NAMES[errno]}")

    def write_file(self, path: bytes, data: bytes = b"", mode: int = 0o644) -> None:
        """Make a file with these contents."""
        fd = self.open(path, abi.O_WRONLY | abi.O_CREAT | abi.O_TRUNC, mode)
        if data:
            self.write(fd, data)
        self.close(fd)

    def read_file(self, path: bytes, length: int = 1 << 20) -> bytes:
        """A file's contents."""
        fd = self.open(path, abi.O_RDONLY)
        data: bytes = self.read(fd, length)
        self.close(fd)
        return data

    def names(self, path: bytes) -> list[bytes]:
        """The names in a directory, in its order, without "." and ".."."""
        fd = self.open(path, abi.O_RDONLY | abi.O_DIRECTORY)
        found: list[bytes] = []
        while rows := self.getdents(fd, 64):
            found += [row[0] for row in rows if row[0] not in (b".", b"..")]
        self.close(fd)
        return found


def _call(call: Callable[..., Any]) -> str:
    return call.name if isinstance(call, Operation) else getattr(call, "__name__", repr(call))


class Scenario(Caller):
    """The one argument of a body.

    subject       the file system under test
    capabilities  what its volume declares
    reach         makes of an lwp of the kernel the one that the body calls
    tree          path -> `Entry`: the standard tree as far as this file system can hold it (reading bodies)
    """

    def __init__(
        self,
        kernel: Kernel,
        machine: Machine,
        subject: Subject,
        reads: bool,
        reach: Callable[[Lwp], Lwp] = lambda lwp: lwp,
    ) -> None:
        super().__init__(kernel.lwp, Writer(NOW), "")
        self.kernel = kernel
        self.machine = machine
        self.subject = subject
        self.device = b""
        self.tree: dict[bytes, Entry] = {}
        self._targets: list[int] = []
        self._set_up(reads)
        self._reach = reach
        self.lwp = reach(kernel.lwp)
        self.capabilities = kernel.lwp.rump_capabilities(MOUNT)

    def _set_up(self, reads: bool) -> None:
        lwp = self.lwp
        lwp.mkdir(MOUNT, 0o755)
        self.device = self.subject.newfs(self.kernel, self.machine)
        self.subject.mount(lwp, self.device, MOUNT)
        lwp.chdir(MOUNT)
        if not self.subject.read_only:
            _empty(lwp)
        if reads:
            extras = self.subject.extras
            capabilities = lwp.rump_capabilities(MOUNT)
            held = [entry for entry in STANDARD if entry.fits(capabilities, extras)]
            self.tree = {entry.path: entry for entry in held if entry.path not in self.subject.absent}
            if not self.subject.read_only:
                populate(lwp, self.tree.values())

    # ---- what must be ------------------------------------------------------------------------------------------------

    def equal(self, found: object, wanted: object) -> None:
        """Both must be equal."""
        if found != wanted:
            raise Failed(f"{_short(found)}, not {_short(wanted)}")

    def true(self, condition: object, why: str) -> None:
        """The condition must hold."""
        if not condition:
            raise Failed(why)

    # ---- capabilities ------------------------------------------------------------------------------------------------

    def has(self, capability: str) -> bool:
        """Whether the volume declares it (or the table of file systems does: `Subject.extras`)."""
        return bool(getattr(self.capabilities, capability, capability in self.subject.extras))

    def needs(self, *capabilities: str) -> None:
        """The body is about these; it ends here without them."""
        for capability in capabilities:
            if not self.has(capability):
                raise NotHere(capability)

    def without(self, capability: str, errno: int, call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        """The body is about this; without it the call must fail so, and the body ends here."""
        if not self.has(capability):
            self.expect(errno, call, *arguments, **named)
            raise NotHere(capability)

    # ---- surroundings ------------------------------------------------------------------------------------------------

    def process(self, uid: int, gid: int | None = None, groups: tuple[int, ...] = ()) -> Caller:
        """Another process with these credentials (its own group by default), in the same directory."""
        gid = uid if gid is None else gid
        lwp = self.kernel.newproc(self.lwp, uid=uid, gid=gid, groups=groups)
        return Caller(self._reach(lwp), self.writer, f"user{uid}: ")

    def newlwp(self) -> Caller:
        """Another lwp of our own process."""
        lwp = self.kernel.newlwp(self.lwp)
        return Caller(self._reach(lwp), self.writer, f"lwp{lwp.lid}: ")

    def interleave(self, step: int, call: Callable[[], object]) -> None:
        """Make a call before the `step`-th hypercall that may block, from now on; for bodies marked `interleaving`."""
        assert isinstance(self.kernel.host, Between)
        self.kernel.host.arm(step, call)

    def interleaved(self) -> bool:
        """Whether that has happened; if not it will not any more."""
        assert isinstance(self.kernel.host, Between)
        return self.kernel.host.disarm()

    def pass_time(self, nanoseconds: int) -> None:
        """Let the virtual clock move on."""
        self.poll((), nanoseconds)

    def remount(self, *, read_only: bool = False) -> None:
        """Unmount the file system and mount it again: all that was cached is gone."""
        self.needs("persistent")
        self.chdir(b"/")
        self.unmount(MOUNT)
        self.subject.mount(self.lwp, self.device, MOUNT, read_only=read_only)
        self.writer.lines.append("mounted again")
        self.chdir(MOUNT)

    def target(self) -> int:
        """A handle of a new host file, for rump_copy_out."""
        path = self.machine.path(f"target{len(self._targets)}")
        kernel = self.kernel
        self._targets.append(kernel.cpu.run(lambda: kernel.host.open(path, h.OPEN_RDWR | h.OPEN_CREATE)))
        return self._targets[-1]

    def source(self, data: bytes) -> int:
        """A handle of a new host file with these contents, for rump_copy_in; where it has pieces of zeros, the host may
        know them to be holes."""
        path = self.machine.put(f"source{len(self._targets)}", data)
        kernel = self.kernel
        self._targets.append(kernel.cpu.run(lambda: kernel.host.open(path, h.OPEN_RDONLY)))
        return self._targets[-1]

    def fill(self, fd: int, piece: bytes) -> int:
        """Write to a file in smaller and smaller pieces until the file system is full, or the file as big as they get;
        how many bytes."""
        done = 0
        while len(piece) >= 512:
            try:
                done += self.pwrite(fd, piece, done)
            except Fault as error:
                if error.errno not in (e.ENOSPC, e.EFBIG):
                    raise
                piece = piece[: len(piece) // 2]
        return done

    def target_contents(self, handle: int) -> bytes:
        """What is in it now."""
        host = self.kernel.host

        def read() -> bytes:
            buffer = bytearray(host.getfileinfo(handle)[0])
            host.read(handle, buffer, 0)
            return bytes(buffer)

        return self.kernel.cpu.run(read)

    def give_back(self) -> None:
        """Close what `target` opened."""
        while self._targets:
            self.lwp.rump_disown(self._targets.pop())

    # ---- the end -----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Processes end, nothing may be left in use; what the file system holds becomes the last line."""
        kernel = self.kernel
        for process in list(kernel.processes.values()):
            if process is not self.lwp.process:
                kernel.exit(Lwp(kernel, 0, process))
        for fd in self.lwp.process.descriptors()[3:]:
            self.lwp.close(fd)
        self.give_back()
        for problem in leaks(kernel):
            raise Failed(problem)
        lwp = kernel.newproc()
        self.writer.lines.append(f"tree {tree_digest(lwp, MOUNT)}")
        kernel.exit(lwp)
        self.lwp.chdir(b"/")
        self.lwp.unmount(MOUNT)
        image = self.subject.image(self.machine)
        if image is not None:
            self.writer.lines.append(f"image {image_digest(image)}")


def _empty(lwp: Lwp) -> None:
    """Some file systems come with a directory for what is lost and found."""
    fd = lwp.open(b".", abi.O_RDONLY)
    names = [name for name, _, _ in lwp.getdents(fd)[2:]]
    lwp.close(fd)
    for name in names:
        lwp.rmdir(name)


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 400 else shown[:400] + "..."


def leaks(kernel: Kernel) -> list[str]:
    """Vnodes whose references do not add up: mounts, directories, descriptors and children account for all of them."""
    due: dict[object, int] = {}

    def count(vnode: object) -> None:
        due[vnode] = due.get(vnode, 0) + 1

    for process in kernel.processes.values():
        count(process.cwd)
        count(process.root)
        for file in {id(file): file for file in map(process.file, process.descriptors())}.values():
            count(getattr(file, "vnode", None))
    count(kernel.rootvnode)
    vnodes = [vnode for mount in kernel.mounts for vnode in mount.vnodes.values()]
    for mount in kernel.mounts:
        count(mount.covered)
        if mount.covered is not None:
            count(mount.root)
    for vnode in vnodes:
        count(vnode.parent)
    return [
        f"vnode {vnode.handle} {vnode.name!r} of {vnode.mount.type_name}: {vnode.references} references, "
        f"{due.get(vnode, 0)} accounted for"
        for vnode in vnodes
        if vnode.references != due.get(vnode, 0) or vnode.lock.readers or vnode.lock.writer
    ]


def image_digest(data: bytes | bytearray) -> str:
    """Of an image's size and its blocks that are not zero."""
    digest = hashlib.sha256(b"%d" % len(data))
    for chunk in range(0, len(data), len(ZEROS)):
        if data[chunk : chunk + len(ZEROS)] == ZEROS:
            continue
        for start in range(chunk, min(chunk + len(ZEROS), len(data)), 4096):
            block = data[start : start + 4096]
            if block != ZEROS[: len(block)]:
                digest.update(b"%d:" % start + block)
    return digest.hexdigest()[:32]


def tree_digest(lwp: Lwp, top: bytes) -> str:
    """Of everything that system calls tell of a tree: names, attributes, contents, holes, extended attributes."""
    digest = hashlib.sha256()
    numbers: dict[int, int] = {}
    waiting = [top]
    while waiting:
        path = waiting.pop()
        st = lwp.lstat(path)
        number = numbers.setdefault(st.st_ino, len(numbers))
        digest.update(repr((path, number, tuple(st._replace(st_dev=0, st_ino=0, st_gen=0)))).encode())
        _digest_file(lwp, path, st.st_mode & abi.S_IFMT, digest)
        if st.st_mode & abi.S_IFMT == abi.S_IFDIR:
            fd = lwp.open(path, abi.O_RDONLY)
            names: list[bytes] = []
            while rows := lwp.getdents(fd):
                names += [row[0] for row in rows[2 * (not names) :]]
            lwp.close(fd)
            waiting += [path + b"/" + name for name in reversed(names)]
    return digest.hexdigest()[:32]


def _digest_file(lwp: Lwp, path: bytes, kind: int, digest: Any) -> None:
    if kind == abi.S_IFLNK:
        digest.update(lwp.readlink(path))
    if kind == abi.S_IFREG:
        fd = lwp.open(path, abi.O_RDONLY)
        for run, offset, length in lwp.rump_extents(fd, 0, 1 << 62):
            digest.update(repr((min(run, v.INLINE), offset, length)).encode())
            if run in (v.DATA, v.INLINE, v.ENCODED):
                digest.update(lwp.pread(fd, length, offset))
        lwp.close(fd)
    if kind != abi.S_IFLNK and lwp.rump_capabilities(path).xattrs:
        for name in lwp.listxattr(path):
            digest.update(name + b"=" + lwp.getxattr(path, name))
