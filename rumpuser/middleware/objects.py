# SPDX-License-Identifier: BSD-2-Clause
"""Files that are objects of the program around the kernel: a disk image behind a web server, say."""

from __future__ import annotations

from rump.rumpuser.interface import errno as e
from rump.rumpuser.interface import hypercalls as h
from rump.rumpuser.interface.errno import HostError
from rump.rumpuser.middleware.thin import Thin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from typing_extensions import Buffer

    from rump.rumpuser.interface.hypercalls import Hypercalls, Upcalls

    R = TypeVar("R")

FIRST = 1 << 30         # handles of objects are numbered from here, apart from the host's own
_PIECE = 1 << 20        # bytes; what copy_range holds at once
_FLAGS = h.OPEN_ACCMODE | h.OPEN_CREATE | h.OPEN_EXCL | h.OPEN_BIO


class Medium:
    """What stands for a file: bytes by number.  All calls come without the virtual CPU, from whatever thread.

    size      in bytes, which does not change
    writable  whether `write` and `flush` work

    Errors of all calls: HostError.
    """

    size: int
    writable = False

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each (offset, length), all of which lie inside."""
        raise HostError(e.ENOSYS, "read_many")

    def write(self, offset: int, data: bytes) -> None:
        """Write all of `data`, inside."""
        raise HostError(e.EROFS, "write")

    def flush(self) -> None:
        """What was written is where others see it."""


class Objects(Thin):
    """`host` with media in the place of some of its files, by the paths they are opened with."""

    def __init__(self, host: Hypercalls, media: dict[bytes, Medium]) -> None:
        super().__init__(host)
        self._media = media
        self._opened: dict[int, tuple[Medium, bool]] = {}      # handle -> what it is, whether for writing
        self._upcalls: Upcalls | None = None

    def init(self, version: int, upcalls: Upcalls) -> None:
        self.host.init(version, upcalls)
        self._upcalls = upcalls

    def _outside(self, call: Callable[[], R]) -> R:
        """Make a call that may block, without the virtual CPU."""
        if self._upcalls is None:
            return call()
        self._upcalls.unschedule()
        try:
            return call()
        finally:
            self._upcalls.schedule()

    # ---- handles -------------------------------------------------------------------------------------------------

    def open(self, path: bytes, flags: int) -> int:
        medium = self._media.get(path)
        if medium is None:
            return self.host.open(path, flags)
        if flags & ~_FLAGS or flags & h.OPEN_ACCMODE == h.OPEN_ACCMODE:
            raise HostError(e.EINVAL, "open")
        if flags & h.OPEN_EXCL:
            raise HostError(e.EEXIST if flags & h.OPEN_CREATE else e.EINVAL, "open")
        writes = flags & h.OPEN_ACCMODE != h.OPEN_RDONLY
        if writes and not medium.writable:
            raise HostError(e.EROFS, "open")
        handle = FIRST
        while handle in self._opened:
            handle += 1
        self._opened[handle] = medium, writes
        return handle

    def close(self, handle: int) -> None:
        if handle in self._opened:
            del self._opened[handle]
        else:
            self.host.close(handle)

    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        if handle not in self._opened:
            return self.host.getfileinfo(handle)
        return self._opened[handle][0].size, h.FT_REG, 512

    def _writer(self, handle: int, call: str) -> Medium:
        medium, writes = self._opened[handle]
        if not writes:
            raise HostError(e.EBADF, call)
        return medium

    # ---- reading and writing -------------------------------------------------------------------------------------

    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        if handle not in self._opened:
            return self.host.read(handle, buffer, offset)
        medium, _ = self._opened[handle]
        view = memoryview(buffer).cast("B")
        length = _inside(medium, offset, len(view))
        if length:
            view[:length] = self._outside(lambda: medium.read_many(((offset, length),)))[0]
        return length

    def write(self, handle: int, data: Buffer, offset: int) -> int:
        if handle not in self._opened:
            return self.host.write(handle, data, offset)
        medium = self._writer(handle, "write")
        content = bytes(data)
        if offset < 0:
            raise HostError(e.EINVAL, "write")
        if offset + len(content) > medium.size:
            raise HostError(e.ENOSPC, "write")
        self._outside(lambda: medium.write(offset, content))
        return len(content)

    def submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        if handle not in self._opened:
            return self.host.submit(handle, requests)
        if any(operation not in (h.BIO_READ, h.BIO_WRITE) for operation, _, _ in requests):
            raise HostError(e.EINVAL, "submit")
        if all(operation == h.BIO_READ and offset >= 0 for operation, _, offset in requests):
            try:
                return self._read_all(self._opened[handle][0], requests)
            except HostError as error:
                return (-(error.errno or e.EIO),) * len(requests)
        return tuple([self._one(handle, request) for request in requests])

    def _read_all(self, medium: Medium, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        """Read all requests by one call, so that whoever fetches them can put together what is near."""
        views = [memoryview(buffer).cast("B") for _, buffer, _ in requests]
        counts = [_inside(medium, offset, len(view)) for view, (_, _, offset) in zip(views, requests, strict=True)]
        ranges = [(offset, count) for count, (_, _, offset) in zip(counts, requests, strict=True) if count]
        pieces = iter(self._outside(lambda: medium.read_many(ranges)))
        for view, count in zip(views, counts, strict=True):
            if count:
                view[:count] = next(pieces)
        return tuple(counts)

    def _one(self, handle: int, request: tuple[int, Buffer, int]) -> int:
        operation, buffer, offset = request
        try:
            return (self.read if operation == h.BIO_READ else self.write)(handle, buffer, offset)
        except HostError as error:
            return -(error.errno or e.EIO)

    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        if handle not in self._opened:
            self.host.sync(handle, flags, start, length)
            return
        if not flags or flags & ~(h.SYNC_DATA | h.SYNC_ALL | h.SYNC_BARRIER):
            raise HostError(e.EINVAL, "sync")
        medium, writes = self._opened[handle]
        if writes:
            self._outside(medium.flush)

    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        if source not in self._opened and target not in self._opened:
            return self.host.copy_range(source, source_offset, target, target_offset, length)
        if source == target and abs(source_offset - target_offset) < length:
            raise HostError(e.EINVAL, "copy_range")
        done = 0
        while done < length:
            piece = memoryview(bytearray(min(_PIECE, length - done)))
            count = self.read(source, piece, source_offset + done)
            if not count:
                break
            self.write(target, piece[:count], target_offset + done)
            done += count
        return done

    # ---- what an object has not ----------------------------------------------------------------------------------

    def truncate(self, handle: int, size: int) -> None:
        if handle not in self._opened:
            self.host.truncate(handle, size)
        elif size != self._writer(handle, "truncate").size:
            raise HostError(e.EINVAL, "truncate")

    def discard(self, handle: int, start: int, length: int) -> None:
        if handle in self._opened:
            raise HostError(e.EOPNOTSUPP, "discard")
        self.host.discard(handle, start, length)

    def extents(self, handle: int, start: int, length: int) -> tuple[tuple[int, int, int], ...]:
        if handle not in self._opened:
            return self.host.extents(handle, start, length)
        if length < 0:
            raise HostError(e.EINVAL, "extents")
        count = _inside(self._opened[handle][0], start, length)
        return ((h.EXTENT_DATA, start, count),) if count else ()

    def lock(self, handle: int, start: int, length: int, mode: int) -> None:
        """An object is the program's own: who else may write to what is behind it is the program's affair."""
        if handle not in self._opened:
            self.host.lock(handle, start, length, mode)

    def busy(self, handle: int) -> str:
        return "" if handle in self._opened else self.host.busy(handle)

    def watch_create(self, handle: int) -> int:
        if handle in self._opened:
            raise HostError(e.EOPNOTSUPP, "watch_create")
        return self.host.watch_create(handle)


def _inside(medium: Medium, offset: int, length: int) -> int:
    """How many bytes of a range there are.  Errors: EINVAL."""
    if offset < 0:
        raise HostError(e.EINVAL, "offset")
    return max(0, min(length, medium.size - offset))
