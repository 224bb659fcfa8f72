# SPDX-License-Identifier: BSD-2-Clause
"""The backend without POSIX: one thread, a clock, a console, devices; it reaches the machine by `Platform` alone.

What some machines have besides are classes to compose a host of: `adopt`, `discard`, `nic`, `threads` beside this file.
"""

from __future__ import annotations

from rump.rumpuser.interface import hypercalls as of
from rump.rumpuser.interface.errno import EBADF, EEXIST, EFBIG, EINVAL, ENOENT, EROFS, HostError
from rump.rumpuser.pure import arguments
from rump.rumpuser.pure.absent import absences
from rump.rumpuser.pure.accelerators import Accelerators
from rump.rumpuser.pure.handles import number_for
from rump.rumpuser.pure.memory import AlignedMemory
from rump.rumpuser.pure.no_threads import FlagMutex, LonelyCondition
from rump.rumpuser.pure.upcalls import Handshake, blocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from typing_extensions import Buffer

    from rump.rumpuser.bare.platform import Device, Platform

_PARAMETERS = {of.PARAM_NCPU: "1", of.PARAM_HOSTNAME: "rump"}


class Bare(Accelerators, AlignedMemory, Handshake):
    """A host of one thread on `platform`."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        absent = absences(type(self))
        self.traits = of.Traits(platform.name, clock_resolution=platform.clock_resolution, absent=absent)
        self._open: dict[int, tuple[Device, int]] = {}     # and how it was opened

    def clock_gettime(self, clock: int) -> int:
        arguments.check_clock(clock)
        return self.platform.monotonic() + (self.platform.epoch_offset() if clock == of.CLOCK_RELWALL else 0)

    @blocking
    def clock_sleep(self, clock: int, nanoseconds: int) -> None:
        arguments.check_clock(clock)
        self._sleep(nanoseconds - (self.platform.monotonic() if clock == of.CLOCK_ABSMONO else 0))

    def getrandom(self, length: int, flags: int = 0) -> bytes:
        arguments.check_random(length, flags)
        return self.platform.entropy(length)

    def getparam(self, name: str) -> str:
        if name in _PARAMETERS:
            return self.platform.environment.get(name.removeprefix("_").replace("USER", "")) or _PARAMETERS[name]
        if name.startswith("_") or name not in self.platform.environment:
            raise HostError(EINVAL if name.startswith("_") else ENOENT, name)
        return self.platform.environment[name]

    def console_write(self, data: bytes) -> None:
        self.platform.console_write(data)

    def exit(self, status: int) -> NoReturn:
        self.platform.halt(status)

    def mutex_create(self) -> of.Mutex:
        return FlagMutex()

    def condition_create(self, mutex: of.Mutex) -> of.Condition:
        return LonelyCondition(mutex, self._sleep)

    def _sleep(self, nanoseconds: int) -> None:
        self.platform.block_until(self.platform.monotonic() + nanoseconds)

    def components(self) -> tuple[tuple[str, Callable[[], object]], ...]:
        return ()

    @blocking
    def open(self, path: bytes, flags: int) -> int:
        arguments.check_open(path, flags)
        device = self.platform.device(path, False)
        if device is not None and flags & of.OPEN_EXCL:
            raise HostError(EEXIST, repr(path))
        if device is None and flags & of.OPEN_CREATE:
            device = self.platform.device(path, True)
        if device is None:
            raise HostError(ENOENT, repr(path))
        if device.read_only and flags & of.OPEN_ACCMODE != of.OPEN_RDONLY:
            raise HostError(EROFS, repr(path))
        return number_for(self._open, (device, flags & of.OPEN_ACCMODE))

    def _device(self, handle: int, start: int = 0, length: int = 0, refused: int = -1) -> Device:
        """What the handle stands for, if the range is one, and unless it was opened in the mode refused."""
        device, mode = self._open.get(handle, (None, refused))
        if device is not None:
            arguments.check_range(start, length)
        if device is None or mode == refused:
            raise HostError(EBADF)
        return device

    @blocking
    def close(self, handle: int) -> None:
        self._device(handle)
        del self._open[handle]

    @blocking
    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        device = self._device(handle)
        return device.size, device.kind, device.sector

    @blocking
    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        return self._transfer(handle, of.BIO_READ, buffer, offset)

    @blocking
    def write(self, handle: int, data: Buffer, offset: int) -> int:
        return self._transfer(handle, of.BIO_WRITE, data, offset)

    @blocking
    def submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        device = self._device(handle)
        arguments.check_requests(requests)
        results: list[int] = []
        ready: list[tuple[int, memoryview, int]] = []
        for operation, buffer, offset in requests:
            try:
                view = self._part(handle, operation, buffer, offset)
            except HostError as error:
                results.append(-(error.errno or 0))
                continue
            results.append(len(view))
            ready.append((operation, view, offset))
        failures = iter(carry_out(device, ready))
        return tuple([result if result < 0 else -next(failures) or result for result in results])

    def _transfer(self, handle: int, operation: int, buffer: Buffer, offset: int) -> int:
        view = self._part(handle, operation, buffer, offset)
        device = self._device(handle)
        if view:
            (device.read if operation == of.BIO_READ else device.write)(view, offset)
        return len(view)

    def _part(self, handle: int, operation: int, buffer: Buffer, offset: int) -> memoryview:
        """The part of a buffer that is read or written; a file that is written to has grown for it."""
        view, refused = memoryview(buffer).cast("B"), of.OPEN_WRONLY if operation == of.BIO_READ else of.OPEN_RDONLY
        device = self._device(handle, offset, len(view), refused)
        if operation == of.BIO_READ:
            return view[: max(0, device.size - offset)]
        if view and offset + len(view) > device.size:
            self._resize(device, offset + len(view), EFBIG)
        return view

    def _resize(self, device: Device, size: int, refusal: int) -> None:
        if device.kind != of.FT_REG:
            raise HostError(refusal)
        device.resize(size)

    @blocking
    def truncate(self, handle: int, size: int) -> None:
        self._resize(self._device(handle, size, 0, of.OPEN_RDONLY), size, EINVAL)

    @blocking
    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        device = self._device(handle, start, length)
        arguments.check_sync(flags)
        device.sync()

    @blocking
    def extents(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...]:
        end = min(self._device(handle, start, length).size, start + length)
        return ((of.EXTENT_DATA, start, end - start),) if start < end else ()

    @blocking
    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        device = self._device(source)
        apart = abs(source_offset - target_offset) if device is self._device(target) else length
        self._device(target, min(source_offset, target_offset, apart - length), length, of.OPEN_RDONLY)
        data = bytearray(max(0, min(length, device.size - source_offset)))
        self._transfer(source, of.BIO_READ, data, source_offset)
        return self._transfer(target, of.BIO_WRITE, data, target_offset)


def carry_out(device: Device, requests: list[tuple[int, memoryview, int]]) -> list[int]:
    """Requests to a device, together if it can do that; the errno of each, 0 where all went well."""
    together: Callable[[list[tuple[int, memoryview, int]]], list[int]] | None = getattr(device, "submit", None)
    if together is not None:
        return together(requests)
    return [_failure(device, *request) for request in requests]


def _failure(device: Device, operation: int, view: memoryview, offset: int) -> int:
    try:
        (device.read if operation == of.BIO_READ else device.write)(view, offset)
    except HostError as error:
        return error.errno or 0
    return 0
