# SPDX-License-Identifier: BSD-2-Clause
"""The one errno space: NetBSD's numbers (``sys/errno.h``, errno(2)), with a phrase for each.

Every host translates its own numbers into these once, at its edge, by *name*; nothing above a host ever sees
another number.  A name that NetBSD does not have is listed nowhere and becomes EIO.
"""

from __future__ import annotations

EPERM = 1
ENOENT = 2
ESRCH = 3
EINTR = 4
EIO = 5
ENXIO = 6
E2BIG = 7
ENOEXEC = 8
EBADF = 9
ECHILD = 10
EDEADLK = 11
ENOMEM = 12
EACCES = 13
EFAULT = 14
ENOTBLK = 15
EBUSY = 16
EEXIST = 17
EXDEV = 18
ENODEV = 19
ENOTDIR = 20
EISDIR = 21
EINVAL = 22
ENFILE = 23
EMFILE = 24
ENOTTY = 25
ETXTBSY = 26
EFBIG = 27
ENOSPC = 28
ESPIPE = 29
EROFS = 30
EMLINK = 31
EPIPE = 32
EDOM = 33
ERANGE = 34
EAGAIN = 35
EINPROGRESS = 36
EALREADY = 37
ENOTSOCK = 38
EDESTADDRREQ = 39
EMSGSIZE = 40
EPROTOTYPE = 41
ENOPROTOOPT = 42
EPROTONOSUPPORT = 43
ESOCKTNOSUPPORT = 44
EOPNOTSUPP = 45
EPFNOSUPPORT = 46
EAFNOSUPPORT = 47
EADDRINUSE = 48
EADDRNOTAVAIL = 49
ENETDOWN = 50
ENETUNREACH = 51
ENETRESET = 52
ECONNABORTED = 53
ECONNRESET = 54
ENOBUFS = 55
EISCONN = 56
ENOTCONN = 57
ESHUTDOWN = 58
ETOOMANYREFS = 59
ETIMEDOUT = 60
ECONNREFUSED = 61
ELOOP = 62
ENAMETOOLONG = 63
EHOSTDOWN = 64
EHOSTUNREACH = 65
ENOTEMPTY = 66
EPROCLIM = 67
EUSERS = 68
EDQUOT = 69
ESTALE = 70
EREMOTE = 71
EBADRPC = 72
ERPCMISMATCH = 73
EPROGUNAVAIL = 74
EPROGMISMATCH = 75
EPROCUNAVAIL = 76
ENOLCK = 77
ENOSYS = 78
EFTYPE = 79
EAUTH = 80
ENEEDAUTH = 81
EIDRM = 82
ENOMSG = 83
EOVERFLOW = 84
EILSEQ = 85
ENOTSUP = 86
ECANCELED = 87
EBADMSG = 88
ENODATA = 89
ENOSR = 90
ENOSTR = 91
ETIME = 92
ENOATTR = 93
EMULTIHOP = 94
ENOLINK = 95
EPROTO = 96
EOWNERDEAD = 97
ENOTRECOVERABLE = 98

PHRASES: dict[int, str] = {
    EPERM: "Operation not permitted",
    ENOENT: "No such file or directory",
    ESRCH: "No such process",
    EINTR: "Interrupted system call",
    EIO: "Input/output error",
    ENXIO: "Device not configured",
    E2BIG: "Argument list too long",
    ENOEXEC: "Exec format error",
    EBADF: "Bad file descriptor",
    ECHILD: "No child processes",
    EDEADLK: "Resource deadlock avoided",
    ENOMEM: "Cannot allocate memory",
    EACCES: "Permission denied",
    EFAULT: "Bad address",
    ENOTBLK: "Block device required",
    EBUSY: "Device busy",
    EEXIST: "File exists",
    EXDEV: "Cross-device link",
    ENODEV: "Operation not supported by device",
    ENOTDIR: "Not a directory",
    EISDIR: "Is a directory",
    EINVAL: "Invalid argument",
    ENFILE: "Too many open files in system",
    EMFILE: "Too many open files",
    ENOTTY: "Inappropriate ioctl for device",
    ETXTBSY: "Text file busy",
    EFBIG: "File too large",
    ENOSPC: "No space left on device",
    ESPIPE: "Illegal seek",
    EROFS: "Read-only file system",
    EMLINK: "Too many links",
    EPIPE: "Broken pipe",
    EDOM: "Numerical argument out of domain",
    ERANGE: "Result too large or too small",
    EAGAIN: "Resource temporarily unavailable",
    EINPROGRESS: "Operation now in progress",
    EALREADY: "Operation already in progress",
    ENOTSOCK: "Socket operation on non-socket",
    EDESTADDRREQ: "Destination address required",
    EMSGSIZE: "Message too long",
    EPROTOTYPE: "Protocol wrong type for socket",
    ENOPROTOOPT: "Protocol option not available",
    EPROTONOSUPPORT: "Protocol not supported",
    ESOCKTNOSUPPORT: "Socket type not supported",
    EOPNOTSUPP: "Operation not supported",
    EPFNOSUPPORT: "Protocol family not supported",
    EAFNOSUPPORT: "Address family not supported by protocol family",
    EADDRINUSE: "Address already in use",
    EADDRNOTAVAIL: "Can't assign requested address",
    ENETDOWN: "Network is down",
    ENETUNREACH: "Network is unreachable",
    ENETRESET: "Network dropped connection on reset",
    ECONNABORTED: "Software caused connection abort",
    ECONNRESET: "Connection reset by peer",
    ENOBUFS: "No buffer space available",
    EISCONN: "Socket is already connected",
    ENOTCONN: "Socket is not connected",
    ESHUTDOWN: "Can't send after socket shutdown",
    ETOOMANYREFS: "Too many references: can't splice",
    ETIMEDOUT: "Operation timed out",
    ECONNREFUSED: "Connection refused",
    ELOOP: "Too many levels of symbolic links",
    ENAMETOOLONG: "File name too long",
    EHOSTDOWN: "Host is down",
    EHOSTUNREACH: "No route to host",
    ENOTEMPTY: "Directory not empty",
    EPROCLIM: "Too many processes",
    EUSERS: "Too many users",
    EDQUOT: "Disc quota exceeded",
    ESTALE: "Stale file handle",
    EREMOTE: "Too many levels of remote in path",
    EBADRPC: "RPC struct is bad",
    ERPCMISMATCH: "RPC version wrong",
    EPROGUNAVAIL: "RPC prog. not avail",
    EPROGMISMATCH: "Program version wrong",
    EPROCUNAVAIL: "Bad procedure for program",
    ENOLCK: "No locks available",
    ENOSYS: "Function not implemented",
    EFTYPE: "Inappropriate file type or format",
    EAUTH: "Authentication error",
    ENEEDAUTH: "Need authenticator",
    EIDRM: "Identifier removed",
    ENOMSG: "No message of desired type",
    EOVERFLOW: "Value too large to be stored in data type",
    EILSEQ: "Illegal byte sequence",
    ENOTSUP: "Not supported",
    ECANCELED: "Operation canceled",
    EBADMSG: "Bad or corrupt message",
    ENODATA: "No message available",
    ENOSR: "No STREAM resources",
    ENOSTR: "Not a STREAM",
    ETIME: "STREAM ioctl timeout",
    ENOATTR: "Attribute not found",
    EMULTIHOP: "Multihop attempted",
    ENOLINK: "Link has been severed",
    EPROTO: "Protocol error",
    EOWNERDEAD: "Previous owner died",
    ENOTRECOVERABLE: "State not recoverable",
}

NAMES: dict[int, str] = {
    number: name for name, number in list(globals().items()) if name.startswith("E") and isinstance(number, int)
}


def number(name: str) -> int:
    """The number of an errno *name* (``"ENOENT"``), EIO for a name that the one space does not have.

    Hosts also spell two of NetBSD's numbers otherwise: EWOULDBLOCK is EAGAIN, EDEADLOCK is EDEADLK.
    """
    return _BY_NAME.get(name, EIO)


_BY_NAME: dict[str, int] = {name: value for value, name in NAMES.items()}
_BY_NAME["EWOULDBLOCK"] = EAGAIN
_BY_NAME["EDEADLOCK"] = EDEADLK


class HostError(OSError):
    """A hypercall failed.  ``errno`` is of this space, ``strerror`` its phrase; ``str()`` may add what was at fault.

    It is the only exception that crosses from a host to the kernel.
    """

    def __init__(self, number: int, detail: str | None = None) -> None:
        super().__init__(number, PHRASES.get(number, "Unknown error"))
        self.detail = detail

    def __str__(self) -> str:
        phrase = f"{NAMES.get(self.errno or 0, self.errno)} ({self.strerror})"
        return f"{self.detail}: {phrase}" if self.detail else phrase
