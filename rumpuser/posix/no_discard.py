# SPDX-License-Identifier: BSD-2-Clause
"""Space cannot be given back."""

from __future__ import annotations

import errno

from rump.rumpuser.interface.errno import EOPNOTSUPP, HostError
from rump.rumpuser.posix.errors import blocking, errno_of
from rump.rumpuser.posix.files import Files
from rump.rumpuser.pure.arguments import check_range

_CANNOT = {errno.ENODEV, errno.ENOTTY, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def refused(number: int | None) -> HostError:
    """What an error of the host in giving space back comes to; hosts have many for "not this file"."""
    return HostError(EOPNOTSUPP if number in _CANNOT else errno_of(number), "discard")


class NoDiscard(Files):
    """discard refuses, after looking at its arguments as any other would."""

    @blocking
    def discard(self, handle: int, start: int, length: int) -> None:
        descriptor = self._descriptor(handle)
        check_range(start, length)
        if length:
            self._punch(descriptor, start, length)

    def _punch(self, descriptor: int, start: int, length: int) -> None:
        raise HostError(EOPNOTSUPP, "discard")
