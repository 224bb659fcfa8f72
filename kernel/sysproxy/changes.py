# SPDX-License-Identifier: BSD-2-Clause
"""More of `calls`: times, extended attributes, mounts, identity, the end."""

from __future__ import annotations

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.sysproxy import structures as s
from rump.kernel.sysproxy.calls import XATTR_MAX, XATTR_NAME_MAX
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rump.kernel.sysproxy.calls import Call, Values
    from rump.kernel.vfs.syscalls.attributes import Time

WITHOUT_DEVICE = ("tmpfs", "rumpfs")
"""Types of file systems whose mount arguments do not begin with a pointer to a device's name."""
MNT_GETARGS = 0x00400000        # sys/fstypes.h
TYPE_MAX = 32                   # bytes of a type's name
GROUPS_MAX = 64

# ---- times ----------------------------------------------------------------------------------------------------------


def _times(call: Call, address: int) -> tuple[Time, Time]:
    """Two struct timespecs, with UTIME_NOW and UTIME_OMIT; none: both are now."""
    if not address:
        return "now", "now"
    rows = s.TIMESPEC.iter_unpack(call.memory.copyin(address, 2 * s.TIMESPEC.size))
    first, second = (_time(seconds, nanoseconds) for seconds, nanoseconds in rows)
    return first, second


def _time(seconds: int, nanoseconds: int) -> Time:
    if nanoseconds == abi.UTIME_NOW:
        return "now"
    if nanoseconds == abi.UTIME_OMIT:
        return None
    if not 0 <= nanoseconds < s.SECOND:
        raise fault(e.EINVAL, f"{nanoseconds} nanoseconds")
    return seconds * s.SECOND + nanoseconds


def _timevals(call: Call, address: int) -> tuple[Time, Time]:
    """Two struct timevals; none: both are now."""
    if not address:
        return "now", "now"
    rows = s.TIMEVAL.iter_unpack(call.memory.copyin(address, 2 * s.TIMEVAL.size))
    first, second = (_time(seconds, microseconds * 1000) for seconds, microseconds in rows)
    return first, second


def utimes(call: Call, path: bytes, address: int) -> Values:
    return call.lwp.utimens(path, *_timevals(call, address))


def lutimes(call: Call, path: bytes, address: int) -> Values:
    return call.lwp.lutimens(path, *_timevals(call, address))


def futimes(call: Call, fd: int, address: int) -> Values:
    return call.lwp.futimens(fd, *_timevals(call, address))


def futimens(call: Call, fd: int, address: int) -> Values:
    return call.lwp.futimens(fd, *_times(call, address))


def utimensat(call: Call, dirfd: int, path: bytes, address: int, flag: int) -> Values:
    return call.lwp.utimensat(dirfd, path, *_times(call, address), flag)


# ---- extended attributes --------------------------------------------------------------------------------------------


def getter(name: str) -> Callable[..., Values]:
    """getxattr, lgetxattr or fgetxattr: the value's length; without room only that."""

    def get(call: Call, file: bytes | int, attribute: int, address: int, size: int) -> Values:
        value: bytes = getattr(call.lwp, name)(file, call.memory.copyinstr(attribute, XATTR_NAME_MAX + 1))
        return _given(call, value, address, size)

    return get


def lister(name: str) -> Callable[..., Values]:
    """listxattr and its kin: the names with a NUL behind each."""

    def listing(call: Call, file: bytes | int, address: int, size: int) -> Values:
        names: tuple[bytes, ...] = getattr(call.lwp, name)(file)
        return _given(call, b"".join(found + b"\0" for found in names), address, size)

    return listing


def _given(call: Call, data: bytes, address: int, size: int) -> int:
    if address and size:
        if len(data) > size:
            raise fault(e.ERANGE)
        call.memory.copyout(data, address)
    return len(data)


def setter(name: str) -> Callable[..., Values]:
    """setxattr and its kin."""

    def put(call: Call, file: bytes | int, attribute: int, address: int, size: int, flags: int) -> Values:
        if size > XATTR_MAX:
            raise fault(e.E2BIG)
        value = call.memory.copyin(address, size)
        result: Values = getattr(call.lwp, name)(
            file, call.memory.copyinstr(attribute, XATTR_NAME_MAX + 1), value, flags
        )
        return result

    return put


def remover(name: str) -> Callable[..., Values]:
    """removexattr and its kin."""

    def remove(call: Call, file: bytes | int, attribute: int) -> Values:
        result: Values = getattr(call.lwp, name)(file, call.memory.copyinstr(attribute, XATTR_NAME_MAX + 1))
        return result

    return remove


# ---- mounts, identity, the end --------------------------------------------------------------------------------------


def mount(call: Call, kind: int, path: bytes, flags: int, address: int, size: int) -> Values:
    """Mount arguments begin with a pointer to the device's name (ufs_args and most others); the rest is left out."""
    fstype = call.memory.copyinstr(kind, TYPE_MAX).decode("ascii", "replace")
    if flags & (MNT_GETARGS | abi.MNT_UPDATE):
        raise fault(e.EOPNOTSUPP, f"mount flags {flags:#x}")
    device = b""
    if fstype not in WITHOUT_DEVICE:
        if size < s.POINTER.size:
            raise fault(e.EINVAL, "mount arguments without a device")
        name = s.POINTER.unpack(call.memory.copyin(address, s.POINTER.size))[0]
        device = call.memory.copyinstr(name, abi.PATH_MAX)
    return call.lwp.mount(fstype, path, flags, device)


def mknod(call: Call, path: bytes, mode: int, device: int) -> Values:
    return call.lwp.mknod(path, mode, device)


def mknodat(call: Call, dirfd: int, path: bytes, mode: int, device: int) -> Values:
    return call.lwp.mknodat(dirfd, path, mode, device)


def posix_fallocate(call: Call, fd: int, offset: int, length: int) -> Values:
    """Its error is its value, as POSIX has it."""
    try:
        call.lwp.posix_fallocate(fd, offset, length)
    except OSError as error:
        return error.errno
    return 0


def getpid(call: Call) -> Values:
    return call.lwp.getpid(), call.lwp.getppid()


def getuid(call: Call) -> Values:
    return call.lwp.getuid(), call.lwp.geteuid()


def getgid(call: Call) -> Values:
    return call.lwp.getgid(), call.lwp.getegid()


def getgroups(call: Call, count: int, address: int) -> Values:
    groups = call.lwp.getgroups()
    if count:
        if count < len(groups):
            raise fault(e.EINVAL)
        call.memory.copyout(b"".join(s.UINT.pack(gid) for gid in groups), address)
    return len(groups)


def setgroups(call: Call, count: int, address: int) -> Values:
    if not 0 <= count <= GROUPS_MAX:
        raise fault(e.EINVAL, f"{count} groups")
    data = call.memory.copyin(address, count * s.UINT.size)
    return call.lwp.setgroups(tuple(gid for (gid,) in s.UINT.iter_unpack(data)))


def reboot(call: Call, how: int, address: int) -> Values:
    if call.lwp.geteuid() != 0:
        raise fault(e.EPERM)
    call.reboot()
    return 0
