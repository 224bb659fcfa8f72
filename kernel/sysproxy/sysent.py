# SPDX-License-Identifier: BSD-2-Clause
"""The system calls by number, as NetBSD 7.99 has them (sys/kern/syscalls.master, sys/rump/rump.sysmap).

A row is number: (name, slots, function).  `slots` says what the argument slots of 8 bytes hold:

    i   an int          u   an unsigned int
    q   an off_t        Q   an address, a size or a device
    p   a path, by its address
    _   nothing: off_t arguments begin at an even slot

The function is called with a `calls.Call` and the arguments.
"""

from __future__ import annotations

from struct import Struct

from rump.kernel import abi
from rump.kernel.errors import fault
from rump.kernel.sysproxy import calls, changes
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from rump.kernel.sysproxy.calls import Call, Values

    Row: TypeAlias = tuple[str, str, Callable[..., Values]]

_CODES = {"i": "i4x", "u": "I4x", "q": "q", "Q": "Q", "p": "Q", "_": "8x"}


def _plain(method: str) -> Callable[..., Values]:
    """The call is just this method of the lwp's."""

    def make(call: Call, *arguments: object) -> Values:
        result: Values = getattr(call.lwp, method)(*arguments)
        return result

    return make


SYSENT: dict[int, Row] = {
    3: ("read", "iQQ", calls.read),
    4: ("write", "iQQ", calls.write),
    5: ("open", "piu", calls.open),
    6: ("close", "i", _plain("close")),
    9: ("link", "pp", _plain("link")),
    10: ("unlink", "p", _plain("unlink")),
    12: ("chdir", "p", _plain("chdir")),
    13: ("fchdir", "i", _plain("fchdir")),
    15: ("chmod", "pu", _plain("chmod")),
    16: ("chown", "puu", _plain("chown")),
    20: ("getpid", "", changes.getpid),
    22: ("unmount", "pi", _plain("unmount")),
    23: ("setuid", "u", _plain("setuid")),
    24: ("getuid", "", changes.getuid),
    25: ("geteuid", "", _plain("geteuid")),
    33: ("access", "pi", _plain("access")),
    34: ("chflags", "pu", _plain("chflags")),
    35: ("fchflags", "iu", _plain("fchflags")),
    36: ("sync", "", _plain("sync")),
    39: ("getppid", "", _plain("getppid")),
    41: ("dup", "i", _plain("dup")),
    42: ("pipe", "", calls.pipe),
    43: ("getegid", "", _plain("getegid")),
    47: ("getgid", "", changes.getgid),
    54: ("ioctl", "iQQ", calls.ioctl),
    57: ("symlink", "pp", _plain("symlink")),
    58: ("readlink", "pQQ", calls.readlink),
    60: ("umask", "i", _plain("umask")),
    61: ("chroot", "p", _plain("chroot")),
    79: ("getgroups", "iQ", changes.getgroups),
    80: ("setgroups", "iQ", changes.setgroups),
    90: ("dup2", "ii", _plain("dup2")),
    92: ("fcntl", "iiQ", calls.fcntl),
    95: ("fsync", "i", _plain("fsync")),
    120: ("readv", "iQi", calls.readv),
    121: ("writev", "iQi", calls.writev),
    123: ("fchown", "iuu", _plain("fchown")),
    124: ("fchmod", "iu", _plain("fchmod")),
    128: ("rename", "pp", _plain("rename")),
    131: ("flock", "ii", calls.flock),
    132: ("mkfifo", "pu", _plain("mkfifo")),
    136: ("mkdir", "pu", _plain("mkdir")),
    137: ("rmdir", "p", _plain("rmdir")),
    173: ("pread", "iQQ_q", calls.pread),
    174: ("pwrite", "iQQ_q", calls.pwrite),
    181: ("setgid", "u", _plain("setgid")),
    182: ("setegid", "u", _plain("setegid")),
    183: ("seteuid", "u", _plain("seteuid")),
    199: ("lseek", "i_qi", _plain("lseek")),
    200: ("truncate", "p_q", _plain("truncate")),
    201: ("ftruncate", "i_q", _plain("ftruncate")),
    208: ("reboot", "iQ", changes.reboot),
    209: ("poll", "Qii", calls.poll),
    241: ("fdatasync", "i", _plain("fdatasync")),
    270: ("__posix_rename", "pp", _plain("rename")),
    274: ("lchmod", "pu", _plain("lchmod")),
    275: ("lchown", "puu", _plain("lchown")),
    283: ("__posix_chown", "puu", _plain("chown")),
    284: ("__posix_fchown", "iuu", _plain("fchown")),
    285: ("__posix_lchown", "puu", _plain("lchown")),
    289: ("preadv", "iQi_q", calls.preadv),
    290: ("pwritev", "iQi_q", calls.pwritev),
    296: ("__getcwd", "QQ", calls.getcwd),
    304: ("lchflags", "pu", _plain("lchflags")),
    354: ("fsync_range", "iiqq", _plain("fsync_range")),
    356: ("getvfsstat", "QQi", calls.getvfsstat),
    357: ("statvfs1", "pQi", calls.statvfs),
    358: ("fstatvfs1", "iQi", calls.fstatvfs),
    375: ("setxattr", "pQQQi", changes.setter("setxattr")),
    376: ("lsetxattr", "pQQQi", changes.setter("lsetxattr")),
    377: ("fsetxattr", "iQQQi", changes.setter("fsetxattr")),
    378: ("getxattr", "pQQQ", changes.getter("getxattr")),
    379: ("lgetxattr", "pQQQ", changes.getter("lgetxattr")),
    380: ("fgetxattr", "iQQQ", changes.getter("fgetxattr")),
    381: ("listxattr", "pQQ", changes.lister("listxattr")),
    382: ("llistxattr", "pQQ", changes.lister("llistxattr")),
    383: ("flistxattr", "iQQ", changes.lister("flistxattr")),
    384: ("removexattr", "pQ", changes.remover("removexattr")),
    385: ("lremovexattr", "pQ", changes.remover("lremovexattr")),
    386: ("fremovexattr", "iQ", changes.remover("fremovexattr")),
    390: ("__getdents30", "iQQ", calls.getdents),
    410: ("__mount50", "QpiQQ", changes.mount),
    420: ("__utimes50", "pQ", changes.utimes),
    423: ("__futimes50", "iQ", changes.futimes),
    424: ("__lutimes50", "pQ", changes.lutimes),
    439: ("__stat50", "pQ", calls.stat),
    440: ("__fstat50", "iQ", calls.fstat),
    441: ("__lstat50", "pQ", calls.lstat),
    450: ("__mknod50", "puQ", changes.mknod),
    453: ("pipe2", "Qi", calls.pipe2),
    454: ("dup3", "iii", calls.dup3),
    457: ("linkat", "ipipi", _plain("linkat")),
    458: ("renameat", "ipip", _plain("renameat")),
    459: ("mkfifoat", "ipu", _plain("mkfifoat")),
    460: ("mknodat", "ipu_Q", changes.mknodat),
    461: ("mkdirat", "ipu", _plain("mkdirat")),
    462: ("faccessat", "ipii", _plain("faccessat")),
    463: ("fchmodat", "ipui", _plain("fchmodat")),
    464: ("fchownat", "ipuui", _plain("fchownat")),
    466: ("fstatat", "ipQi", calls.fstatat),
    467: ("utimensat", "ipQi", changes.utimensat),
    468: ("openat", "ipiu", calls.openat),
    469: ("readlinkat", "ipQQ", calls.readlinkat),
    470: ("symlinkat", "pip", _plain("symlinkat")),
    471: ("unlinkat", "ipi", _plain("unlinkat")),
    472: ("futimens", "iQ", changes.futimens),
    479: ("posix_fallocate", "i_qq", changes.posix_fallocate),
    480: ("fdiscard", "i_qq", _plain("fdiscard")),
}


NUMBERS = {row[0]: number for number, row in SYSENT.items()}
_LAYOUTS: dict[str, Struct] = {}


def layout(slots: str) -> Struct:
    """The argument slots as a struct."""
    found = _LAYOUTS.get(slots)
    if found is None:
        found = _LAYOUTS[slots] = Struct("=" + "".join(_CODES[slot] for slot in slots))
    return found


def make(call: Call, number: int, payload: bytes) -> Values:
    """Make the system call of that number with these argument slots.

    Errors: ENOSYS - there is none; EINVAL - fewer slots than it takes; EFAULT; the call's own.
    """
    row = SYSENT.get(number)
    if row is None:
        raise fault(e.ENOSYS, f"system call {number}")
    name, slots, function = row
    form = layout(slots)
    if len(payload) < form.size:
        raise fault(e.EINVAL, f"{name}: {len(payload)} bytes of arguments")
    arguments = list(form.unpack_from(payload))
    paths = [index for index, slot in enumerate(slots.replace("_", "")) if slot == "p"]
    for index in paths:
        arguments[index] = call.memory.copyinstr(arguments[index], abi.PATH_MAX)
    return function(call, *arguments)
