# SPDX-License-Identifier: BSD-2-Clause
"""The other side of `spawn_confined`: what runs in the new process, and the host that it is given there."""

from __future__ import annotations

import gc
import os
import sys

from rump.rumpuser.interface.errno import EBADF, EINVAL, HostError
from rump.rumpuser.interface.hypercalls import Traits
from rump.rumpuser.posix.compiled import CompiledChecksums
from rump.rumpuser.posix.errors import host_error
from rump.rumpuser.posix.files import Files
from rump.rumpuser.posix.inflate import Inflation
from rump.rumpuser.pure.no_threads import FlagMutex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.rumpuser.interface.hypercalls import Mutex

STREAM = 3
"""The descriptor of the stream in a confined process."""
LIFELINE = 4
"""The end of a pipe whose other end only who started us holds: it hangs up when they are gone."""
FIRST = 5
"""That of the first file; the others follow."""


class ConfinedHost(CompiledChecksums, Inflation, Files):
    """A host that has one stream, files open for reading, and accelerators.  Its other calls are not there."""

    folder = ""

    def __init__(self, files: int) -> None:
        super().__init__()
        self.traits = Traits("confined")
        self.handles = tuple([self._new_handle(FIRST + number) for number in range(files)])

    def limit(self, memory: int, seconds: int) -> tuple[str, ...]:
        """Bound what this process may use; the names of what holds now."""
        import resource

        bounds = [("AS", memory), ("CORE", 0), ("FSIZE", 0), ("NPROC", 0)]
        bounds.append(("NOFILE", FIRST + len(self.handles) + 1))
        if seconds:
            bounds.append(("CPU", seconds))
        for name, value in bounds:
            number = getattr(resource, f"RLIMIT_{name}", None)
            if number is None:
                continue
            try:
                resource.setrlimit(number, (value, value))
            except (OSError, ValueError):       # more than it may have as it is
                continue
        # An emulator takes limits and forgets them.
        return ("limits",) if resource.getrlimit(resource.RLIMIT_AS)[0] == memory else ()

    def confine(self) -> tuple[str, ...]:
        """Give up all that is not needed any more, for good; the names of what holds now, sorted."""
        return ()

    def prepare(self) -> None:
        """Load what would be loaded later."""
        self.crc32c(0, b"")
        try:
            import zlib  # noqa: F401
        except ImportError:
            import rump.rumpuser.pure.inflate  # noqa: F401

    def mutex_create(self) -> Mutex:
        return FlagMutex()

    def stream_send(self, stream: int, data: Buffer) -> None:
        if stream != STREAM:
            raise HostError(EBADF)
        left = memoryview(data).cast("B")
        try:
            while left:
                left = left[os.write(stream, left) :]
        except OSError as error:
            raise host_error(error) from error

    def stream_receive(self, stream: int, length: int, timeout: int | None) -> bytes:
        if stream != STREAM:
            raise HostError(EBADF)
        if timeout is not None:
            raise HostError(EINVAL, "a confined process waits for ever")
        try:
            return os.read(stream, length)
        except OSError as error:
            raise host_error(error) from error


def main(arguments: list[str]) -> None:
    """What the fresh interpreter calls: load, confine, work; the process ends with it."""
    entry, kind, modules, files, memory, seconds = arguments
    close_from(FIRST + int(files))
    end_with(LIFELINE)
    host: ConfinedHost = _named(kind)(int(files))
    work = _named(entry)
    load(modules.split(",") if modules else [])
    host.prepare()
    host.traits.confines = tuple(sorted((*host.limit(int(memory), int(seconds)), *host.confine())))
    # What lives now stays, and big tables of tuples are no garbage.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    status = 1
    try:
        work(host, STREAM, host.handles)
        status = 0
    finally:
        sys.stderr = None   # nobody is there to read it
        os._exit(status)


def close_from(first: int) -> None:
    """Close what may be open from a descriptor on: there may be a thousand million that are not."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        os.closerange(first, os.sysconf("SC_OPEN_MAX"))
        return
    for number in numbers:
        if number >= first:
            os.closerange(number, number + 1)       # which passes over what is not open: the listing itself


def end_with(lifeline: int) -> None:
    """Have the system end this process when the pipe hangs up (SIGIO), even in a loop that asks nothing of anybody."""
    import fcntl

    try:
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    except (AttributeError, OSError):
        return      # not on this system; the stream's end ends it then, when it next looks
    try:
        if not os.read(lifeline, 1):
            os._exit(1)     # they were gone before
    except BlockingIOError:
        pass


def load(modules: list[str]) -> None:
    """Import modules as `spawn_confined` names them."""
    left_out = tuple([name[1:] for name in modules if name[:1] == "-"])
    for name in modules:
        if name[-2:] == ".*":
            _load_below(name[:-2], left_out)
        elif name[:1] != "-":
            try:
                __import__(name)
            except ImportError:
                continue


def _load_below(package: str, left_out: tuple[str, ...]) -> None:
    """A package, and all modules in it and below."""
    folders = __import__(package, fromlist=["__path__"]).__path__
    for entry in sorted([entry for folder in folders for entry in os.listdir(folder)]):
        name, _, suffix = entry.partition(".")
        if name[:1] == "_" or f"{package}.{name}" in left_out:
            continue
        if suffix == "py":
            __import__(f"{package}.{name}")
        elif not suffix:
            _load_below(f"{package}.{name}", left_out)


def _named(name: str):  # type: ignore[no-untyped-def]
    """What "module:name" is."""
    module, _, function = name.partition(":")
    return getattr(__import__(module, fromlist=[function]), function)
