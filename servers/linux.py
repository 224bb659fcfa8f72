# SPDX-License-Identifier: BSD-2-Clause
"""Linux' numbers, which FUSE and 9P2000.L - the latter whatever systems talk - put on the wire:
include/uapi/asm-generic/errno-base.h, errno.h and fcntl.h, linux/kdev_t.h, linux/limits.h."""

from __future__ import annotations

from rump.kernel import abi
from rump.rumpuser.interface import errno as e

ERRNO: dict[int, int] = {number: number for number in range(1, 35)} | {
    e.EDEADLK: 35, e.EAGAIN: 11, e.EINPROGRESS: 115, e.EALREADY: 114, e.ENOTSOCK: 88, e.EDESTADDRREQ: 89,
    e.EMSGSIZE: 90, e.EPROTOTYPE: 91, e.ENOPROTOOPT: 92, e.EPROTONOSUPPORT: 93, e.ESOCKTNOSUPPORT: 94,
    e.EOPNOTSUPP: 95, e.ENOTSUP: 95, e.EPFNOSUPPORT: 96, e.EAFNOSUPPORT: 97, e.EADDRINUSE: 98, e.EADDRNOTAVAIL: 99,
    e.ENETDOWN: 100, e.ENETUNREACH: 101, e.ENETRESET: 102, e.ECONNABORTED: 103, e.ECONNRESET: 104, e.ENOBUFS: 105,
    e.EISCONN: 106, e.ENOTCONN: 107, e.ESHUTDOWN: 108, e.ETOOMANYREFS: 109, e.ETIMEDOUT: 110, e.ECONNREFUSED: 111,
    e.ELOOP: 40, e.ENAMETOOLONG: 36, e.EHOSTDOWN: 112, e.EHOSTUNREACH: 113, e.ENOTEMPTY: 39, e.EUSERS: 87,
    e.EDQUOT: 122, e.ESTALE: 116, e.EREMOTE: 66, e.ENOLCK: 37, e.ENOSYS: 38, e.EFTYPE: 22, e.EIDRM: 43, e.ENOMSG: 42,
    e.EOVERFLOW: 75, e.EILSEQ: 84, e.ECANCELED: 125, e.EBADMSG: 74, e.ENODATA: 61, e.ENOATTR: 61, e.ENOSR: 63,
    e.ENOSTR: 60, e.ETIME: 62, e.EMULTIHOP: 72, e.ENOLINK: 67, e.EPROTO: 71, e.EOWNERDEAD: 130,
    e.ENOTRECOVERABLE: 131,
}  # fmt: skip
"""Ours -> Linux' (what it has no number for becomes EIO)."""
EIO = 5

O_ACCMODE, O_CREAT, O_EXCL, O_TRUNC, O_DIRECTORY, O_SYNC = 0o3, 0o100, 0o200, 0o1000, 0o200000, 0o4010000
AT_REMOVEDIR = 0x200
XATTR_SIZE_MAX = 65536
XATTR_REPLACE = 2

_FLAGS = ((O_EXCL, abi.O_EXCL), (O_TRUNC, abi.O_TRUNC), (O_DIRECTORY, abi.O_DIRECTORY), (O_SYNC, abi.O_SYNC))


def errno_of(error: OSError) -> int:
    """The number for an error of the kernel's.

    >>> errno_of(OSError(e.ENOTEMPTY, "")), errno_of(OSError(e.EBADRPC, ""))
    (39, 5)
    """
    return ERRNO.get(error.errno or 0, EIO)


def open_flags(flags: int) -> int:
    """Flags of open(2) in the kernel's numbers.

    O_CREAT is the message's to say; O_APPEND is left to clients, who give an offset with each write: one that writes
    back pages means them where they are.  What matters to the client alone is left out.

    >>> open_flags(0o1102) == abi.O_RDWR | abi.O_TRUNC
    True
    """
    found = flags & O_ACCMODE
    for theirs, ours in _FLAGS:
        if flags & theirs == theirs:
            found |= ours
    return found


def encode_device(device: int) -> int:
    """A device number as new_encode_dev has it: major in bits 8-19, minor in bits 0-7 and 20-31.

    >>> hex(encode_device(abi.makedev(8, 257)))
    '0x100801'
    """
    major, minor = abi.major(device), abi.minor(device)
    return (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & 0xFFF00) << 12


def decode_device(number: int) -> int:
    """The device number that Linux encodes so.

    >>> decode_device(0x100801) == abi.makedev(8, 257)
    True
    """
    return abi.makedev(number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00)
