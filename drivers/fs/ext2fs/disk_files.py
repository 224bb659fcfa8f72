# SPDX-License-Identifier: BSD-2-Clause
"""The structures of ext2, ext3 and ext4 as they lie on the disk: inodes, extents, directories, attributes.

The format is published as the Linux kernel's documentation "ext4 Data Structures and Algorithms"
(Documentation/filesystems/ext4: its part on dynamic structures) and in e2fsprogs' ext4(5) and mke2fs(8).
Names follow it, without the prefixes.  All is little-endian.
"""

from __future__ import annotations

from rump.kernel.structure import Structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rump.kernel.structure import b60, s32, u8, u16, u32, u64


class OldInode(Structure, order="<", size=128):
    """A file: the first 128 bytes of every inode, and all there is of the old ones."""

    mode: u16                   # type and permissions, as st_mode
    uid_lo: u16
    size_lo: u32                # bytes
    atime: s32                  # last access, seconds since 1970
    ctime: s32                  # last change of the inode, seconds
    mtime: s32                  # last change of the contents, seconds
    dtime: u32                  # deleted, seconds
    gid_lo: u16
    links_count: u16
    blocks_lo: u32              # sectors of 512 bytes, or blocks (INODE_HUGE_FILE)
    flags: u32                  # INODE_*
    version: u32                # low half of the change counter; of an EA inode its reference count
    block: b60                  # extents, or 15 block numbers, or a link's target, or data, or a device number
    generation: u32             # tells files of the same number apart (NFS)
    file_acl_lo: u32            # block of extended attributes
    size_high: u32              # of regular files (and directories with large_dir)
    obso_faddr: u32
    blocks_high: u16
    file_acl_high: u16
    uid_high: u16
    gid_high: u16
    checksum_lo: u16            # CRC-32C of seed, number, generation and the inode with its checksum as 0
    reserved: u16


class Inode(Structure, order="<", size=160):
    """A file, as far as the fields of this day go; extra_isize says how far this one does."""

    mode: u16
    uid_lo: u16
    size_lo: u32
    atime: s32
    ctime: s32
    mtime: s32
    dtime: u32
    gid_lo: u16
    links_count: u16
    blocks_lo: u32
    flags: u32
    version: u32
    block: b60
    generation: u32
    file_acl_lo: u32
    size_high: u32
    obso_faddr: u32
    blocks_high: u16
    file_acl_high: u16
    uid_high: u16
    gid_high: u16
    checksum_lo: u16
    reserved: u16
    extra_isize: u16            # bytes of fields behind the first 128; extended attributes follow
    checksum_hi: u16
    ctime_extra: u32            # nanoseconds << 2 | bits 32-33 of the seconds
    mtime_extra: u32
    atime_extra: u32
    crtime: s32                 # made, seconds
    crtime_extra: u32
    version_hi: u32
    projid: u32                 # project quota


INODE_SYNC = 0x8            # changes are to be written at once
INODE_IMMUTABLE = 0x10
INODE_APPEND = 0x20
INODE_NODUMP = 0x40
INODE_NOATIME = 0x80
INODE_ENCRYPT = 0x800
INODE_INDEX = 0x1000        # directory with a hash tree
INODE_JOURNAL_DATA = 0x4000  # contents go through the journal
INODE_NOTAIL = 0x8000
INODE_DIRSYNC = 0x10000     # directory: changes are to be written at once
INODE_TOPDIR = 0x20000      # directories in this one are spread as those at the top
INODE_HUGE_FILE = 0x40000   # blocks counts blocks
INODE_EXTENTS = 0x80000
INODE_VERITY = 0x100000
INODE_EA_INODE = 0x200000   # holds the value of an extended attribute
INODE_INLINE_DATA = 0x10000000
INODE_PROJINHERIT = 0x20000000   # directory: what is made in it is of its project
INODE_CASEFOLD = 0x40000000


class ExtentHeader(Structure, order="<", size=12):
    """Begins every node of an extent tree."""

    magic: u16                  # EXTENT_MAGIC
    entries: u16                # how many follow
    max: u16                    # how many could
    depth: u16                  # 0: extents follow; else indexes of nodes one less deep
    generation: u32


class Extent(Structure, order="<", size=12):
    """Blocks that lie one after the other."""

    block: u32                  # first block of the file
    len: u16                    # blocks; above 32768 it is len - 32768 unwritten ones
    start_hi: u16               # first block of the volume
    start_lo: u32


class ExtentIndex(Structure, order="<", size=12):
    """A node one less deep."""

    block: u32                  # first block of the file it covers
    leaf_lo: u32                # block of the volume the node is in
    leaf_hi: u16
    unused: u16


EXTENT_MAGIC = 0xF30A
EXTENT_DEPTH_MAX = 5
EXTENT_UNWRITTEN = 32768


class Dirent(Structure, order="<", size=8):
    """Begins a directory entry; name_len bytes of name follow."""

    inode: u32                  # 0: the entry is void
    rec_len: u16                # bytes to the next entry; see dirent.record_length for blocks of 64 KiB
    name_len: u8                # bytes
    file_type: u8               # with the feature filetype; without it bits 8-15 of name_len


class DirentTail(Structure, order="<", size=12):
    """Ends a directory block with metadata_csum: a void entry of a type of its own."""

    zero: u32
    rec_len: u16                # 12
    name_len: u8                # 0
    file_type: u8               # TAIL_TYPE
    checksum: u32               # CRC-32C of the inode's seed and all before the tail


TAIL_TYPE = 0xDE


class TreeInfo(Structure, order="<", size=8):
    """Describes a directory's hash tree; behind the entries "." and ".." of the first block."""

    zero: u32
    hash_version: u8            # HASH_*
    info_length: u8             # 8
    indirect_levels: u8         # of nodes between this and the leaves
    unused_flags: u8


class XattrEntry(Structure, order="<", size=16):
    """An extended attribute; name_len bytes of name follow, padded to 4."""

    name_len: u8                # bytes
    name_index: u8              # stands for a prefix (xattr.PREFIXES)
    value_offs: u16             # bytes, from the first entry (in an inode) or the start of the block
    value_inum: u32             # ea_inode: the inode that holds the value
    value_size: u32             # bytes
    hash: u32                   # of name and value; 0 in inodes


class XattrHeader(Structure, order="<", size=32):
    """Begins a block of extended attributes.  In an inode there is only the magic."""

    magic: u32                  # XATTR_MAGIC
    refcount: u32               # inodes that share it
    blocks: u32                 # 1
    hash: u32                   # of all entries
    checksum: u32               # CRC-32C of seed, block number and the block with this as 0
    reserved_a: u32
    reserved_b: u64


XATTR_MAGIC = 0xEA020000
