# SPDX-License-Identifier: BSD-2-Clause
"""System calls as the original's protocol has them, for a server that speaks no other."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.sysproxy import structures as s
from rump.kernel.sysproxy.sysent import NUMBERS, SYSENT
from rump.rumpuser.interface import errno as e
from rump.servers.client.guest import Guest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rump.kernel.stat import Stat, Statvfs
    from rump.servers.client.link import Link

SIMPLE = (
    "close", "link", "unlink", "chdir", "fchdir", "chmod", "chown", "setuid", "geteuid", "access", "chflags",
    "fchflags", "sync", "getppid", "dup", "getegid", "symlink", "umask", "chroot", "dup2", "fsync", "fchown", "fchmod",
    "rename", "setgid", "setegid", "seteuid", "lseek", "truncate", "ftruncate", "fdatasync", "lchmod", "lchown",
    "lchflags", "fsync_range", "renameat", "symlinkat", "fdiscard", "rmdir", "getpid", "getuid", "getgid",
)  # fmt: skip
"""Calls that take just what the lwp's method takes."""
WITH_VALUE = (
    "geteuid", "getppid", "dup", "getegid", "umask", "dup2", "lseek", "getpid", "getuid", "getgid",
)  # fmt: skip
DEFAULTS: dict[str, tuple[int | bytes, ...]] = {
    "open": (0o666,), "openat": (0o666,), "mkdir": (0o777,), "mkdirat": (0o777,), "mkfifo": (0o666,),
    "mkfifoat": (0o666,), "unmount": (0,), "fcntl": (0,), "fchmodat": (0,), "fchownat": (0,), "faccessat": (0,),
    "linkat": (0,), "unlinkat": (0,), "__mknod50": (0,), "mknodat": (0,),
}  # fmt: skip
"""What the last arguments are when they are not given."""
FILLED = {
    **{name: name for name in (
        "open", "openat", "mkdir", "mkdirat", "mkfifo", "mkfifoat", "unmount", "fcntl", "fchmodat", "fchownat",
        "faccessat", "linkat", "unlinkat", "mknodat",
    )},
    "mknod": "__mknod50",
}  # fmt: skip
FILLED_WITH_VALUE = ("open", "openat", "fcntl")
DIRENTS = 1 << 16       # bytes of room for a listing
XATTR_MAX = 1 << 16
MOUNTS_MAX = 256


def make(link: Link, name: str, arguments: tuple[Any, ...]) -> object:
    """Make a system call.  Errors: its own; ENOSYS - the original has none like it; ConnectionLost."""
    guest = Guest(link)
    try:
        if name in FILLED:
            return _filled(guest, name, arguments)
        if name in SIMPLE:
            value, _ = guest.call(name, *arguments)
            return value if name in WITH_VALUE else None
        special = SPECIAL.get(name)
        if special is None:
            raise fault(e.ENOSYS, f"{name} of a genuine server")
        return special(guest, *arguments)
    except OSError as error:
        path = next((argument for argument in arguments if isinstance(argument, bytes)), None)
        if error.filename is None and path is not None and name not in ("write", "pwrite"):
            error.filename = path
        raise


def _filled(guest: Guest, name: str, arguments: tuple[Any, ...]) -> int | None:
    call = FILLED[name]
    defaults = DEFAULTS[call]
    missing = len(SYSENT[NUMBERS[call]][1].replace("_", "")) - len(arguments)
    value, _ = guest.call(call, *arguments, *defaults[len(defaults) - missing :] if missing else ())
    return value if name in FILLED_WITH_VALUE else None


# ---- data ------------------------------------------------------------------------------------------------------------


def _read(guest: Guest, fd: int, length: int) -> bytes:
    room = guest.place(length)
    return guest.data(room, guest.call("read", fd, room, length)[0])


def _pread(guest: Guest, fd: int, length: int, offset: int) -> bytes:
    room = guest.place(length)
    return guest.data(room, guest.call("pread", fd, room, length, offset)[0])


def _write(guest: Guest, fd: int, data: bytes) -> int:
    return guest.call("write", fd, guest.place(data), len(data))[0]


def _pwrite(guest: Guest, fd: int, data: bytes, offset: int) -> int:
    return guest.call("pwrite", fd, guest.place(data), len(data), offset)[0]


def _pipe2(guest: Guest, flags: int = 0) -> tuple[int, int]:
    room = guest.place(8)
    guest.call("pipe2", room, flags)
    data = guest.data(room, 8)
    return s.INT.unpack(data[:4])[0], s.INT.unpack(data[4:])[0]


def _poll(
    guest: Guest, wanted: tuple[tuple[int, int], ...], timeout: int | None = None
) -> tuple[tuple[int, int], ...]:
    rows = b"".join(s.POLLFD.pack(fd, events, 0) for fd, events in wanted)
    room = guest.place(rows)
    guest.call("poll", room, len(wanted), -1 if timeout is None else -(-timeout // 10**6))
    return tuple((fd, told) for fd, _, told in s.POLLFD.iter_unpack(guest.data(room, len(rows))) if told)


def _getdents(guest: Guest, fd: int, count: int = 8192) -> tuple[tuple[bytes, int, int], ...]:
    room = guest.place(DIRENTS)
    return s.decode_dirents(guest.data(room, guest.call("__getdents30", fd, room, DIRENTS)[0]))


# ---- attributes ------------------------------------------------------------------------------------------------------


def _stat(call: str) -> Callable[..., Stat]:
    def make(guest: Guest, file: bytes | int) -> Stat:
        room = guest.place(s.STAT.size)
        guest.call(call, file, room)
        return s.decode_stat(guest.data(room, s.STAT.size))

    return make


def _fstatat(guest: Guest, dirfd: int, path: bytes, flag: int = 0) -> Stat:
    room = guest.place(s.STAT.size)
    guest.call("fstatat", dirfd, path, room, flag)
    return s.decode_stat(guest.data(room, s.STAT.size))


def _statvfs(call: str) -> Callable[..., Statvfs]:
    def make(guest: Guest, file: bytes | int, flags: int = abi.ST_WAIT) -> Statvfs:
        room = guest.place(s.STATVFS.size)
        guest.call(call, file, room, flags)
        return s.decode_statvfs(guest.data(room, s.STATVFS.size))

    return make


def _getvfsstat(guest: Guest, flags: int = abi.ST_WAIT) -> tuple[Statvfs, ...]:
    size = s.STATVFS.size
    room = guest.place(MOUNTS_MAX * size)
    count = guest.call("getvfsstat", room, MOUNTS_MAX * size, flags)[0]
    return tuple(s.decode_statvfs(guest.data(room + at * size, size)) for at in range(count))


def _utimensat(
    guest: Guest, dirfd: int, path: bytes, atime: int | str | None, mtime: int | str | None, flag: int = 0
) -> None:
    guest.call("utimensat", dirfd, path, _times(guest, atime, mtime), flag)


def _utimens(guest: Guest, path: bytes, atime: int | str | None, mtime: int | str | None) -> None:
    _utimensat(guest, abi.AT_FDCWD, path, atime, mtime)


def _lutimens(guest: Guest, path: bytes, atime: int | str | None, mtime: int | str | None) -> None:
    _utimensat(guest, abi.AT_FDCWD, path, atime, mtime, abi.AT_SYMLINK_NOFOLLOW)


def _futimens(guest: Guest, fd: int, atime: int | str | None, mtime: int | str | None) -> None:
    guest.call("futimens", fd, _times(guest, atime, mtime))


def _times(guest: Guest, *times: int | str | None) -> int:
    rows = []
    for time in times:
        if isinstance(time, int):
            rows.append(s.TIMESPEC.pack(*divmod(time, s.SECOND)))
        elif time in ("now", None):
            rows.append(s.TIMESPEC.pack(0, abi.UTIME_NOW if time == "now" else abi.UTIME_OMIT))
        else:
            raise fault(e.EINVAL, f"time {time!r}")
    return guest.place(b"".join(rows))


# ---- names, mounts, extended attributes, groups ----------------------------------------------------------------------


def _string(call: str) -> Callable[..., bytes]:
    def make(guest: Guest, *file: bytes | int) -> bytes:
        room = guest.place(abi.PATH_MAX)
        return guest.data(room, guest.call(call, *file, room, abi.PATH_MAX)[0])

    return make


def _getcwd(guest: Guest) -> bytes:
    return _string("__getcwd")(guest).partition(b"\0")[0]


def _mount(
    guest: Guest, fstype: str, path: bytes, flags: int = 0, device: bytes = b"", options: dict[str, str] | None = None
) -> None:
    """Of the arguments of a type, only the device that they begin with."""
    if options:
        raise fault(e.EOPNOTSUPP, "mount options of a genuine server")
    arguments = s.POINTER.pack(guest.place(device + b"\0") if device else 0).ljust(256, b"\0")
    guest.call("__mount50", guest.place(fstype.encode() + b"\0"), path, flags, guest.place(arguments), len(arguments))


def _getxattr(call: str) -> Callable[..., bytes]:
    def make(guest: Guest, file: bytes | int, name: bytes) -> bytes:
        room = guest.place(XATTR_MAX)
        return guest.data(room, guest.call(call, file, guest.place(name + b"\0"), room, XATTR_MAX)[0])

    return make


def _listxattr(call: str) -> Callable[..., tuple[bytes, ...]]:
    def make(guest: Guest, file: bytes | int) -> tuple[bytes, ...]:
        room = guest.place(XATTR_MAX)
        return tuple(guest.data(room, guest.call(call, file, room, XATTR_MAX)[0]).split(b"\0")[:-1])

    return make


def _setxattr(call: str) -> Callable[..., None]:
    def make(guest: Guest, file: bytes | int, name: bytes, value: bytes, flags: int = 0) -> None:
        guest.call(call, file, guest.place(name + b"\0"), guest.place(value), len(value), flags)

    return make


def _removexattr(call: str) -> Callable[..., None]:
    def make(guest: Guest, file: bytes | int, name: bytes) -> None:
        guest.call(call, file, guest.place(name + b"\0"))

    return make


def _posix_fallocate(guest: Guest, fd: int, offset: int, length: int) -> None:
    error = guest.call("posix_fallocate", fd, offset, length)[0]
    if error:
        raise fault(error)


def _getgroups(guest: Guest) -> tuple[int, ...]:
    room = guest.place(4 * 64)
    count = guest.call("getgroups", 64, room)[0]
    return tuple(gid for (gid,) in s.UINT.iter_unpack(guest.data(room, 4 * count)))


def _setgroups(guest: Guest, groups: tuple[int, ...]) -> None:
    guest.call("setgroups", len(groups), guest.place(b"".join(s.UINT.pack(gid) for gid in groups)))


SPECIAL: dict[str, Callable[..., object]] = {
    "read": _read, "pread": _pread, "write": _write, "pwrite": _pwrite, "pipe2": _pipe2, "poll": _poll,
    "getdents": _getdents, "stat": _stat("__stat50"), "lstat": _stat("__lstat50"), "fstat": _stat("__fstat50"),
    "fstatat": _fstatat, "statvfs": _statvfs("statvfs1"), "fstatvfs": _statvfs("fstatvfs1"), "getvfsstat": _getvfsstat,
    "utimens": _utimens, "lutimens": _lutimens, "futimens": _futimens, "utimensat": _utimensat,
    "readlink": _string("readlink"), "readlinkat": _string("readlinkat"), "getcwd": _getcwd, "mount": _mount,
    **{prefix + "getxattr": _getxattr(prefix + "getxattr") for prefix in ("", "l", "f")},
    **{prefix + "listxattr": _listxattr(prefix + "listxattr") for prefix in ("", "l", "f")},
    **{prefix + "setxattr": _setxattr(prefix + "setxattr") for prefix in ("", "l", "f")},
    **{prefix + "removexattr": _removexattr(prefix + "removexattr") for prefix in ("", "l", "f")},
    "posix_fallocate": _posix_fallocate, "getgroups": _getgroups, "setgroups": _setgroups,
}  # fmt: skip
