# SPDX-License-Identifier: BSD-2-Clause
"""The accelerators in plain Python, for hosts that have nothing quicker."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Hypercalls
from rump.rumpuser.pure import crc32c as checksums

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer


class Accelerators(Hypercalls):
    """Inflating is loaded when it is first used; few need it."""

    crc32c = staticmethod(checksums.crc32c)
    crc32c_many = staticmethod(checksums.crc32c_many)

    def inflate(self, data: Buffer, limit: int) -> bytes:
        from rump.rumpuser.pure.inflate import inflate

        return inflate(data, limit)
