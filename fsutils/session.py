# SPDX-License-Identifier: BSD-2-Clause
"""A session: one kernel, one mount for each ``IMAGE[@PARTITION]``, and a process of the kernel in each mount.

Mounts are read-only but for the images that a verb said beforehand it would write to.
"""

from __future__ import annotations

import os

from rump.fsutils.errors import ImageError, UsageError
from rump.fsutils.names import shown
from rump.kernel import abi
from rump.kernel.errors import Fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.fsutils.operand import Operand
    from rump.kernel import Kernel
    from rump.kernel.dev.partitions import Partition, PartitionTable
    from rump.kernel.init import Recorder
    from rump.kernel.lwps import Lwp
    from rump.rumpuser.interface.hypercalls import Hypercalls

    Identity: TypeAlias = tuple[int, int] | str

_ASIDE = b"/aside"              # where file systems are mounted for a look
_RDONLY = 0x1                   # MNT_RDONLY
_FLAGS = 0x8 | 0x10             # MNT_NOSUID, MNT_NODEV: an image's device nodes lead nowhere


class Options:
    """What the options common to all verbs say.

    file_system  the type to mount as; None finds out
    mount        options for the driver, name -> value
    trace        None: no; "": to standard error; else the host file to write the trace to
    record       the host file to write a recording to
    isolate      run the file systems' drivers in confined processes of their own; None: where the host has such
    marshal      send all that goes between kernel and volumes through marshal
    read_only    mount nothing for writing, whatever is asked
    written      more options for the driver where an image is written to
    force        write to images although others use them
    sync         wait for stable storage; without, a crash of the host may leave anything
    glob         operands that are patterns stand for what they match in images
    host         makes the host to boot on; None: this platform's
    cache_bytes  bound of each volume's buffer cache; None: the kernel's own
    vnodes       bound of the unused vnodes kept; None: likewise
    """

    __slots__ = (
        "cache_bytes", "file_system", "force", "glob", "host", "isolate", "marshal", "mount", "read_only", "record",
        "sync", "trace", "vnodes", "written",
    )  # fmt: skip

    def __init__(
        self,
        *,
        file_system: str | None = None,
        mount: dict[str, str] | None = None,
        trace: str | None = None,
        record: str | None = None,
        marshal: bool = False,
        read_only: bool = False,
        written: dict[str, str] | None = None,
        force: bool = False,
        sync: bool = True,
        glob: bool = True,
        host: Callable[[], Hypercalls] | None = None,
        isolate: bool | None = False,
        cache_bytes: int | None = None,
        vnodes: int | None = None,
    ) -> None:
        self.host = host
        self.cache_bytes = cache_bytes
        self.vnodes = vnodes
        self.file_system = file_system
        self.mount = mount or {}
        self.trace = trace
        self.record = record
        self.isolate = isolate
        self.marshal = marshal
        self.read_only = read_only
        self.written = written or {}
        self.force = force
        self.sync = sync
        self.glob = glob


class Session:
    """Reaches into images.  The kernel boots when the first operand needs it.

    interrupted  set by whoever catches SIGINT; loops look at it between operations
    log          takes the kernel's lines for people; None: they go to standard error as they are
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.interrupted = False
        self.log: Callable[[str], None] | None = None
        self._kernel: Kernel | None = None
        self._mounted: dict[tuple[Identity, str | None], Lwp] = {}
        self._volumes: dict[bytes, tuple[Lwp, bytes, str]] = {}     # device -> process, where it hangs, name
        self._devices: dict[Identity, bytes] = {}
        self._names: dict[bytes, str] = {}                          # device -> the image, as it was called first
        self._written: dict[tuple[Identity, str | None], Operand] = {}
        self._unsynced = False
        self._booted = False
        self._sinks: list[int] = []

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Unmount everything and stop the kernel.  Errors: OSError - the first that came up on the way."""
        problems = self.end()
        if problems:
            raise problems[0][1]

    def end(self) -> list[tuple[str, OSError]]:
        """The same; what went wrong with which image."""
        kernel, self._kernel = self._kernel, None
        volumes = [*self._volumes.values()]
        for table in (self._mounted, self._volumes, self._devices, self._names):
            table.clear()
        problems: list[tuple[str, OSError]] = []
        try:
            if kernel is not None:
                if self._written:
                    problems += _unmount(kernel, volumes)
                try:
                    kernel.halt()
                except OSError as error:
                    if not problems:            # what could not be unmounted fails here again
                        problems.append(("", error))
        finally:
            while self._sinks:
                os.close(self._sinks.pop())
        return problems

    def release(self) -> None:
        """The same, and forget what was to be written to: the images are as free as if there had been no session.

        Errors: OSError - the first that came up on the way.
        """
        try:
            self.close()
        finally:
            self._written.clear()
            self._unsynced = False

    def writes_to(self, operand: Operand) -> None:
        """Say that an operand's file system will be written to.

        To be called before a command resolves anything: where an earlier one of the session found the image open for
        reading only, all is unmounted, to be mounted again when it is next needed.  Errors: OSError - of unmounting.
        """
        if operand.image is None or self.options.read_only:
            return
        self._unsynced = True
        image = identity(operand.image)
        if (image, operand.partition) in self._written:
            return
        first = not self._written               # the host is another one for those who write
        self._written[image, operand.partition] = operand
        if self._kernel is not None and (first or image in self._devices):
            self.close()

    def sync(self) -> None:
        """All that was written so far is on stable storage when this returns.  Errors: OSError."""
        if self._unsynced and self._kernel is not None:
            self._kernel.lwp.sync()
        self._unsynced = False

    def forget(self) -> None:
        """A command is over: images that it wanted to write to and could not open are not written to."""
        for key in [key for key in self._written if key not in self._mounted]:
            del self._written[key]

    @property
    def writes(self) -> bool:
        """Whether any image is written to."""
        return bool(self._written)

    @property
    def kernel(self) -> Kernel:
        """The kernel, booted by the first use."""
        if self._kernel is None:
            from rump.kernel.init import CACHE_BYTES, VNODES, boot

            host, recorder = self._host()
            options = self.options
            self._kernel = boot(
                host, recorder=recorder, marshal=options.marshal, isolate=options.isolate, log=self.log,
                cache_bytes=options.cache_bytes or CACHE_BYTES, vnodes=options.vnodes or VNODES,
            )  # fmt: skip
            self._booted = True
        return self._kernel

    def resolve(self, operand: Operand) -> tuple[Lwp, bytes]:
        """A process whose root is the operand's file system, and the path there.

        Errors: Fault - the image cannot be read; ImageError - what is in it cannot be mounted, or which partition is
        meant is open; UsageError - a host operand.
        """
        if operand.image is None:
            raise UsageError(f"{operand.text}: not inside an image")
        key = identity(operand.image), operand.partition
        lwp = self._mounted.get(key)
        if lwp is None:
            lwp = self._mounted[key] = self._mount(operand)
        return lwp, operand.path

    def device(self, image: str) -> bytes:
        """The block device in the kernel that stands for an image of the host.  Errors: Fault."""
        key = identity(image)
        path = self._devices.get(key)
        if path is None:
            path = b"/dev/image%d" % len(self._devices)
            if os.path.isdir(image):
                raise ImageError("Is a directory of the host, not an image", e.EISDIR)
            read_only = all(written != key for written, _ in self._written)
            name = os.path.abspath(os.fsencode(image))
            self.kernel.etfs_register(path, name, read_only=read_only, force=self.options.force)
            self.kernel.device(path).name = shown(image)        # as drivers call it when they have something to say
            self._devices[key] = path
            self._names[path] = image
        return path

    def volume(self, operand: Operand) -> bytes:
        """The block device with the operand's file system: the image's own, or that of a partition.

        Errors: Fault; ImageError - no partition was named and there are several.
        """
        device = self.device(operand.image or operand.text)
        if operand.partition is not None:
            return self.partition(device, operand.partition)
        if self.options.file_system or self.kernel.probe(device) is not None:
            return device
        table = self.kernel.partitions(device)
        if table is None:
            return device
        return self.kernel.wedge(device, self._only(table, device))

    def partition(self, device: bytes, selector: str) -> bytes:
        """The block device of a partition.  Errors: ImageError - it is not there, or there are several; Fault."""
        from rump.kernel.dev.partitions import select

        table = self.kernel.partitions(device)
        if table is None:
            raise ImageError(f"no partition {selector}: there is no partition table", e.ENXIO)
        try:
            chosen = select(table, selector, lambda row: self._label(device, row))
        except Fault as error:
            raise ImageError(error.detail or str(error), error.errno or e.ENXIO) from error
        return self.kernel.wedge(device, chosen)

    def _label(self, device: bytes, partition: Partition) -> tuple[str, str] | None:
        """Label and UUID of the file system in a partition, for those who choose by them."""
        try:
            said = dict(self.describe(self.kernel.wedge(device, partition)))
        except Fault:
            return None
        return tuple(said.get(key, b"").decode("utf-8", "replace") for key in (b"label", b"uuid"))  # type: ignore

    def describe(self, device: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """What the file system on a device says of itself.  Errors: Fault - there is none, or it cannot be mounted."""
        if device in self._volumes:
            return self._volumes[device][0].rump_describe(b"/")
        lwp = self.kernel.lwp
        lwp.mkdir(_ASIDE, 0o700)
        try:
            lwp.mount(self.kind(device), _ASIDE, flags=_FLAGS | _RDONLY, device=device,
                      options=self.options.mount)  # fmt: skip
            try:
                return lwp.rump_describe(_ASIDE)
            finally:
                lwp.unmount(_ASIDE)
        finally:
            lwp.rmdir(_ASIDE)

    def holds_file_system(self, device: bytes, partition: Partition) -> bool:
        """Whether a partition holds something that can be mounted."""
        try:
            return self.kernel.probe(self.kernel.wedge(device, partition)) is not None
        except Fault:
            return False

    def is_image(self, path: str) -> bool:
        """Whether a file of the host holds something that can be mounted, or a partition table."""
        if not os.path.isfile(path) or not os.path.getsize(path):
            return False
        try:
            device = self.device(path)
            return self.kernel.probe(device) is not None or self.kernel.partitions(device) is not None
        except OSError:
            return False

    def _only(self, table: PartitionTable, device: bytes) -> Partition:
        """The one partition with a file system in it.  Errors: ImageError."""
        found = [row for row in candidates(table) if self.holds_file_system(device, row)]
        if len(found) == 1:
            return found[0]
        if not found:
            there = ", ".join(self._appearance(device, partition) for partition in candidates(table)) or "none"
            raise ImageError(f"no partition holds a file system that can be read; there are: {there}", e.EFTYPE)
        there = ", ".join(str(partition) for partition in candidates(table))
        raise ImageError("several partitions hold file systems; "
                         f"choose one as in {os.path.basename(self._image_of(device))}@{found[0].number}; "
                         f"there are: {there}", e.EINVAL)  # fmt: skip

    def _appearance(self, device: bytes, partition: Partition) -> str:
        """A partition, and what is in it by the looks of it."""
        try:
            looks = self.kernel.identify(self.kernel.wedge(device, partition))
        except OSError as error:
            looks = error.strerror
        return f"{partition}, by the looks of it {looks}" if looks else str(partition)

    def _image_of(self, device: bytes) -> str:
        return self._names[device]

    def _is_written(self, operand: Operand, device: bytes) -> bool:
        """Whether a file system is written to, by this operand's name for it or another."""
        image = identity(operand.image or operand.text)
        if (image, operand.partition) in self._written:
            return True
        return any(self.volume(other) == device for (found, _), other in self._written.items() if found == image)

    def _mount(self, operand: Operand) -> Lwp:
        """Mount what an operand names; a process, root's, that has it for its root."""
        kernel = self.kernel
        device = self.volume(operand)
        if device in self._volumes:
            return self._volumes[device][0]
        writable = self._is_written(operand, device)
        kind = self.options.file_system or self.kind(device)
        root = b"/image%d" % len(self._volumes)
        flags, options = (_FLAGS, self.options.mount | self.options.written) if writable else (
            _FLAGS | _RDONLY, self.options.mount)  # fmt: skip
        kernel.lwp.mkdir(root, 0o755)
        try:
            kernel.lwp.mount(kind, root, flags=flags, device=device, options=options)
        except Fault:
            kernel.lwp.rmdir(root)
            raise
        lwp = kernel.newproc(kernel.lwp, name=operand.volume)
        self._volumes[device] = lwp, root, operand.volume
        lwp.chroot(root)
        lwp.chdir(b"/")
        if writable:
            umask = os.umask(0o077)
            os.umask(umask)
            lwp.umask(umask)
        return lwp

    def kind(self, device: bytes) -> str:
        """The type of the file system on a device.  Errors: ImageError, saying what it looks like instead."""
        found = self.kernel.probe(device)
        if found is not None:
            return found[0].name
        from rump.fsutils.hints import explain

        raise ImageError(explain(self.kernel.identify(device), self._head(device)))

    def _head(self, device: bytes) -> bytes:
        """The first bytes of a device."""
        lwp = self.kernel.lwp
        fd = lwp.open(device, abi.O_RDONLY)
        try:
            return lwp.pread(fd, 512, 0)
        finally:
            lwp.close(fd)

    def _host(self) -> tuple[Hypercalls, Recorder | None]:
        """The host, wrapped as the options ask."""
        from rump.rumpuser.host import default

        host = (self.options.host or default)()
        if self._written:
            from rump.fsutils.tracing import for_writing

            host = for_writing(host, self.options)
        if self.options.trace is None and self.options.record is None:
            return host, None
        from rump.fsutils.tracing import wrap

        return wrap(host, self.options, self._sinks, self._booted)


def identity(image: str) -> Identity:
    """What an image is known by, however it is called: the host's numbers of it, or the name of one that is missing."""
    try:
        stat = os.stat(image)
    except (OSError, ValueError):
        return image
    return stat.st_dev, stat.st_ino


def _unmount(kernel: Kernel, volumes: list[tuple[Lwp, bytes, str]]) -> list[tuple[str, OSError]]:
    """Unmount each volume, the last one first; what went wrong with which."""
    problems = []
    for lwp, root, name in reversed(volumes):
        try:
            kernel.exit(lwp)
            kernel.lwp.unmount(root)
        except OSError as error:
            problems.append((name, error))
    return problems


def candidates(table: PartitionTable) -> list[Partition]:
    """The partitions that may hold a file system: those of a disklabel in place of the one that holds it."""
    inside = dict(table.nested)
    rows = [row for outer in table.partitions
            for row in (inside[outer.number].partitions if outer.number in inside else (outer,))]  # fmt: skip
    return [row for row in rows if "raw" not in row.flags]
