# SPDX-License-Identifier: BSD-2-Clause
"""Checksums of what newfs makes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.vfs.volume import Services


class Sums:
    """Checksums of metadata_csum.  Without the feature all are 0.

    seed   where they start; the inodes' own go on with number and generation
    """

    def __init__(self, services: Services, uuid: bytes, on: bool) -> None:
        self._crc32c = services.crc32c
        self.many = services.crc32c_many
        self.on = on
        self.seed = services.crc32c(0xFFFFFFFF, uuid) if on else 0

    def of(self, data: bytes, seed: int | None = None) -> int:
        """The checksum of bytes."""
        return self._crc32c(self.seed if seed is None else seed, data) if self.on else 0

    def inode_seed(self, number: int) -> int:
        """Where those of an inode's blocks start; a new inode's generation is 0."""
        return self.of(number.to_bytes(4, "little") + bytes(4))
