# SPDX-License-Identifier: BSD-2-Clause
"""Disks that are character devices: whole sectors only, and nothing beyond the medium.

FreeBSD and DragonFly have no others; NetBSD, OpenBSD, macOS and Solaris have both kinds.  The kernel is shown a block
device: what does not begin and end with a sector goes through a buffer of whole ones.
"""

from __future__ import annotations

import os
import stat
from _thread import allocate_lock
from fcntl import ioctl
from sys import byteorder

from rump.rumpuser.interface.errno import EINVAL, EIO, ENOSPC, HostError
from rump.rumpuser.interface.hypercalls import BIO_READ, FT_BLK, FT_CHR
from rump.rumpuser.posix.copy import BUFFER, Copy
from rump.rumpuser.posix.errors import blocking, host_error
from rump.rumpuser.posix.files import _read_all, _write_all
from rump.rumpuser.pure.arguments import check_range, check_requests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from typing_extensions import Buffer


class RawDisk(Copy):
    """Handles of raw disks are known with size and sector; all other handles go by."""

    def __init__(self) -> None:
        super().__init__()
        self._raw: dict[int, tuple[int, int]] = {}
        self._partial = allocate_lock()     # between reading a sector and writing it back

    def _new_handle(self, descriptor: int) -> int:
        """A raw disk is a character device that tells the size of a medium."""
        handle = super()._new_handle(descriptor)
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            try:
                size, sector = self._medium(descriptor)
            except OSError:
                size, sector = 0, 0
            if size:
                self._raw[handle] = size, sector
        return handle

    def close(self, handle: int) -> None:
        self._raw.pop(handle, None)
        super().close(handle)

    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        size, kind, sector = super().getfileinfo(handle)
        if kind == FT_CHR and handle in self._raw:
            size, sector = self._raw[handle]
            kind = FT_BLK
        return size, kind, sector

    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        if handle not in self._raw:
            return super().read(handle, buffer, offset)
        return self._raw_call(self._read_raw, handle, buffer, offset)

    def write(self, handle: int, data: Buffer, offset: int) -> int:
        if handle not in self._raw:
            return super().write(handle, data, offset)
        return self._raw_call(self._write_raw, handle, data, offset)

    @blocking
    def _raw_call(self, call: Callable[..., int], *arguments: Any) -> int:
        return call(*arguments)

    def submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        if handle not in self._raw:
            return super().submit(handle, requests)
        check_requests(requests)
        return self._submit_raw(handle, requests)

    @blocking
    def _submit_raw(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        return tuple([self._carry_out(handle, *request) for request in requests])

    def _carry_out(self, handle: int, operation: int, buffer: Buffer, offset: int) -> int:
        try:
            return (self._read_raw if operation == BIO_READ else self._write_raw)(handle, buffer, offset)
        except (OSError, OverflowError) as error:
            return -(host_error(error).errno or EIO)

    def _read_raw(self, handle: int, buffer: Buffer, offset: int) -> int:
        descriptor, size, sector = self._place(handle, offset)
        view = memoryview(buffer).cast("B")
        length = min(view.nbytes, max(0, size - offset))
        if not (offset | length) % sector:
            return _read_all(descriptor, view[:length], offset)
        start, end = _whole(offset, length, sector)
        sectors = bytearray(end - start)
        length = min(length, max(0, _read_all(descriptor, sectors, start) - (offset - start)))
        view[:length] = memoryview(sectors)[offset - start :][:length]
        return length

    def _write_raw(self, handle: int, data: Buffer, offset: int) -> int:
        descriptor, size, sector = self._place(handle, offset)
        view = memoryview(data).cast("B")
        if offset + view.nbytes > size:
            raise HostError(ENOSPC, "write")
        if not (offset | view.nbytes) % sector:
            return _write_all(descriptor, view, offset)
        start, end = _whole(offset, view.nbytes, sector)
        with self._partial:
            sectors = bytearray(end - start)
            if _read_all(descriptor, sectors, start) != len(sectors):
                raise HostError(EIO, "write")
            sectors[offset - start : offset - start + view.nbytes] = view
            _write_all(descriptor, sectors, start)
        return view.nbytes

    def _place(self, handle: int, offset: int) -> tuple[int, int, int]:
        if offset < 0:
            raise HostError(EINVAL)
        return self._descriptor(handle), *self._raw[handle]

    def copy_range(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        if source not in self._raw and target not in self._raw:
            return super().copy_range(source, source_offset, target, target_offset, length)
        check_range(source_offset, length)
        check_range(target_offset, length)
        if source == target and abs(source_offset - target_offset) < length:
            raise HostError(EINVAL, "overlapping ranges")
        return self._copy_raw(source, source_offset, target, target_offset, length)

    @blocking
    def _copy_raw(self, source: int, source_offset: int, target: int, target_offset: int, length: int) -> int:
        self._read_any(source, bytearray(), 0)      # EBADF for the wrong mode, even if there is nothing to copy
        self._write_any(target, b"", 0)
        copied = 0
        view = memoryview(bytearray(min(BUFFER, length)))
        while copied < length:
            count = self._read_any(source, view[: length - copied], source_offset + copied)
            if not count:
                break
            self._write_any(target, view[:count], target_offset + copied)
            copied += count
        return copied

    def _read_any(self, handle: int, buffer: Buffer, offset: int) -> int:
        if handle in self._raw:
            return self._read_raw(handle, buffer, offset)
        return _read_all(self._descriptor(handle), buffer, offset)

    def _write_any(self, handle: int, data: Buffer, offset: int) -> int:
        if handle in self._raw:
            return self._write_raw(handle, data, offset)
        return _write_all(self._descriptor(handle), data, offset)


def answered(descriptor: int, request: int, length: int) -> int:
    """What an ioctl answers with: one number of `length` bytes."""
    answer = bytearray(length)
    ioctl(descriptor, request, answer)
    return int.from_bytes(answer, byteorder)


def _whole(offset: int, length: int, sector: int) -> tuple[int, int]:
    """The sectors that hold a range."""
    return offset - offset % sector, -(-(offset + length) // sector) * sector
