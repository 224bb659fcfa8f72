# SPDX-License-Identifier: BSD-2-Clause
"""How a process of Linux gives up what it can do: no_new_privs, Landlock and seccomp, by ctypes.

The standard library reaches none of them.  ctypes does without a compiler at installation, so that isolation does not
depend on one; it costs a confined process 3 ms.
"""

from __future__ import annotations

import ctypes
from os import close, uname
from struct import pack

from rump.rumpuser.linux.seccomp import program

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38     # linux/prctl.h
_SECCOMP_MODE_FILTER = 2
_CREATE_RULESET, _RESTRICT_SELF = 444, 446      # the same number on every architecture
_VERSION = 1                                    # LANDLOCK_CREATE_RULESET_VERSION
_FILE_RIGHTS = ((5, 1 << 16), (3, 1 << 15), (2, 1 << 14), (1, 1 << 13))
"""Landlock's ABI -> one above the highest right to files that it knows (linux/landlock.h)."""
_NETWORK, _SCOPES = 3, 3                        # bind and connect by TCP; abstract sockets and signals
_ARCHITECTURES = {"i486": "i386", "i586": "i386", "i686": "i386", "armv7l": "arm", "armv6l": "arm", "armv8l": "arm"}


def confine() -> tuple[str, ...]:
    """Confine this process, for good; the names of what holds now, sorted."""
    libc = ctypes.CDLL(None)
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ()
    held = [name for name, close_off in (("landlock", _landlock), ("seccomp", _seccomp)) if close_off(libc)]
    return tuple(held)


def _landlock(libc: ctypes.CDLL) -> bool:
    """No file is to be reached by a name, nothing by the network (landlock(7)): a set of rules with none in it."""
    call = libc.syscall
    abi = call(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_long(_VERSION))
    if abi < 1:
        return False
    files = next(limit for least, limit in _FILE_RIGHTS if abi >= least) - 1
    rights = pack("=QQQ", files, _NETWORK if abi >= 4 else 0, _SCOPES if abi >= 6 else 0)
    length = 24 if abi >= 6 else 16 if abi >= 4 else 8
    rules = call(ctypes.c_long(_CREATE_RULESET), rights, ctypes.c_size_t(length), ctypes.c_long(0))
    if rules < 0:
        return False
    try:
        return not call(ctypes.c_long(_RESTRICT_SELF), ctypes.c_long(rules), ctypes.c_long(0))
    finally:
        close(rules)


class _Program(ctypes.Structure):
    """struct sock_fprog (linux/filter.h)."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: ctypes.CDLL) -> bool:
    """System calls are those of `rump.rumpuser.linux.seccomp`, from here on."""
    machine = uname().machine
    # A 32-bit interpreter may run on a 64-bit kernel, and sees the kernel's name for the machine.
    if ctypes.sizeof(ctypes.c_void_p) == 4:
        machine = {"x86_64": "i386", "aarch64": "arm"}.get(machine, machine)
    lines = program(_ARCHITECTURES.get(machine, machine))
    if lines is None:
        return False
    given = _Program(len(lines) // 8, lines)
    address = ctypes.addressof(given)
    return not libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address, 0, 0)
