# SPDX-License-Identifier: BSD-2-Clause
"""Frames of the protocol: a header of 24 bytes in the byte order of the host, and a payload."""

from __future__ import annotations

from struct import Struct

from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    from rump.kernel.record import Record

HEADER = Struct("=QQHHI")       # length with the header, number of the request, class, type, and what `extra` is
BANNER_MAX = 95                 # bytes, with the newline
BANNER = b"RUMPSP-0.4-NetBSD-7.99.34/amd64\n"
"""What the clients of that system expect: its numbers and structures are those spoken here."""

# Classes.
REQUEST = 0
RESPONSE = 1
ERROR = 2

# Types.
HANDSHAKE = 0       # extra: GUEST ...
SYSCALL = 1         # extra: the system call's number
COPYIN = 2
COPYINSTR = 3
COPYOUT = 4
COPYOUTSTR = 5
ANONMMAP = 6
PREFORK = 7
RAISE = 8           # extra: the signal
BATCH = 0x5250      # ours: several calls, see `native`

# Kinds of handshake.
GUEST = 0
AUTH = 1
FORK = 2
EXEC = 3

# Errors, as `extra` of a frame of class ERROR.
TRYAGAIN = 1
DENIED = 2
INVALID_PREFORK = 3
RFORK_FAILED = 4
IN_EXEC = 5
NO_MEMORY = 6
MALFORMED = 7
ERRNOS = {
    TRYAGAIN: e.EAGAIN,
    DENIED: e.EPERM,
    INVALID_PREFORK: e.ESRCH,
    RFORK_FAILED: e.EIO,
    IN_EXEC: e.EBUSY,
    NO_MEMORY: e.ENOMEM,
    MALFORMED: e.EINVAL,
}

INTEGER = Struct("=i")
COPY = Struct("=QQ")            # length and address
ADDRESS = Struct("=Q")
RESULT = Struct("=i4xqq")       # error, two values
FORKING = Struct("=16si")       # the cookie, whether it is given back unused
COOKIE = 16                     # bytes


class Frame(Record):
    """A frame as it came."""

    number: int
    kind: int           # REQUEST, RESPONSE, ERROR
    type: int
    extra: int
    payload: bytes


def encode(number: int, kind: int, type: int, extra: int = 0, payload: bytes = b"") -> bytes:
    """A frame to be sent."""
    return HEADER.pack(HEADER.size + len(payload), number, kind, type, extra) + payload
