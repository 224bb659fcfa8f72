# SPDX-License-Identifier: BSD-2-Clause
"""How much room there is, counted as Linux's statfs does: what can never hold data is not part of the whole."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.drivers.fs.ext2fs.medium import Medium
    from rump.drivers.fs.ext2fs.ops import Ext2Volume
    from rump.drivers.fs.ext2fs.superblock import Geometry

RESERVE_PART = 50       # Linux keeps a fiftieth back for extents it has promised ...
RESERVE_MAX = 4096      # ... but at most so many clusters
NAME_MAX = 255


def statvfs(
    volume: Ext2Volume, free_blocks: int | None = None, free_inodes: int = 0
) -> tuple[int, int, int, int, int, int, int, int]:
    """See `Volume.statvfs`.  Who writes passes how much is free now; otherwise the superblock's counters are used
    where they are right: after a clean unmount.
    """
    medium = volume.medium
    geometry = medium.geometry
    raw = geometry.raw
    wide = bool(geometry.incompat & disk.INCOMPAT_64BIT)
    ratio = geometry.cluster_size >> geometry.shift
    files = raw.free_inodes_count
    free = raw.free_blocks_count_lo | (raw.free_blocks_count_hi << 32 if wide else 0)
    if free_blocks is not None:
        free, files = free_blocks, free_inodes
    elif not raw.state & disk.STATE_VALID or geometry.incompat & disk.INCOMPAT_RECOVER:
        clusters, files = volume.groups.count_free()
        free = clusters * ratio
    reserved = raw.r_blocks_count_lo | (raw.r_blocks_count_hi << 32 if wide else 0)
    if geometry.incompat & disk.INCOMPAT_EXTENTS:
        reserved += min(geometry.blocks // ratio // RESERVE_PART, RESERVE_MAX) * ratio
    size = geometry.block_size
    total = max(0, geometry.blocks - _overhead(volume, ratio))
    return size, size, total, free, max(0, free - reserved), geometry.inodes, files, NAME_MAX


def _overhead(volume: Ext2Volume, ratio: int) -> int:
    """Blocks of superblocks, descriptors, bitmaps, inode tables and the journal."""
    medium = volume.medium
    geometry = medium.geometry
    raw = geometry.raw
    counted = raw.overhead_clusters * ratio
    if geometry.ro_compat & disk.RO_COMPAT_BIGALLOC and 0 < counted <= geometry.blocks:
        return counted      # where clusters are shared, only mke2fs has counted them
    table = -(-geometry.inodes_per_group * geometry.inode_size // geometry.block_size)
    fixed = geometry.groups * (table + 2)
    return geometry.first_data_block + fixed + _superblocks(geometry) + _journal(volume, medium)


def _superblocks(geometry: Geometry) -> int:
    """Blocks of superblocks, their descriptors and the room kept for more of those."""
    first = geometry.raw.first_meta_bg
    per_block = geometry.block_size // geometry.descriptor_size
    if geometry.compat & disk.COMPAT_SPARSE_SUPER2 or geometry.ro_compat & disk.RO_COMPAT_SPARSE_SUPER:
        candidates = {0, 1, geometry.raw.backup_bgs_0, geometry.raw.backup_bgs_1}
        candidates.update(base**power for base in (3, 5, 7) for power in range(1, 21))
        with_super = [group for group in candidates if group < geometry.groups and geometry.has_super(group)]
        count, before = len(with_super), sum(1 for group in with_super if group // per_block < first)
    else:
        count, before = geometry.groups, min(geometry.groups, first * per_block)
    if not geometry.incompat & disk.INCOMPAT_META_BG:
        return count * (1 + geometry.descriptor_blocks + geometry.raw.reserved_gdt_blocks)
    # Each metagroup has its block of descriptors three times: in its first, second and last group.
    total = count + before * (first + geometry.raw.reserved_gdt_blocks)
    whole, rest = divmod(geometry.groups, per_block)
    total += 3 * max(0, whole - first)
    return total + (min(rest, 2) if rest and whole >= first else 0)


def _journal(volume: Ext2Volume, medium: Medium) -> int:
    """Blocks of the journal, if it is inside."""
    geometry = medium.geometry
    number = geometry.raw.journal_inum
    if not geometry.compat & disk.COMPAT_HAS_JOURNAL or not number:
        return 0
    inode = volume.inodes.make(number, *volume.inodes.special(number))
    return inode.size >> geometry.shift
