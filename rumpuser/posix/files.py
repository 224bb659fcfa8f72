# SPDX-License-Identifier: BSD-2-Clause
"""Files by positioned reads and writes."""

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
from rump.rumpuser.posix.positioned import preadv, pwritev
from rump.rumpuser.pure.arguments import check_open, check_range, check_requests, check_sync
from rump.rumpuser.pure.handles import found, number_for
from rump.rumpuser.pure.upcalls import Handshake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

DEFAULT_SECTOR = 512
_MODE = 0o644
_ACCESS = {OPEN_RDONLY: os.O_RDONLY, OPEN_WRONLY: os.O_WRONLY, OPEN_RDWR: os.O_RDWR}
# O_BINARY: Cygwin would translate the ends of lines of files on some mounts.
_ALWAYS: int = os.O_NOCTTY | os.O_CLOEXEC | getattr(os, "O_BINARY", 0)
_TYPES = {stat.S_IFDIR: FT_DIR, stat.S_IFREG: FT_REG, stat.S_IFBLK: FT_BLK, stat.S_IFCHR: FT_CHR}
_NO_DESCRIPTOR = -1     # what an unknown handle stands for: the host itself then says EBADF
# A host without these (Cygwin) has pread and pwrite; macOS has no fdatasync, and cares for its disk itself.
_preadv, _pwritev = getattr(os, "preadv", preadv), getattr(os, "pwritev", pwritev)
_fdatasync = getattr(os, "fdatasync", os.fsync)


class Files(Handshake):
    """Open, adopt, close; size and type; read, write, submit; truncate and sync."""

    def __init__(self) -> None:
        super().__init__()
        self._descriptors: dict[int, int] = {}

    @blocking
    def open(self, path: bytes, flags: int) -> int:
        check_open(path, flags)
        try:
            return self._new_handle(self._open(path, flags))
        except OSError as error:
            raise host_error(error, os.fsdecode(path)) from error

    def _open(self, path: bytes, flags: int) -> int:
        """A descriptor."""
        return os.open(path, _host_flags(flags), _MODE)

    @blocking
    def adopt(self, descriptor: int) -> int:
        return self._new_handle(os.dup(descriptor))

    def _new_handle(self, descriptor: int) -> int:
        """The handle of what was just opened; a host may have a look at it."""
        return number_for(self._descriptors, descriptor)

    def _descriptor(self, handle: int) -> int:
        return found(self._descriptors, handle)

    @blocking
    def close(self, handle: int) -> None:
        self._close(self._descriptors.pop(handle, _NO_DESCRIPTOR))

    def _close(self, descriptor: int) -> None:
        """Every descriptor of a file is closed here; a host may have to wait with it."""
        os.close(descriptor)

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
        self._sync(descriptor, flags, start, length)

    def _sync(self, descriptor: int, flags: int, start: int, length: int) -> None:
        """For a host that cannot confine it to a range; what waits for all that was written is a barrier as well."""
        (os.fsync if flags & SYNC_ALL else _fdatasync)(descriptor)


def _host_flags(flags: int) -> int:
    host_flags = _ACCESS[flags & OPEN_ACCMODE] | _ALWAYS
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
