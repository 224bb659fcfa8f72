# SPDX-License-Identifier: BSD-2-Clause
"""Tap devices with a name of their own in /dev: tap(4) of the BSDs."""

from __future__ import annotations

import os

from rump.rumpuser.interface.errno import EINVAL, ENXIO, HostError
from rump.rumpuser.posix.nic import NetworkCards

_PREFIX = b"tap"
_MOST = 256         # of them are tried for one that is free


class TapDevice(NetworkCards):
    """/dev/tap0, /dev/tap1 ..., each the other side of the interface of that name."""

    def _tap(self, name: bytes) -> tuple[int, bytes]:
        if not name:
            return self._free_tap()
        if not name.startswith(_PREFIX) or not name.removeprefix(_PREFIX).isdigit():
            raise HostError(EINVAL, repr(name))
        try:
            return os.open(b"/dev/" + name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC), name
        except FileNotFoundError:
            raise HostError(ENXIO, repr(name)) from None

    def _free_tap(self) -> tuple[int, bytes]:
        for number in range(_MOST):
            try:
                return self._tap(b"%s%d" % (_PREFIX, number))
            except HostError as error:
                if error.errno == ENXIO:
                    break
            except OSError as error:
                refused = error         # busy, or not ours
        else:
            raise refused
        raise HostError(ENXIO, "no tap device")
