# SPDX-License-Identifier: BSD-2-Clause
"""The checksum accelerators without compiled pieces."""

from __future__ import annotations

from rump.rumpuser.interface.hypercalls import Hypercalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from typing_extensions import Buffer

    Single: TypeAlias = Callable[[int, Buffer], int]
    Many: TypeAlias = Callable[[Sequence[int], Buffer, int, int, int, int], list[int]]


class Checksums(Hypercalls):
    """On the first call the implementation is looked up; from then on it stands in the instance itself."""

    def crc32c(self, seed: int, data: Buffer) -> int:
        self.__dict__["crc32c"], self.__dict__["crc32c_many"] = self._checksums()
        return self.crc32c(seed, data)

    def crc32c_many(
        self, seeds: Sequence[int], data: Buffer, offset: int, stride: int, length: int, count: int
    ) -> list[int]:
        self.__dict__["crc32c"], self.__dict__["crc32c_many"] = self._checksums()
        return self.crc32c_many(seeds, data, offset, stride, length, count)

    def _checksums(self) -> tuple[Single, Many]:
        from rump.rumpuser.pure import crc32c

        return crc32c.crc32c, crc32c.crc32c_many
