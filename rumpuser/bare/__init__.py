# SPDX-License-Identifier: BSD-2-Clause
"""The backend without POSIX: one thread, a clock, a console, devices; it reaches the machine by `Platform` alone."""

from __future__ import annotations

from rump.rumpuser.interface import hypercalls as of
from rump.rumpuser.interface.errno import EBADF, EEXIST, EFBIG, EINVAL, ENOENT, HostError
from rump.rumpuser.pure import arguments
from rump.rumpuser.pure.accelerators import Accelerators
from rump.rumpuser.pure.no_threads import FlagMutex, LonelyCondition
from rump.rumpuser.pure.upcalls import Handshake, blocking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from typing_extensions import Buffer

    from rump.rumpuser.bare.platform import Device, Platform

ABSENT = ("adopt", "busy", "discard", "lock")
_PARAMETERS = {of.PARAM_NCPU: "1", of.PARAM_HOSTNAME: "rump"}


class Bare(Accelerators, Handshake):
    """A host of one thread on `platform`."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.traits = of.Traits(platform.name, clock_resolution=platform.clock_resolution, absent=ABSENT)
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
        handle = min(set(range(3, len(self._open) + 4)) - self._open.keys())     # as on POSIX hosts
        self._open[handle] = device, flags & of.OPEN_ACCMODE
        return handle

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
        self._device(handle)
        arguments.check_requests(requests)
        return tuple([self._outcome(handle, *request) for request in requests])

    def _outcome(self, handle: int, operation: int, buffer: Buffer, offset: int) -> int:
        try:
            return self._transfer(handle, operation, buffer, offset)
        except HostError as error:
            return -(error.errno or 0)

    def _transfer(self, handle: int, operation: int, buffer: Buffer, offset: int) -> int:
        view, refused = memoryview(buffer).cast("B"), of.OPEN_WRONLY if operation == of.BIO_READ else of.OPEN_RDONLY
        device = self._device(handle, offset, len(view), refused)
        if operation == of.BIO_READ:
            view = view[: max(0, device.size - offset)]
            device.read(view, offset)
        elif view:
            if offset + len(view) > device.size:
                self._resize(device, offset + len(view), EFBIG)
            device.write(view, offset)
        return len(view)

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
