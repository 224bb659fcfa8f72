# SPDX-License-Identifier: BSD-2-Clause
"""Linux with a network: a tap interface in a network namespace of its own; the neighbour is the host's own kernel.

Needs root.  The namespace is the calling thread's, until the machine goes.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

from rump.conformance.machines.posix import PosixMachine, linux

NAME = b"rump0"
HERE, NEIGHBOUR = bytes([10, 77, 0, 2]), bytes([10, 77, 0, 1])
_CLONE_NEWNET = 0x40000000              # linux/sched.h
_TUNSETIFF, _TUNSETPERSIST = 0x400454CA, 0x400454CB     # linux/if_tun.h, on x86 and ARM
_IFF_TAP_NO_PI = 0x1002
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914      # linux/sockios.h
_IFF_UP_RUNNING = 0x41
_HERE = "/proc/thread-self/ns/net"


class TapMachine(PosixMachine):
    """Linux, as it is installed, with the card rump0.  Errors: OSError - not root, or no tap devices."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before = os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)
        super().__init__(linux)
        try:
            self._enter(self._libc.unshare(_CLONE_NEWNET))
            _make_tap()
        except OSError:
            self.__exit__()
            raise

    def _enter(self, failed: int) -> None:
        if failed:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "network namespace")

    def network(self) -> tuple[bytes, bytes, bytes]:
        return NAME, HERE, NEIGHBOUR

    def __exit__(self, *exception: object) -> None:
        self._enter(self._libc.setns(self._before, _CLONE_NEWNET))
        os.close(self._before)
        super().__exit__()


def _make_tap() -> None:
    """The interface stays when the card is closed, and goes with the namespace."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(device, _TUNSETIFF, _request(struct.pack("H", _IFF_TAP_NO_PI)))
        fcntl.ioctl(device, _TUNSETPERSIST, 1)
    finally:
        os.close(device)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        fcntl.ioctl(door, _SIOCSIFADDR, _request(_address(NEIGHBOUR)))
        fcntl.ioctl(door, _SIOCSIFNETMASK, _request(_address(b"\xff\xff\xff\0")))
        fcntl.ioctl(door, _SIOCSIFFLAGS, _request(struct.pack("H", _IFF_UP_RUNNING)))


def _request(value: bytes) -> bytes:
    """struct ifreq with a value in its union."""
    return (NAME.ljust(16, b"\0") + value).ljust(40, b"\0")


def _address(ip: bytes) -> bytes:
    """struct sockaddr_in."""
    return struct.pack("HH4s8x", socket.AF_INET, 0, ip)
