# SPDX-License-Identifier: BSD-2-Clause
"""Where files' clusters are: the volume's file allocation table (`rump.drivers.fs.fat.chains`)."""

from __future__ import annotations

from rump.drivers.fs.fat.chains import Chains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.msdosfs.mount import Geometry
    from rump.kernel.vfs.buffer import BufferCache


def mask_of(bits: int) -> int:
    """What counts of an entry: FAT32 has 28 bits."""
    return (1 << min(bits, 28)) - 1


def table(cache: BufferCache, geometry: Geometry) -> Chains:
    """The table in use, to be read."""
    return Chains(cache, geometry.fat_offset, geometry.bits, geometry.end_cluster, mask_of(geometry.bits))
