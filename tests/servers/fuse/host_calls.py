# SPDX-License-Identifier: BSD-2-Clause
"""A process of the host that looks like a lwp to the bodies of the conformance suite: its calls are Linux' own, made
inside a mount, with NetBSD's flags, structures and errnos in front.

Each is a thread with a root, a working directory, a umask and credentials of its own (unshare(2), and the system calls
themselves, which act on one thread where the C library's act on all).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import queue
import stat
import threading
from collections.abc import Callable
from typing import Any

from rump.conformance.scenario import NotHere
from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.stat import Stat, Statvfs
from rump.rumpuser.interface import errno as e

LIBC = ctypes.CDLL(None, use_errno=True)
SETUID, SETGID, SETGROUPS, STATX = 117, 119, 116, 332      # x86-64: setresuid, setresgid, setgroups, statx
CLONE_FS = 0x200
GETFLAGS, SETFLAGS = 0x80086601, 0x40086602
FLAGS = ((0x10, abi.SF_IMMUTABLE), (0x20, abi.SF_APPEND), (0x40, abi.UF_NODUMP))
OPEN = (
    (abi.O_NONBLOCK, os.O_NONBLOCK), (abi.O_APPEND, os.O_APPEND), (abi.O_SYNC, os.O_SYNC),
    (abi.O_NOFOLLOW, os.O_NOFOLLOW), (abi.O_CREAT, os.O_CREAT), (abi.O_TRUNC, os.O_TRUNC), (abi.O_EXCL, os.O_EXCL),
    (abi.O_DIRECTORY, os.O_DIRECTORY), (abi.O_CLOEXEC, os.O_CLOEXEC),
)  # fmt: skip
NUMBERS = {value: getattr(e, name) for value, name in errno.errorcode.items() if hasattr(e, name)} | {
    errno.ENODATA: e.ENOATTR, errno.EOPNOTSUPP: e.EOPNOTSUPP,
}  # fmt: skip


def checked(result: int) -> int:
    """The result of a function of the C library.  Errors: OSError."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Thread:
    """Carries calls out, one after the other, as a process of its own would."""

    def __init__(self, root: str, uid: int, gid: int, groups: tuple[int, ...]) -> None:
        self._calls: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.do(lambda: self._become(root, uid, gid, groups))

    def do(self, call: Callable[[], Any]) -> Any:
        """Make a call."""
        self._calls.put(call)
        result, error = self._results.get()
        if error is not None:
            raise error
        return result

    def end(self) -> None:
        """No more calls."""
        self._calls.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                self._results.put((call(), None))
            except BaseException as error:
                self._results.put((None, error))

    def _become(self, root: str, uid: int, gid: int, groups: tuple[int, ...]) -> None:
        checked(LIBC.unshare(CLONE_FS))
        os.chroot(root)
        os.chdir("/mnt")
        os.umask(0o022)
        if uid or gid or groups:
            checked(LIBC.syscall(SETGROUPS, len(groups), (ctypes.c_uint * len(groups))(*groups)))
            checked(LIBC.syscall(SETGID, gid, gid, gid))
            checked(LIBC.syscall(SETUID, uid, uid, uid))


class HostProcess:
    """Linux' system calls under the names, and with the arguments and results, of a lwp's.

    lwp     the lwp of the kernel for what has nothing to do with files
    first   the lowest number for a descriptor: process 1 has its console open
    """

    def __init__(self, lwp: Any, root: str, uid: int, gid: int, groups: tuple[int, ...], *, first: int) -> None:
        self.real = lwp
        self.root = root
        self.thread = Thread(root, uid, gid, groups)
        self._open: dict[int, int] = {}
        self._first = first
        self._listings: dict[int, list[tuple[bytes, int, int]]] = {}

    def __getattr__(self, name: str) -> Any:
        own = getattr(Calls, name, None)
        if own is None:
            if name in ("poll", "getpid", "getppid", "rump_capabilities"):
                return getattr(self.real, name)
            raise NotHere(f"host's {name}")

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return self.thread.do(lambda: own(self, *arguments, **named))
            except OSError as error:
                if type(error).__name__ == "Fault" or getattr(error, "detail", None) is not None:
                    raise
                raise fault(NUMBERS.get(error.errno or 0, e.EIO)) from error
            except ValueError as error:         # Python does not let NUL bytes through
                raise fault(e.EINVAL) from error

        return call

    def end(self) -> None:
        """Close everything."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        self.thread.end()

    def number(self, descriptor: int) -> int:
        """The lowest number that is free, for a descriptor of the host's."""
        number = next(n for n in range(self._first, 10_000) if n not in self._open)
        self._open[number] = descriptor
        return number

    def descriptor(self, number: int) -> int:
        """The host's descriptor.  Errors: EBADF."""
        if number == abi.AT_FDCWD:
            return -100
        if number not in self._open:
            raise OSError(errno.EBADF, "")
        return self._open[number]


def _stat(process: HostProcess, descriptor: int, path: bytes, follow: bool) -> Stat:
    buffer = (ctypes.c_uint64 * 32)()
    checked(LIBC.syscall(STATX, descriptor, path, 0x1000 if not path else 0 if follow else 0x100, 0xFFF, buffer))
    data = memoryview(buffer).cast("B")
    number = lambda at, size: int.from_bytes(data[at : at + size], "little")      # noqa: E731
    times = []
    for at in (64, 112, 96, 80):        # access, modification, change, birth
        times.append(int.from_bytes(data[at : at + 8], "little", signed=True) * 10**9 + number(at + 8, 4))
    mode = number(28, 2)
    device = abi.makedev(number(128, 4), number(132, 4))
    return Stat(
        number(140, 4), mode, number(32, 8), number(16, 4), number(20, 4), number(24, 4), device,
        times[0], times[1], times[2], times[3] if number(0, 4) & 0x800 else 0, number(40, 8), number(48, 8),
        number(4, 4), _flags(descriptor, path, mode), 0,
    )  # fmt: skip


def _flags(descriptor: int, path: bytes, mode: int) -> int:
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return 0
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK, dir_fd=descriptor) if path else os.dup(descriptor)
    except OSError:
        return 0
    try:
        theirs = int.from_bytes(fcntl.ioctl(fd, GETFLAGS, bytes(8)), "little")
    except OSError:
        return 0
    finally:
        os.close(fd)
    return sum(ours for flag, ours in FLAGS if theirs & flag)


def _statvfs(process: HostProcess, found: os.statvfs_result) -> Statvfs:
    """What Linux has no room for - type, names - as the kernel says it."""
    known = process.real.statvfs(b"/mnt")
    return known._replace(  # type: ignore[no-any-return]
        f_flag=abi.MNT_RDONLY if found.f_flag & os.ST_RDONLY else 0, f_bsize=found.f_bsize, f_frsize=found.f_frsize,
        f_blocks=found.f_blocks, f_bfree=found.f_bfree, f_bavail=found.f_bavail, f_files=found.f_files,
        f_ffree=found.f_ffree, f_namemax=found.f_namemax,
    )  # fmt: skip


def _times(atime: Any, mtime: Any) -> Any:
    pairs = [(0, abi.UTIME_OMIT) if t is None else (0, abi.UTIME_NOW) if t == "now" else divmod(t, 10**9)
             for t in (atime, mtime)]  # fmt: skip
    return (ctypes.c_long * 4)(*pairs[0], *pairs[1])


class Calls:
    """The calls.  Those with a path are made of their `at` forms below."""

    def openat(self: Any, dirfd: int, path: bytes, flags: int, mode: int = 0o666) -> int:
        if flags & abi.O_ACCMODE == abi.O_ACCMODE:
            raise OSError(errno.EINVAL, "")
        theirs = flags & abi.O_ACCMODE
        for ours, host in OPEN:
            theirs |= host if flags & ours else 0
        return int(self.number(os.open(path, theirs, mode, dir_fd=self.descriptor(dirfd))))

    def close(self: Any, fd: int) -> None:
        descriptor = self.descriptor(fd)
        del self._open[fd]
        self._listings.pop(fd, None)
        os.close(descriptor)

    def read(self: Any, fd: int, length: int) -> bytes:
        return os.read(self.descriptor(fd), length)

    def pread(self: Any, fd: int, length: int, offset: int) -> bytes:
        return os.pread(self.descriptor(fd), length, offset)

    def readinto(self: Any, fd: int, buffer: Any) -> int:
        return os.readv(self.descriptor(fd), [buffer])

    def preadinto(self: Any, fd: int, buffer: Any, offset: int) -> int:
        return os.preadv(self.descriptor(fd), [buffer], offset)

    def write(self: Any, fd: int, data: Any) -> int:
        return os.write(self.descriptor(fd), data)

    def pwrite(self: Any, fd: int, data: Any, offset: int) -> int:
        return os.pwrite(self.descriptor(fd), data, offset)

    def lseek(self: Any, fd: int, offset: int, whence: int) -> int:
        self._listings.pop(fd, None)
        return os.lseek(self.descriptor(fd), offset, whence)

    def fstat(self: Any, fd: int) -> Stat:
        return _stat(self, self.descriptor(fd), b"", True)

    def fstatat(self: Any, dirfd: int, path: bytes, flag: int = 0) -> Stat:
        if not path:
            raise OSError(errno.ENOENT, "")
        return _stat(self, self.descriptor(dirfd), path, not flag & abi.AT_SYMLINK_NOFOLLOW)

    def lstat(self: Any, path: bytes) -> Stat:
        return Calls.fstatat(self, abi.AT_FDCWD, path, abi.AT_SYMLINK_NOFOLLOW)

    def ftruncate(self: Any, fd: int, size: int) -> None:
        os.ftruncate(self.descriptor(fd), size)

    def truncate(self: Any, path: bytes, size: int) -> None:
        os.truncate(path, size)

    def fsync(self: Any, fd: int) -> None:
        os.fsync(self.descriptor(fd))

    def fdatasync(self: Any, fd: int) -> None:
        os.fdatasync(self.descriptor(fd))

    def sync(self: Any) -> None:
        os.sync()

    def posix_fallocate(self: Any, fd: int, offset: int, length: int) -> None:
        os.posix_fallocate(self.descriptor(fd), offset, length)

    def fdiscard(self: Any, fd: int, offset: int, length: int) -> None:
        checked(LIBC.fallocate(self.descriptor(fd), 3, ctypes.c_long(offset), ctypes.c_long(length)))

    def faccessat(self: Any, dirfd: int, path: bytes, mode: int, flag: int = 0) -> None:
        if not os.access(path, mode, dir_fd=self.descriptor(dirfd)):
            checked(LIBC.faccessat(self.descriptor(dirfd), path, mode, 0))

    def mkdirat(self: Any, dirfd: int, path: bytes, mode: int) -> None:
        os.mkdir(path, mode, dir_fd=self.descriptor(dirfd))

    def rmdir(self: Any, path: bytes) -> None:
        os.rmdir(path)

    def mkfifoat(self: Any, dirfd: int, path: bytes, mode: int) -> None:
        os.mkfifo(path, mode, dir_fd=self.descriptor(dirfd))

    def mknodat(self: Any, dirfd: int, path: bytes, mode: int, device: int = 0) -> None:
        number = os.makedev(abi.major(device), abi.minor(device))
        os.mknod(path, mode, number, dir_fd=self.descriptor(dirfd))

    def linkat(self: Any, fd1: int, path: bytes, fd2: int, new: bytes, flag: int = 0) -> None:
        checked(LIBC.linkat(self.descriptor(fd1), path, self.descriptor(fd2), new,
                            0x400 if flag & 0x400 else 0))  # fmt: skip

    def symlinkat(self: Any, target: bytes, dirfd: int, path: bytes) -> None:
        os.symlink(target, path, dir_fd=self.descriptor(dirfd))

    def readlinkat(self: Any, dirfd: int, path: bytes) -> bytes:
        return os.readlink(path, dir_fd=self.descriptor(dirfd))

    def unlinkat(self: Any, dirfd: int, path: bytes, flag: int = 0) -> None:
        checked(LIBC.unlinkat(self.descriptor(dirfd), path, 0x200 if flag & abi.AT_REMOVEDIR else 0))

    def renameat(self: Any, fd1: int, old: bytes, fd2: int, new: bytes) -> None:
        os.rename(old, new, src_dir_fd=self.descriptor(fd1), dst_dir_fd=self.descriptor(fd2))

    def fchmodat(self: Any, dirfd: int, path: bytes, mode: int, flag: int = 0) -> None:
        if flag:
            raise NotHere("host's lchmod")
        os.chmod(path, mode, dir_fd=self.descriptor(dirfd))

    def fchmod(self: Any, fd: int, mode: int) -> None:
        os.fchmod(self.descriptor(fd), mode)

    def fchownat(self: Any, dirfd: int, path: bytes, uid: int, gid: int, flag: int = 0) -> None:
        os.chown(path, uid, gid, dir_fd=self.descriptor(dirfd), follow_symlinks=not flag)

    def lchown(self: Any, path: bytes, uid: int, gid: int) -> None:
        os.lchown(path, uid, gid)

    def fchown(self: Any, fd: int, uid: int, gid: int) -> None:
        os.fchown(self.descriptor(fd), uid, gid)

    def fchflags(self: Any, fd: int, flags: int) -> None:
        theirs = sum(flag for flag, ours in FLAGS if flags & ours)
        if flags & ~sum(ours for _, ours in FLAGS):
            raise OSError(errno.EOPNOTSUPP, "")
        fcntl.ioctl(self.descriptor(fd), SETFLAGS, theirs.to_bytes(8, "little"))

    def chflags(self: Any, path: bytes, flags: int) -> None:
        fd = self.number(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        try:
            Calls.fchflags(self, fd, flags)
        finally:
            Calls.close(self, fd)

    def utimensat(self: Any, dirfd: int, path: bytes, atime: Any, mtime: Any, flag: int = 0) -> None:
        checked(LIBC.utimensat(self.descriptor(dirfd), path, _times(atime, mtime), 0x100 if flag else 0))

    def lutimens(self: Any, path: bytes, atime: Any, mtime: Any) -> None:
        checked(LIBC.utimensat(-100, path, _times(atime, mtime), 0x100))

    def futimens(self: Any, fd: int, atime: Any, mtime: Any) -> None:
        checked(LIBC.futimens(self.descriptor(fd), _times(atime, mtime)))

    def getdents(self: Any, fd: int, count: int = 8192) -> tuple[tuple[bytes, int, int], ...]:
        descriptor = self.descriptor(fd)
        if fd not in self._listings:
            own = os.fstat(descriptor)
            rows = [(b".", own.st_ino, abi.DT_DIR), (b"..", os.stat("..", dir_fd=descriptor).st_ino, abi.DT_DIR)]
            with os.scandir(descriptor) as found:
                for entry in found:
                    kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12
                    rows.append((os.fsencode(entry.name), entry.inode(), kind))
            self._listings[fd] = rows
        rows = self._listings[fd]
        if rows and rows[0][0] == b".":
            count += 2
        taken = tuple(rows[:count])
        del rows[:count]
        return taken

    def chdir(self: Any, path: bytes) -> None:
        os.chdir(path)

    def fchdir(self: Any, fd: int) -> None:
        os.fchdir(self.descriptor(fd))

    def getcwd(self: Any) -> bytes:
        return os.getcwdb()

    def umask(self: Any, mode: int) -> int:
        return os.umask(mode)

    def dup(self: Any, fd: int) -> int:
        return int(self.number(os.dup(self.descriptor(fd))))

    def statvfs(self: Any, path: bytes) -> Statvfs:
        return _statvfs(self, os.statvfs(path))

    def fstatvfs(self: Any, fd: int) -> Statvfs:
        return _statvfs(self, os.fstatvfs(self.descriptor(fd)))

    def setxattr(self: Any, path: bytes, name: bytes, value: bytes, flags: int = 0) -> None:
        os.setxattr(path, name, value, flags)

    def lsetxattr(self: Any, path: bytes, name: bytes, value: bytes, flags: int = 0) -> None:
        os.setxattr(path, name, value, flags, follow_symlinks=False)

    def fsetxattr(self: Any, fd: int, name: bytes, value: bytes, flags: int = 0) -> None:
        os.setxattr(self.descriptor(fd), name, value, flags)

    def getxattr(self: Any, path: bytes, name: bytes) -> bytes:
        return os.getxattr(path, name)

    def lgetxattr(self: Any, path: bytes, name: bytes) -> bytes:
        return os.getxattr(path, name, follow_symlinks=False)

    def fgetxattr(self: Any, fd: int, name: bytes) -> bytes:
        return os.getxattr(self.descriptor(fd), name)

    def listxattr(self: Any, path: bytes) -> tuple[bytes, ...]:
        return tuple(map(os.fsencode, os.listxattr(path)))

    def llistxattr(self: Any, path: bytes) -> tuple[bytes, ...]:
        return tuple(map(os.fsencode, os.listxattr(path, follow_symlinks=False)))

    def flistxattr(self: Any, fd: int) -> tuple[bytes, ...]:
        return tuple(map(os.fsencode, os.listxattr(self.descriptor(fd))))

    def removexattr(self: Any, path: bytes, name: bytes) -> None:
        os.removexattr(path, name)

    def lremovexattr(self: Any, path: bytes, name: bytes) -> None:
        os.removexattr(path, name, follow_symlinks=False)

    def fremovexattr(self: Any, fd: int, name: bytes) -> None:
        os.removexattr(self.descriptor(fd), name)


def _plain(name: str) -> Callable[..., Any]:
    """A call in the current directory, of its `at` form."""
    at = getattr(Calls, name + "at")

    def call(self: Any, path: bytes, *arguments: Any, **named: Any) -> Any:
        return at(self, abi.AT_FDCWD, path, *arguments, **named)

    return call


for _name in ("open", "mkdir", "mkfifo", "mknod", "readlink", "unlink"):
    setattr(Calls, _name, _plain(_name))
for _name, _at in (("stat", "fstatat"), ("access", "faccessat"), ("chmod", "fchmodat"), ("chown", "fchownat"),
                   ("utimens", "utimensat")):  # fmt: skip
    setattr(Calls, _name, lambda self, path, *rest, _at=_at: getattr(Calls, _at)(self, abi.AT_FDCWD, path, *rest))
Calls.link = (  # type: ignore[attr-defined]
    lambda self, old, new: Calls.linkat(self, abi.AT_FDCWD, old, abi.AT_FDCWD, new, 0x400)
)
Calls.symlink = (  # type: ignore[attr-defined]
    lambda self, target, path: Calls.symlinkat(self, target, abi.AT_FDCWD, path)
)
Calls.rename = (  # type: ignore[attr-defined]
    lambda self, old, new: Calls.renameat(self, abi.AT_FDCWD, old, abi.AT_FDCWD, new)
)
