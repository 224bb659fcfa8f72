# SPDX-License-Identifier: BSD-2-Clause
"""The superblock: read, checked, and turned into the geometry everything else goes by."""

from __future__ import annotations

from rump.drivers.fs.ext2fs import disk
from rump.kernel.errors import Corrupt, fault
from rump.rumpuser.interface import errno as e

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.dev.block import BlockDevice
    from rump.kernel.vfs.volume import Services

CHECKSUM_AT = 0x3FC     # offset of the superblock's own checksum, bytes


class Geometry:
    """A superblock in memory: what the rest needs of it, checked, in ready-made form.

    raw                 the fields as they were on the disk
    offset              where this superblock was read, bytes
    block_size, cluster_size   bytes
    shift               a block is 1 << shift bytes
    blocks, groups, inodes     how many the volume has
    descriptor_size, inode_size   bytes
    checksums           metadata_csum is on
    seed                where metadata checksums start (CRC-32C, not inverted)
    large_directories   directories use the upper half of size
    """

    def __init__(self, raw: disk.Superblock, offset: int) -> None:
        self.raw = raw
        self.offset = offset
        self.incompat = raw.feature_incompat
        self.ro_compat = raw.feature_ro_compat
        self.compat = raw.feature_compat
        _require(raw.log_block_size <= 6, "log_block_size", raw.log_block_size)
        self.shift = 10 + raw.log_block_size
        self.block_size = 1 << self.shift
        self.first_data_block = raw.first_data_block
        wide = bool(self.incompat & disk.INCOMPAT_64BIT)
        self.blocks = raw.blocks_count_lo | (raw.blocks_count_hi << 32 if wide else 0)
        self.checksums = bool(self.ro_compat & disk.RO_COMPAT_METADATA_CSUM)
        self.group_checksums = bool(self.ro_compat & disk.RO_COMPAT_GDT_CSUM) and not self.checksums
        self.large_directories = bool(self.incompat & disk.INCOMPAT_LARGEDIR)
        self.seed = 0
        self._inodes(raw)
        self._groups(raw, wide)

    def _inodes(self, raw: disk.Superblock) -> None:
        """Sizes and numbers of inodes."""
        old = raw.rev_level == 0
        self.inode_size = 128 if old else raw.inode_size
        self.first_ino = 11 if old else raw.first_ino
        self.inodes = raw.inodes_count
        self.inodes_per_group = raw.inodes_per_group
        size = self.inode_size
        _require(128 <= size <= self.block_size and not size & size - 1, "inode_size", size)
        _require(self.first_ino >= 11, "first_ino", self.first_ino)
        _require(0 < self.inodes_per_group <= self.block_size * 8, "inodes_per_group", self.inodes_per_group)

    def _groups(self, raw: disk.Superblock, wide: bool) -> None:
        """Sizes and numbers of block groups, and of their descriptors."""
        self.blocks_per_group = raw.blocks_per_group
        self.cluster_size = self.block_size
        ratio = 1
        if self.ro_compat & disk.RO_COMPAT_BIGALLOC:
            _require(raw.log_block_size <= raw.log_cluster_size <= 19, "log_cluster_size", raw.log_cluster_size)
            self.cluster_size = 1024 << raw.log_cluster_size
            ratio = self.cluster_size >> self.shift
            _require(raw.clusters_per_group * ratio == raw.blocks_per_group, "clusters_per_group",
                     raw.clusters_per_group)
        _require(0 < self.blocks_per_group <= self.block_size * 8 * ratio, "blocks_per_group", self.blocks_per_group)
        _require(self.blocks > self.first_data_block, "first_data_block", self.first_data_block)
        _require(self.first_data_block <= 1, "first_data_block", self.first_data_block)
        self.groups = -(-(self.blocks - self.first_data_block) // self.blocks_per_group)
        _require(self.groups * self.inodes_per_group == self.inodes, "inodes_count", self.inodes)
        self.descriptor_size = size = raw.desc_size if wide else 32
        _require(size == 32 or (64 <= size <= 1024 and not size & size - 1), "desc_size", size)
        self.descriptor_blocks = -(-self.groups // (self.block_size // size))
        if self.incompat & disk.INCOMPAT_META_BG:
            _require(raw.first_meta_bg <= self.descriptor_blocks, "first_meta_bg", raw.first_meta_bg)

    def has_super(self, group: int) -> bool:
        """Whether a group begins with a copy of the superblock."""
        if group == 0:
            return True
        if self.compat & disk.COMPAT_SPARSE_SUPER2:
            return group in (self.raw.backup_bgs_0, self.raw.backup_bgs_1)
        if group == 1 or not self.ro_compat & disk.RO_COMPAT_SPARSE_SUPER:
            return True
        return any(_power_of(base, group) for base in (3, 5, 7))

    def has_data(self, block: int, count: int) -> bool:
        """Whether blocks can be anyone's: inside the volume and behind the superblock."""
        return self.first_data_block < block and block + count <= self.blocks


def _power_of(base: int, number: int) -> bool:
    while number % base == 0:
        number //= base
    return number == 1


def _require(condition: bool, field: str, value: int) -> None:
    if not condition:
        raise Corrupt(f"superblock: {field} is {value}")


def read(device: BlockDevice, services: Services, offset: int) -> Geometry:
    """The geometry that the superblock at `offset` tells.

    Errors: EFTYPE - there is none; EINVAL - features unknown here, named; Corrupt - checksum or a field is wrong.
    """
    if device.size < offset + disk.Superblock.struct.size:
        raise fault(e.EFTYPE, f"{device.name}: no room for a superblock")
    data = device.read(offset, disk.Superblock.struct.size)
    raw = disk.Superblock(data)
    if raw.magic != disk.MAGIC:
        raise fault(e.EFTYPE, f"{device.name}: no ext2, ext3 or ext4 superblock at {offset}")
    _check_features(raw)
    checksums = raw.feature_ro_compat & disk.RO_COMPAT_METADATA_CSUM
    if checksums:
        if raw.checksum_type != 1:
            raise fault(e.EINVAL, f"unknown checksum type {raw.checksum_type}")
        if services.crc32c(0xFFFFFFFF, data[:CHECKSUM_AT]) != raw.checksum:
            raise Corrupt("superblock: checksum is wrong")
    geometry = Geometry(raw, offset)
    if raw.feature_incompat & disk.INCOMPAT_CSUM_SEED:
        geometry.seed = raw.checksum_seed
    elif checksums or raw.feature_incompat & disk.INCOMPAT_EA_INODE:
        geometry.seed = services.crc32c(0xFFFFFFFF, raw.uuid)
    return geometry


def _check_features(raw: disk.Superblock) -> None:
    """Refuse what is unknown.  Read-only-compatible features need no check: nothing is written."""
    if raw.feature_incompat & disk.INCOMPAT_JOURNAL_DEV:
        raise fault(e.EFTYPE, "an external journal, not a file system")
    unknown = raw.feature_incompat & ~disk.INCOMPAT_KNOWN
    if unknown:
        from rump.drivers.fs.ext2fs import features

        names = " ".join(features.names(0, unknown, 0))
        raise fault(e.EINVAL, f"incompatible features not supported: {names}")
