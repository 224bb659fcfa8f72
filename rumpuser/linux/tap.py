# SPDX-License-Identifier: BSD-2-Clause
"""Tap interfaces by /dev/net/tun (Documentation/networking/tuntap.rst of the kernel)."""

from __future__ import annotations

import errno
import os
import struct
from fcntl import ioctl

from rump.rumpuser.interface.errno import EINVAL, ENXIO, HostError
from rump.rumpuser.linux import abi
from rump.rumpuser.posix.nic import tap_card

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.rumpuser.pure.cards import Nic

_DEVICE = "/dev/net/tun"
# As far as it is looked at: the name with its NUL, and in a union the flags.
_IFREQ = struct.Struct(f"{abi.IFNAMSIZ}sH{abi.IFREQ.size - abi.IFNAMSIZ - 2}x")
_NAME_MAX = abi.IFNAMSIZ - 1
_ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


def card(name: bytes) -> Nic:
    """The card of that name; a tap interface that is not there is made, and goes with the card, if this program may do
    so.  Errors: HostError, as `nic_open`."""
    return tap_card(name, _tap)


def _tap(name: bytes) -> tuple[int, bytes]:
    """See `NetworkCards`."""
    if len(name) > _NAME_MAX or b"%" in name:
        raise HostError(EINVAL, repr(name))
    descriptor = _open()
    try:
        return descriptor, _attach(descriptor, name)
    except OSError:
        os.close(descriptor)
        raise


def _open() -> int:
    try:
        return os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise HostError(ENXIO, _DEVICE) if error.errno in _ABSENT else error from None


def _attach(descriptor: int, name: bytes) -> bytes:
    try:
        answer = ioctl(descriptor, abi.TUNSETIFF, _IFREQ.pack(name, abi.IFF_TAP | abi.IFF_NO_PI))
    except OSError as error:
        if error.errno == errno.EINVAL:     # an interface of that name is there, and no tap
            raise HostError(ENXIO, repr(name)) from None
        raise
    interface: bytes = _IFREQ.unpack(answer)[0]
    return interface.rstrip(b"\0")
