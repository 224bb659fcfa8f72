# SPDX-License-Identifier: BSD-2-Clause
"""The modules `os`, `errno`, `fcntl` and `select` as Python has them on a modelled system."""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import select
import stat
import struct
import time
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rump.conformance.models.system import Disk, System

_linux: Any = os        # has more than type checkers know of other systems
_LARGEST = 1024         # bytes that fcntl and ioctl take as a string; larger ones must be mutable
_TICK = 0.001           # seconds between two looks of a queue
_FLAGS = ("O_WRONLY", "O_RDWR", "O_NONBLOCK", "O_CREAT", "O_EXCL", "O_TRUNC", "O_NOCTTY", "O_CLOEXEC")
_PLAIN = (
    "_exit", "abort", "cpu_count", "environ", "fsdecode", "fsencode", "getpid", "major", "makedev", "minor", "path",
    "urandom",
)  # fmt: skip
"""What is alike everywhere, or not the system's affair."""


def modules(system: System) -> dict[str, Any]:
    """All of them, by name."""
    return {
        "errno": error_numbers(system),
        "fcntl": SimpleNamespace(**_numbers(system, "F_"), **_numbers(system, "LOCK_"), **_methods(Fcntl(system))),
        "os": operating_system(system),
        "select": SimpleNamespace(
            poll=select.poll, POLLIN=select.POLLIN, **(queue_names(system) if system.kqueue else {})
        ),
    }


def error_numbers(system: System) -> SimpleNamespace:
    """`errno`."""
    names = {name: value for name, value in _numbers(system, "E").items() if name in known_errors()}
    return SimpleNamespace(**names, errorcode={value: name for name, value in names.items()})


@functools.cache
def known_errors() -> frozenset[str]:
    """What Python's errno may know: Linux's names, and those that it looks for elsewhere (errnomodule.c of 3.11)."""
    elsewhere = (
        "EAUTH", "EBADARCH", "EBADEXEC", "EBADMACHO", "EBADRPC", "EDEADLOCK", "EDEVERR", "EDOOFUS", "EFTYPE",
        "ELOCKUNMAPPED", "ENEEDAUTH", "ENOATTR", "ENOPOLICY", "ENOTACTIVE", "ENOTSUP", "EPROCLIM", "EPROCUNAVAIL",
        "EPROGMISMATCH", "EPROGUNAVAIL", "EPWROFF", "EQFULL", "ERPCMISMATCH", "ESHLIBVERS", "EWOULDBLOCK",
    )  # fmt: skip
    return frozenset((*(name for name in vars(errno) if name[0] == "E"), *elsewhere))


def operating_system(system: System) -> SimpleNamespace:
    """`os`."""
    names: dict[str, Any] = {name: getattr(os, name) for name in _PLAIN}
    names.update(_methods(Calls(system)))
    for name in system.lacks:
        del names[name]
    return SimpleNamespace(**names, **_numbers(system, "O_"), **_numbers(system, "SEEK_"), GRND_NONBLOCK=1)


def _numbers(system: System, prefix: str) -> dict[str, int]:
    found = vars(system.numbers).items()
    return {name: value for name, value in found if name.startswith(prefix) and isinstance(value, int)}


def _methods(calls: Any) -> dict[str, Any]:
    return {name: getattr(calls, name) for name in dir(calls) if not name.startswith("_")}


def translated(call: Callable[..., Any]) -> Any:
    """A call of Linux, whose errors come with the system's numbers."""

    @functools.wraps(call)
    def around(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return call(self, *arguments, **named)
        except OSError as error:
            raise self._system.foreign(error) from None

    return around


class _Calls:
    """Knows its system."""

    def __init__(self, system: System) -> None:
        self._system = system


class Calls(_Calls):
    """The calls of `os` that reach the system."""

    @translated
    def open(self, path: bytes | str, flags: int, mode: int = 0o777) -> int:
        name = os.fsdecode(path)
        behind = self._system.names.get(name, name)
        if callable(behind):
            return behind()
        if name.startswith("/dev/") and name == behind:
            raise self._system.error("ENOENT", FileNotFoundError)
        self._system.open_flags(behind, flags)
        return os.open(behind, self._linux_flags(flags), mode)

    def _linux_flags(self, flags: int) -> int:
        numbers = self._system.numbers
        access = flags & (numbers.O_RDONLY | numbers.O_WRONLY | numbers.O_RDWR)
        result = {numbers.O_RDONLY: os.O_RDONLY, numbers.O_WRONLY: os.O_WRONLY, numbers.O_RDWR: os.O_RDWR}[access]
        left = flags & ~access
        for name in _FLAGS[2:]:
            number = getattr(numbers, name)
            if number and left & number:
                left &= ~number
                result |= getattr(os, name)
        if left & ~getattr(numbers, "O_BINARY", 0):
            raise AssertionError(f"open: flags {left:#x} of no such system")
        return result

    @translated
    def dup(self, descriptor: int) -> int:
        return os.dup(descriptor)

    @translated
    def set_inheritable(self, descriptor: int, inheritable: bool) -> None:
        os.set_inheritable(descriptor, inheritable)

    @translated
    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    @translated
    def fstat(self, descriptor: int) -> Any:
        return self._system.status(os.fstat(descriptor))

    @translated
    def stat(self, path: bytes | str) -> Any:
        name = os.fsdecode(path)
        behind = self._system.names.get(name, name)
        if name.startswith("/dev/") and (callable(behind) or name == behind):
            raise self._system.error("ENOENT", FileNotFoundError)
        return self._system.status(os.stat(str(behind)))

    @translated
    def lstat(self, path: bytes) -> os.stat_result:
        return os.lstat(path)

    @translated
    def chmod(self, path: bytes, mode: int) -> None:
        os.chmod(path, mode)

    @translated
    def unlink(self, path: bytes) -> None:
        os.unlink(path)

    @translated
    def fstatvfs(self, descriptor: int) -> Any:
        return SimpleNamespace(f_frsize=4096, f_bsize=os.fstatvfs(descriptor).f_bsize)

    @translated
    def lseek(self, descriptor: int, offset: int, whence: int) -> int:
        numbers = self._system.numbers
        for name in ("SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"):
            if getattr(numbers, name, None) == whence and (self._system.seeks_holes or whence <= numbers.SEEK_END):
                return os.lseek(descriptor, offset, getattr(os, name))
        raise self._system.error("EINVAL")

    @translated
    def read(self, descriptor: int, length: int) -> bytes:
        return os.read(descriptor, length)

    @translated
    def write(self, descriptor: int, data: Any) -> int:
        return os.write(descriptor, data)

    @translated
    def pread(self, descriptor: int, length: int, offset: int) -> bytes:
        buffer = bytearray(length)
        return bytes(buffer[: self._read(descriptor, (buffer,), offset)])

    @translated
    def preadv(self, descriptor: int, buffers: Sequence[Any], offset: int) -> int:
        return self._read(descriptor, buffers, offset)

    def _read(self, descriptor: int, buffers: Sequence[Any], offset: int) -> int:
        disk = self._system.disk(descriptor)
        if disk is not None and disk.kind == stat.S_IFCHR:
            self._whole(disk, buffers, offset)
            if offset >= disk.size:
                return 0
        return os.preadv(descriptor, buffers, offset)

    @translated
    def pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        return self._write(descriptor, (data,), offset)

    @translated
    def pwritev(self, descriptor: int, buffers: Sequence[Any], offset: int) -> int:
        return self._write(descriptor, buffers, offset)

    def _write(self, descriptor: int, buffers: Sequence[Any], offset: int) -> int:
        disk = self._system.disk(descriptor)
        if disk is not None:
            self._whole(disk, buffers, offset)
            (buffer,) = buffers
            there = memoryview(buffer).cast("B")[: max(0, disk.size - offset)]
            if not there and memoryview(buffer).nbytes:
                raise self._system.error("ENOSPC")
            buffers = (there,)
        written = os.pwritev(descriptor, buffers, offset)
        self._system.changed(descriptor)
        return written

    def _whole(self, disk: Disk, buffers: Sequence[Any], offset: int) -> None:
        """physio(9) and its kin: whole sectors, or EINVAL."""
        length = sum(memoryview(buffer).nbytes for buffer in buffers)
        if disk.kind == stat.S_IFCHR and (offset | length) % disk.sector:
            raise self._system.error("EINVAL")

    @translated
    def ftruncate(self, descriptor: int, size: int) -> None:
        os.ftruncate(descriptor, size)
        self._system.changed(descriptor)

    @translated
    def fsync(self, descriptor: int) -> None:
        self._system.calls.append(("fsync",))
        os.fsync(descriptor)

    @translated
    def fdatasync(self, descriptor: int) -> None:
        self._system.calls.append(("fdatasync",))
        _linux.fdatasync(descriptor)

    @translated
    def copy_file_range(self, source: int, target: int, count: int, from_offset: int, to_offset: int) -> int:
        copied: int = _linux.copy_file_range(source, target, count, from_offset, to_offset)
        self._system.changed(target)
        return copied

    @translated
    def getrandom(self, length: int, flags: int = 0) -> bytes:
        drawn: bytes = _linux.getrandom(length, _linux.GRND_NONBLOCK if flags & 1 else 0)
        return drawn

    def uname(self) -> Any:
        return SimpleNamespace(nodename=os.uname().nodename, machine=self._system.machine)

    def strerror(self, number: int) -> str:
        return f"error {number} of {self._system.numbers.SYSTEM}"


class Fcntl(_Calls):
    """The functions of `fcntl`."""

    @translated
    def fcntl(self, descriptor: int, command: int, argument: Any = 0) -> Any:
        if isinstance(argument, bytes) and len(argument) > _LARGEST:
            raise ValueError("fcntl argument 3 is too long")
        system = self._system
        if command == system.numbers.F_GETFL:
            return self._foreign_flags(fcntl.fcntl(descriptor, fcntl.F_GETFL))
        if command in system.lock_commands():
            return self._lock(descriptor, system.lock_commands()[command], argument)
        if command in system.fcntls():
            return system.fcntls()[command](descriptor, argument)
        raise self._system.error("EINVAL")

    def _foreign_flags(self, flags: int) -> int:
        return int(getattr(self._system.numbers, {0: "O_RDONLY", 1: "O_WRONLY", 2: "O_RDWR"}[flags & os.O_ACCMODE]))

    def _lock(self, descriptor: int, command: int, record: bytes) -> bytes:
        """A lock of Linux that behaves so, asked for and answered with in the system's structure."""
        layout, members = self._system.flock
        values = dict(zip(members, struct.unpack_from(layout, record), strict=False))
        values["type"] = self._linux_type(values["type"])
        linux = struct.pack("hhqqi0q", values["type"], values["whence"], values["start"], values["len"], 0)
        answer = fcntl.fcntl(descriptor, command, linux)
        values.update(zip(("type", "whence", "start", "len", "pid"), struct.unpack("hhqqi0q", answer), strict=True))
        values["type"] = self._foreign_type(values["type"])
        # What the members do not name (padding behind them) goes back as it came.
        return struct.pack(layout, *[values[name] for name in members]) + record[struct.calcsize(layout) :]

    def _linux_type(self, kind: int) -> int:
        numbers = self._system.numbers
        for name in ("F_RDLCK", "F_WRLCK", "F_UNLCK"):
            if getattr(numbers, name) == kind:
                return int(getattr(fcntl, name))
        raise self._system.error("EINVAL")

    def _foreign_type(self, kind: int) -> int:
        names = {fcntl.F_RDLCK: "F_RDLCK", fcntl.F_WRLCK: "F_WRLCK", fcntl.F_UNLCK: "F_UNLCK"}
        return int(getattr(self._system.numbers, names[kind]))

    @translated
    def lockf(self, descriptor: int, operation: int, length: int = 0, start: int = 0, whence: int = 0) -> Any:
        numbers = self._system.numbers
        kinds = {
            numbers.LOCK_SH | numbers.LOCK_NB: fcntl.F_RDLCK, numbers.LOCK_EX | numbers.LOCK_NB: fcntl.F_WRLCK,
            numbers.LOCK_UN: fcntl.F_UNLCK,
        }  # fmt: skip
        if operation not in kinds:      # Python refuses LOCK_UN with anything else; without LOCK_NB the others wait
            raise ValueError("unrecognized lockf argument")
        record = struct.pack("hhqqi0q", kinds[operation], whence, start, length, 0)
        fcntl.fcntl(descriptor, self._system.lock_commands()[numbers.F_SETLK], record)

    @translated
    def ioctl(self, descriptor: int, request: int, argument: Any = 0, mutate: bool = True) -> Any:
        disk = self._system.disk(descriptor)
        call = self._system.ioctls.get(request & 0xFFFFFFFF)
        if disk is None or call is None:
            raise self._system.error("ENOTTY")
        answer = call(disk, descriptor)
        if len(answer) > len(argument):
            raise AssertionError(f"ioctl {request:#x} writes {len(answer)} bytes into {len(argument)}")
        if isinstance(argument, bytearray) and mutate:
            argument[: len(answer)] = answer
            return 0
        if len(argument) > _LARGEST:
            raise ValueError("ioctl string arg too long")
        return answer + bytes(argument[len(answer) :])


def queue_names(system: System) -> dict[str, Any]:
    """kqueue(2) in `select`, for EVFILT_VNODE."""

    class Queue(_Calls):
        def __init__(self) -> None:
            super().__init__(system)
            self._descriptor = -1
            self._seen: tuple[int, ...] = ()

        @translated
        def control(self, changes: Any, most: int, timeout: float | None = None) -> list[Any]:
            for descriptor, _, flags, _ in changes or ():
                assert flags == 0x21, "EV_ADD | EV_CLEAR"
                self._descriptor, self._seen = descriptor, system.look(descriptor)
            until = None if timeout is None else time.monotonic() + timeout
            while most:
                seen = system.look(self._descriptor)
                if seen != self._seen:
                    self._seen = seen
                    return [self._descriptor]
                if until is not None and time.monotonic() >= until:
                    break
                time.sleep(_TICK)
            return []

        def close(self) -> None:
            self._descriptor = -1

    return {
        "kqueue": Queue, "kevent": lambda *arguments: arguments, "KQ_FILTER_VNODE": -4, "KQ_EV_ADD": 0x1,
        "KQ_EV_CLEAR": 0x20, "KQ_NOTE_DELETE": 0x1, "KQ_NOTE_WRITE": 0x2, "KQ_NOTE_EXTEND": 0x4, "KQ_NOTE_ATTRIB": 0x8,
    }  # fmt: skip
