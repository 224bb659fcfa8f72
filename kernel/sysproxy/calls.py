# SPDX-License-Identifier: BSD-2-Clause
"""System calls that are more than a call of an lwp's method: data goes from and to the caller's memory.

Each is a function of a `Call` and the arguments of its row in `sysent`, and returns what the caller gets: None, a
number, or two (bytes are the answer of a batch).  Data is copied before the kernel is entered and after it is left, so
a client that does not answer holds up nobody else.

A read or write of a file up to TRANSFER is one call of the lwp's, whatever the number of frames that its data takes:
others see all of it or nothing, and a full file system takes as much of it as it would of a program beside the kernel.
"""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.sysproxy import structures as s
from rump.kernel.sysproxy.memory import PIECE, STREAM
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Protocol, TypeAlias

    from rump.kernel.lwps import Lwp
    from rump.kernel.stat import Stat, Statvfs
    from rump.kernel.sysproxy.memory import Memory

    Values: TypeAlias = int | tuple[int, int] | bytes | None

    class Call(Protocol):
        """A system call under way.

        lwp     who makes it
        memory  of who makes it
        """

        lwp: Lwp
        memory: Memory

        def patiently(self, body: Callable[[], Values], held: int = 0) -> Values:
            """Carry out what may wait for others than a device, without holding up the client's other calls; it takes
            up to `held` bytes of memory meanwhile."""

        def take_room(self, wanted: int) -> int:
            """How many bytes may go at once: `wanted`, or fewer if the memory for so many is not to be had."""

        def give_room(self, taken: int) -> None:
            """The bytes that `take_room` gave are not used any more."""

        def reboot(self) -> None:
            """Halt the kernel when the call is over."""


IOV_MAX = 1024      # sys/syslimits.h
POLL_MAX = 4096
SYMLINK_MAX = 4096
XATTR_MAX = 65536
XATTR_NAME_MAX = 255


# ---- data -----------------------------------------------------------------------------------------------------------


def _is_stream(call: Call, fd: int) -> bool:
    """Whether reading and writing may wait for others.  Errors: EBADF."""
    return not call.lwp.process.file(fd).seekable


def read(call: Call, fd: int, address: int, length: int) -> Values:
    return _scatter(call, fd, ((address, length),), None)


def pread(call: Call, fd: int, address: int, length: int, offset: int) -> Values:
    return _scatter(call, fd, ((address, length),), offset)


def readv(call: Call, fd: int, address: int, count: int) -> Values:
    return _scatter(call, fd, _vector(call, address, count), None)


def preadv(call: Call, fd: int, address: int, count: int, offset: int) -> Values:
    return _scatter(call, fd, _vector(call, address, count), offset)


def _vector(call: Call, address: int, count: int) -> tuple[tuple[int, int], ...]:
    """The struct iovecs at an address."""
    if not 0 < count <= IOV_MAX:
        raise fault(e.EINVAL, f"{count} pieces")
    return tuple(s.IOVEC.iter_unpack(call.memory.copyin(address, count * s.IOVEC.size)))


def _check_length(vector: tuple[tuple[int, int], ...]) -> None:
    if sum(length for _, length in vector) >= 1 << 63:
        raise fault(e.EINVAL, "a length that is none")


def _scatter(call: Call, fd: int, vector: tuple[tuple[int, int], ...], offset: int | None) -> Values:
    """Read into the pieces of a vector; of a stream, what one read gives."""
    total = _total(vector)
    if offset is None and _is_stream(call, fd):
        return call.patiently(lambda: _read_all(call, fd, vector, min(total, STREAM), STREAM, None), STREAM)
    room = call.take_room(total)
    try:
        return _read_all(call, fd, vector, total, room, offset)
    finally:
        call.give_room(room)


def _total(vector: tuple[tuple[int, int], ...]) -> int:
    """The length of all pieces.  Errors: EINVAL."""
    total = sum(length for _, length in vector)
    if total >= 1 << 63:
        raise fault(e.EINVAL, "a length that is none")
    return total


def _read_all(
    call: Call, fd: int, vector: tuple[tuple[int, int], ...], total: int, room: int, offset: int | None
) -> int:
    """Read `total` bytes, `room` at a time, until there are no more."""
    lwp, done = call.lwp, 0
    while True:
        buffer = bytearray(min(total - done, room))
        try:
            count = lwp.readinto(fd, buffer) if offset is None else lwp.preadinto(fd, buffer, offset + done)
        except OSError:
            if done:
                return done
            raise
        _spread(call, memoryview(buffer)[:count], vector, done)
        done += count
        if count < len(buffer) or done >= total:
            return done


def _spread(call: Call, data: memoryview, vector: tuple[tuple[int, int], ...], skipped: int) -> None:
    """Copy out to where a vector's bytes from `skipped` on are."""
    for address, length in vector:
        if skipped < length and data:
            piece = data[: length - skipped]
            call.memory.copyout(piece, address + skipped)
            data = data[len(piece) :]
        skipped = max(0, skipped - length)


def write(call: Call, fd: int, address: int, length: int) -> Values:
    return _gather(call, fd, ((address, length),), None)


def pwrite(call: Call, fd: int, address: int, length: int, offset: int) -> Values:
    return _gather(call, fd, ((address, length),), offset)


def writev(call: Call, fd: int, address: int, count: int) -> Values:
    return _gather(call, fd, _vector(call, address, count), None)


def pwritev(call: Call, fd: int, address: int, count: int, offset: int) -> Values:
    return _gather(call, fd, _vector(call, address, count), offset)


def _gather(call: Call, fd: int, vector: tuple[tuple[int, int], ...], offset: int | None) -> Values:
    total = _total(vector)
    if offset is None and _is_stream(call, fd):
        return call.patiently(lambda: _write_all(call, fd, vector, STREAM, None), 2 * STREAM)
    room = call.take_room(total)
    try:
        return _write_all(call, fd, vector, room, offset)
    finally:
        call.give_room(room)


def _write_all(call: Call, fd: int, vector: tuple[tuple[int, int], ...], room: int, offset: int | None) -> int:
    """Write the pieces of a vector, joined up to `room` bytes, so that they stay together."""
    lwp, done = call.lwp, 0
    for data in _pieces(call, vector, room):
        try:
            count = lwp.write(fd, data) if offset is None else lwp.pwrite(fd, data, offset + done)
        except OSError:
            if done:
                return done
            raise
        done += count
        if count < len(data):
            break
    return done


def _pieces(call: Call, vector: tuple[tuple[int, int], ...], room: int) -> Iterator[bytearray]:
    """The bytes of a vector, joined up to `room` of them; one empty piece if there are none."""
    held = bytearray()
    for address, length in vector:
        at = 0
        while at < length:
            piece = call.memory.copyin(address + at, min(length - at, room - len(held), PIECE))
            held += piece
            at += len(piece)
            if len(held) == room:
                yield held
                held = bytearray()
    if held or not any(length for _, length in vector):
        yield held


def poll(call: Call, address: int, count: int, timeout: int) -> Values:
    if not 0 <= count <= POLL_MAX:
        raise fault(e.EINVAL, f"{count} descriptors")
    rows = list(s.POLLFD.iter_unpack(call.memory.copyin(address, count * s.POLLFD.size)))
    wanted = tuple((fd, events) for fd, events, _ in rows)

    def wait() -> int:
        found = call.lwp.poll(wanted, None if timeout < 0 else timeout * 10**6)
        left = list(found)
        answer = []
        for fd, events in wanted:
            told = 0
            if left and left[0][0] == fd:
                told = left.pop(0)[1]
            answer.append(s.POLLFD.pack(fd, events, told))
        call.memory.copyout(b"".join(answer), address)
        return len(found)

    return call.patiently(wait, 256 * count)


def pipe(call: Call) -> Values:
    return call.lwp.pipe2(0)


def pipe2(call: Call, address: int, flags: int) -> Values:
    reading, writing = call.lwp.pipe2(flags)
    call.memory.copyout(s.INT.pack(reading) + s.INT.pack(writing), address)
    return 0


def fcntl(call: Call, fd: int, command: int, argument: int) -> Values:
    if command not in (abi.F_GETLK, abi.F_SETLK, abi.F_SETLKW):
        return call.lwp.fcntl(fd, command, argument & 0x7FFFFFFF)
    start, length, _, kind, whence = s.FLOCK.unpack(call.memory.copyin(argument, s.FLOCK.size))
    wanted = kind, whence, start, length

    def lock() -> int:
        kind, whence, start, length, pid = call.lwp.fcntl_lock(fd, command, wanted)
        if command == abi.F_GETLK:
            call.memory.copyout(s.FLOCK.pack(start, length, pid, kind, whence), argument)
        return 0

    return call.patiently(lock) if command == abi.F_SETLKW else lock()


def flock(call: Call, fd: int, operation: int) -> Values:
    if operation & abi.LOCK_NB:
        return call.lwp.flock(fd, operation)
    return call.patiently(lambda: call.lwp.flock(fd, operation))


def dup3(call: Call, fd: int, to: int, flags: int) -> Values:
    if flags & ~(abi.O_CLOEXEC | abi.O_NONBLOCK):
        raise fault(e.EINVAL, f"flags {flags:#x}")
    call.lwp.dup2(fd, to)
    if fd != to:
        call.lwp.fcntl(to, abi.F_SETFD, abi.FD_CLOEXEC if flags & abi.O_CLOEXEC else 0)
    return to


def ioctl(call: Call, fd: int, command: int, address: int) -> Values:
    """Those of sys/filio.h, and DIOCGMEDIASIZE of sys/dkio.h.  Errors: ENOTTY."""
    lwp = call.lwp
    command &= 0xFFFFFFFF
    if command in (0x20006601, 0x20006602):         # FIOCLEX, FIONCLEX
        return lwp.fcntl(fd, abi.F_SETFD, abi.FD_CLOEXEC if command == 0x20006601 else 0)
    if command == 0x8004667E:                       # FIONBIO
        on = s.INT.unpack(call.memory.copyin(address, s.INT.size))[0]
        flags = lwp.fcntl(fd, abi.F_GETFL)
        return lwp.fcntl(fd, abi.F_SETFL, flags | abi.O_NONBLOCK if on else flags & ~abi.O_NONBLOCK)
    if command == 0x40086484 and lwp.fstat(fd).st_mode & abi.S_IFMT == abi.S_IFBLK:
        call.memory.copyout(s.OFFSET.pack(lwp.process.file(fd).size()), address)
        return 0
    lwp.fcntl(fd, abi.F_GETFD)
    raise fault(e.ENOTTY, f"ioctl {command:#x}")


# ---- files ----------------------------------------------------------------------------------------------------------


def open(call: Call, path: bytes, flags: int, mode: int) -> Values:
    return openat(call, abi.AT_FDCWD, path, flags, mode)


def openat(call: Call, dirfd: int, path: bytes, flags: int, mode: int) -> Values:
    lwp = call.lwp
    try:
        waits = lwp.fstatat(dirfd, path).st_mode & abi.S_IFMT == abi.S_IFIFO
    except OSError:
        waits = False
    if waits:
        return call.patiently(lambda: call.lwp.openat(dirfd, path, flags, mode))
    return lwp.openat(dirfd, path, flags, mode)


def stat(call: Call, path: bytes, address: int) -> Values:
    return _told(call, call.lwp.stat(path), address)


def lstat(call: Call, path: bytes, address: int) -> Values:
    return _told(call, call.lwp.lstat(path), address)


def fstat(call: Call, fd: int, address: int) -> Values:
    return _told(call, call.lwp.fstat(fd), address)


def fstatat(call: Call, dirfd: int, path: bytes, address: int, flag: int) -> Values:
    return _told(call, call.lwp.fstatat(dirfd, path, flag), address)


def _told(call: Call, found: Stat, address: int) -> int:
    call.memory.copyout(s.encode_stat(found), address)
    return 0


def statvfs(call: Call, path: bytes, address: int, flags: int) -> Values:
    return _told_volume(call, call.lwp.statvfs(path, flags), address)


def fstatvfs(call: Call, fd: int, address: int, flags: int) -> Values:
    return _told_volume(call, call.lwp.fstatvfs(fd, flags), address)


def _told_volume(call: Call, found: Statvfs, address: int) -> int:
    call.memory.copyout(s.encode_statvfs(found), address)
    return 0


def getvfsstat(call: Call, address: int, size: int, flags: int) -> Values:
    """How many mounts there are; as many as there is room for are told of."""
    found = call.lwp.getvfsstat(flags if address else abi.ST_NOWAIT)
    if not address:
        return len(found)
    found = found[: size // s.STATVFS.size]
    call.memory.copyout(b"".join(s.encode_statvfs(mount) for mount in found), address)
    return len(found)


def getdents(call: Call, fd: int, address: int, size: int) -> Values:
    """What fits is given; a listing that got more goes back and asks for less."""
    lwp, size = call.lwp, min(size, PIECE)
    count = max(1, size // 40)
    while True:
        file = lwp.process.file(fd)
        place = getattr(file, "dots", 0), getattr(file, "cookie", 0), file.offset
        data = b"".join(s.encode_dirent(*entry) for entry in lwp.getdents(fd, count))
        if len(data) <= size:
            call.memory.copyout(data, address)
            return len(data)
        file.dots, file.cookie, file.offset = place  # type: ignore[attr-defined]
        if count == 1:
            raise fault(e.EINVAL, f"no room for an entry in {size} bytes")
        count = max(1, count // 4)


def readlink(call: Call, path: bytes, address: int, size: int) -> Values:
    return _some(call, call.lwp.readlink(path), address, size)


def readlinkat(call: Call, dirfd: int, path: bytes, address: int, size: int) -> Values:
    return _some(call, call.lwp.readlinkat(dirfd, path), address, size)


def _some(call: Call, data: bytes, address: int, size: int) -> int:
    data = data[:size]
    call.memory.copyout(data, address)
    return len(data)


def getcwd(call: Call, address: int, size: int) -> Values:
    path = call.lwp.getcwd() + b"\0"
    if len(path) > size:
        raise fault(e.ERANGE)
    return _some(call, path, address, size)
