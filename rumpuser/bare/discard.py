# SPDX-License-Identifier: BSD-2-Clause
"""Giving back the space of devices that can be told what is not needed."""

from __future__ import annotations

from rump.rumpuser.bare import Bare
from rump.rumpuser.interface.errno import EOPNOTSUPP, HostError
from rump.rumpuser.interface.hypercalls import OPEN_RDONLY
from rump.rumpuser.pure.upcalls import blocking


class Discards(Bare):
    """A host some of whose devices have a `discard`."""

    @blocking
    def discard(self, handle: int, start: int, length: int) -> None:
        device = self._device(handle, start, length, OPEN_RDONLY)
        give_back = getattr(device, "discard", None)
        if give_back is None:
            raise HostError(EOPNOTSUPP, "discard")
        end = min(start + length, device.size)
        if start < end:
            give_back(start, end - start)
