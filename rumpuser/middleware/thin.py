# SPDX-License-Identifier: BSD-2-Clause
"""Middleware that changes a call or two and costs nothing for the others: they are the host's own methods."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Hypercalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

    from rump.rumpuser.interface.hypercalls import Traits

CALLS = tuple([name for name in vars(Hypercalls) if not name.startswith("_")])


class Thin(Hypercalls):
    """`host` with the calls that a derived class defines in place of its own."""

    def __init__(self, host: Hypercalls) -> None:
        self.host = host
        self.traits: Traits = host.traits
        for name in CALLS:
            if getattr(type(self), name) is getattr(Hypercalls, name):
                setattr(self, name, getattr(host, name))

    # A host may put something quicker in the place of these at the first call, so they are looked up each time.

    def crc32c(self, seed: int, data: Buffer) -> int:
        return self.host.crc32c(seed, data)

    def crc32c_many(
        self, seeds: Sequence[int], data: Buffer, offset: int, stride: int, length: int, count: int
    ) -> list[int]:
        return self.host.crc32c_many(seeds, data, offset, stride, length, count)

    def inflate(self, data: Buffer, limit: int) -> bytes:
        return self.host.inflate(data, limit)
