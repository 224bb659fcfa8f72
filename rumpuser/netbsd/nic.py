# SPDX-License-Identifier: BSD-2-Clause
"""tap(4) by the cloning device: each open of /dev/tap makes an interface, whose name TAPGIFNAME tells."""

from __future__ import annotations

import os
from fcntl import ioctl

from rump.rumpuser.netbsd import abi
from rump.rumpuser.posix.nic_tap_device import TapDevice

_CLONER = "/dev/tap"


class CloningTap(TapDevice):
    """Interfaces that are there already by name, others by the cloner."""

    def _tap(self, name: bytes) -> tuple[int, bytes]:
        if name:
            return super()._tap(name)
        descriptor = os.open(_CLONER, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        answer = abi.IFREQ.pack()
        try:
            ioctl(descriptor, abi.TAPGIFNAME, answer)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor, bytes(answer[: abi.IFREQ.fields["ifr_space"][0]]).partition(b"\0")[0]
