# SPDX-License-Identifier: BSD-2-Clause
"""The structures of ext2, ext3 and ext4 as they lie on the disk: superblock, groups, features.

The format is published as the Linux kernel's documentation "ext4 Data Structures and Algorithms"
(Documentation/filesystems/ext4: its part on global structures) and in the e2fsprogs manual pages ext4(5) and mke2fs(8).
Names follow it, without the prefixes.  All is little-endian.
"""

from __future__ import annotations

from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import b16, b32, b60, b64, u8, u16, u32, u64

SUPERBLOCK_OFFSET = 1024    # bytes into the device
MAGIC = 0xEF53
ROOT_INO = 2


class Superblock(Structure, order="<", size=1024):
    """Where everything is and what it may look like.  1024 bytes into the device; copies begin some block groups."""

    inodes_count: u32           # how many the volume has
    blocks_count_lo: u32        # how many the volume has
    r_blocks_count_lo: u32      # blocks only root may fill
    free_blocks_count_lo: u32   # blocks
    free_inodes_count: u32
    first_data_block: u32       # the block group 0 begins at: 1 with blocks of 1 KiB, else 0
    log_block_size: u32         # a block is 1024 << this bytes
    log_cluster_size: u32       # bigalloc: a cluster is 1024 << this bytes; else as log_block_size
    blocks_per_group: u32
    clusters_per_group: u32     # (once: fragments)
    inodes_per_group: u32
    mtime: u32                  # last mount, seconds since 1970
    wtime: u32                  # last write, seconds
    mnt_count: u16              # mounts since the last check
    max_mnt_count: u16
    magic: u16                  # MAGIC
    state: u16                  # STATE_* bits
    errors: u16                 # what to do on an error: 1 continue, 2 read-only, 3 panic
    minor_rev_level: u16
    lastcheck: u32              # seconds
    checkinterval: u32          # seconds
    creator_os: u32             # 0 Linux, 1 Hurd, 2 Masix, 3 FreeBSD, 4 Lites
    rev_level: u32              # 0: the fields below are void; 1
    def_resuid: u16             # who may use the reserved blocks
    def_resgid: u16
    first_ino: u32              # first inode number that is not reserved
    inode_size: u16             # bytes
    block_group_nr: u16         # the group this copy is in
    feature_compat: u32
    feature_incompat: u32
    feature_ro_compat: u32
    uuid: b16
    volume_name: b16            # label, padded with NUL
    last_mounted: b64           # folder it was last mounted on, padded with NUL
    algorithm_usage_bitmap: u32
    prealloc_blocks: u8
    prealloc_dir_blocks: u8
    reserved_gdt_blocks: u16    # blocks kept behind the descriptors for growing
    journal_uuid: b16           # of an external journal
    journal_inum: u32           # inode of the journal, 0 if external
    journal_dev: u32            # device number of an external journal
    last_orphan: u32            # head of the list of inodes to finish deleting
    hash_seed: b16              # four words that seed the directory hash
    def_hash_version: u8        # HASH_* of new directories
    jnl_backup_type: u8
    desc_size: u16              # bytes of a group descriptor with 64bit
    default_mount_opts: u32
    first_meta_bg: u32          # first group of descriptor blocks kept per metagroup
    mkfs_time: u32              # made, seconds
    jnl_blocks: b60             # copy of the journal inode's block map
    jnl_size_high: u32          # ... and of its size
    jnl_size_low: u32
    blocks_count_hi: u32
    r_blocks_count_hi: u32
    free_blocks_count_hi: u32
    min_extra_isize: u16        # bytes every inode has behind the first 128
    want_extra_isize: u16       # bytes new inodes should have there
    flags: u32                  # FLAG_*
    raid_stride: u16
    mmp_interval: u16           # seconds
    mmp_block: u64
    raid_stripe_width: u32
    log_groups_per_flex: u8     # a flex group is 1 << this groups
    checksum_type: u8           # 1: CRC-32C
    encryption_level: u8
    reserved_pad: u8
    kbytes_written: u64         # KiB ever written
    snapshot_inum: u32
    snapshot_id: u32
    snapshot_r_blocks: u64
    snapshot_list: u32
    error_count: u32
    first_error_time: u32       # seconds
    first_error_ino: u32
    first_error_block: u64
    first_error_func: b32
    first_error_line: u32
    last_error_time: u32        # seconds
    last_error_ino: u32
    last_error_line: u32
    last_error_block: u64
    last_error_func: b32
    mount_opts: b64
    usr_quota_inum: u32
    grp_quota_inum: u32
    overhead_clusters: u32      # clusters that can never hold data; 0 if not counted
    backup_bgs_0: u32           # sparse_super2: groups that hold copies
    backup_bgs_1: u32
    encrypt_algos: u32
    encrypt_pw_salt: b16
    lpf_ino: u32                # lost+found
    prj_quota_inum: u32
    checksum_seed: u32          # metadata_csum_seed: takes the place of the CRC of uuid
    wtime_hi: u8                # bits 32-39 of the times above
    mtime_hi: u8
    mkfs_time_hi: u8
    lastcheck_hi: u8
    first_error_time_hi: u8
    last_error_time_hi: u8
    first_error_errcode: u8
    last_error_errcode: u8
    encoding: u16               # casefold: 1 is UTF-8 12.1
    encoding_flags: u16         # 1: strict
    orphan_file_inum: u32
    reserved_a: b64
    reserved_b: b64
    reserved_c: b64
    reserved_d: b64
    reserved_e: b60
    reserved_f: b60
    checksum: u32               # CRC-32C of all before it


CREATOR_HURD = 1            # of creator_os
STATE_VALID = 1             # cleanly unmounted
STATE_ERRORS = 2
STATE_ORPHANS = 4
FLAG_UNSIGNED_HASH = 2      # directory hashes take bytes as unsigned

COMPAT_HAS_JOURNAL = 0x4
COMPAT_EXT_ATTR = 0x8
COMPAT_DIR_INDEX = 0x20
COMPAT_SPARSE_SUPER2 = 0x200
COMPAT_FAST_COMMIT = 0x400

INCOMPAT_FILETYPE = 0x2
INCOMPAT_RECOVER = 0x4
INCOMPAT_JOURNAL_DEV = 0x8
INCOMPAT_META_BG = 0x10
INCOMPAT_EXTENTS = 0x40
INCOMPAT_64BIT = 0x80
INCOMPAT_MMP = 0x100
INCOMPAT_FLEX_BG = 0x200
INCOMPAT_EA_INODE = 0x400
INCOMPAT_CSUM_SEED = 0x2000
INCOMPAT_LARGEDIR = 0x4000
INCOMPAT_INLINE_DATA = 0x8000
INCOMPAT_ENCRYPT = 0x10000
INCOMPAT_CASEFOLD = 0x20000
INCOMPAT_KNOWN = 0x3E7D6    # all of the above but JOURNAL_DEV

RO_COMPAT_SPARSE_SUPER = 0x1
RO_COMPAT_LARGE_FILE = 0x2
RO_COMPAT_BTREE_DIR = 0x4
RO_COMPAT_HUGE_FILE = 0x8
RO_COMPAT_GDT_CSUM = 0x10
RO_COMPAT_DIR_NLINK = 0x20
RO_COMPAT_EXTRA_ISIZE = 0x40
RO_COMPAT_BIGALLOC = 0x200
RO_COMPAT_METADATA_CSUM = 0x400
RO_COMPAT_VERITY = 0x8000
RO_COMPAT_ORPHAN_PRESENT = 0x10000


class GroupDescriptor(Structure, order="<", size=32):
    """A block group, in the form without 64bit."""

    block_bitmap_lo: u32        # block number
    inode_bitmap_lo: u32        # block number
    inode_table_lo: u32         # first block of the inode table
    free_blocks_count_lo: u16   # clusters
    free_inodes_count_lo: u16
    used_dirs_count_lo: u16
    flags: u16                  # 1 inode table unused, 2 block bitmap unused, 4 inode table zeroed
    exclude_bitmap_lo: u32
    block_bitmap_csum_lo: u16
    inode_bitmap_csum_lo: u16
    itable_unused_lo: u16       # inodes at the table's end that were never used
    checksum: u16               # CRC-16 (uninit_bg) or low half of CRC-32C (metadata_csum)


class GroupDescriptor64(Structure, order="<", size=64):
    """A block group with 64bit and a desc_size of 64 or more; bytes behind it are reserved."""

    block_bitmap_lo: u32
    inode_bitmap_lo: u32
    inode_table_lo: u32
    free_blocks_count_lo: u16
    free_inodes_count_lo: u16
    used_dirs_count_lo: u16
    flags: u16
    exclude_bitmap_lo: u32
    block_bitmap_csum_lo: u16
    inode_bitmap_csum_lo: u16
    itable_unused_lo: u16
    checksum: u16
    block_bitmap_hi: u32        # the upper halves of the fields above
    inode_bitmap_hi: u32
    inode_table_hi: u32
    free_blocks_count_hi: u16
    free_inodes_count_hi: u16
    used_dirs_count_hi: u16
    itable_unused_hi: u16
    exclude_bitmap_hi: u32
    block_bitmap_csum_hi: u16
    inode_bitmap_csum_hi: u16
    reserved: u32
