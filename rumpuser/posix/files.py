# SPDX-License-Identifier: BSD-2-Clause
"""Files by positioned reads and writes.

Handles are numbers of our own, the lowest free one first: they are the same in every run, whatever else the program
around the kernel has open.  0 to 2 stay unused, so that no handle in a trace is taken for a standard stream.
"""

from __future__ import annotations

import os
import stat

from rump.rumpuser.interface.errno import EBADF, EINVAL, EIO, HostError
from rump.rumpuser.interface.hypercalls import (
    BIO_READ,
    FT_BLK,
    FT_CHR,
    FT_DIR,
    FT_OTHER,
    FT_REG,
    OPEN_ACCMODE,
    OPEN_CREATE,
    OPEN_EXCL,
    OPEN_RDONLY,
    OPEN_RDWR,
    OPEN_WRONLY,
    SYNC_ALL,
)
from rump.rumpuser.posix.errors import blocking, errno_of, host_error
from rump.rumpuser.pure.arguments import check_open, check_range, check_requests, check_sync
from rump.rumpuser.pure.upcalls import Handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

FIRST_HANDLE = 3
DEFAULT_SECTOR = 512
_MODE = 0o644
_ACCESS = {OPEN_RDONLY: os.O_RDONLY, OPEN_WRONLY: os.O_WRONLY, OPEN_RDWR: os.O_RDWR}
_TYPES = {stat.S_IFDIR: FT_DIR, stat.S_IFREG: FT_REG, stat.S_IFBLK: FT_BLK, stat.S_IFCHR: FT_CHR}
_NO_DESCRIPTOR = -1     # what an unknown handle stands for: the host itself then says EBADF
_preadv, _pwritev = os.preadv, os.pwritev


class Files(Handshake):
    """Open, adopt, close; size and type; read, write, submit; truncate and sync."""

    def __init__(self) -> None:
        super().__init__()
        self._descriptors: dict[int, int] = {}

    @blocking
    def open(self, path: bytes, flags: int) -> int:
        check_open(path, flags)
        try:
            return self._new_handle(os.open(path, _host_flags(flags), _MODE))
        except OSError as error:
            raise host_error(error, os.fsdecode(path)) from error

    @blocking
    def adopt(self, descriptor: int) -> int:
        return self._new_handle(os.dup(descriptor))

    def _new_handle(self, descriptor: int) -> int:
        handle = FIRST_HANDLE
        # Other threads may be here too; setdefault takes a number or leaves it, in one step.
        while self._descriptors.setdefault(handle, descriptor) != descriptor:
            handle += 1
        return handle

    def _descriptor(self, handle: int) -> int:
        if handle not in self._descriptors:
            raise HostError(EBADF)
        return self._descriptors[handle]

    @blocking
    def close(self, handle: int) -> None:
        os.close(self._descriptors.pop(handle, _NO_DESCRIPTOR))

    @blocking
    def getfileinfo(self, handle: int) -> tuple[int, int, int]:
        descriptor = self._descriptor(handle)
        status = os.fstat(descriptor)
        kind = _TYPES.get(stat.S_IFMT(status.st_mode), FT_OTHER)
        if kind == FT_REG:
            return status.st_size, kind, DEFAULT_SECTOR
        if kind == FT_BLK:
            size, sector = self._medium(descriptor)
            return size, kind, sector
        return 0, kind, DEFAULT_SECTOR

    def _medium(self, descriptor: int) -> tuple[int, int]:
        """Size and sector of a block device, in bytes, for a host without a better way to ask."""
        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        size = os.lseek(descriptor, 0, os.SEEK_END)
        os.lseek(descriptor, position, os.SEEK_SET)
        return size, DEFAULT_SECTOR

    # read and write are @blocking written out: they are most of what a kernel does, and half the price this way.

    def read(self, handle: int, buffer: Buffer, offset: int) -> int:
        descriptor = self._descriptors.get(handle, _NO_DESCRIPTOR)
        self._unschedule()
        try:
            return _read_all(descriptor, buffer, offset)
        except (OSError, OverflowError) as error:
            raise host_error(error) from error
        finally:
            self._schedule()

    def write(self, handle: int, data: Buffer, offset: int) -> int:
        descriptor = self._descriptors.get(handle, _NO_DESCRIPTOR)
        self._unschedule()
        try:
            return _write_all(descriptor, data, offset)
        except (OSError, OverflowError) as error:
            raise host_error(error) from error
        finally:
            self._schedule()

    @blocking
    def submit(self, handle: int, requests: Sequence[tuple[int, Buffer, int]]) -> tuple[int, ...]:
        descriptor = self._descriptor(handle)
        check_requests(requests)
        return tuple([_carry_out(descriptor, *request) for request in requests])

    @blocking
    def truncate(self, handle: int, size: int) -> None:
        descriptor = self._descriptor(handle)
        if size < 0 or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise HostError(EINVAL)
        try:
            os.ftruncate(descriptor, size)
        except OSError as error:
            # POSIX lets a host say either when the file is not open for writing; we have ruled out all else.
            number = errno_of(error.errno)
            raise HostError(EBADF if number == EINVAL else number) from error

    @blocking
    def sync(self, handle: int, flags: int, start: int = 0, length: int = 0) -> None:
        descriptor = self._descriptor(handle)
        check_range(start, length)
        check_sync(flags)
        if flags & SYNC_ALL:
            os.fsync(descriptor)
        else:
            self._sync_data(descriptor, start, length)

    def _sync_data(self, descriptor: int, start: int, length: int) -> None:
        """Data to stable storage, for a host that cannot confine it to a range; a barrier as well."""
        os.fdatasync(descriptor)


def _host_flags(flags: int) -> int:
    host_flags = _ACCESS[flags & OPEN_ACCMODE] | os.O_NOCTTY | os.O_CLOEXEC
    if flags & OPEN_CREATE:
        host_flags |= os.O_CREAT
    if flags & OPEN_EXCL:
        host_flags |= os.O_EXCL
    return host_flags


def _read_all(descriptor: int, buffer: Buffer, offset: int) -> int:
    if offset < 0:      # some hosts take -1 for "where the file stands"
        raise HostError(EINVAL if descriptor >= 0 else EBADF)
    count = _preadv(descriptor, (buffer,), offset)
    view = memoryview(buffer)
    if count == view.nbytes or not count:
        return count
    rest = view.cast("B")
    while count < view.nbytes:
        more = _preadv(descriptor, (rest[count:],), offset + count)
        if not more:
            break
        count += more
    return count


def _write_all(descriptor: int, data: Buffer, offset: int) -> int:
    if offset < 0:
        raise HostError(EINVAL if descriptor >= 0 else EBADF)
    count = _pwritev(descriptor, (data,), offset)
    view = memoryview(data)
    if count == view.nbytes:
        return count
    rest = view.cast("B")
    while count < view.nbytes:
        more = _pwritev(descriptor, (rest[count:],), offset + count)
        if not more:
            raise HostError(EIO, "the host writes nothing and does not say why")
        count += more
    return count


def _carry_out(descriptor: int, operation: int, buffer: Buffer, offset: int) -> int:
    """One request of submit: its count, or -errno."""
    try:
        return (_read_all if operation == BIO_READ else _write_all)(descriptor, buffer, offset)
    except (OSError, OverflowError) as error:
        return -(host_error(error).errno or EIO)
