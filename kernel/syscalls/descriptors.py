# SPDX-License-Identifier: BSD-2-Clause
"""read(2), write(2), lseek(2), close(2), dup(2), fcntl(2), pipe2(2), poll(2): whatever a descriptor leads to."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.file import SETTABLE_FLAGS
from rump.kernel.lwp import LwpBase
from rump.kernel.pipe import Pipe, PipeEnd
from rump.kernel.syscall import syscall
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

    from rump.kernel.file import File
    from rump.kernel.stat import Stat

READ_MAX = 1 << 31
"""Most bytes one call moves (SSIZE_MAX of a 32-bit host)."""

STREAM_MAX = 1 << 20
"""Most bytes one read of a pipe or character device returns."""


class DescriptorCalls(LwpBase):
    """System calls on descriptors."""

    @syscall
    def close(self, fd: int) -> None:
        """close(2).  Errors: EBADF."""
        self.process.close(fd)

    @syscall
    def read(self, fd: int, length: int) -> bytes:
        """read(2): at most `length` bytes from the file's offset; b"" at the end.  Errors: EBADF, EINVAL, EISDIR."""
        file = self._readable(fd)
        data = self._read(file, _length(length), file.offset)
        file.offset += len(data)
        return data

    @syscall
    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """pread(2): as read, at `offset`.  Errors: also ESPIPE, EINVAL - negative offset."""
        return self._read(self._positioned(self._readable(fd), offset), _length(length), offset)

    @syscall
    def readinto(self, fd: int, buffer: Buffer) -> int:
        """read(2) into a buffer of the caller's; how many bytes."""
        file = self._readable(fd)
        count = self._fill(file, memoryview(buffer).cast("B"), file.offset)
        file.offset += count
        return count

    @syscall
    def preadinto(self, fd: int, buffer: Buffer, offset: int) -> int:
        """pread(2) into a buffer of the caller's; how many bytes."""
        return self._positioned(self._readable(fd), offset).readinto(memoryview(buffer).cast("B"), offset)

    @syscall
    def write(self, fd: int, data: Buffer) -> int:
        """write(2).  Errors: EBADF, EFBIG, ENOSPC, EPIPE, EAGAIN."""
        file = self._writable(fd)
        count = file.write(data, file.offset) if not file.waits else self._write_patiently(file, data)
        file.offset += count
        return count

    @syscall
    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """pwrite(2).  Errors: also ESPIPE, EINVAL - negative offset."""
        return self._positioned(self._writable(fd), offset).write(data, offset)

    @syscall
    def lseek(self, fd: int, offset: int, whence: int) -> int:
        """lseek(2), with SEEK_DATA and SEEK_HOLE; the new offset.  Errors: EBADF, ESPIPE, EINVAL, ENXIO."""
        file = self.process.file(fd)
        if not file.seekable:
            raise fault(e.ESPIPE)
        if whence in (abi.SEEK_DATA, abi.SEEK_HOLE):
            position = file.seek_data(offset, whence == abi.SEEK_HOLE)
        elif whence == abi.SEEK_SET:
            position = offset
        elif whence == abi.SEEK_CUR:
            position = file.offset + offset
        elif whence == abi.SEEK_END:
            position = file.size() + offset
        else:
            raise fault(e.EINVAL, f"whence {whence}")
        if position < 0:
            raise fault(e.EINVAL, f"offset {position}")
        file.seek(position)
        return position

    @syscall
    def fstat(self, fd: int) -> Stat:
        """fstat(2).  Errors: EBADF."""
        return self.process.file(fd).stat()

    @syscall
    def ftruncate(self, fd: int, size: int) -> None:
        """ftruncate(2).  Errors: EBADF, EINVAL, EFBIG."""
        file = self.process.file(fd)
        if not file.writable:
            raise fault(e.EINVAL, f"descriptor {fd} is not open for writing")
        file.truncate(size)

    @syscall
    def fsync(self, fd: int) -> None:
        """fsync(2).  Errors: EBADF, EINVAL - nothing to sync, EIO."""
        self.process.file(fd).sync()

    @syscall
    def fdatasync(self, fd: int) -> None:
        """fdatasync(2): all of fsync.  Errors: as fsync; EBADF - not open for writing."""
        self._writable(fd).sync()

    @syscall
    def fsync_range(self, fd: int, how: int, start: int, length: int) -> None:
        """fsync_range(2) with FDATASYNC or FFILESYNC, and FDISKSYNC; `length` 0: to the end.  All of the file's volume
        is synced, whatever the range.  Errors: as fdatasync; EINVAL - `how`, or no such range."""
        file = self._writable(fd)
        if how & ~abi.FDISKSYNC not in (abi.FDATASYNC, abi.FFILESYNC) or start < 0 or length < 0:
            raise fault(e.EINVAL, f"how {how:#x}, range {start}+{length}")
        file.sync()

    @syscall
    def posix_fallocate(self, fd: int, offset: int, length: int) -> None:
        """posix_fallocate(2): space for a range is set aside, what is new reads as zeros; the file grows to its end.

        Errors: EBADF, EINVAL - no such range; ENODEV, ESPIPE; EPERM, EFBIG, ENOSPC, EOPNOTSUPP.
        """
        self._ranged(fd, offset, length).allocate(offset, length)

    @syscall
    def fdiscard(self, fd: int, offset: int, length: int) -> None:
        """fdiscard(2): a range, cut at the file's end, reads as zeros and takes no space; of a block device, what is
        read there is unspecified.

        Errors: EBADF, EINVAL - no such range; EISDIR, ENODEV, ESPIPE; EPERM, EOPNOTSUPP, EROFS.
        """
        self._ranged(fd, offset, length).discard(offset, length)

    def _ranged(self, fd: int, offset: int, length: int) -> File:
        file = self._positioned(self._writable(fd), offset)
        if length <= 0:
            raise fault(e.EINVAL, f"length {length}")
        return file

    @syscall
    def dup(self, fd: int) -> int:
        """dup(2).  Errors: EBADF, EMFILE."""
        return self._dup(fd, 0, False)

    @syscall
    def dup2(self, fd: int, to: int) -> int:
        """dup2(2).  Errors: EBADF."""
        file = self.process.file(fd)
        if fd != to:
            file.references += 1
            try:
                self.process.replace(to, file)
            except BaseException:
                file.references -= 1
                raise
        return to

    @syscall
    def fcntl(self, fd: int, command: int, argument: int = 0) -> int:
        """fcntl(2): F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL.  Errors: EBADF, EINVAL, EMFILE."""
        file = self.process.file(fd)
        if command in (abi.F_DUPFD, abi.F_DUPFD_CLOEXEC):
            return self._dup(fd, argument, command == abi.F_DUPFD_CLOEXEC)
        if command == abi.F_GETFD:
            return abi.FD_CLOEXEC if self.process.is_close_on_exec(fd) else 0
        if command == abi.F_SETFD:
            self.process.set_close_on_exec(fd, bool(argument & abi.FD_CLOEXEC))
        elif command == abi.F_GETFL:
            return file.flags
        elif command == abi.F_SETFL:
            file.flags = (file.flags & ~SETTABLE_FLAGS) | (argument & SETTABLE_FLAGS)
        else:
            raise fault(e.EINVAL, f"fcntl {command}")
        return 0

    @syscall
    def pipe2(self, flags: int = 0) -> tuple[int, int]:
        """pipe2(2) with O_NONBLOCK and O_CLOEXEC: (read end, write end).  Errors: EINVAL, EMFILE."""
        if flags & ~(abi.O_NONBLOCK | abi.O_CLOEXEC):
            raise fault(e.EINVAL, f"flags {flags:#x}")
        kernel = self.kernel
        pipe = Pipe(kernel.cpu, kernel.wakeups, kernel.now())
        status, on_exec = flags & abi.O_NONBLOCK, bool(flags & abi.O_CLOEXEC)
        reading = self.process.install(PipeEnd(pipe, abi.O_RDONLY | status), close_on_exec=on_exec)
        try:
            return reading, self.process.install(PipeEnd(pipe, abi.O_WRONLY | status), close_on_exec=on_exec)
        except BaseException:
            self.process.close(reading)
            raise

    @syscall
    def poll(self, wanted: tuple[tuple[int, int], ...], timeout: int | None = None) -> tuple[tuple[int, int], ...]:
        """poll(2): (descriptor, events) pairs; those with something to tell as (descriptor, events found).

        `timeout` in nanoseconds, None for ever, 0 not at all.  A descriptor that is not open yields POLLNVAL.
        Errors: EDEADLK - for ever, where nobody else could change anything.
        """
        kernel = self.kernel
        deadline = None if timeout is None else kernel.monotonic() + timeout
        while True:
            found = tuple((fd, events) for fd, events in self._poll_once(wanted) if events)
            if found or (deadline is not None and kernel.monotonic() >= deadline):
                return found
            if self.process.interrupted:
                raise fault(e.EINTR)
            kernel.wakeups.wait(deadline)

    def _poll_once(self, wanted: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
        result = []
        for fd, events in wanted:
            if fd < 0:
                continue
            try:
                result.append((fd, self.process.file(fd).poll(events)))
            except OSError:
                result.append((fd, abi.POLLNVAL))
        return result

    def _dup(self, fd: int, lowest: int, close_on_exec: bool) -> int:
        file = self.process.file(fd)
        new = self.process.install(file, lowest, close_on_exec)
        file.references += 1
        return new

    def _readable(self, fd: int) -> File:
        file = self.process.file(fd)
        if not file.readable:
            raise fault(e.EBADF, f"descriptor {fd} is not open for reading")
        return file

    def _writable(self, fd: int) -> File:
        file = self.process.file(fd)
        if not file.writable:
            raise fault(e.EBADF, f"descriptor {fd} is not open for writing")
        return file

    def _positioned(self, file: File, offset: int) -> File:
        if not file.seekable:
            raise fault(e.ESPIPE)
        if offset < 0:
            raise fault(e.EINVAL, f"offset {offset}")
        return file

    def _read(self, file: File, length: int, offset: int) -> bytes:
        """Allocates no more than the file can fill."""
        if file.seekable:
            length = max(0, min(length, file.size() - offset))
        else:
            length = min(length, STREAM_MAX)
        buffer = bytearray(length)
        count = self._fill(file, memoryview(buffer), offset) if length or not file.seekable else self._touch(file)
        return bytes(buffer) if count == length else bytes(buffer[:count])

    def _fill(self, file: File, buffer: memoryview, offset: int) -> int:
        """Read into a buffer, waiting for others if need be."""
        while True:
            try:
                return file.readinto(buffer, offset)
            except BlockingIOError:
                if not file.waits or file.flags & abi.O_NONBLOCK:
                    raise
            file.sleep(self)

    def _write_patiently(self, file: File, data: Buffer) -> int:
        """Write all, waiting for room; with O_NONBLOCK what there is room for."""
        left, done = memoryview(data).cast("B"), 0
        while True:
            try:
                count = file.write(left, 0)
                left, done = left[count:], done + count
                if not left:
                    return done
                if not file.flags & abi.O_NONBLOCK:
                    continue
            except BlockingIOError:
                if not file.flags & abi.O_NONBLOCK:
                    file.sleep(self)
                    continue
                if not done:
                    raise
            return done

    def _touch(self, file: File) -> int:
        """Nothing to read; a directory still says so."""
        return file.readinto(memoryview(b""), 0)


def _length(length: int) -> int:
    if not 0 <= length <= READ_MAX:
        raise fault(e.EINVAL, f"length {length}")
    return length
